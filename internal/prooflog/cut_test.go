package prooflog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger/ledgertest"
	"qingyuan/internal/prooflog"
	"qingyuan/proof"
)

// submitAt lets somebody submit at a moment.
func (r *rig) submitAt(participant string, at time.Time) {
	r.Helper()
	e := ledgertest.Fact(event.Position{}, event.KindSubmitted, participant, `{"number":1,"score":80,"max":100}`,
		event.FieldAt, strconv.FormatInt(at.UnixMilli(), 10))
	r.append(r.shard(participant), event.Facts, r.next, e)
	r.acts[participant+"1"] = &act{participant: participant, number: 1}
}

// TestSpans: acts of one span of time are signed apart from those of the next, in whichever
// shards they are, so that there is a checkpoint of each moment at which a span ends: also
// when nobody sealed for a while, and with what came late.
func TestSpans(t *testing.T) {
	t.Parallel()
	onBoth(t, 2, func(r *rig) {
		begin := ledgertest.Noon().Truncate(time.Minute)
		at := func(tenths int) time.Time { return begin.Add(time.Duration(tenths) * 100 * time.Millisecond) }
		for i := range 50 { // ten a second
			r.submitAt(fmt.Sprintf("p%02d", i), at(i))
		}
		now := at(35)
		r.log.Span, r.log.Now = time.Second, func() time.Time { return now }
		s := &prooflog.Sealer{
			Log: r.log, Every: time.Second, Told: func(int) {}, Signed: func(string, proof.Signed) {},
			Failed: func(what string, err error) { r.Error(what, err) },
		}
		sizes := func(want ...int64) {
			r.Helper()
			s.Round(r.Context())
			all, err := r.log.Checkpoints(r.Context(), town, 0, 100)
			if err != nil {
				r.Fatal(err)
			}
			var got []int64
			for _, c := range all {
				got = append(got, c.N)
			}
			if !slices.Equal(got, want) {
				r.Errorf("at %s the checkpoints are of %d leaves, want %d", now, got, want)
			}
		}
		told := func(tenths int, want int64) {
			r.Helper()
			c, facts, err := r.log.AsOf(r.Context(), town, at(tenths))
			switch {
			case want < 0:
				if !errors.Is(err, prooflog.ErrUnsigned) {
					r.Errorf("as of %d tenths: %d leaves, %v", tenths, c.N, err)
				}
			case err != nil || c.N != want || facts == nil:
				r.Errorf("as of %d tenths: %d leaves, want %d; %v, %v", tenths, c.N, want, facts, err)
			}
		}
		sizes(10, 20, 30)
		told(0, 0)
		told(10, 10)
		told(25, -1) // in the middle of a span
		told(30, 30)
		told(40, -1) // not over yet
		r.submitAt("late", at(29))
		now = at(100)
		sizes(10, 20, 30, 40, 51)
		told(20, 20)
		told(40, 40)
		told(50, 51)
		told(99, 51) // nothing came since
		r.clean()

		// Whoever waits for the record of a signature holds up nobody in another shard.
		r.signed("ann")
		var other string
		for i := range 50 {
			if other = fmt.Sprint("q", i); r.shard(other) != r.shard("ann") {
				break
			}
		}
		r.submitAt(other, at(150))
		now = at(200)
		sizes(10, 20, 30, 40, 51, 52)
		told(160, -1) // ann's signature is not sealed
		r.record("ann", "李安")
		now = at(300)
		sizes(10, 20, 30, 40, 51, 52, 53)
		told(160, 53)
	})
}

