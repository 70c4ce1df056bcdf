package correction

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/retention"
	"qingyuan/internal/sqldb"
)

// Holders say how appeals and flags are erased and forgotten. That somebody appealed
// stays, and so does that a rule noticed something, of how many, and what was decided.
func (s *Service) Holders() []retention.Holder {
	appeals := retention.Rows{
		DB: s.DB, Table: "appeals", Key: "id", Holds: "text IS NOT NULL OR answer IS NOT NULL", Set: "text = NULL, answer = NULL",
	}
	marks := retention.Rows{DB: s.DB, Table: "flag_marks", Key: "campaign, rule, mark, at, participant, number", Holds: "true"}
	flags := retention.Rows{DB: s.DB, Table: "flags", Key: "id", Holds: "mark <> id", Set: "mark = id, evidence = '[]'"}
	return []retention.Holder{
		{
			Name: "appeals", Kind: campaign.KeptMessages, Tables: []string{"appeals"},
			Erase: s.ErasePersonal, Tell: s.tellAppeals, Left: appeals.Left, Forget: appeals.Forget,
		},
		// What rules noticed names nobody but by an opaque id, and outlives an erasure: a
		// doubt about an act does not go with a name. It is told, and goes with its time.
		{
			Name: "flag_marks", Kind: campaign.KeptFlags, Tables: []string{"flag_marks"},
			Tell: s.tellFlags, Left: marks.Left, Forget: marks.Forget,
		},
		{Name: "flags", Kind: campaign.KeptFlags, Tables: []string{"flags"}, Left: flags.Left, Forget: flags.Forget},
	}
}

// tellAppeals lists what a participant wrote against invalidations.
func (s *Service) tellAppeals(ctx context.Context, participant string) ([]retention.Told, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+appealColumns+` FROM appeals WHERE participant = $1 ORDER BY id`, participant)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (retention.Told, error) {
		a, err := s.scanAppeal(r)
		if err != nil {
			return retention.Told{}, err
		}
		return retention.Told{
			Campaign: a.Campaign, Kind: "appeal", At: a.CreatedAt, State: string(a.State), Text: a.Text, Answer: a.Answer,
		}, nil
	})
}

// tellFlags lists the flags that are raised over acts of a participant: that there is
// one and of which rule, and nothing of the others it names.
func (s *Service) tellFlags(ctx context.Context, participant string) ([]retention.Told, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT f.campaign, f.rule, f.created FROM flags f
		JOIN flag_marks m ON m.campaign = f.campaign AND m.rule = f.rule AND m.mark = f.mark
		WHERE m.participant = $1 ORDER BY f.campaign, f.created, f.rule`, participant)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (t retention.Told, err error) {
		var at int64
		err = r.Scan(&t.Campaign, &t.State, &at)
		t.Kind, t.At = "flag", time.UnixMilli(at)
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the flags over acts of participant %s: %w", participant, err)
	}
	return all, nil
}

// Holder says how the keys of origins are forgotten: what facts hold of origins means
// nothing from then on.
func (o *OriginKeys) Holder() retention.Holder {
	return retention.Holder{
		Name: "origin_keys", Kind: campaign.KeptOrigins, Tables: []string{"origin_keys"},
		Left: func(ctx context.Context, id string) (n int64, err error) {
			err = o.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM origin_keys WHERE campaign = $1 AND bytes IS NOT NULL`, id).Scan(&n)
			return n, err
		},
		Forget: func(ctx context.Context, id string, _ int) (n int64, err error) {
			err = o.DB.QueryRowContext(ctx, `SELECT COUNT(*) FROM origin_keys WHERE campaign = $1 AND bytes IS NOT NULL`, id).Scan(&n)
			if err != nil || n == 0 {
				return n, err
			}
			return n, o.Destroy(ctx, id)
		},
	}
}
