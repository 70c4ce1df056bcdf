package transfer

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

const columns = `id, campaign, participant, grp, from_unit, to_unit, why, answer, state, created, decided, login, operator`

// pageSize is how many requests are read at a time.
const pageSize = 500

// one returns the request that a condition names, or ErrNotFound.
func (s *Service) one(ctx context.Context, where string, args ...any) (*Request, error) {
	all, err := s.some(ctx, where, args...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all[0], nil
}

// some returns the requests that a condition names, in its order.
func (s *Service) some(ctx context.Context, where string, args ...any) ([]*Request, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+columns+` FROM transfers WHERE `+where, args...)
	all, err := sqldb.Collect(rows, err, s.scan)
	if err != nil {
		return nil, fmt.Errorf("read transfers: %w", err)
	}
	return all, nil
}

func (s *Service) scan(rows *sql.Rows) (*Request, error) {
	var r Request
	var why, answer []byte
	var created, decided int64
	err := rows.Scan(&r.ID, &r.Campaign, &r.Participant, &r.Group, &r.From, &r.To, &why, &answer, &r.State, &created, &decided, &r.Login, &r.by)
	if err != nil {
		return nil, err
	}
	r.CreatedAt = time.UnixMilli(created).UTC()
	if decided > 0 {
		r.DecidedAt = time.UnixMilli(decided).UTC()
	}
	for _, part := range []struct {
		sealed []byte
		to     *string
	}{{why, &r.Why}, {answer, &r.Answer}} {
		if *part.to, err = s.Box.OpenText(part.sealed, aad(r.ID)); err != nil {
			return nil, fmt.Errorf("open transfer %s: %w", r.ID, err)
		}
	}
	return &r, nil
}

// Own returns the requests of a participant in a campaign, the newest first.
func (s *Service) Own(ctx context.Context, campaignID, participant string) ([]*Request, error) {
	return s.some(ctx, `campaign = $1 AND participant = $2 ORDER BY id DESC`, campaignID, participant)
}

// List returns at most limit requests that the actor may decide, the newest first: those
// for units in their part of the tree. before is the id that a page ended with, state ""
// any.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, state State, before string, limit int) ([]*Request, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	return operator.Seen(before, limit, func(before string, rows int) ([]*Request, error) {
		return s.some(ctx, `campaign = $1 AND id < $2 AND ($3 = '' OR state = $3) ORDER BY id DESC LIMIT $4`, campaignID, before, string(state), rows)
	}, func(r *Request) string { return r.ID }, func(r *Request) bool { return who.Within(operator.MoveParticipants, c, r.To) })
}

// Find returns a request that the actor may decide, or ErrNotFound.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Request, error) {
	c, err := s.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	r, err := s.one(ctx, `id = $1 AND campaign = $2`, id, campaignID)
	if err != nil {
		return nil, err
	}
	if !who.Within(operator.MoveParticipants, c, r.To) {
		return nil, ErrNotFound
	}
	return r, nil
}
