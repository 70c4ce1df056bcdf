package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// desk is a store whose clock a test moves.
type desk struct {
	*Store

	at time.Time
}

func newDesk(t *testing.T, db *sqldb.DB) *desk {
	t.Helper()
	d := &desk{at: before()}
	var err error
	if d.Store, err = NewStore(db, func() time.Time { return d.at }); err != nil {
		t.Fatal(err)
	}
	return d
}

func by(reason string) Act { return Act{Actor: operator.Console("test"), Reason: reason} }

// bundleOf reads a campaign as the command does.
func bundleOf(t *testing.T, text string) configs.Bundle {
	t.Helper()
	b, err := configs.LoadBundleOfParts(source(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// apply puts a campaign into the store and publishes it.
func (d *desk) apply(t *testing.T, text string) Outcome {
	t.Helper()
	out, err := d.ApplyBundle(t.Context(), by("放入"), bundleOf(t, text), true)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// want fails unless the error is the fault, with the field where one is named.
func want(t *testing.T, what string, err error, f *fault.Error, field string) {
	t.Helper()
	if !errors.Is(err, f) {
		t.Errorf("%s: %v, want %s", what, err, f.Code)
		return
	}
	got := fault.From(err)
	if field != "" && !slices.ContainsFunc(got.Fields, func(x fault.Field) bool { return x.Name == field }) {
		t.Errorf("%s: fields %v, want %s", what, got.Fields, field)
	}
}

func audited(t *testing.T, db *sqldb.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT action, reason FROM audit ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var action, reason string
		if err := rows.Scan(&action, &reason); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.TrimSuffix(action+" "+reason, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLifeOfACampaign brings one from its draft into the archive, by the clock and by
// hand, and wants each act in the log.
func TestLifeOfACampaign(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		b := bundleOf(t, town)
		if _, err := d.ApplyBundle(t.Context(), by("先放草稿"), b, false); err != nil {
			t.Fatal(err)
		}
		const id = "town-2026"
		state := func(want string) {
			t.Helper()
			e, err := d.Entry(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			def, err := d.Definition(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if got := StateOf(e, def.Campaign, d.at); got != want {
				t.Errorf("at %v it is %s, want %s", d.at, got, want)
			}
		}
		do := func(fn func(context.Context, Act, string) (Outcome, error), reason string) {
			t.Helper()
			if out, err := fn(t.Context(), by(reason), id); err != nil || !out.Changed {
				t.Fatalf("%s: %v, changed %v", reason, err, out.Changed)
			}
			if out, err := fn(t.Context(), by("再点一次"), id); err == nil && out.Changed {
				t.Errorf("%s: doing it again made another version", reason)
			}
		}
		refused := func(fn func(context.Context, Act, string) (Outcome, error), what string) {
			t.Helper()
			_, err := fn(t.Context(), by(what), id)
			want(t, what, err, ErrState, "state")
		}
		reopen := func(ctx context.Context, a Act, id string) (Outcome, error) { return d.Reopen(ctx, a, id, time.Time{}) }

		state("draft")
		refused(d.Pause, "pause a draft")
		refused(d.Close, "close a draft")
		do(d.Publish, "发布")
		state("scheduled")
		refused(d.Close, "close before the opening")
		refused(reopen, "reopen what is not closed")
		refused(d.Archive, "archive what is not closed")
		d.at = during()
		state("open")
		do(d.Pause, "设备故障")
		state("paused")
		do(d.Resume, "恢复")
		do(d.Close, "提前结束")
		state("closed")
		refused(d.Pause, "pause what is closed")
		d.at = d.at.Add(time.Hour)
		do(reopen, "应各单位要求")
		state("open")
		d.at = time.Date(2026, 7, 2, 0, 0, 0, 0, configs.Zone())
		state("closed")
		_, err := reopen(t.Context(), by("没有新时间"), id)
		want(t, "reopen into the past", err, ErrState, "closes_at")
		if _, err := d.Reopen(t.Context(), by("延长"), id, d.at.AddDate(0, 0, 3)); err != nil {
			t.Fatal(err)
		}
		state("open")
		d.at = d.at.AddDate(0, 1, 0)
		do(d.Archive, "归档")
		state("archived")
		refused(d.Resume, "change what is archived")
		_, err = d.Patch(t.Context(), by("改"), id, []byte(`{"title":"新"}`))
		want(t, "edit what is archived", err, ErrState, "state")

		wanted := []string{
			"campaign.applied 先放草稿", "campaign.published 发布", "campaign.paused 设备故障", "campaign.resumed 恢复",
			"campaign.closed 提前结束", "campaign.reopened 应各单位要求", "campaign.reopened 延长", "campaign.archived 归档",
		}
		if got := audited(t, db); !slices.Equal(got, wanted) {
			t.Errorf("the log has\n%q\nwant\n%q", got, wanted)
		}
		versions, err := d.Versions(t.Context(), id, 0, 100)
		if err != nil || len(versions) != len(wanted) || versions[0].Version != int64(len(wanted)) {
			t.Errorf("%d versions, %v; want one for each act", len(versions), err)
		}
		first, err := d.Version(t.Context(), id, 1)
		if err != nil || first.Stage != Draft {
			t.Errorf("the first version: %+v, %v", first, err)
		}
		if _, err := d.Version(t.Context(), id, 99); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("a version that is not there: %v", err)
		}
		_, err = d.Publish(t.Context(), by("x"), "none-2026")
		if !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("an unknown campaign: %v", err)
		}
	})
}

// TestApplyToStore is idempotent, keeps what SQL keeps, and makes the very campaign
// that the file describes.
func TestApplyToStore(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		first := d.apply(t, town)
		if again := d.apply(t, town); again.Changed || again.Version != first.Version {
			t.Errorf("the same once more: version %d, changed %v", again.Version, again.Changed)
		}
		fresh := newDesk(t, db) // nothing in memory
		e, err := fresh.Entry(t.Context(), "town-2026")
		if err != nil {
			t.Fatal(err)
		}
		got, err := fresh.Definition(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		was := load(t, town)
		if !slices.Equal(nodesOf2(got), nodesOf2(was)) || got.Bank.Digest != was.Bank.Digest || got.Pledge.Prefix != "TOWN26" ||
			got.Campaign.Shards != 2 || !got.Campaign.OpensAt.Equal(was.Campaign.OpensAt) || got.Campaign.Version != 1 {
			t.Errorf("what came out is not what went in:\n%v\n%v", nodesOf2(got), nodesOf2(was))
		}

		if _, err := d.Pause(t.Context(), by(""), "town-2026"); err != nil {
			t.Fatal(err)
		}
		next := d.apply(t, strings.Replace(town, "全民禁毒", "新标题", 1))
		if !next.Changed || !next.Paused || next.Tree != first.Tree || next.Definition.Campaign.Title.In("zh-CN") != "新标题" {
			t.Errorf("a new title: %+v", next.Entry)
		}
		resumed := d.apply(t, "paused: false\n"+strings.Replace(town, "全民禁毒", "新标题", 1))
		if resumed.Paused {
			t.Error("a file that says paused: false left the pause")
		}
		treeless := d.apply(t, town[:strings.Index(town, "tree:")])
		if treeless.Definition.Campaign.Tree.Children("")[0].Units != 2 {
			t.Error("a file without a tree took the tree away")
		}
	})
}

// nodesOf2 describes a tree in one line a node.
func nodesOf2(d configs.Definition) []string {
	var out []string
	for n := range d.Campaign.Tree.Nodes {
		out = append(out, fmt.Sprint(n.ID, n.Kind, n.Parent, n.Name, n.Code, n.Roster, n.Retired))
	}
	return out
}

// TestRefusedAtTheEdit shows that nothing faulty becomes a version.
func TestRefusedAtTheEdit(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		d.apply(t, town)
		d.apply(t, village())
		d.at = during()
		patch := func(text string) error {
			_, err := d.Patch(t.Context(), by("改"), "town-2026", []byte(text))
			return err
		}
		want(t, "faulty", patch(`{"ranking_mode":"all"}`), ErrInvalid, "ranking_mode")
		want(t, "faulty below", patch(`{"quiz":{"time_limit":"1s"}}`), ErrInvalid, "quiz.time_limit")
		want(t, "unknown field", patch(`{"extra":1}`), ErrInvalid, "extra")
		want(t, "fixed", patch(`{"shards":4,"quiz":{"pass_score":50}}`), ErrFixed, "shards")
		want(t, "prefix", patch(`{"pledge":{"prefix":"VILL26"}}`), ErrExists, "pledge.prefix")
		want(t, "id", patch(`{"id":"other-2026"}`), fault.ErrInvalid, "set.id")
		want(t, "nothing", patch(`{}`), fault.ErrInvalid, "set")
		want(t, "no JSON", patch(`{`), fault.ErrInvalid, "set")
		_, err := d.Create(t.Context(), by(""), []byte(town), nil, nil)
		want(t, "the same id", err, ErrExists, "id")
		_, err = d.Create(t.Context(), by(""), []byte("title: x\n"), nil, nil)
		want(t, "no id", err, ErrInvalid, "id")
		_, err = d.Patch(t.Context(), Act{Actor: operator.Console("x"), Version: 7}, "town-2026", []byte(`{"title":"x"}`))
		want(t, "upon another version", err, ErrVersion, "")
		out, err := d.Patch(t.Context(), Act{Actor: operator.Console("x"), DryRun: true}, "town-2026", []byte(`{"title":"x"}`))
		if err != nil || out.Changed {
			t.Errorf("a dry run: %+v, %v", out.Entry, err)
		}
		e, err := d.Entry(t.Context(), "town-2026")
		if err != nil || e.Version != 1 {
			t.Errorf("version %d after refusals: %v", e.Version, err)
		}
		if log := audited(t, db); len(log) != 2 {
			t.Errorf("refusals are in the log: %q", log)
		}
		if err := patch(`{"title":{"zh-CN":"新","bo":"གསར།"},"top_n":null,"quiz":{"attempts_per_day":2}}`); err != nil {
			t.Error(err)
		}
	})
}

// TestDraftLacksUnits lets a campaign be prepared from its frame on, and refuses to
// show it as long as something is missing.
func TestDraftLacksUnits(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	var gated []string
	d.Gates = append(d.Gates, func(_ context.Context, def configs.Definition) error {
		gated = append(gated, def.Campaign.ID)
		return nil
	})
	text := strings.Replace(town[:strings.Index(town, "tree:")], "{field: unit}", "{field: unit, required: true}", 1)
	files := map[string][]byte{"bank/1.yaml": []byte(bank)}
	if _, err := d.Create(t.Context(), by("新建"), []byte(text), files, nil); err != nil {
		t.Fatal(err)
	}
	_, err := d.Publish(t.Context(), by(""), "town-2026")
	want(t, "without units", err, ErrInvalid, "enrolment_fields")
	_, err = d.Check(t.Context(), by(""), "town-2026", []byte(`{"ranking_mode":"best"}`))
	want(t, "checked with a patch", err, ErrInvalid, "ranking_mode")
	region := campaign.Node{Kind: campaign.Region, Code: "140702", Name: campaign.Text{"zh-CN": "榆次区"}}
	_, region, err = d.AddNode(t.Context(), by(""), "town-2026", region)
	if err != nil || region.ID != "140702" {
		t.Fatalf("a region is %s, %v", region.ID, err)
	}
	_, unit, err := d.AddNode(t.Context(), by(""), "town-2026", campaign.Node{Kind: campaign.Unit, Parent: region.ID, Name: campaign.Text{"zh-CN": "一中"}, Roster: 5})
	if err != nil || unit.ID == "" {
		t.Fatal(err)
	}
	if _, err := d.Check(t.Context(), by(""), "town-2026", nil); err != nil {
		t.Errorf("a check finds %v", err)
	}
	if e, _ := d.Entry(t.Context(), "town-2026"); e.Stage != Draft {
		t.Error("a check published the campaign")
	}
	if len(gated) != 1 {
		t.Errorf("gates were asked for %v", gated)
	}
	if _, err := d.Publish(t.Context(), by(""), "town-2026"); err != nil || len(gated) != 2 {
		t.Errorf("published: %v, gates %v", err, gated)
	}
	d.Gates = append(d.Gates, func(context.Context, configs.Definition) error { return errGate })
	if _, err := d.Patch(t.Context(), by(""), "town-2026", []byte(`{"title":"不换题库"}`)); err != nil {
		t.Errorf("a gate was asked although the bank stays: %v", err)
	}
}

var errGate = fault.New(fault.Conflict, "bank.unreviewed", "x")

// TestNodes changes a tree step by step, before and after the opening.
func TestNodes(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		d.apply(t, town)
		const id = "town-2026"
		var merged []string
		d.Merged = append(d.Merged, func(_ context.Context, _ *sql.Tx, _ string, units []string, into string) error {
			merged = append(merged, units...)
			merged = append(merged, into)
			return nil
		})
		ctx := t.Context()
		must := func(out Outcome, err error) Outcome {
			t.Helper()
			if err != nil || !out.Changed {
				t.Fatalf("changed %v, %v", out.Changed, err)
			}
			return out
		}
		must(d.ChangeNode(ctx, by("改名"), id, "a", NodeChange{Name: new("甲一"), Roster: new(int64(9))}))
		must(d.ChangeNode(ctx, by("划转"), id, "a", NodeChange{Parent: new("r2")}))
		must(d.MergeUnits(ctx, by("合并"), id, []string{"b"}, "a"))
		out := must(d.ChangeNode(ctx, by("停用"), id, "c", NodeChange{Retired: new(true)}))
		tree := out.Definition.Campaign.Tree
		a, _ := tree.Node("a")
		c, _ := tree.Node("c")
		if a.Roster != 13 || a.Parent != "r2" || name(a) != "甲一" || !c.Retired || !slices.Equal(merged, []string{"b", "a"}) {
			t.Errorf("a is %+v, c is %+v, told of %v", a, c, merged)
		}
		if _, there := tree.Node("b"); there {
			t.Error("what was merged is still there")
		}
		history, err := d.History(ctx, id, "b")
		if err != nil || len(history) != 2 || history[0].Into != "a" || !history[0].Gone {
			t.Errorf("history of b: %+v, %v", history, err)
		}
		history, err = d.History(ctx, id, "a")
		if err != nil || len(history) != 4 || history[0].Node.Roster != 13 || history[3].Node.Parent != "r1" || history[1].Reason != "划转" {
			t.Errorf("history of a: %+v, %v", history, err)
		}
		if _, err := d.History(ctx, id, "none"); !errors.Is(err, ErrNode) {
			t.Errorf("history of nothing: %v", err)
		}

		fails := func(what string, err error, f *fault.Error, field string) { t.Helper(); want(t, what, err, f, field) }
		change := func(node string, c NodeChange) error { _, err := d.ChangeNode(ctx, by(""), id, node, c); return err }
		fails("unknown", change("x", NodeChange{}), ErrNode, "")
		fails("no parent", change("a", NodeChange{Parent: new("x")}), ErrTree, "parent")
		fails("below a unit", change("a", NodeChange{Parent: new("c")}), ErrTree, "parent")
		fails("below itself", change("r1", NodeChange{Parent: new("r1")}), ErrTree, "parent")
		fails("empty name", change("a", NodeChange{Name: new(" ")}), ErrTree, "name")
		fails("formula", change("a", NodeChange{Name: new("=1")}), ErrTree, "name")
		fails("negative", change("a", NodeChange{Roster: new(int64(-1))}), ErrTree, "roster")
		fails("roster of a region", change("r1", NodeChange{Roster: new(int64(1))}), ErrTree, "roster")
		fails("retired region", change("r1", NodeChange{Retired: new(true)}), ErrTree, "retired")
		fails("code", change("r1", NodeChange{Code: new("12")}), ErrTree, "code")
		_, err = d.MergeUnits(ctx, by(""), id, []string{"a"}, "a")
		fails("into itself", err, ErrTree, "units")
		_, err = d.MergeUnits(ctx, by(""), id, []string{"r1"}, "a")
		fails("a region", err, ErrTree, "units")

		d.at = during()
		fails("moved while open", change("a", NodeChange{Parent: new("r1")}), ErrTreeFixed, "tree")
		_, err = d.RemoveNode(ctx, by(""), id, "a")
		fails("removed while open", err, ErrTreeFixed, "tree")
		_, err = d.MergeUnits(ctx, by(""), id, []string{"a"}, "c")
		fails("merged while open", err, ErrTreeFixed, "tree")
		must(d.ChangeNode(ctx, by("更正人数"), id, "a", NodeChange{Roster: new(int64(20)), Name: new("甲")}))
		must(d.ChangeNode(ctx, by("恢复"), id, "c", NodeChange{Retired: new(false)}))
		_, n, err := d.AddNode(ctx, by("新单位"), id, campaign.Node{Kind: campaign.Unit, Parent: "r1", Name: campaign.Text{"zh-CN": "新"}})
		if err != nil {
			t.Error(err)
		}
		if again, err := d.Entry(ctx, id); err != nil || !again.At.Equal(d.at) {
			t.Errorf("%+v, %v, %s", again, err, n.ID)
		}
	})
}

