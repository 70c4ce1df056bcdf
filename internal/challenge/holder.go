package challenge

import (
	"context"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
)

// Holder says how reports are erased and forgotten. That a question was reported stays,
// and as what.
func (s *Service) Holder() retention.Holder {
	rows := retention.Rows{DB: s.DB, Table: "question_reports", Key: "id", Holds: "text IS NOT NULL", Set: "text = NULL"}
	return retention.Holder{
		Name: "question reports", Kind: campaign.KeptMessages, Tables: []string{"question_reports"},
		Erase: s.ErasePersonal, Tell: s.tell, Left: rows.Left, Forget: rows.Forget,
	}
}

// tell lists what a participant reported, in every campaign.
func (s *Service) tell(ctx context.Context, participant string) ([]retention.Told, error) {
	all, err := s.reports(ctx, `participant = $1 ORDER BY id`, participant)
	if err != nil {
		return nil, err
	}
	out := make([]retention.Told, len(all))
	for i, r := range all {
		out[i] = retention.Told{Campaign: r.Campaign, Kind: "question_report", At: r.CreatedAt, State: string(r.Kind), Text: r.Text}
	}
	return out, nil
}
