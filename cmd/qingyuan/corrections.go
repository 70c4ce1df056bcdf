package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/event"
	"qingyuan/internal/grant"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

// newCorrections joins the office's corrections to the stores. Whoever works on them
// registers them with the queue of jobs and the approvals.
func newCorrections(s *services, o *backOffice, db *sqldb.DB, b book, now func() time.Time) *correction.Service {
	l, acts := ledger.New(db), redisstore.NewCorrections(s.campaigns, b.Campaign, now)
	return &correction.Service{
		DB: db, Ledger: l, Acts: acts, Joins: acts, Banks: bankVersions{l}, Catalog: b,
		Jobs: o.jobs, Approvals: o.approvals, Now: now, Box: s.secrecy.box,
		People: func(ctx context.Context, id string, ids []string) (map[string]string, error) {
			people, err := s.boards.People(ctx, id, ids)
			out := make(map[string]string, len(people))
			for id, p := range people {
				out[id] = p.Name
			}
			return out, err
		},
		Name: func(id, participant string, r event.Record) (string, error) {
			d, err := s.secrecy.open(id, participant, r)
			return d.Name, err
		},
	}
}

// newGrants joins what gives attempts back to the stores.
func newGrants(s *services, o *backOffice, db *sqldb.DB, b book, now func() time.Time) *grant.Service {
	return &grant.Service{
		DB: db, Ledger: ledger.New(db), Acts: redisstore.NewCorrections(s.campaigns, b.Campaign, now), Catalog: b, Jobs: o.jobs, Now: now,
	}
}

// bankVersions reads versions of question banks out of the ledger.
type bankVersions struct{ ledger *ledger.Ledger }

// Bank implements correction.Banks.
func (v bankVersions) Bank(ctx context.Context, digest string) (*quiz.Bank, error) {
	packed, ok, err := v.ledger.Bank(ctx, digest)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the ledger does not hold bank %s", digest)
	}
	return quiz.UnpackBank(digest, packed)
}

// labelMarks is the key of what the rules keep of names.
const labelMarks = "flag marks"

// newWatcher lets the rules read what the ledger holds.
func newWatcher(p *program) *correction.Watcher {
	return &correction.Watcher{
		Service: p.office.corrections, Rules: correction.DefaultFlagRules(), Key: seal.Derive(p.cfg.Secrets.Master.Key(), labelMarks),
		Campaigns: p.catalog.Campaigns, Every: p.cfg.Rounds.Every,
		Failed: func(id string, err error) {
			p.log.Warn("the rules could not read on", "campaign", id, "err", err)
		},
	}
}

// newOrigins keeps the keys by which campaigns tell origins apart.
func newOrigins(db *sqldb.DB, list func() []*campaign.Campaign, log *slog.Logger, now func() time.Time) *correction.OriginKeys {
	return &correction.OriginKeys{DB: db, Now: now, Campaigns: list, Failed: func(err error) { log.Warn("the keys of origins were not read", "err", err) }}
}