// TestBehind: whoever is slower than people are hands out what was signed of each span all
// the same, and lets other campaigns have a turn in between.
func TestBehind(t *testing.T) {
	t.Parallel()
	onOne(t, func(r *rig) {
		begin := ledgertest.Noon().Truncate(time.Minute)
		for i := range 5 {
			r.submitAt(fmt.Sprint("p", i), begin.Add(time.Duration(i)*time.Second))
		}
		now := begin.Add(time.Minute)
		r.log.Span, r.log.Now = time.Second, func() time.Time { now = now.Add(400 * time.Millisecond); return now }
		keeper := r.TempDir()
		s := &prooflog.Sealer{
			Log: r.log, Every: time.Second, Told: func(int) {}, Signed: func(string, proof.Signed) {},
			Failed: func(what string, err error) { r.Error(what, err) }, Keepers: []prooflog.Keeper{prooflog.Folder(keeper)},
		}
		rounds, before := 0, 0
		for more := true; more; rounds++ {
			more = s.Round(r.Context())
			kept, err := os.ReadDir(filepath.Join(keeper, town))
			if err != nil || len(kept) <= before {
				r.Fatalf("after round %d the keeper has %d checkpoints and had %d, %v", rounds+1, len(kept), before, err)
			}
			before = len(kept)
		}
		if rounds < 2 || before != 5 {
			r.Errorf("%d checkpoints in %d rounds, want 5 in several", before, rounds)
		}
		r.clean()
	})
}

// TestSealersBesideEachOther: several servers that catch up at once seal every act once,
// sign every span, and none takes the other's work for a log that was changed.
func TestSealersBesideEachOther(t *testing.T) {
	t.Parallel()
	onBoth(t, 2, func(r *rig) {
		begin := ledgertest.Noon().Truncate(time.Minute)
		const spans = 30
		for i := range spans {
			r.submitAt(fmt.Sprint("p", i), begin.Add(time.Duration(i)*time.Second))
			r.submitAt(fmt.Sprint("q", i), begin.Add(time.Duration(i)*time.Second))
		}
		var servers sync.WaitGroup
		for range 3 {
			l := r.another(r.TempDir())
			l.Span, l.Now = time.Second, func() time.Time { return begin.Add(time.Hour) }
			s := &prooflog.Sealer{
				Log: l, Every: time.Second, Told: func(int) {}, Signed: func(string, proof.Signed) {},
				Failed: func(what string, err error) { r.Error(what, err) },
			}
			servers.Go(func() { s.Round(r.Context()) })
		}
		servers.Wait()
		for i := range int64(spans) {
			c, _, err := r.log.AsOf(r.Context(), town, begin.Add(time.Duration(i+1)*time.Second))
			if err != nil || c.N != 2*(i+1) {
				r.Errorf("with span %d there are %d leaves, want %d; %v", i, c.N, 2*(i+1), err)
			}
		}
		r.clean()
	})
}

// TestKilledBeforeSigning: whoever was killed between a span and its signature signs it
// before anything else, however long they were away.
func TestKilledBeforeSigning(t *testing.T) {
	t.Parallel()
	onOne(t, func(r *rig) {
		begin := ledgertest.Noon().Truncate(time.Minute)
		for i := range 6 { // two a second
			r.submitAt(fmt.Sprint("p", i), begin.Add(time.Duration(i)*500*time.Millisecond))
		}
		r.log.Span, r.log.Now = time.Second, func() time.Time { return begin.Add(time.Hour) }
		for range 3 { // only the first is sealed: it is not signed
			if _, err := r.log.Seal(r.Context(), town); err != nil {
				r.Fatal(err)
			}
		}
		s := &prooflog.Sealer{
			Log: r.another(r.TempDir()), Every: time.Second, Told: func(int) {}, Signed: func(string, proof.Signed) {},
			Failed: func(what string, err error) { r.Error(what, err) },
		}
		s.Log.Span, s.Log.Now = time.Second, r.log.Now
		s.Round(r.Context())
		for i := range int64(3) {
			c, _, err := r.log.AsOf(r.Context(), town, begin.Add(time.Duration(i+1)*time.Second))
			if err != nil || c.N != 2*(i+1) {
				r.Errorf("with span %d there are %d leaves, want %d; %v", i, c.N, 2*(i+1), err)
			}
		}
		r.clean()
	})
}
