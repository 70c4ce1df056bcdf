package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/redistest"
	"qingyuan/internal/sqltest"
)

// layers are the parts of a board by what their keys begin with: how the entries of
// a participant and their number are called.
var layers = map[string]struct{ before, after, whose string }{
	"board": {"", "", "members"}, "board-late": {"", ": late", "late members"}, "board-kept": {"", ": kept", "kept members"},
	"hidden": {"hidden ", "", "hidden members"}, "hidden-late": {"hidden ", ": late", "hidden late members"},
	"hidden-kept": {"hidden ", ": kept", "hidden kept members"},
}

// TestEveryPlantIsFoundWhileFrozen changes one thing at a time where boards stand
// still, people are hidden and attempts were corrected.
func TestEveryPlantIsFoundWhileFrozen(t *testing.T) {
	t.Parallel()
	r := newRigOn(t, redistest.Start(t).Client(t), sqltest.SQLite(t), season(t, "antidrug", 1, campaign.PolicySumDays))
	r.disputed()
	r.settle()
	r.clean()
	g := &garden{rig: r}
	for _, late := range []string{"", "late "} {
		suffix := map[string]string{"late ": "-late"}[late]
		g.counts(g.key("}:tally"+suffix), func(f string) string { return late + "tally " + f })
		g.counts(g.key("}:scores"+suffix), func(f string) string { return late + "score " + f })
	}
	g.layers()
	g.frozenPeople()
	g.said()
	r.clean()
	t.Logf("%d plants, each found and named", g.planted)
}

// layers changes the layers of the main board and of a few others.
func (g *garden) layers() {
	g.Helper()
	ctx := g.Context()
	seen := map[string]bool{}
	for _, scope := range []string{"", ":u:u1", ":u:u3", ":r:city", ":d:2026-06-10", ":d:2026-06-11", ":p:last", ":r:city|p:last"} {
		board := strings.TrimSuffix("board "+strings.TrimPrefix(scope, ":"), " ")
		for layer, called := range layers {
			key := g.beside(layer + scope)
			if g.db.Exists(ctx, key).Val() == 0 {
				g.plant(key, func() { g.db.ZAdd(ctx, key, z(1, "nobody")) }, g.guest(key, board, called.whose)...)
				continue
			}
			seen[layer] = true
			g.layer(key, called.before+board+called.after, board, called.whose)
		}
		late := g.beside("thaw")
		name := strings.TrimPrefix(scope, ":")
		if g.db.SIsMember(ctx, late, name).Val() {
			g.plant(late, func() { g.db.SRem(ctx, late, name) }, board+": late members: on no list, not to be thawed")
		}
	}
	if len(seen) != len(layers) {
		g.Errorf("there are entries only on the layers %v", seen)
	}
}

// guest is what is found of somebody on a layer that should be empty.
func (g *garden) guest(key, board, whose string) []string {
	out := []string{fmt.Sprintf("%s: %s: 1, not 0", board, whose)}
	_, scope, _ := strings.Cut(key[strings.Index(key, "}:")+2:], ":")
	beside := strings.HasSuffix(whose, "late members") || strings.HasSuffix(whose, "kept members")
	if beside && !g.db.SIsMember(g.Context(), g.beside("thaw"), scope).Val() {
		out = append(out, board+": late members: on no list, not to be thawed")
	}
	return out
}

// frozenPeople changes every part of every field of somebody hidden, of somebody
// whose attempts do not count, of somebody who acts on, and of somebody who is counted as
// another one.
func (g *garden) frozenPeople() {
	g.Helper()
	ctx := g.Context()
	for _, i := range []int{0, 2, 4, 7} {
		key := g.key("}:p:" + person(i))
		for field, value := range g.db.HGetAll(ctx, key).Val() {
			g.field(key, person(i), field, value)
		}
	}
	key := g.key("}:p:" + person(0))
	g.plant(key, func() { g.db.HSet(ctx, key, "x", "1") }, person(0)+": hidden: some, not none")
	key = g.key("}:p:" + person(2))
	g.plant(key, func() { g.db.HDel(ctx, key, "x") }, person(2)+": hidden: none, not some")
	key = g.key("{antidrug}:names")
	for short, digest := range g.db.HGetAll(ctx, key).Val() {
		g.change(key, short, digest+"0", "")
		g.without(key, short, "")
	}
}

// said changes what facts say.
func (g *garden) said() {
	g.Helper()
	g.sqlExec("CREATE TABLE facts_before AS SELECT * FROM facts")
	for _, tc := range []struct{ set, where, field string }{
		{"sum = '76|76'", "kind = 'submitted.1' AND sum = '75|75'", "sum"},
		{"hidden = 1", "kind = 'submitted.1' AND hidden = 0", "hidden"},
		{"kind = 'withdrawn.1'", "kind = 'invalidated.1'", "attempt 1: state"},
		{"kind = 'hidden.1'", "kind = 'shown.1'", "hidden before"},
		{"unit = 'u2'", "kind = 'transferred.1'", "unit"},
		{"unit = 'u2'", "kind = 'joined.1'", "unit"},
		{`body = CAST(REPLACE(CAST(body AS TEXT), '"into":"', '"into":"x') AS BLOB)`, "kind = 'joined.1' AND CAST(body AS TEXT) LIKE '%returns%'", "joined with"},
		{`body = CAST(REPLACE(CAST(body AS TEXT), '"from":"', '"from":"x') AS BLOB)`, "kind = 'parted.1'", "parted from"},
		{"kind = 'shown.1'", "kind = 'parted.1'", "hidden before"},
		{"kind = 'shown.1'", "kind = 'joined.1'", "hidden before"},
		{"kind = 'withdrawn.1'", "kind = 'remarked.1'", "attempt 2: correct"},
		// No rule gives the marks that this one says.
		{`body = CAST(REPLACE(CAST(body AS TEXT), '"q":"', '"q":"none-') AS BLOB)`, "kind = 'remarked.1'", "marks by the rulings"},
	} {
		g.sqlExec("UPDATE facts SET " + tc.set + " WHERE " + tc.where + " AND seq = (SELECT MIN(seq) FROM facts WHERE " + tc.where + ")")
		_, got := g.verifyCampaign()
		if len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), tc.field) {
			g.Errorf("after %s, differences %q; want one of %q", tc.set, got, tc.field)
		}
		g.sqlExec("DELETE FROM facts")
		g.sqlExec("INSERT INTO facts SELECT * FROM facts_before")
		g.planted++
	}
}

func (g *garden) sqlExec(statement string) {
	g.Helper()
	_, err := g.sql.ExecContext(g.Context(), statement)
	must(g.TB, 0, err)
}