// TestEarlierTrees reads every tree that ever was.
func TestEarlierTrees(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		var trees [][]string
		trees = append(trees, nodesOf2(d.apply(t, town).Definition))
		for _, c := range []NodeChange{{Name: new("一")}, {Parent: new("r2")}, {Roster: new(int64(77))}, {Parent: new("r1")}} {
			out, err := d.ChangeNode(t.Context(), by(""), "town-2026", "a", c)
			if err != nil {
				t.Fatal(err)
			}
			trees = append(trees, nodesOf2(out.Definition))
		}
		out, err := d.RemoveNode(t.Context(), by(""), "town-2026", "r2")
		if err != nil {
			t.Fatal(err)
		}
		trees = append(trees, nodesOf2(out.Definition))
		fresh := newDesk(t, db)
		for i, was := range trees {
			e, err := fresh.Version(t.Context(), "town-2026", int64(i+1))
			if err != nil {
				t.Fatal(err)
			}
			def, err := fresh.Definition(t.Context(), e)
			if err != nil || !slices.Equal(nodesOf2(def), was) {
				t.Errorf("version %d: %v\n%v\nwant\n%v", i+1, err, nodesOf2(def), was)
			}
		}
	})
}

// TestServersFollow has two servers on one database, and one that cannot reach it.
func TestServersFollow(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		server := func() *Keeper {
			s := newDesk(t, db)
			return open(t, Options{Store: s.Store, Dir: t.TempDir(), Now: during})
		}
		a, b := server(), server()
		if len(a.Campaigns())+len(b.Campaigns()) != 0 {
			t.Error("an empty catalog has campaigns")
		}
		if _, err := d.ApplyBundle(t.Context(), by(""), bundleOf(t, town), false); err != nil {
			t.Fatal(err)
		}
		again(t, a)
		if len(a.Campaigns()) != 0 {
			t.Error("a draft is served")
		}
		if _, err := d.Publish(t.Context(), by(""), "town-2026"); err != nil {
			t.Fatal(err)
		}
		for _, k := range []*Keeper{a, b} {
			again(t, k)
			wantProblem(t, k, "")
			if c, err := k.Campaign("town-2026"); err != nil || c.CheckOpen(during()) != nil {
				t.Fatalf("it is not open: %v", err)
			}
		}
		was, _ := a.Campaign("town-2026")
		again(t, a)
		if is, _ := a.Campaign("town-2026"); is != was {
			t.Error("nothing changed, but the campaign did")
		}
		if _, err := d.Pause(t.Context(), by(""), "town-2026"); err != nil {
			t.Fatal(err)
		}
		for _, k := range []*Keeper{a, b} {
			again(t, k)
			if c, _ := k.Campaign("town-2026"); !errors.Is(c.CheckOpen(during()), campaign.ErrPaused) {
				t.Error("a server does not know of the pause")
			}
		}
		paused, _ := a.Campaign("town-2026")
		if paused.Tree != was.Tree {
			t.Error("a pause read the tree again")
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := a.Reload(t.Context()); err == nil {
			t.Error("nobody is told that the database is away")
		}
		if c, err := a.Campaign("town-2026"); err != nil || c != paused {
			t.Errorf("without the database the campaign is %v, %v", c, err)
		}
	})
}

