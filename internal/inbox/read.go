package inbox

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

const columns = `id, campaign, unit, grp, participant, kind, text, contact, answer, state, created, decided, login`

// pageSize is how many messages are read at a time.
const pageSize = 500

// one returns the message that a condition names, or ErrNotFound.
func (s *Service) one(ctx context.Context, where string, args ...any) (*Message, error) {
	all, err := s.some(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all[0], nil
}

// some returns the messages that a condition names, in its order.
func (s *Service) some(ctx context.Context, where string, args ...any) ([]*Message, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM feedback WHERE `+where, args...)
	all, err := sqldb.Collect(rows, err, s.scan)
	if err != nil {
		return nil, fmt.Errorf("read messages: %w", err)
	}
	return all, nil
}

func (s *Service) scan(rows *sql.Rows) (*Message, error) {
	var m Message
	var text, contact, answer []byte
	var created, decided int64
	err := rows.Scan(&m.ID, &m.Campaign, &m.Unit, &m.Group, &m.Participant, &m.Kind, &text, &contact, &answer, &m.State, &created, &decided, &m.Login)
	if err != nil {
		return nil, err
	}
	m.CreatedAt = time.UnixMilli(created).UTC()
	if decided > 0 {
		m.DecidedAt = time.UnixMilli(decided).UTC()
	}
	for _, part := range []struct {
		sealed []byte
		to     *string
	}{{text, &m.Text}, {contact, &m.Contact}, {answer, &m.Answer}} {
		if *part.to, err = s.Box.OpenText(part.sealed, aad(m.ID)); err != nil {
			return nil, fmt.Errorf("open message %s: %w", m.ID, err)
		}
	}
	return &m, nil
}

// Own returns the messages of a participant in a campaign, the newest first.
func (s *Service) Own(ctx context.Context, campaignID, participant string) ([]*Message, error) {
	return s.some(ctx, `campaign = $1 AND participant = $2 ORDER BY id DESC`, campaignID, participant)
}

// List returns at most limit messages that the actor may handle, the newest first;
// before is the id that a page ended with, state "" any. Those of nobody's unit are for
// who has the whole campaign.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, state State, before string, limit int) ([]*Message, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	return operator.Seen(before, limit, func(before string, rows int) ([]*Message, error) {
		return s.some(ctx, `campaign = $1 AND id < $2 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4`, campaignID, before, string(state), rows)
	}, func(m *Message) string { return m.ID }, func(m *Message) bool { return who.Within(operator.HandleFeedback, c, m.Unit) })
}

// Find returns a message that the actor may handle, or ErrNotFound.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Message, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	m, err := s.one(ctx, `id = $1 AND campaign = $2`, id, campaignID)
	if err != nil {
		return nil, err
	}
	if !who.Within(operator.HandleFeedback, c, m.Unit) {
		return nil, ErrNotFound
	}
	return m, nil
}
