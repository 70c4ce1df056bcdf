package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	acts "qingyuan/internal/correction/act"
	"qingyuan/internal/grant"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
)

// noGifts is a store in which nobody has done anything.
type noGifts struct{}

func (noGifts) Begin(context.Context, string, acts.Turn) error { return nil }
func (noGifts) Give(context.Context, string, acts.Turn, acts.Act) (acts.Giving, error) {
	return "", acts.ErrNone
}

// openGrants gives a bench with operators the service of grants, whose jobs nobody
// works on.
func openGrants(_ *testing.T, b *bench) {
	db := b.office.db
	b.Grants = &grant.Service{
		DB: db, Ledger: ledger.New(db), Acts: noGifts{}, Catalog: b.catalog, Now: b.Now,
		Jobs: &jobs.Queue{DB: db, Now: b.Now, Log: slog.New(slog.DiscardHandler)},
	}
}

// given writes a grant of unit no1 down, in a state.
func (b *bench) given(t *testing.T, s grant.State) string {
	t.Helper()
	id := "grant" + sequence()
	_, err := b.office.db.ExecContext(t.Context(), `INSERT INTO grants (id, campaign, node, since, until, state, reason, operator, login, created, items, summary, next)
		VALUES ($1, 'spring', 'no1', 1782489600000, 1782493200000, $2, '断电', 'x', 'x', 1, 1, '{"expired":1}', 1)`, id, string(s))
	if err == nil {
		_, err = b.office.db.ExecContext(t.Context(), `INSERT INTO grant_items (act_id, n, participant, number, unit, how, at, outcome)
			VALUES ($1, 1, 'p1', 2, 'no1', 'expired', 1782489600123, 'given')`, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// grantArea gives people of unit no1 attempts back.
func grantArea() area {
	const all = "/api/v1/admin/campaigns/:campaign/grants"
	in := func(s grant.State) func(*testing.T, *bench) map[string]string {
		return func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			return map[string]string{"grant": b.given(t, s)}
		}
	}
	return area{
		open: openGrants,
		subjects: map[string]subject{
			"GET " + all: {},
			"POST " + all: {
				placed: true, ok: http.StatusCreated,
				body: `{"from":"2026-06-02 20:00","to":"2026-06-02 20:30","unit":"no1","reason":"断电"}`,
			},
			"GET " + all + "/:grant":         {object: in(grant.Ready)},
			"GET " + all + "/:grant/items":   {object: in(grant.Done)},
			"POST " + all + "/:grant/run":    {object: in(grant.Ready), ok: http.StatusAccepted},
			"POST " + all + "/:grant/cancel": {object: in(grant.Ready)},
		},
	}
}