// TestFilesBesideTheStore has campaigns in files too: they are served, give way to
// the store, and are taken over under the same rules.
func TestFilesBesideTheStore(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	d.at = during()
	dir := t.TempDir()
	put(t, dir, "town-2026", town)
	k := open(t, Options{Store: d.Store, Dir: dir, Now: during})
	d.Others = k.Elsewhere
	if c, err := k.Campaign("town-2026"); err != nil || c.Version != 0 {
		t.Fatalf("a campaign in files: %+v, %v", c, err)
	}
	_, err := d.ApplyBundle(t.Context(), by(""), bundleOf(t, strings.Replace(village(), "VILL26", "TOWN26", 1)), true)
	want(t, "the prefix of a campaign in files", err, ErrExists, "pledge.prefix")
	_, err = d.Create(t.Context(), by(""), []byte(town), map[string][]byte{"bank/1.yaml": []byte(bank)}, nil)
	want(t, "the id of a campaign in files", err, ErrExists, "id")
	_, err = d.ApplyBundle(t.Context(), by(""), bundleOf(t, strings.Replace(town, "[a 甲 3, b 乙 4]", "[a 甲 3]", 1)), true)
	want(t, "taken over without a unit", err, ErrTreeFixed, "tree")
	if _, err := d.ApplyBundle(t.Context(), by(""), bundleOf(t, strings.Replace(town, "全民禁毒", "接管", 1)), false); err != nil {
		t.Fatal(err)
	}
	again(t, k)
	wantProblem(t, k, "it is kept in the catalog")
	if title(k) != "接管" {
		t.Errorf("the title is %s", title(k))
	}
	if err := os.RemoveAll(filepath.Join(dir, "town-2026")); err != nil {
		t.Fatal(err)
	}
	again(t, k)
	wantProblem(t, k, "")
}

