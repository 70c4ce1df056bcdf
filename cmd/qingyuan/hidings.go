package main

import (
	"context"
	"time"

	"qingyuan/internal/hiding"
	"qingyuan/internal/retention"
	"qingyuan/internal/shelf"
	"qingyuan/internal/sqldb"
)

// newHidings joins what is written down of hidden people to the boards.
func newHidings(s *services, db *sqldb.DB, b book, now func() time.Time) *hiding.Service {
	withdrawals := retention.Withdrawals{DB: db}
	return &hiding.Service{
		DB: db, Boards: s.boards, Campaign: b.Campaign, Now: now,
		Writable: func(campaignID string) error {
			if s.shelf.Has(campaignID) {
				return shelf.ErrArchived
			}
			return nil
		},
		People: func(ctx context.Context, campaignID string, ids []string) (map[string]hiding.Known, error) {
			people, err := s.boards.People(ctx, campaignID, ids)
			out := make(map[string]hiding.Known, len(people))
			for id, p := range people {
				out[id] = hiding.Known{Name: p.Name, Unit: p.Unit}
			}
			return out, err
		},
		Withdrawn: func(ctx context.Context, campaignID, participant string) (bool, error) {
			at, err := withdrawals.Of(ctx, campaignID, participant)
			return !at.IsZero(), err
		},
	}
}
