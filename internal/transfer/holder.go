package transfer

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Holder says what is kept of people here. Where they went stays: the counts tell it too.
func (s *Service) Holder() retention.Holder {
	return retention.Holder{
		Name: "transfers", Kind: campaign.KeptMessages, Tables: []string{"transfers"},
		Erase: s.ErasePersonal, Tell: s.tell, Left: s.rows().Left,
		Forget: func(ctx context.Context, campaignID string, limit int) (int64, error) {
			return s.rows().Forget(ctx, campaignID, limit)
		},
	}
}

// erased is what a request becomes: nothing is left to be read, and what waited ends.
func (s *Service) erased() string {
	return fmt.Sprintf(`why = NULL, answer = NULL,
		decided = CASE WHEN state = 'pending' THEN %d ELSE decided END,
		ended   = CASE WHEN state = 'pending' THEN id ELSE ended END,
		state   = CASE WHEN state = 'pending' THEN 'withdrawn' ELSE state END`, s.Now().UnixMilli())
}

func (s *Service) rows() retention.Rows {
	return retention.Rows{DB: s.DB, Table: "transfers", Key: "id", Holds: "why IS NOT NULL OR answer IS NOT NULL", Set: s.erased()}
}

// ErasePersonal takes away what a participant wrote and was answered, everywhere. A
// request that waits is withdrawn.
func (s *Service) ErasePersonal(ctx context.Context, participant string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE transfers SET `+s.erased()+` WHERE participant = $1`, participant) //nolint:gosec // Every word of it is in this file.
		return err
	})
	if err != nil {
		return fmt.Errorf("erase the transfers of %s: %w", participant, err)
	}
	return nil
}

// tell lists what a participant asked for, in every campaign.
func (s *Service) tell(ctx context.Context, participant string) ([]retention.Told, error) {
	all, err := s.some(ctx, `participant = $1 ORDER BY id`, participant)
	if err != nil {
		return nil, err
	}
	out := make([]retention.Told, len(all))
	for i, r := range all {
		out[i] = retention.Told{Campaign: r.Campaign, Kind: "transfer", At: r.CreatedAt, State: string(r.State), Text: r.Why, Answer: r.Answer}
	}
	return out, nil
}

// Reseal seals every text with the current key, and returns how many requests there are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		page, err := s.some(ctx, `id > $1 ORDER BY id LIMIT $2`, after, pageSize)
		if err != nil {
			return n, err
		}
		for _, r := range page {
			if err := s.resealOne(ctx, r); err != nil {
				return n, fmt.Errorf("seal transfer %s anew: %w", r.ID, err)
			}
			after = r.ID
			n++
		}
		if len(page) < pageSize {
			return n, nil
		}
	}
}

// resealOne writes what was read, unless it was erased or decided meanwhile.
func (s *Service) resealOne(ctx context.Context, r *Request) error {
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE transfers SET why = $1, answer = $2
			WHERE id = $3 AND state = $4 AND (why IS NOT NULL OR answer IS NOT NULL)`,
			s.Box.Text(r.Why, aad(r.ID)), s.Box.Text(r.Answer, aad(r.ID)), r.ID, string(r.State))
		return err
	})
}
