package main

import (
	"context"
	"time"

	"qingyuan/internal/catalog"
	"qingyuan/internal/challenge"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
)

// newChallenges joins what offices decide on contested questions to the stores and to the
// corrections, which mark the attempts again.
func newChallenges(s *services, o *backOffice, db *sqldb.DB, k *catalog.Keeper, now func() time.Time) *challenge.Service {
	c := &challenge.Service{
		DB: db, Box: s.secrecy.box, Now: now, Catalog: k.Store(), Corrections: o.corrections, Shelf: o.banks, Ledger: ledger.New(db),
		Definition: func(id string) (catalog.Definition, bool) { return k.Book().Definition(id) },
		Head: func(ctx context.Context, id string, shard int) (event.Position, error) {
			return s.facts.Last(ctx, id, shard, event.Facts)
		},
	}
	if o.corrections != nil {
		o.corrections.Challenges = c
	}
	return c
}
