package main

import (
	"log/slog"
	"time"

	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/roster"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/transfer"
)

// newTransfers joins the requests for other units to the stores.
func newTransfers(s *services, db *sqldb.DB, b book, rosters *roster.Rosters, log *slog.Logger, now func() time.Time) *transfer.Service {
	desk := &rosterDesk{rosters: rosters, find: b.Campaign, sessions: s.sessions, campaigns: s.campaigns, ledger: ledger.New(db)}
	return &transfer.Service{
		DB: db, Box: s.secrecy.box, Campaign: b.Campaign, Enrolment: s.enrolments.Enrolment, Bound: desk.bound,
		Mover: redisstore.NewCorrections(s.campaigns, b.Campaign, now), Now: now,
		Failed: func(err error) { log.Warn("a transfer that was granted waits for its counts", "err", err) },
	}
}
