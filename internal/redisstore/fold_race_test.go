package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func cell(unit string, m leaderboard.Metric) leaderboard.Cell {
	return leaderboard.Cell{Unit: unit, Metric: m}
}

// folder folds with a server's store.
func (r *rig) folder(s server) *leaderboard.Folder {
	return &leaderboard.Folder{
		Store: s.boards, Facts: r, Now: time.Now, Idle: time.Millisecond,
		Campaign: func() (*campaign.Campaign, error) { return r.def, nil },
		Folded:   func(int, time.Duration) {}, Failed: func(error) {},
	}
}

// foldAll folds everything that waits.
func (r *rig) foldAll() {
	r.Helper()
	f := r.folder(r.server)
	for shard := range r.def.Shards {
		for n := 1; n > 0; {
			var err error
			if n, err = f.Step(r.Context(), shard); err != nil {
				r.Fatal(err)
			}
		}
	}
}

// stumbling is a store whose server stops in the middle of a batch: sometimes
// before it was applied, and sometimes after, when nobody learns of it.
type stumbling struct {
	leaderboard.Store
	n atomic.Int64
}

func (s *stumbling) Apply(ctx context.Context, id string, shard int, b leaderboard.Batch) (bool, error) {
	switch s.n.Add(1) % 3 {
	case 0:
		return false, fault.ErrUnavailable
	case 1:
		_, _ = s.Store.Apply(ctx, id, shard, b)
		return false, fault.ErrUnavailable
	default:
		return s.Store.Apply(ctx, id, shard, b)
	}
}

// TestFoldersThatStumble proves invariant 6: several servers fold at once, answers
// are lost and batches given up, people go on acting, and in the end every fact
// was counted once.
func TestFoldersThatStumble(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		r := newRig(t, shards)
		ctx, stop := context.WithCancel(t.Context())
		var folders sync.WaitGroup
		for i, s := range r.servers {
			f := r.folder(s)
			if i > 0 {
				f.Store = &stumbling{Store: s.boards}
			}
			for shard := range shards {
				folders.Go(func() { f.Run(ctx, shard) })
			}
		}
		r.everything(150)
		stop()
		folders.Wait()
		r.foldAll()
		r.foldedOnce()
	})
}

// foldedOnce compares all tallies with a pure fold of all facts.
func (r *rig) foldedOnce() {
	r.Helper()
	layout, err := r.boards.Layout(r.Context(), r.def.ID)
	if err != nil {
		r.Fatal(err)
	}
	want := leaderboard.Tallies{Public: leaderboard.NewFigures(), Late: leaderboard.NewFigures()}
	for shard := range r.def.Shards {
		batch, err := leaderboard.Rules{Campaign: r.def, Layout: layout}.Fold(event.Position{}, r.facts(shard))
		if err != nil {
			r.Fatal(err)
		}
		want.Public, want.Late = want.Public.Plus(batch.Tally), want.Late.Plus(batch.Late)
	}
	got, err := r.boards.Tallies(r.Context(), r.def.ID)
	got.Public, got.Late, want.Public, want.Late = nonZero(got.Public), nonZero(got.Late), nonZero(want.Public), nonZero(want.Late)
	if diff := cmp.Diff([]leaderboard.Figures{want.Public, want.Late}, []leaderboard.Figures{got.Public, got.Late}); err != nil || diff != "" || got.Lag != 0 {
		r.Errorf("tallies: lag %d, %v (-folded once +got):\n%s", got.Lag, err, diff)
	}
}

// nonZero leaves out what came to nothing.
func nonZero(f leaderboard.Figures) leaderboard.Figures {
	maps.DeleteFunc(f.Cells, func(_ leaderboard.Cell, n int64) bool { return n == 0 })
	maps.DeleteFunc(f.Scores, func(_ int, n int64) bool { return n == 0 })
	return f
}

// TestAnOlderFold proves invariant 6: where a newer version of the fold has been,
// an older one changes nothing.
func TestAnOlderFold(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	r.foldAll()
	r.enrol("bob", "u1", "public")
	fold := keysOf("antidrug", 0).cursor()
	if got := r.db.HGet(t.Context(), fold, "version").Val(); got != strconv.Itoa(leaderboard.FoldVersion) {
		t.Errorf("the fold left the version %q", got)
	}
	r.db.HSet(t.Context(), fold, "version", leaderboard.FoldVersion+1)
	r.unchanged("an older fold", func() {
		for range 2 {
			_, err := r.folder(r.server).Step(t.Context(), 0)
			if err == nil || !strings.Contains(err.Error(), "older") || errors.Is(err, fault.ErrUnavailable) {
				t.Errorf("Step = %v", err)
			}
		}
	})
	r.db.HSet(t.Context(), fold, "version", leaderboard.FoldVersion)
	r.foldAll()
	r.foldedOnce()
}

// TestAnUnknownFact proves invariant 5: the fold stops before a fact of a newer
// server, and goes on when it can read it.
func TestAnUnknownFact(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.enrol("alice", "u1", "public")
	r.foldAll()
	if err := r.db.Do(t.Context(), "XADD", StreamKey("antidrug", 0, event.Facts), "1-*", "k", "prize.1", "p", "alice", "u", "u1", "g", "public", "t", "1", "d", "{}").Err(); err != nil {
		t.Fatal(err)
	}
	r.enrol("bob", "u1", "public")
	r.unchanged("an unknown fact", func() {
		if _, err := r.folder(r.server).Step(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "prize.1") {
			t.Errorf("Step = %v", err)
		}
	})
}

// TestALongQueue: more facts than one batch are folded batch by batch.
func TestALongQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	pipe := r.db.Pipeline()
	const people = 1201
	for i := range people {
		pipe.Do(t.Context(), "XADD", StreamKey("antidrug", 0, event.Facts), "1-*", "k", "signed.1", "p", fmt.Sprint("p", i), "u", "u1", "g", "public",
			"t", noon.Add(time.Duration(i)*time.Second).UnixMilli(), "f", "1", "d", "{}")
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := r.folder(r.server)
	var batches []int
	for {
		n, err := f.Step(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		batches = append(batches, n)
	}
	if diff := cmp.Diff([]int{500, 500, 201}, batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	r.foldedOnce()
}
