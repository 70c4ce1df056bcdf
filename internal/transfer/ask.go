package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
)

// Ask takes the wish of a participant to belong to another unit. One request waits for
// each person: the same wish again gives it back, with fresh false, and another one is
// ErrPending.
func (s *Service) Ask(ctx context.Context, campaignID, participant, unit, why string) (kept *Request, fresh bool, err error) {
	fail := func(err error) (*Request, bool, error) {
		return nil, false, fmt.Errorf("ask for a transfer of %s to %s in %s: %w", participant, unit, campaignID, err)
	}
	c, err := s.Campaign(campaignID)
	if err != nil {
		return fail(err)
	}
	if why, err = campaign.Prose("reason", why, 0, maxText); err != nil {
		return fail(err)
	}
	now := s.Now()
	if err := inTime(c, now); err != nil {
		return fail(err)
	}
	if err := receiving(c, unit); err != nil {
		return fail(err)
	}
	r, err := s.wish(ctx, c, participant, unit)
	if err != nil {
		return fail(err)
	}
	r.ID, r.Why, r.State, r.CreatedAt = ulid.Make().String(), why, Pending, now.Truncate(time.Millisecond).UTC()
	done, err := s.place(ctx, r, c.Day(now))
	switch {
	case errors.Is(err, ErrTooMany):
		return nil, false, ErrTooMany.WithRetry(c.NextDay(now).Sub(now))
	case err != nil:
		return fail(err)
	case done:
		return r, true, nil
	}
	waiting, err := s.one(ctx, `campaign = $1 AND participant = $2 AND ended = ''`, c.ID, participant)
	switch {
	case err != nil:
		return fail(err)
	case waiting.To != unit:
		return nil, false, ErrPending
	}
	return waiting, false, nil
}

// wish makes a request of somebody who may have it.
func (s *Service) wish(ctx context.Context, c *campaign.Campaign, participant, unit string) (*Request, error) {
	e, err := s.Enrolment(ctx, c.ID, participant)
	switch {
	case errors.Is(err, campaign.ErrNotEnrolled):
		return nil, campaign.ErrRequired
	case err != nil:
		return nil, err
	case e.Unit == unit:
		return nil, ErrSameUnit
	}
	if err := s.counted(ctx, c.ID, participant); err != nil {
		return nil, err
	}
	bound, err := s.Bound(ctx, c.ID, e.Unit, participant)
	if err != nil {
		return nil, err
	}
	if bound {
		return nil, ErrRosterBound
	}
	return &Request{Campaign: c.ID, Participant: participant, Group: e.Group, From: e.Unit, To: unit}, nil
}

// counted returns ErrJoined for somebody who is counted as another participant.
func (s *Service) counted(ctx context.Context, campaignID, participant string) error {
	m, err := s.Mover.Membership(ctx, campaignID, participant)
	if err == nil && m.Into != "" {
		return ErrJoined
	}
	return err
}

// place writes a request, and tells whether it did: not where another one waits.
func (s *Service) place(ctx context.Context, r *Request, day string) (done bool, err error) {
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		var today, waiting int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN ended = '' THEN 1 ELSE 0 END), 0) FROM transfers
			WHERE campaign = $1 AND participant = $2 AND (day = $3 OR ended = '')`, r.Campaign, r.Participant, day).Scan(&today, &waiting)
		if err != nil || waiting > 0 {
			return err
		}
		if today >= PerDay {
			return ErrTooMany
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO transfers (id, campaign, participant, grp, from_unit, to_unit, day, why, state, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9) ON CONFLICT DO NOTHING`,
			r.ID, r.Campaign, r.Participant, r.Group, r.From, r.To, day, s.Box.Text(r.Why, aad(r.ID)), r.CreatedAt.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		done = n == 1
		return err
	})
	return done, err
}

// Withdraw takes back what nobody has decided. A repeat changes nothing. The request of
// somebody else is ErrNotFound, and one that was decided ErrState.
func (s *Service) Withdraw(ctx context.Context, campaignID, participant, id string) error {
	r, err := s.one(ctx, `id = $1 AND campaign = $2 AND participant = $3`, id, campaignID, participant)
	if err != nil {
		return err
	}
	if r.State == Withdrawn {
		return nil
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		return changed(tx.ExecContext(ctx, `UPDATE transfers SET state = 'withdrawn', decided = $1, ended = id
			WHERE id = $2 AND state = 'pending'`, s.Now().UnixMilli(), r.ID))
	})
	if err != nil {
		return fmt.Errorf("withdraw transfer %s: %w", id, err)
	}
	return nil
}

// changed returns ErrState where a statement has found nothing to change.
func changed(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrState)
	}
	return nil
}
