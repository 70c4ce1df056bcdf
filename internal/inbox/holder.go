package inbox

import (
	"context"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
	"qingyuan/internal/sqldb"
)

// Holder says how messages are erased and forgotten. That somebody wrote stays, and what
// was open is closed.
func (s *Service) Holder() retention.Holder {
	return retention.Holder{
		Name: "feedback", Kind: campaign.KeptMessages, Tables: []string{"feedback"},
		Erase: s.ErasePersonal, Tell: s.tell, Left: s.rows().Left,
		Forget: func(ctx context.Context, campaignID string, limit int) (int64, error) {
			return s.rows().Forget(ctx, campaignID, limit)
		},
	}
}

// rows are the messages that still hold a text, and what becomes of them now.
func (s *Service) rows() retention.Rows {
	return retention.Rows{
		DB: s.DB, Table: "feedback", Key: "id",
		Holds: "text IS NOT NULL OR contact IS NOT NULL OR answer IS NOT NULL",
		Set: fmt.Sprintf(`text = NULL, contact = NULL, answer = NULL, mark = CAST(id AS %s),
			decided = CASE WHEN state IN ('received', 'in_review') THEN %d ELSE decided END,
			state   = CASE WHEN state IN ('received', 'in_review') THEN 'closed' ELSE state END`, s.bytes(), s.Now().UnixMilli()),
	}
}

// tell lists what a participant wrote, in every campaign.
func (s *Service) tell(ctx context.Context, participant string) ([]retention.Told, error) {
	all, err := s.some(ctx, `participant = $1 ORDER BY id`, participant)
	if err != nil {
		return nil, err
	}
	out := make([]retention.Told, len(all))
	for i, m := range all {
		out[i] = retention.Told{
			Campaign: m.Campaign, Kind: "feedback", At: m.CreatedAt, State: string(m.State), Text: m.Text, Answer: m.Answer,
		}
		if m.Contact != "" {
			out[i].Text += "\n" + m.Contact
		}
	}
	return out, nil
}

// bytes is what the database calls them.
func (s *Service) bytes() string {
	if s.DB.Dialect == sqldb.PostgreSQL {
		return "BYTEA"
	}
	return "BLOB"
}
