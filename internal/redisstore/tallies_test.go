package redisstore

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// TestMinutesDoNotPileUp: a shard keeps the minutes of two hours, and a few more.
func TestMinutesDoNotPileUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	at := event.Position{}
	for i := range 1000 {
		minute := noon.Unix()/60 + int64(i)
		next := event.Position{Epoch: 1, Seq: uint64(i)}
		applied, err := r.boards.Apply(t.Context(), "antidrug", 0, leaderboard.Batch{
			From: at, To: next,
			Minutes: map[leaderboard.BucketCell]int64{{Bucket: minute, Cell: cell("", leaderboard.Attempts)}: 1},
		})
		if err != nil || !applied {
			t.Fatalf("Apply: %t, %v", applied, err)
		}
		at = next
	}
	got, err := r.boards.Tallies(t.Context(), "antidrug")
	if err != nil || len(got.Minutes) > 600 {
		t.Errorf("%d minutes are kept, %v", len(got.Minutes), err)
	}
	for i := 999 - 120; i < 1000; i++ {
		c := leaderboard.BucketCell{Bucket: noon.Unix()/60 + int64(i), Cell: cell("", leaderboard.Attempts)}
		if got.Minutes[c] != 1 {
			t.Errorf("minute %d of the last two hours is lost", i)
		}
	}
}

// TestRecentActsDoNotPileUp: a shard keeps twenty acts.
func TestRecentActsDoNotPileUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	for i := range 30 {
		p := fmt.Sprint("p", i)
		r.enrol(p, "u1", "public")
		r.sign(p, noon.Add(time.Duration(i)*time.Second))
		r.foldAll()
	}
	if n := r.db.LLen(t.Context(), keysOf("antidrug", 0).recent()).Val(); n != 20 {
		t.Errorf("%d acts are kept", n)
	}
}

// TestDamagedTallies: what cannot be read is an error, never a zero.
func TestDamagedTallies(t *testing.T) {
	t.Parallel()
	k := keysOf("antidrug", 1)
	for name, damage := range map[string]func(*rig){
		"a count in words":    func(r *rig) { r.db.HSet(t.Context(), k.tally(), "u1|enrolled", "many") },
		"a minute in words":   func(r *rig) { r.db.HSet(t.Context(), k.minutes(), "now|attempts", "1") },
		"minutes in words":    func(r *rig) { r.db.HSet(t.Context(), k.minutes(), "1|attempts", "few") },
		"half an act":         func(r *rig) { r.db.LPush(t.Context(), k.recent(), "signed.1|1") },
		"an act of no time":   func(r *rig) { r.db.LPush(t.Context(), k.recent(), "signed.1|now|p|u") },
		"a cursor in words":   func(r *rig) { r.enrol("p9", "u1", "public"); r.db.HSet(t.Context(), k.cursor(), "pos", "here") },
		"a tally of no kind":  func(r *rig) { r.db.Set(t.Context(), k.tally(), "1", 0) },
		"a list of no acts":   func(r *rig) { r.db.Set(t.Context(), k.recent(), "1", 0) },
		"facts of no kind":    func(r *rig) { r.db.Set(t.Context(), k.facts(), "1", 0) },
		"minutes of no kind":  func(r *rig) { r.db.Set(t.Context(), k.minutes(), "1", 0) },
		"a cursor of no kind": func(r *rig) { r.db.Set(t.Context(), k.cursor(), "1", 0) },
	} {
		r := newRig(t, 2)
		damage(r)
		if got, err := r.boards.Tallies(t.Context(), "antidrug"); err == nil {
			t.Errorf("%s: Tallies = %+v", name, got)
		}
	}
}

// TestACellOfANewerServer: a metric this server does not know is carried along.
func TestACellOfANewerServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.db.HSet(t.Context(), keysOf("antidrug", 0).tally(), "u1|prizes", 3, "u1|enrolled", 2)
	got, err := r.boards.Tallies(t.Context(), "antidrug")
	want := map[leaderboard.Cell]int64{cell("u1", "prizes"): 3, cell("u1", "enrolled"): 2}
	if diff := cmp.Diff(want, got.Public.Cells); err != nil || diff != "" {
		t.Errorf("tallies: %v (-want +got):\n%s", err, diff)
	}
}
