package correction

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
)

// Joiner counts somebody as another participant, where nothing is lost by it.
type Joiner interface {
	Join(ctx context.Context, campaignID, participant, into string) (act.Joining, error)
}

// How participants who are one person are looked at.
const (
	joinEvery = 2 * time.Second
	// joinRests is the longest time between two looks at somebody whose acts still count.
	joinRests = time.Minute
	// joinSettles is for how long somebody is looked at at least: the ledger may not know yet in which
	// campaigns somebody enrolled a moment ago.
	joinSettles = time.Hour
	joinAtOnce  = 200
	joinNever   = math.MaxInt64 // nothing is left to be looked at
	// joinChain bounds how many participants one person was, one after the other.
	joinChain = 16
)

// GoesOnAs notes that a participant signs in as another one from now on, because both are
// one person, and counts them as one where nothing speaks against it already. What does not
// work at once is done by Join later: only that it could not be noted is an error. A
// repeat changes nothing.
func (s *Service) GoesOnAs(ctx context.Context, from, to string) error {
	now := s.now().UnixMilli()
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		// Whoever the doors lead to is there again.
		if _, err := tx.ExecContext(ctx, `DELETE FROM joins WHERE participant = $1`, to); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO joins (participant, goes_on_as, noted, next_look) VALUES ($1, $2, $3, $3)
			ON CONFLICT (participant) DO UPDATE SET goes_on_as = excluded.goes_on_as, noted = excluded.noted, next_look = excluded.next_look`,
			from, to, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that %s goes on as %s: %w", from, to, err)
	}
	_ = s.join(ctx, &pair{from: from, to: to, noted: now}) // Join tries again
	return nil
}

// JoinAll counts those as one who are one person, as soon as nothing speaks against it,
// until ctx ends.
func (s *Service) JoinAll(ctx context.Context, failed func(error)) {
	tick := time.NewTicker(joinEvery)
	defer tick.Stop()
	for {
		if err := s.Join(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pair is a participant who goes on as another.
type pair struct {
	from, to string
	noted    int64
}

// Join is one look of JoinAll.
func (s *Service) Join(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT participant, goes_on_as, noted FROM joins WHERE next_look <= $1 ORDER BY next_look LIMIT $2`,
		s.now().UnixMilli(), joinAtOnce)
	due, err := sqldb.Collect(rows, err, func(r *sql.Rows) (p pair, err error) { return p, r.Scan(&p.from, &p.to, &p.noted) })
	if err != nil {
		return fmt.Errorf("list who goes on as another participant: %w", err)
	}
	var errs []error
	for i := range due {
		if err := s.join(ctx, &due[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// join looks at one participant in every campaign, and notes when to look again.
func (s *Service) join(ctx context.Context, p *pair) error {
	fail := func(err error) error { return fmt.Errorf("count %s as %s: %w", p.from, p.to, err) }
	to, err := s.last(ctx, p.to)
	if err != nil {
		return fail(err)
	}
	shards, err := s.Ledger.ShardsOf(ctx, p.from)
	if err != nil {
		return fail(err)
	}
	waits := false
	for _, shard := range shards {
		if shard.Campaign == ledger.DoorsCampaign {
			continue
		}
		came, err := s.Joins.Join(ctx, shard.Campaign, p.from, to)
		switch {
		case over(err):
		case err != nil:
			return fail(err)
		default:
			waits = waits || came != act.Joined && came != act.Nobody
		}
	}
	return s.lookAgainAt(ctx, p, waits)
}

// over tells whether nothing is counted otherwise any more: the campaign lies on the shelf,
// or nobody knows it.
func over(err error) bool {
	f := fault.From(err)
	return err != nil && (f.Code == "campaign.archived" || f.Code == fault.From(campaign.ErrNotFound).Code)
}

// last is who somebody goes on as in the end.
func (s *Service) last(ctx context.Context, participant string) (string, error) {
	for range joinChain {
		var next string
		err := s.DB.QueryRowContext(ctx, `SELECT goes_on_as FROM joins WHERE participant = $1`, participant).Scan(&next)
		if errors.Is(err, sql.ErrNoRows) {
			return participant, nil
		}
		if err != nil {
			return "", err
		}
		participant = next
	}
	return "", fmt.Errorf("participant %s goes on as too many others", participant)
}

// lookAgainAt lets a pair rest, the longer the older it is, and for good once everything is
// done.
func (s *Service) lookAgainAt(ctx context.Context, p *pair, waits bool) error {
	now := s.now()
	age := now.Sub(time.UnixMilli(p.noted))
	again := now.Add(min(max(age/8, joinEvery), joinRests)).UnixMilli()
	if !waits && age >= joinSettles {
		again = joinNever
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE joins SET next_look = $1 WHERE participant = $2 AND noted = $3`, again, p.from, p.noted)
		return err
	})
}
