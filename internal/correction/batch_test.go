package correction_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/correction"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/leaderboard"
)

// TestMassCorrection takes thousands of attempts and signatures out and puts them back:
// every counter and every place is as before, to the byte, also where Redis was rebuilt
// in between, and verifying finds nothing all the while.
func TestMassCorrection(t *testing.T) {
	t.Parallel()
	people := 1600 // whose acts take several pages
	if *big {
		people = 40_000
	}
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 2))
	r.populate(people, 2)
	r.clean()
	before, all := r.image(), r.tallies()

	b := r.create(clerk(""), correction.Conditions{Attempts: true, Signatures: true, From: noon})
	acts := int64(2*people + people/2)
	if b.State != correction.Ready || b.Items != acts || b.Summary.Attempts != int64(2*people) || b.Summary.Signatures != int64(people/2) {
		t.Fatalf("the list has not everything: %+v", b)
	}
	began := time.Now()
	b = r.run(b)
	t.Logf("%d acts were taken out in %s", acts, time.Since(began))
	if b.State != correction.Done || b.Counts[correction.Out] != acts {
		t.Fatalf("after the run: %+v", b)
	}
	r.settle()
	for cell, n := range r.tallies().Cells {
		want := int64(0)
		if cell.Metric == leaderboard.Enrolled {
			want = all.Cells[cell]
		}
		if n != want {
			t.Errorf("%v is %d after everything was taken out, want %d", cell, n, want)
		}
	}
	r.clean()
	r.rebuild()
	r.clean()

	began = time.Now()
	b = r.undo(b)
	t.Logf("and given back in %s", time.Since(began))
	if b.State != correction.Undone || b.Counts[correction.Back] != acts {
		t.Fatalf("after the undo: %+v", b)
	}
	r.settle()
	r.clean()
	if diff := cmp.Diff(before, r.image()); diff != "" {
		t.Errorf("not as before (-before +after):\n%.4000s", diff)
	}
}

// tallies are all figures.
func (r *rig) tallies() leaderboard.Figures {
	r.Helper()
	v, err := r.boards.Tallies(r.Context(), r.def.ID)
	must(r, 0, err)
	return v.All()
}

// TestOnBothDatabases is a small batch of one district on each.
func TestOnBothDatabases(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db, definition(t, "antidrug", 1))
		r.populate(20, 1)
		before := r.image()
		b := r.create(clerk("d1"), correction.Conditions{Attempts: true, From: noon})
		if b.Node != "d1" || b.Items != 10 || len(b.Summary.Units) != 2 || len(b.Summary.Sample) != 10 {
			t.Fatalf("the list reaches elsewhere: %+v", b)
		}
		b = r.run(b)
		r.settle()
		for _, unit := range append(units, campaign.Unassigned) {
			want := map[string]int64{"u3": 5, "u4": 5}[unit]
			if n := r.tallies().Cells[leaderboard.Cell{Unit: unit, Metric: leaderboard.Attempts}]; n != want {
				t.Errorf("%s has %d attempts, want %d", unit, n, want)
			}
		}
		r.clean()
		if b = r.undo(b); b.Counts[correction.Back] != 10 {
			t.Errorf("%+v", b)
		}
		r.settle()
		r.clean()
		if diff := cmp.Diff(before, r.image()); diff != "" {
			t.Errorf("not as before (-before +after):\n%s", diff)
		}
	})
}

// TestTheSameListWaitsOnce has two batches of one list: the second is told which one
// waits, and has nothing to do once that is through.
func TestTheSameListWaitsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 1))
	r.populate(20, 1)
	all := correction.Conditions{Attempts: true, From: noon}
	first, second, part := r.create(clerk(""), all), r.create(clerk(""), all), r.create(clerk("d1"), all)
	id, err := r.service.AskRun(t.Context(), clerk(""), first)
	must(t, 0, err)
	again, err := r.service.AskRun(t.Context(), other(), first)
	if must(t, 0, err); again != id {
		t.Errorf("%s waits beside %s", again, id)
	}
	_, err = r.service.AskRun(t.Context(), clerk(""), second)
	if !errors.Is(err, correction.ErrState) || len(faultOf(t, err).Fields) != 1 || !strings.Contains(faultOf(t, err).Fields[0].Reason, first.ID) {
		t.Errorf("the same list again: %v", err)
	}
	if _, err := r.service.AskRun(t.Context(), clerk("d1"), part); err != nil {
		t.Errorf("another list: %v", err)
	}
	if _, err := r.approvals.Refuse(t.Context(), clerk(""), id, "撤回"); err != nil {
		t.Fatal(err)
	}
	if b := r.run(second); b.State != correction.Done {
		t.Errorf("after the first was taken back: %+v", b)
	}
}
