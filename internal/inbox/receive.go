package inbox

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"
)

// Receive takes a message and returns it as it is kept. The same text of the same kind
// again within the local day gives the first back, with fresh false. More than PerDay are
// ErrTooMany.
func (s *Service) Receive(ctx context.Context, m Message) (kept *Message, fresh bool, err error) {
	if err := m.check(); err != nil {
		return nil, false, err
	}
	c, err := s.Campaign(m.Campaign)
	if err != nil {
		return nil, false, err
	}
	now := s.Now()
	m.ID, m.State, m.CreatedAt = ulid.Make().String(), Received, now.Truncate(time.Millisecond).UTC()
	local := now.In(c.Zone)
	a := arrival{Message: &m, day: local.Format(time.DateOnly), mark: s.mark(&m)}
	for range PerDay + 1 { // another message of theirs may take the place meanwhile
		done, err := s.place(ctx, &a)
		if errors.Is(err, ErrTooMany) {
			tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, local.Location())
			return nil, false, ErrTooMany.WithRetry(tomorrow.Sub(now))
		}
		if err != nil {
			return nil, false, fmt.Errorf("take a message in %s: %w", m.Campaign, err)
		}
		if done {
			return &m, true, nil
		}
		kept, err := s.one(ctx, `campaign = $1 AND participant = $2 AND day = $3 AND mark = $4`, m.Campaign, m.Participant, a.day, a.mark)
		if !errors.Is(err, ErrNotFound) {
			return kept, false, err
		}
	}
	return nil, false, ErrTooMany
}

// arrival is a message on its way in.
type arrival struct {
	*Message

	day  string
	mark []byte
}

// mark is equal for equal texts of one kind.
func (s *Service) mark(m *Message) []byte {
	h := hmac.New(sha256.New, s.Key[:])
	for _, part := range []string{string(m.Kind), m.Text} {
		h.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return h.Sum(nil)[:16]
}

// place writes the message behind those of the day, and tells whether it did: not where
// the same message is there, or another took the place at the same moment.
func (s *Service) place(ctx context.Context, a *arrival) (done bool, err error) {
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		var before, same int
		err := tx.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN mark = $4 THEN 1 ELSE 0 END), 0) FROM feedback
			WHERE campaign = $1 AND participant = $2 AND day = $3`, a.Campaign, a.Participant, a.day, a.mark).Scan(&before, &same)
		if err != nil || same > 0 {
			return err
		}
		if before >= PerDay {
			return ErrTooMany
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO feedback (id, campaign, unit, grp, participant, kind, day, n, mark, text, contact, state, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'received', $12) ON CONFLICT DO NOTHING`,
			a.ID, a.Campaign, a.Unit, a.Group, a.Participant, string(a.Kind), a.day, before+1, a.mark,
			s.Box.Text(a.Text, aad(a.ID)), s.Box.Text(a.Contact, aad(a.ID)), a.CreatedAt.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		done = n == 1
		return err
	})
	return done, err
}

// aad binds what is sealed to its message.
func aad(id string) []byte { return []byte("feedback|" + id) }
