package correction

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/internal/sqldb"
)

const (
	// evidenceShown is how many acts a flag names.
	evidenceShown = 50
	// mostCounted is how many acts with one mark a flag counts, the newest: so that an
	// address behind which a whole city lies is looked at as quickly as any other.
	mostCounted = 1000
)

// keepMarks writes down what acts have in common with others.
func (s *Service) keepMarks(ctx context.Context, tx *sql.Tx, campaignID string, marks []Mark) error {
	in := sqldb.Insertion{
		Into: "flag_marks (campaign, rule, mark, at, participant, number, unit)", Width: 7, End: "ON CONFLICT DO NOTHING",
	}
	for i := range marks {
		m := &marks[i]
		in.Add(campaignID, string(m.Rule), m.Mark, m.At.UnixMilli(), m.Participant, m.Number, m.Unit)
	}
	return in.Run(ctx, tx, s.DB.Dialect)
}

// raising raises the flags that follow from marks, in the transaction that keeps them.
type raising struct {
	*Service

	tx       *sql.Tx
	campaign string
	limits   map[Rule]Limit
}

// all raises a flag, or adds to it, for every mark that enough participants bear. Marks
// are looked at in one order by everybody, so that no two wait for each other.
func (r *raising) all(ctx context.Context, marks []Mark) error {
	oldest := make(map[Rule]map[string]time.Time)
	for i := range marks {
		m := &marks[i]
		if oldest[m.Rule] == nil {
			oldest[m.Rule] = map[string]time.Time{}
		}
		if at, ok := oldest[m.Rule][m.Mark]; !ok || m.At.Before(at) {
			oldest[m.Rule][m.Mark] = m.At
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(oldest)) {
		if err := r.rule(ctx, rule, oldest[rule]); err != nil {
			return err
		}
	}
	return nil
}

// rule raises the flags of one rule. touched has when the oldest new act with each mark came.
func (r *raising) rule(ctx context.Context, rule Rule, touched map[string]time.Time) error {
	crowds, err := r.crowds(ctx, rule, touched)
	if err != nil {
		return err
	}
	in := sqldb.Insertion{
		Into: "flags (id, campaign, rule, mark, unit, acts, participants, evidence, state, created, seen)", Width: 11,
		End: `ON CONFLICT (campaign, rule, mark) DO UPDATE SET unit = excluded.unit, acts = excluded.acts,
			participants = excluded.participants, evidence = excluded.evidence, seen = excluded.seen`,
	}
	now := r.Now().UnixMilli()
	for _, c := range crowds {
		acts := c.noticed(r.limits[rule], touched[c.mark])
		if len(acts) == 0 {
			continue
		}
		evidence, err := evidenceOf(acts)
		if err != nil {
			return err
		}
		in.Add(ulid.Make().String(), r.campaign, string(rule), c.mark, unitOf(acts), len(acts), headsOf(acts), evidence,
			string(FlagNew), now, now)
	}
	return in.Run(ctx, r.tx, r.DB.Dialect)
}

// crowds finds those who may be enough. Whether there are is asked for many marks at a time
// of those without a flag, which few bear. A mark with one can be borne by any number, so
// that nobody counts them: it is read, as far as a flag counts.
func (r *raising) crowds(ctx context.Context, rule Rule, touched map[string]time.Time) ([]crowd, error) {
	var out []crowd
	since := r.since(rule, touched)
	for marks := range slices.Chunk(slices.Sorted(maps.Keys(touched)), sqldb.AtOnce) {
		flagged, err := r.those(ctx, `SELECT mark FROM flags WHERE campaign = $1 AND rule = $2 AND mark IN (`+sqldb.Places(3, len(marks))+`)`,
			rule, marks)
		if err != nil {
			return nil, err
		}
		fresh, err := r.enough(ctx, rule, since, slices.DeleteFunc(marks, func(m string) bool { return slices.Contains(flagged, m) }))
		if err != nil {
			return nil, err
		}
		for _, mark := range append(flagged, fresh...) {
			c, err := r.crowd(ctx, rule, mark, since)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b crowd) int { return strings.Compare(a.mark, b.mark) })
	return out, nil
}

// since is from when on acts can stand in a window with a new one, in milliseconds.
func (r *raising) since(rule Rule, touched map[string]time.Time) int64 {
	window := r.limits[rule].Window
	if window == 0 {
		return 0
	}
	oldest := slices.MinFunc(slices.Collect(maps.Values(touched)), time.Time.Compare)
	return oldest.Add(-window).UnixMilli()
}

// enough are those of the marks that enough participants bear, if not all at one time.
func (r *raising) enough(ctx context.Context, rule Rule, since int64, marks []string) ([]string, error) {
	least := r.limits[rule].Participants
	if least <= 1 || len(marks) == 0 {
		return marks, nil
	}
	return r.those(ctx, `SELECT mark FROM flag_marks WHERE campaign = $1 AND rule = $2 AND at >= $3 AND mark IN (`+sqldb.Places(5, len(marks))+`)
		GROUP BY mark HAVING COUNT(DISTINCT participant) >= $4`, rule, marks, since, least)
}

// those reads marks; the list of those that are asked for comes behind more.
func (r *raising) those(ctx context.Context, query string, rule Rule, marks []string, more ...any) ([]string, error) {
	args := append([]any{r.campaign, string(rule)}, more...)
	for _, m := range marks {
		args = append(args, m)
	}
	rows, err := r.tx.QueryContext(ctx, query, args...)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (mark string, err error) { return mark, r.Scan(&mark) })
}

