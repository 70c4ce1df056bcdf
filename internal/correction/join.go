package correction

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
)

// Joiner counts somebody as another participant, where nothing is lost by it, and as
// themselves again.
type Joiner interface {
	Membership(ctx context.Context, campaignID, participant string) (act.Membership, error)
	Join(ctx context.Context, campaignID, participant, into string, returns bool) (act.Joining, error)
	Part(ctx context.Context, campaignID, participant string) error
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
	joinNever   = math.MaxInt64 // until acts of theirs are taken out or given back
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

// join looks at one person in every campaign, and notes when to look again.
func (s *Service) join(ctx context.Context, p *pair) error {
	fail := func(err error) error { return fmt.Errorf("count %s as %s: %w", p.from, p.to, err) }
	people, err := s.everybody(ctx, p.to)
	if err != nil {
		return fail(err)
	}
	campaigns, err := s.campaignsOf(ctx, people)
	if err != nil {
		return fail(err)
	}
	waits := false
	for _, c := range campaigns {
		one, err := s.countOnce(ctx, c, people)
		if err != nil && !over(err) {
			return fail(err)
		}
		waits = waits || err == nil && !one
	}
	return s.lookAgainAt(ctx, p, waits)
}

// campaignsOf are those that know anybody of a person.
func (s *Service) campaignsOf(ctx context.Context, people []string) ([]string, error) {
	var out []string
	for _, p := range people {
		shards, err := s.Ledger.ShardsOf(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, shard := range shards {
			if shard.Campaign != ledger.DoorsCampaign && !slices.Contains(out, shard.Campaign) {
				out = append(out, shard.Campaign)
			}
		}
	}
	return out, nil
}

// member is a participant who is a person, or was.
type member struct {
	act.Membership

	id string
}

// busy tells whether they cannot be counted as somebody else.
func (m *member) busy() bool { return m.Counts || m.Sits }

// countOnce counts a person once in a campaign, as far as nothing speaks against it: the
// enrolment of one of the participants who they are or were stays, and those of the
// others go. It tells whether that is so, and by the participant as whom the person signs
// in, who is the first.
func (s *Service) countOnce(ctx context.Context, campaignID string, people []string) (bool, error) {
	all := make([]member, len(people))
	for i, id := range people {
		m, err := s.Joins.Membership(ctx, campaignID, id)
		if err != nil {
			return false, err
		}
		all[i] = member{m, id}
	}
	keep := whoStays(all)
	if keep == nil {
		return true, nil
	}
	if keep.Into != "" {
		if err := s.Joins.Part(ctx, campaignID, keep.id); err != nil {
			return false, err
		}
	}
	once := keep == &all[0]
	for i := range all {
		if m := &all[i]; m != keep && m.Enrolled {
			one, err := s.countAs(ctx, campaignID, m, keep.id, i == 0)
			if err != nil {
				return false, err
			}
			once = once && one
		}
	}
	return once, nil
}

// whoStays chooses the participant whose enrolment counts the person: the one as whom they
// sign in, unless only what they did as another one counts, or they have enrolled as
// another one alone. It is nil where they have enrolled as nobody.
func whoStays(all []member) *member {
	first := &all[0]
	if first.Enrolled && first.busy() {
		return first
	}
	for _, speaks := range []func(*member) bool{
		func(m *member) bool { return m.Counts },
		func(m *member) bool { return m == first },
		func(m *member) bool { return m.Into == "" },
		func(*member) bool { return true },
	} {
		for i := range all {
			if m := &all[i]; m.Enrolled && speaks(m) {
				return m
			}
		}
	}
	return nil
}

// countAs counts somebody as another participant, and tells whether they are. Whoever
// returns, because the person signs in as them, is let in again by the next act.
func (s *Service) countAs(ctx context.Context, campaignID string, m *member, into string, returns bool) (bool, error) {
	switch {
	case m.Into != "" && m.Returns == returns:
		return true, nil
	case m.busy():
		return false, nil
	case m.Into != "":
		if err := s.Joins.Part(ctx, campaignID, m.id); err != nil {
			return false, err
		}
	}
	came, err := s.Joins.Join(ctx, campaignID, m.id, into, returns)
	return came == act.Joined || came == act.Nobody, err
}

// over tells whether nothing is counted otherwise any more: the campaign lies on the shelf,
// or nobody knows it.
func over(err error) bool {
	f := fault.From(err)
	return err != nil && (f.Code == "campaign.archived" || f.Code == fault.From(campaign.ErrNotFound).Code)
}

// everybody lists the participants who are one person with another, the one as whom they
// sign in by now first.
func (s *Service) everybody(ctx context.Context, participant string) ([]string, error) {
	first, err := s.last(ctx, participant)
	if err != nil {
		return nil, err
	}
	all := []string{first}
	for i := 0; i < len(all) && i < joinChain; i++ {
		rows, err := s.DB.QueryContext(ctx, `SELECT participant FROM joins WHERE goes_on_as = $1 ORDER BY noted, participant`, all[i])
		before, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
		if err != nil {
			return nil, err
		}
		all = append(all, before...)
	}
	return all, nil
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

// lookAtOnce lets everybody be looked at again of whom a batch has acts, because what
// counts of them has changed.
func lookAtOnce(ctx context.Context, tx *sql.Tx, b *Batch, now time.Time) error {
	const theirs = `(SELECT participant FROM correction_items WHERE batch = $2)`
	_, err := tx.ExecContext(ctx, `UPDATE joins SET next_look = $1 WHERE participant IN `+theirs+` OR goes_on_as IN `+theirs, now.UnixMilli(), b.ID)
	return err
}
