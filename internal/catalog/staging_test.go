package catalog

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

// many is a table of 1,812 nodes: too many for the transaction of a version.
func many(t *testing.T) []byte {
	t.Helper()
	return largeTable(t, sheet.CSV, 5)
}

// rowsBeside counts the rows of groves that no version is in.
func rowsBeside(t *testing.T, db *sqldb.DB) (n int) {
	t.Helper()
	err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM catalog_nodes n WHERE NOT EXISTS
		(SELECT 1 FROM catalog_versions v WHERE v.campaign = n.campaign AND v.grove = n.grove)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLargeImportLetsOthersWrite has others write, and change the same campaign, while a
// large table is on its way into it. A transaction that held the database meanwhile would
// keep them waiting for ever.
func TestLargeImportLetsOthersWrite(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		d.apply(t, town)
		written := 0
		o := everything
		o.Progress = func(done, _ int64, note string) {
			if note != "写入" || done == 0 {
				return
			}
			written++
			err := db.WithTx(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), `UPDATE catalog_head SET change = change + 1`)
				return err
			})
			if err != nil {
				t.Errorf("write beside the import: %v", err)
			}
			switch written {
			case 1: // nothing of the tree: what is written so far stays good
				if _, err := d.Pause(t.Context(), by("停一下"), "town-2026"); err != nil {
					t.Errorf("pause beside the import: %v", err)
				}
			case 2: // the tree: all of it is written anew
				n := campaign.Node{ID: "late", Kind: campaign.Unit, Parent: "r1", Name: campaign.Text{"zh-CN": "后来的单位"}}
				if _, _, err := d.AddNode(t.Context(), by("加一个"), "town-2026", n); err != nil {
					t.Errorf("add a unit beside the import: %v", err)
				}
			}
		}
		before := d.tree(t)
		r, err := d.ImportTree(t.Context(), by("导入"), "town-2026", many(t), o)
		if err != nil || !r.Applied || r.Added != 1812 {
			t.Fatalf("%+v, %v", r, err)
		}
		if written != 8 { // four transactions, and four more after the unit
			t.Errorf("the rows were written in %d transactions", written)
		}
		e, err := d.Entry(t.Context(), "town-2026")
		if err != nil {
			t.Fatal(err)
		}
		if !e.Paused || e.Version != 4 || r.Version != 4 {
			t.Errorf("paused %t at version %d, and the import says %d", e.Paused, e.Version, r.Version)
		}
		d.trees.Purge() // as another server reads it
		d.definitions.Purge()
		tree := d.tree(t)
		for _, id := range []string{"late", "p11c24u4", "r1", "a"} {
			if _, ok := tree.Node(id); !ok {
				t.Errorf("%s is not in the tree", id)
			}
		}
		for n := range before.Nodes {
			if is, ok := tree.Node(n.ID); !ok || !same(n, is) {
				t.Errorf("%s was changed: %+v", n.ID, is)
			}
		}
		if n := rowsBeside(t, db); n > 0 {
			t.Errorf("%d rows are left of the first try", n)
		}
	})
}

// TestHistoryAcrossGroves asks for the history of nodes in a tree that was written anew.
func TestHistoryAcrossGroves(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d := newDesk(t, db)
		d.create(t)
		kinds := func(node string) (all []string) {
			t.Helper()
			h, err := d.History(t.Context(), "town-2026", node)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range h {
				all = append(all, c.Kind)
			}
			return all
		}
		want := func(node string, want ...string) {
			t.Helper()
			got := kinds(node)
			if len(got) != len(want) {
				t.Fatalf("history of %s: %q, want %q", node, got, want)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("history of %s: %q, want %q", node, got, want)
				}
			}
		}
		n := campaign.Node{ID: "p0", Kind: campaign.Region, Name: campaign.Text{"zh-CN": "第0市"}}
		if _, _, err := d.AddNode(t.Context(), by(""), "town-2026", n); err != nil {
			t.Fatal(err)
		}
		d.importing(t, string(many(t)), everything) // the first grove
		want("p0", KindNodeAdded)
		want("p1", KindTreeImported)
		// Every unit has one person more: the second grove.
		more := newPlanting(d.tree(t))
		sizes := map[string]int64{}
		for id, n := range more.nodes {
			if n.Kind == campaign.Unit {
				sizes[id] = n.Roster + 1
			}
		}
		if _, err := d.SetRosters(t.Context(), by("名册"), "town-2026", sizes); err != nil {
			t.Fatal(err)
		}
		want("p0", KindNodeAdded)
		want("p1c1u1", KindNodeChanged, KindTreeImported)
		if _, err := d.RemoveNode(t.Context(), by(""), "town-2026", "p1c1u1"); err != nil {
			t.Fatal(err)
		}
		want("p1c1u1", KindNodeRemoved, KindNodeChanged, KindTreeImported)
		if _, err := d.RemoveNode(t.Context(), by(""), "town-2026", "p2"); err != nil {
			t.Fatal(err)
		}
		want("p2c1u1", KindNodeRemoved, KindNodeChanged, KindTreeImported)
		old, err := d.Version(t.Context(), "town-2026", 3)
		if err != nil {
			t.Fatal(err)
		}
		d.trees.Purge()
		g, err := d.grove(t.Context(), db, old)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := g.tree.Node("p1c1u1"); !ok || n.Roster != sizes["p1c1u1"]-1 {
			t.Errorf("at version 3 it was %+v", n)
		}
	})
}

