package hiding

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Holder says what is kept of people here: that they were hidden, and why. Once forgotten
// or erased the reasons are gone; who is hidden stays so.
func (s *Service) Holder() retention.Holder {
	const forgotten = "reason = '', shown_reason = ''"
	rows := retention.Rows{DB: s.DB, Table: "hidings", Key: "id", Holds: "reason <> '' OR shown_reason <> ''", Set: forgotten}
	return retention.Holder{
		Name: "hidings", Kind: campaign.KeptFlags, Tables: []string{"hidings"},
		Erase: func(ctx context.Context, participant string) error {
			err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE hidings SET `+forgotten+` WHERE participant = $1`, participant)
				return err
			})
			if err != nil {
				return fmt.Errorf("erase why %s was hidden: %w", participant, err)
			}
			return nil
		},
		Tell: s.tell, Left: rows.Left, Forget: rows.Forget,
	}
}

// tell lists when and why a participant was hidden, in every campaign.
func (s *Service) tell(ctx context.Context, participant string) ([]retention.Told, error) {
	all, err := s.some(ctx, `participant = $1 ORDER BY id`, participant)
	if err != nil {
		return nil, err
	}
	out := make([]retention.Told, len(all))
	for i, h := range all {
		out[i] = retention.Told{Campaign: h.Campaign, Kind: "hiding", At: h.At, State: "hidden", Answer: h.Reason}
		if !h.ShownAt.IsZero() {
			out[i].State = "shown"
		}
	}
	return out, nil
}
