package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/spool"
	"qingyuan/leaderboard"
	"qingyuan/web"
)

// newServer joins the services to the HTTP edge.
func newServer(p *program, registry *prometheus.Registry, now func() time.Time) (*httpapi.Server, error) {
	h, s := p.cfg.HTTP, p.services
	uploads, err := spool.Open(filepath.Join(p.cfg.Data.Dir, uploadsDir))
	if err != nil {
		return nil, err
	}
	server := &httpapi.Server{
		Catalog: p.catalog, Enrolments: s.enrolments, Quizzes: s.quiz, Pledges: s.pledges,
		Boards:   &leaderboard.Service{Catalog: p.catalog, Store: s.boards, Snapshots: p.publisher, Now: now},
		Sessions: s.sessions, Tokens: s.sessions, SignIns: s.gate,
		Tickets: s.tickets, Switches: p.switches,
		Ready: func(context.Context) httpapi.Readiness {
			return httpapi.Readiness{Reasons: p.ready.Reasons(), Warnings: p.ready.Warnings()}
		},
		Log: p.log, Now: now, Registerer: registry, Gatherer: registry,
		Demo: p.cfg.Demo, Pprof: h.Pprof, Timeout: h.Timeout, BodyLimit: int(h.BodyLimit),
		ReadTimeout: h.ReadTimeout, IdleTimeout: h.IdleTimeout, TrustedProxies: h.TrustedProxies,
		Limits:    limits(p.cfg),
		Operators: p.office.accounts, Accounts: p.office.accounts, Journal: p.office.journal, Approvals: p.office.approvals,
		Campaigns: p.catalog.Store(), Imports: catalog.Importer{Queue: p.office.jobs}, Jobs: p.office.jobs,
		Banks: p.office.banks, Pictures: p.office.pictures, Corrections: p.office.corrections, Grants: p.office.grants, Challenges: p.office.challenges, Reports: p.office.reports, Appeals: p.office.corrections, Flags: p.office.corrections, Origins: p.office.corrections.Origins,
		Live: httpapi.Live{MaxWatchers: h.MaxWatchers, MaxPerAddress: h.MaxWatchersPerAddress},
	}
	server.Rosters, server.RosterDesk, server.Persons = p.rosters.desk, p.rosters, p.persons
	server.Retention = p.retention
	server.Signers, server.PublicURL, server.ScreenTickets = signers{p.archive.ledger, s.secrecy}, h.PublicURL, s.sessions
	server.Proofs = p.proofs
	server.Topics = topicBoard{p.topics}
	server.Inbox, server.Offline, server.Duty = p.inbox, newOffline(p.sql, p.catalog.Campaign, now), p.duty
	server.Pages = web.Pages()
	server.Spool = uploads
	server.Transfers = p.transfers
	server.Hidings = newHidings(s, p.sql, p.catalog, now)
	server.Prizes, server.PrizeDesk, server.PrizeStaff = s.prizes, p.prizes, p.prizes.Staff
	if p.room != nil { // a nil room in the interface would be one
		server.Queue = p.room
		if p.room.Brake != nil {
			server.Brake = p.room.Brake
		}
	}
	return server, nil
}

// uploadsDir is where in the data folder files lie that operators send.
const uploadsDir = "uploads"

func limits(cfg configs.Config) httpapi.Limits {
	rate := func(r configs.Rate) httpapi.Rate { return httpapi.Rate{PerSecond: r.Rate, Burst: r.Burst} }
	lookups := cfg.Limits.LookupPerMinutePerAddress
	return httpapi.Limits{
		PerParticipant: rate(cfg.Limits.PerParticipant), PerAddress: rate(cfg.Limits.PerAddress),
		Lookup: httpapi.Rate{PerSecond: float64(lookups) / 60, Burst: lookups},
		Allow:  cfg.Allowed(),
	}
}
