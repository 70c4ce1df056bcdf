package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"qingyuan/internal/correction"
	acts "qingyuan/internal/correction/act"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
)

// noActs is a store in which nobody has done anything.
type noActs struct{}

func (noActs) Begin(context.Context, string, acts.Turn) error { return nil }
func (noActs) Invalidate(context.Context, string, acts.Turn, acts.Act) (acts.Fate, error) {
	return acts.Fate{}, acts.ErrNone
}

func (noActs) Restore(context.Context, string, acts.Turn, acts.Act) (acts.Fate, error) {
	return acts.Fate{}, acts.ErrNone
}

func (noActs) Fate(context.Context, string, acts.Act) (acts.Fate, error) {
	return acts.Fate{}, acts.ErrNone
}

func (noActs) Remark(context.Context, string, acts.Turn, acts.Remark) (acts.Marks, error) {
	return acts.Marks{}, acts.ErrNone
}

func (noActs) Marks(context.Context, string, acts.Act) (acts.Marks, error) {
	return acts.Marks{}, acts.ErrNone
}

// openCorrections gives a bench with operators the service of corrections, whose jobs
// nobody works on.
func openCorrections(t *testing.T, b *bench) {
	t.Helper()
	db := b.office.db
	s := &correction.Service{
		DB: db, Ledger: ledger.New(db), Acts: noActs{}, Catalog: b.catalog, Approvals: b.office.approvals, Now: b.Now, Box: testBox(t),
		Jobs: &jobs.Queue{DB: db, Now: b.Now, Log: slog.New(slog.DiscardHandler)},
		People: func(context.Context, string, []string) (map[string]string, error) {
			return map[string]string{"p1": "张**"}, nil
		},
	}
	for _, k := range s.Kinds() {
		b.office.approvals.Register(k)
	}
	b.Corrections, b.Appeals, b.Flags = s, s, s
}

// correctionArea takes acts of unit no1 out.
func correctionArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/corrections"
	in := func(s correction.State) func(*testing.T, *bench) map[string]string {
		return func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			return map[string]string{"correction": b.batch(t, "no1", s)}
		}
	}
	return area{
		open: openCorrections,
		subjects: map[string]subject{
			"GET " + all: {},
			"POST " + all: {
				placed: true, ok: http.StatusCreated, outside: http.StatusBadRequest,
				body: `{"conditions":{"attempts":true,"scope":"no1"},"reason":"刷分"}`,
			},
			"GET " + all + "/:correction":           {object: in(correction.Ready)},
			"GET " + all + "/:correction/items":     {object: in(correction.Done)},
			"GET " + all + "/:correction/items.csv": {object: in(correction.Done)},
			"POST " + all + "/:correction/run":      {object: in(correction.Ready), ok: http.StatusAccepted},
			"POST " + all + "/:correction/undo":     {object: in(correction.Done), ok: http.StatusAccepted, body: `{"reason":"有误"}`},
			"POST " + all + "/:correction/continue": {object: in(correction.Stopped)},
			"POST " + all + "/:correction/cancel":   {object: in(correction.Ready)},
		},
	}
}

// appealArea is what participants of unit no1 say against that.
func appealArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/appeals"
	one := func(ok int, body string) subject {
		return subject{ok: ok, body: body, object: func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			p := sequence()
			a := correction.Appeal{Campaign: "spring", Unit: "no1", Batch: b.batch(t, "no1", correction.Done), Text: "本人作答"}
			a.Participant, a.Number = p, 1
			kept, _, err := b.Appeals.Appeal(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"appeal": kept.ID}
		}}
	}
	return area{subjects: map[string]subject{
		"GET " + all:                      {},
		"GET " + all + "/:appeal":         one(0, ""),
		"POST " + all + "/:appeal/review": one(0, ""),
		"POST " + all + "/:appeal/refuse": one(0, `{"answer":"维持"}`),
		"POST " + all + "/:appeal/uphold": one(http.StatusAccepted, `{"answer":"成立"}`),
	}}
}

// flagArea is what rules have noticed in unit no1.
func flagArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/flags"
	one := func(body string) subject {
		return subject{body: body, object: func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			id := "flag" + sequence()
			_, err := b.office.db.ExecContext(t.Context(), `INSERT INTO flags (id, campaign, rule, mark, unit, acts, participants, evidence, state, created, seen)
				VALUES ($1, 'spring', 'too_fast', $1, 'no1', 1, 1, '[{"participant":"p1","number":1}]', 'new', 1, 1)`, id)
			if err != nil {
				t.Fatal(err)
			}
			return map[string]string{"flag": id}
		}}
	}
	return area{subjects: map[string]subject{
		"GET " + all:                      {},
		"GET " + all + "/:flag":           one(""),
		"POST " + all + "/:flag/decision": one(`{"state":"dismissed","reason":"正常"}`),
	}}
}

// batch writes a batch of one attempt down, in a state. Its list is like no other's, so that it
// may wait for approval beside others.
func (b *bench) batch(t *testing.T, node string, s correction.State) string {
	t.Helper()
	id := "batch" + sequence()
	_, err := b.office.db.ExecContext(t.Context(), `INSERT INTO corrections
		(id, campaign, node, state, conditions, reason, creator, login, created, items, hash, summary, next)
		VALUES ($1, 'spring', $2, $3, '{"attempts":true,"scope":"no1"}', '刷分', 'x', 'x', 1, 1, $1, '{"attempts":1,"sample":[1]}', 1)`,
		id, node, string(s))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.office.db.ExecContext(t.Context(), `INSERT INTO correction_items (batch, n, participant, number, unit, at, score, used, mark, outcome)
		VALUES ($1, 1, 'p1', 1, 'no1', 1782489600123, 80, 61000, '', 'out')`, id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