// errPowerCut ends an import as a cut of the power does: nothing is tidied up.
var errPowerCut = errors.New("power cut")

// TestImportThatWasCutOff leaves a tree half written. Nobody sees it; the job that goes on
// takes it away, or whoever writes a tree long afterwards.
func TestImportThatWasCutOff(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]func(t *testing.T, d *desk){
		"the job goes on": func(t *testing.T, d *desk) {
			t.Helper()
			if err := d.clear(t.Context(), "other"); err != nil || rowsBeside(t, d.DB) == 0 {
				t.Fatalf("another job took away what is not its own, or %v", err)
			}
			if err := d.clear(t.Context(), "job1"); err != nil {
				t.Fatal(err)
			}
		},
		"nobody comes": func(t *testing.T, d *desk) {
			t.Helper()
			if err := d.Sweep(t.Context()); err != nil || rowsBeside(t, d.DB) == 0 {
				t.Fatalf("what may still be written was taken away, or %v", err)
			}
			d.at = d.at.Add(stagedFor + time.Second)
			if err := d.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, sqltest.SQLite(t))
			d.apply(t, town)
			was := outline(d.tree(t))
			o := everything
			o.Job = "job1"
			o.Progress = func(done, _ int64, note string) {
				if note == "写入" && done > 0 {
					panic(errPowerCut)
				}
			}
			func() {
				defer func() {
					if r := recover(); r != errPowerCut { //nolint:errorlint // It is our own.
						t.Errorf("ended by %v", r)
					}
				}()
				_, _ = d.ImportTree(t.Context(), by(""), "town-2026", many(t), o)
			}()
			if rowsBeside(t, d.DB) == 0 {
				t.Fatal("nothing was half written")
			}
			d.trees.Purge()
			d.definitions.Purge()
			if got := outline(d.tree(t)); got != was {
				t.Errorf("the tree is %s", got)
			}
			after(t, d)
			if n := rowsBeside(t, d.DB); n > 0 {
				t.Errorf("%d rows are left", n)
			}
			o.Progress = nil
			if r := d.importing(t, string(many(t)), o); !r.Applied {
				t.Errorf("the import once more: %+v", r)
			}
		})
	}
}

// TestImportThatIsNotWanted stops an import whose job is another server's by now: the tree
// stays as it is, and nothing is left.
func TestImportThatIsNotWanted(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for transactions := range 5 { // four of rows, one of the version
		d := newDesk(t, sqltest.SQLite(t))
		d.apply(t, town)
		o, left := everything, transactions
		o.Hold = func(context.Context, *sql.Tx) error {
			if left--; left < 0 {
				return lost
			}
			return nil
		}
		if _, err := d.ImportTree(t.Context(), by(""), "town-2026", many(t), o); !errors.Is(err, lost) {
			t.Fatalf("after %d transactions: %v", transactions, err)
		}
		if n := rowsBeside(t, d.DB); n > 0 {
			t.Errorf("after %d transactions %d rows are left", transactions, n)
		}
		if e, err := d.Entry(t.Context(), "town-2026"); err != nil || e.Version != 1 {
			t.Errorf("after %d transactions it is at version %d, %v", transactions, e.Version, err)
		}
	}
}
