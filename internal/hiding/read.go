package hiding

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

const columns = `id, campaign, participant, reason, login, at, shown_reason, shown_login, shown_at`

// holding returns the hiding that holds of a participant, or ErrNotFound.
func (s *Service) holding(ctx context.Context, campaignID, participant string) (*Hiding, error) {
	return s.one(ctx, `campaign = $1 AND participant = $2 AND ended = ''`, campaignID, participant)
}

// one returns the hiding that a condition names, or ErrNotFound.
func (s *Service) one(ctx context.Context, where string, args ...any) (*Hiding, error) {
	all, err := s.some(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all[0], nil
}

// some returns the hidings that a condition names, in its order.
func (s *Service) some(ctx context.Context, where string, args ...any) ([]*Hiding, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM hidings WHERE `+where, args...)
	all, err := sqldb.Collect(rows, err, scan)
	if err != nil {
		return nil, fmt.Errorf("read hidings: %w", err)
	}
	return all, nil
}

func scan(rows *sql.Rows) (*Hiding, error) {
	var h Hiding
	var at, shown int64
	err := rows.Scan(&h.ID, &h.Campaign, &h.Participant, &h.Reason, &h.Login, &at, &h.ShownReason, &h.ShownLogin, &shown)
	h.At = time.UnixMilli(at).UTC()
	if shown > 0 {
		h.ShownAt = time.UnixMilli(shown).UTC()
	}
	return &h, err
}

// name adds what boards show of the people, who are all of one campaign.
func (s *Service) name(ctx context.Context, all []*Hiding) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]string, len(all))
	for i, h := range all {
		ids[i] = h.Participant
	}
	people, err := s.People(ctx, all[0].Campaign, ids)
	if err != nil {
		return err
	}
	for _, h := range all {
		h.Name, h.Unit = people[h.Participant].Name, people[h.Participant].Unit
	}
	return nil
}

// List returns at most limit hidings of people in the actor's part of the tree, the newest
// first. before is the id that a page ended with; all are also those that hold no longer.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, all bool, before string, limit int) ([]*Hiding, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	where := `campaign = $1 AND id < $2`
	if !all {
		where += ` AND ended = ''`
	}
	return operator.Seen(before, limit, func(before string, rows int) ([]*Hiding, error) {
		page, err := s.some(ctx, where+` ORDER BY id DESC LIMIT $3`, campaignID, before, rows)
		if err != nil {
			return nil, err
		}
		return page, s.name(ctx, page)
	}, func(h *Hiding) string { return h.ID }, func(h *Hiding) bool { return who.Within(operator.CorrectResults, c, h.Unit) })
}

// Find returns a hiding of somebody in the actor's part, or ErrNotFound.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Hiding, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	h, err := s.one(ctx, `id = $1 AND campaign = $2`, id, campaignID)
	if err == nil {
		err = s.name(ctx, []*Hiding{h})
	}
	if err != nil {
		return nil, err
	}
	if !who.Within(operator.CorrectResults, c, h.Unit) {
		return nil, ErrNotFound
	}
	return h, nil
}