// TestUnreadableVersion has one that a newer program wrote: the server goes on.
func TestUnreadableVersion(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	d.apply(t, town)
	k := open(t, Options{Store: newDesk(t, db).Store, Dir: t.TempDir()})
	out, err := d.Patch(t.Context(), by(""), "town-2026", []byte(`{"title":"新"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `UPDATE catalog_texts SET body = 'id: [' WHERE digest = $1`, out.frame); err != nil {
		t.Fatal(err)
	}
	again(t, k)
	wantProblem(t, k, "version 2 of campaign town-2026")
	if title(k) != "全民禁毒" {
		t.Errorf("the title is %q", title(k))
	}
	other := open(t, Options{Store: newDesk(t, db).Store, Dir: t.TempDir()})
	if len(other.Campaigns()) != 0 {
		t.Error("a server that never knew it serves it")
	}
}

// TestEditorsTakeTurns changes one campaign from many sides: every change is there.
func TestEditorsTakeTurns(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		d.apply(t, town)
		const editors = 8
		errs := make(chan error, editors)
		for n := range editors {
			other := newDesk(t, db)
			go func() {
				_, _, err := other.AddNode(t.Context(), by(""), "town-2026",
					campaign.Node{Kind: campaign.Unit, Parent: "r1", Name: campaign.Text{"zh-CN": fmt.Sprint("单位", n)}})
				errs <- err
			}()
		}
		for range editors {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		e, err := newDesk(t, db).Entry(t.Context(), "town-2026")
		if err != nil || e.Version != editors+1 {
			t.Errorf("version %d, %v; want %d", e.Version, err, editors+1)
		}
		def, err := newDesk(t, db).Definition(t.Context(), e)
		if err != nil || len(nodesOf2(def)) != 5+editors {
			t.Errorf("%d nodes, %v", len(nodesOf2(def)), err)
		}
	})
}

// TestSummaryIsJSON looks at what the log is told.
func TestSummaryIsJSON(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	d := newDesk(t, db)
	d.apply(t, town)
	if _, err := d.ChangeNode(t.Context(), by("更正"), "town-2026", "a", NodeChange{Roster: new(int64(30))}); err != nil {
		t.Fatal(err)
	}
	var beforeText, afterText string
	err := db.QueryRowContext(t.Context(), `SELECT before, after FROM audit WHERE seq = 2`).Scan(&beforeText, &afterText)
	if err != nil {
		t.Fatal(err)
	}
	var was, is summary
	if err := errors.Join(json.Unmarshal([]byte(beforeText), &was), json.Unmarshal([]byte(afterText), &is)); err != nil {
		t.Fatal(err)
	}
	if was.Roster != 12 || is.Roster != 39 || is.Changed != 1 || was.Version != 1 || is.Version != 2 || is.Units != 3 {
		t.Errorf("before %s, after %s", beforeText, afterText)
	}
}
