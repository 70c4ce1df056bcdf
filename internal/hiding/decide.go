package hiding

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
)

// Hide takes a participant off the public boards. It is written down first and the boards
// follow, so that a repeat goes on where it was left; one of somebody who is hidden already
// gives the first hiding back, with fresh false.
func (s *Service) Hide(ctx context.Context, who operator.Actor, campaignID, participant, reason string) (kept *Hiding, fresh bool, err error) {
	fail := func(err error) (*Hiding, bool, error) {
		return nil, false, fmt.Errorf("hide participant %s in %s: %w", participant, campaignID, err)
	}
	reason, err = campaign.Prose("reason", reason, 1, longestReason)
	if err != nil {
		return fail(err)
	}
	if err := s.reach(ctx, who, campaignID, participant); err != nil {
		return fail(err)
	}
	h := &Hiding{
		ID: ulid.Make().String(), Campaign: campaignID, Participant: participant, Reason: reason, Login: who.Login, At: s.now(),
	}
	if fresh, err = s.begin(ctx, who, h); err != nil {
		return fail(err)
	}
	if err := s.follow(ctx, campaignID, participant); err != nil {
		return fail(err)
	}
	if !fresh {
		if h, err = s.holding(ctx, campaignID, participant); err != nil {
			return fail(err)
		}
	}
	if err := s.name(ctx, []*Hiding{h}); err != nil {
		return fail(err)
	}
	return h, fresh, nil
}

// Show puts a participant back where they would be. A repeat changes nothing.
func (s *Service) Show(ctx context.Context, who operator.Actor, h *Hiding, reason string) error {
	fail := func(err error) error { return fmt.Errorf("end hiding %s: %w", h.ID, err) }
	reason, err := campaign.Prose("reason", reason, 1, longestReason)
	if err != nil {
		return fail(err)
	}
	if err := s.Writable(h.Campaign); err != nil {
		return fail(err)
	}
	gone, err := s.Withdrawn(ctx, h.Campaign, h.Participant)
	if err == nil && gone {
		err = ErrConsent
	}
	if err == nil {
		err = s.end(ctx, who, h, reason)
	}
	if err == nil {
		err = s.follow(ctx, h.Campaign, h.Participant)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

// reach tells why an operator cannot hide a participant.
func (s *Service) reach(ctx context.Context, who operator.Actor, campaignID, participant string) error {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return err
	}
	people, err := s.People(ctx, campaignID, []string{participant})
	if err != nil {
		return err
	}
	p, enrolled := people[participant]
	if !enrolled || !who.Within(operator.CorrectResults, c, p.Unit) {
		return ErrNobody
	}
	return s.Writable(campaignID)
}

// begin writes a hiding down, and tells whether it did: not where another one holds.
func (s *Service) begin(ctx context.Context, who operator.Actor, h *Hiding) (fresh bool, err error) {
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO hidings (id, campaign, participant, reason, operator, login, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			h.ID, h.Campaign, h.Participant, h.Reason, who.ID, who.Login, h.At.UnixMilli()))
		if fresh = n > 0; err != nil || !fresh {
			return err
		}
		return audit.AppendTx(ctx, tx, record(who, h, h.At, h.Reason, true))
	})
	return fresh, err
}

// end writes down that a hiding holds no longer, unless that was done before.
func (s *Service) end(ctx context.Context, who operator.Actor, h *Hiding, reason string) error {
	now := s.now()
	var ended bool
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `UPDATE hidings SET ended = id, shown_reason = $1, shown_login = $2, shown_at = $3
			WHERE id = $4 AND ended = ''`, reason, who.Login, now.UnixMilli(), h.ID))
		if ended = n > 0; err != nil || !ended {
			return err
		}
		return audit.AppendTx(ctx, tx, record(who, h, now, reason, false))
	})
	if err == nil && ended {
		h.ShownAt, h.ShownLogin, h.ShownReason = now, who.Login, reason
	}
	return err
}

// record is what the log is told. Whom it is about stands in it by their opaque id.
func record(who operator.Actor, h *Hiding, at time.Time, reason string, hidden bool) audit.Record {
	r := who.Record(at, operator.CorrectResults, h.Campaign, "participant:"+h.Participant)
	r.Before, r.After, r.Reason = state(!hidden), state(hidden), reason
	return r
}

func state(hidden bool) json.RawMessage { return json.RawMessage(fmt.Sprintf(`{"hidden":%t}`, hidden)) }

// follow lets the boards be as was written down last. Two who decide at once both look
// again after they have acted, so that the last of them leaves what holds.
func (s *Service) follow(ctx context.Context, campaignID, participant string) error {
	want, err := s.wanted(ctx, campaignID, participant)
	for err == nil {
		if err = s.Boards.Hide(ctx, campaignID, participant, want); err != nil {
			break
		}
		was := want
		if want, err = s.wanted(ctx, campaignID, participant); err == nil && want == was {
			return nil
		}
	}
	if errors.Is(err, campaign.ErrRequired) {
		return ErrNobody
	}
	return err
}

// wanted tells whether a participant is to be hidden: as long as a hiding holds, and
// whatever an office does once they took their consent back.
func (s *Service) wanted(ctx context.Context, campaignID, participant string) (bool, error) {
	_, err := s.holding(ctx, campaignID, participant)
	if errors.Is(err, ErrNotFound) {
		return s.Withdrawn(ctx, campaignID, participant)
	}
	return err == nil, err
}

func (s *Service) now() time.Time { return s.Now().Truncate(time.Millisecond).UTC() }

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
