package inbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
)

// Review tells the participant that somebody looks at their message. A repeat changes
// nothing.
func (s *Service) Review(ctx context.Context, who operator.Actor, m *Message) error {
	if m.State == InReview {
		return nil
	}
	return s.lead(ctx, who, m, InReview, "")
}

// Answer tells the participant what the office says.
func (s *Service) Answer(ctx context.Context, who operator.Actor, m *Message, answer string) error {
	answer, err := campaign.Prose("answer", answer, 1, maxAnswer)
	if err != nil {
		return err
	}
	return s.lead(ctx, who, m, Answered, answer)
}

// Close ends a message that is not answered as such; the participant is told why.
func (s *Service) Close(ctx context.Context, who operator.Actor, m *Message, why string) error {
	why, err := campaign.Prose("answer", why, 1, maxAnswer)
	if err != nil {
		return err
	}
	return s.lead(ctx, who, m, Closed, why)
}

// lead moves a message that is not decided to a state. The log is told of the states, and
// nothing of what was written.
func (s *Service) lead(ctx context.Context, who operator.Actor, m *Message, to State, answer string) error {
	now := s.Now().Truncate(time.Millisecond).UTC()
	var decided time.Time
	if to == Answered || to == Closed {
		decided = now
	}
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE feedback SET state = $1, answer = $2, decided = $3, operator = $4, login = $5
			WHERE id = $6 AND state = $7 AND state IN ('received', 'in_review')`,
			string(to), s.Box.Text(answer, aad(m.ID)), milli(decided), who.ID, who.Login, m.ID, string(m.State))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, ErrState)
		}
		r := who.Record(now, operator.HandleFeedback, m.Campaign, "feedback:"+m.ID)
		r.Before, r.After = json.RawMessage(`{"state":"`+string(m.State)+`"}`), json.RawMessage(`{"state":"`+string(to)+`"}`)
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("lead message %s to %s: %w", m.ID, to, err)
	}
	m.State, m.Answer, m.DecidedAt, m.Login = to, answer, decided, who.Login
	return nil
}

// milli is 0 for no time.
func milli(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// ErasePersonal takes away what a participant wrote and was answered, everywhere. That
// they wrote stays, and what was open is closed: nobody could answer it.
func (s *Service) ErasePersonal(ctx context.Context, participant string) error {
	theirs, err := s.some(ctx, `participant = $1`, participant)
	if err != nil {
		return err
	}
	for _, m := range theirs {
		if err := s.eraseOne(ctx, m.ID); err != nil {
			return fmt.Errorf("erase message %s: %w", m.ID, err)
		}
	}
	return nil
}

// eraseOne takes the mark away as well: it is worked out from the text.
func (s *Service) eraseOne(ctx context.Context, id string) error {
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE feedback SET text = NULL, contact = NULL, answer = NULL, mark = $1,
			decided = CASE WHEN state IN ('received', 'in_review') THEN $2 ELSE decided END,
			state   = CASE WHEN state IN ('received', 'in_review') THEN 'closed' ELSE state END
			WHERE id = $3`, []byte(id), s.Now().UnixMilli(), id)
		return err
	})
}

// Reseal seals every text with the current key, and returns how many messages there are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		page, err := s.some(ctx, `id > $1 ORDER BY id LIMIT $2`, after, pageSize)
		if err != nil {
			return n, err
		}
		for _, m := range page {
			if err := s.resealOne(ctx, m); err != nil {
				return n, fmt.Errorf("seal message %s anew: %w", m.ID, err)
			}
			after = m.ID
			n++
		}
		if len(page) < pageSize {
			return n, nil
		}
	}
}

// resealOne writes what was read, unless it was erased or answered meanwhile.
func (s *Service) resealOne(ctx context.Context, m *Message) error {
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE feedback SET text = $1, contact = $2, answer = $3 WHERE id = $4 AND state = $5 AND text IS NOT NULL`,
			s.Box.Text(m.Text, aad(m.ID)), s.Box.Text(m.Contact, aad(m.ID)), s.Box.Text(m.Answer, aad(m.ID)), m.ID, string(m.State))
		return err
	})
}