// crowd is who bears a mark.
type crowd struct {
	mark string
	acts []markedAct // the newest first
}

type markedAct struct {
	ActID

	unit string
	at   int64 // in milliseconds
}

func (r *raising) crowd(ctx context.Context, rule Rule, mark string, since int64) (crowd, error) {
	rows, err := r.tx.QueryContext(ctx, `SELECT participant, number, unit, at FROM flag_marks
		WHERE campaign = $1 AND rule = $2 AND mark = $3 AND at >= $4 ORDER BY at DESC, participant, number LIMIT $5`,
		r.campaign, string(rule), mark, since, mostCounted)
	acts, err := sqldb.Collect(rows, err, func(r *sql.Rows) (a markedAct, err error) {
		return a, r.Scan(&a.Participant, &a.Number, &a.unit, &a.at)
	})
	return crowd{mark, acts}, err
}

// noticed returns the acts within the newest window that has enough participants; none
// where there is no such window that ends with an act from the given time on.
func (c *crowd) noticed(limit Limit, from time.Time) []markedAct {
	within := map[string]int{} // acts by participant
	end := 0
	for first, a := range c.acts {
		if a.at < from.UnixMilli() {
			break
		}
		for ; end < len(c.acts) && (limit.Window == 0 || c.acts[end].at >= a.at-limit.Window.Milliseconds()); end++ {
			within[c.acts[end].Participant]++
		}
		if len(within) >= max(limit.Participants, 1) {
			return c.acts[first:end]
		}
		if within[a.Participant]--; within[a.Participant] == 0 {
			delete(within, a.Participant)
		}
	}
	return nil
}

// unitOf is the unit that all acts are of, "" where there are several.
func unitOf(acts []markedAct) string {
	for i := range acts {
		if acts[i].unit != acts[0].unit {
			return ""
		}
	}
	return acts[0].unit
}

// headsOf is how many participants the acts are of.
func headsOf(acts []markedAct) int {
	all := map[string]bool{}
	for i := range acts {
		all[acts[i].Participant] = true
	}
	return len(all)
}

// evidenceOf names the newest acts.
func evidenceOf(acts []markedAct) (string, error) {
	shown := make([]ActID, min(len(acts), evidenceShown))
	for i := range shown {
		shown[i] = acts[i].ActID
	}
	raw, err := json.Marshal(shown)
	return string(raw), err
}
