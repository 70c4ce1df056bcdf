package boardtest

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func foldPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"a new campaign has nothing":                                emptyCampaign,
		"invariant 6: a batch is applied once":                      appliedOnce,
		"invariant 6: racing folders fold exactly once":             racingFolders,
		"lag counts the facts that wait":                            lagCounts,
		"the newest acts come first":                                newestFirst,
		"minutes are kept for two hours":                            minutesKept,
		"who left is answered that it may be repeated":              contextBounds,
		"a campaign that was not opened is an outage, never a zero": notOpened,
	}
}

func emptyCampaign(b *bench) {
	ctx := b.Context()
	if n, err := b.Shards(ctx, b.c.ID); err != nil || n != b.c.Shards {
		b.Errorf("%d shards, %v; want %d", n, err, b.c.Shards)
	}
	for shard := range b.c.Shards {
		at, err := b.Cursor(ctx, b.c.ID, shard)
		b.wants("Cursor", err, nil)
		b.same("cursor", event.Position{}, at)
	}
	t, err := b.Tallies(ctx, b.c.ID)
	b.wants("Tallies", err, nil)
	b.same("tallies", leaderboard.Tallies{}, t)
	hours, err := b.Hours(ctx, b.c.ID, hour(Opens()), hour(Noon()))
	b.wants("Hours", err, nil)
	b.same("hours", 0, len(hours))
	top, total, err := b.Top(ctx, b.c.ID, "", leaderboard.Now, 0, 10)
	b.wants("Top", err, nil)
	b.same("top", board{}, board(top))
	b.same("total", int64(0), total)
	_, ok, err := b.Standing(ctx, b.c.ID, "", leaderboard.Now, "nobody", 5)
	b.wants("Standing", err, nil)
	b.same("a standing", false, ok)
}

func hour(at time.Time) int64 { return at.Unix() / 3600 }

func appliedOnce(b *bench) {
	b.enrol("u1", names(10)...)
	for _, p := range names(10) {
		b.submit(p, 70)
	}
	shard := b.busiest()
	facts := b.allFacts(shard)
	half := len(facts) / 2
	first, err := leaderboard.Rules{Campaign: b.c, Layout: b.layout}.Fold(event.Position{}, facts[:half])
	b.wants("Fold", err, nil)
	second, err := leaderboard.Rules{Campaign: b.c, Layout: b.layout}.Fold(first.To, facts[half:])
	b.wants("Fold", err, nil)
	for _, step := range []struct {
		batch   leaderboard.Batch
		applied bool
		cursor  event.Position
	}{
		{second, false, event.Position{}}, // too soon
		{first, true, first.To},
		{first, false, first.To}, // a repeat after an unknown outcome
		{second, true, second.To},
		{first, false, second.To},
		{second, false, second.To},
	} {
		applied, err := b.Apply(b.Context(), b.c.ID, shard, step.batch)
		b.wants("Apply", err, nil)
		b.same("applied", step.applied, applied)
		at, err := b.Cursor(b.Context(), b.c.ID, shard)
		b.wants("Cursor", err, nil)
		b.same("cursor", step.cursor, at)
	}
	t, err := b.Tallies(b.Context(), b.c.ID)
	b.wants("Tallies", err, nil)
	whole, err := leaderboard.Rules{Campaign: b.c, Layout: b.layout}.Fold(event.Position{}, facts)
	b.wants("Fold", err, nil)
	b.same("tallies", whole.Tally.Cells, t.All().Cells)
	b.same("minutes", whole.Minutes, t.Minutes)
}

// busiest is the shard with the most facts.
func (b *bench) busiest() int {
	b.Helper()
	most := 0
	for shard := range b.c.Shards {
		if len(b.allFacts(shard)) > len(b.allFacts(most)) {
			most = shard
		}
	}
	return most
}

// crowd lets people of all units act over three days.
func (b *bench) crowd(n int) []Attempt {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	units := []string{"u1", "u2", "u3", "u4", "u5", campaign.Unassigned}
	var all []Attempt
	for i, p := range names(n) {
		b.Enrol(b.TB, p, units[i%len(units)], []string{"public", "pupils"}[i%2])
	}
	for range 2 * n {
		p := names(n)[rng.IntN(n)]
		b.now = b.now.Add(time.Duration(rng.Int64N(int64(72*time.Hour) / int64(2*n))))
		a := Attempt{Participant: p, Score: 10 * rng.IntN(11), Used: time.Duration(1+rng.IntN(5)) * time.Minute, At: b.now.Truncate(time.Millisecond)}
		b.Submit(b.TB, a)
		all = append(all, a)
	}
	for _, p := range names(n / 2) {
		b.Sign(b.TB, p, b.now)
	}
	return all
}

// racingFolders: several servers fold at once, one of them leaves in the middle,
// and while they do people go on. The result is what one pure fold of all facts
// gives, shard by shard.
func racingFolders(b *bench) {
	var folders sync.WaitGroup
	working, stop := context.WithCancel(b.Context())
	leaving, leave := context.WithCancel(b.Context())
	for i, s := range b.Stores {
		for shard := range b.c.Shards {
			folders.Go(func() {
				f := b.folder(s)
				f.Idle = time.Millisecond
				if i == 0 {
					f.Run(leaving, shard)
				} else {
					f.Run(working, shard)
				}
			})
		}
	}
	// A folder asks for the time while people act.
	now := b.now
	acting := &bench{TB: b.TB, Bench: b.Bench, Store: b.Store, c: b.c, layout: b.layout, now: now}
	all := acting.crowd(40)
	leave()
	for _, p := range names(20) {
		acting.Enrol(b.TB, "late-"+p, "u1", "public")
		acting.Sign(b.TB, "late-"+p, acting.now)
	}
	stop()
	folders.Wait()
	b.fold() // what was still waiting
	b.checkFolded()
	b.checkBoards(all)
}

// checkFolded compares tallies and hours with a pure fold.
func (b *bench) checkFolded() {
	b.Helper()
	cells, hours, minutes := map[leaderboard.Cell]int64{}, map[leaderboard.BucketCell]int64{}, map[leaderboard.BucketCell]int64{}
	for shard := range b.c.Shards {
		batch, err := leaderboard.Rules{Campaign: b.c, Layout: b.layout}.Fold(event.Position{}, b.allFacts(shard))
		b.wants("Fold", err, nil)
		add(cells, batch.Tally.Cells)
		add(hours, batch.Hours)
		add(minutes, batch.Minutes)
	}
	t, err := b.Tallies(b.Context(), b.c.ID)
	b.wants("Tallies", err, nil)
	b.same("tallies", cells, t.All().Cells)
	b.same("lag", int64(0), t.Lag)
	got, err := b.Hours(b.Context(), b.c.ID, hour(Opens()), hour(b.c.ClosesAt))
	b.wants("Hours", err, nil)
	b.same("hours", hours, got)
}

func add[K comparable](to, from map[K]int64) {
	for k, n := range from {
		to[k] += n
	}
}

// checkBoards compares every scoped board with the attempts.
func (b *bench) checkBoards(all []Attempt) {
	b.Helper()
	scopes := map[string][]Attempt{}
	for _, a := range all {
		people, err := b.People(b.Context(), b.c.ID, []string{a.Participant})
		b.wants("People", err, nil)
		p := people[a.Participant]
		in := []string{"", leaderboard.UnitScope(p.Unit), leaderboard.GroupScope(p.Group), leaderboard.DayScope(b.c.Day(a.At))}
		for _, r := range b.c.Tree.Regions(p.Unit) {
			in = append(in, leaderboard.RegionScope(r))
		}
		for _, scope := range in {
			scopes[scope] = append(scopes[scope], a)
		}
	}
	for scope, attempts := range scopes {
		want := b.boardOf(attempts...)
		got, total, err := b.Top(b.Context(), b.c.ID, scope, leaderboard.Now, 0, 1000)
		b.wants("Top", err, nil)
		b.same("board "+scope, want, board(got))
		b.same("total of "+scope, int64(len(want)), total)
	}
}

func lagCounts(b *bench) {
	b.enrol("u1", names(12)...)
	lag := func() int64 {
		b.Helper()
		t, err := b.Tallies(b.Context(), b.c.ID)
		b.wants("Tallies", err, nil)
		return t.Lag
	}
	b.same("before the first fold", int64(12), lag())
	b.fold()
	b.same("after it", int64(0), lag())
	for _, p := range names(5) {
		b.Sign(b.TB, p, b.now)
	}
	b.same("after five more", int64(5), lag())
	b.fold()
	b.same("in the end", int64(0), lag())
}

func newestFirst(b *bench) {
	people := names(60)
	b.enrol("u1", people...)
	for i, p := range people {
		b.now = b.now.Add(time.Second)
		if i%2 == 0 {
			b.Sign(b.TB, p, b.now)
		} else {
			b.submit(p, 50)
		}
		if i%7 == 0 {
			b.fold()
		}
	}
	b.fold()
	t, err := b.Tallies(b.Context(), b.c.ID)
	b.wants("Tallies", err, nil)
	if len(t.Recent) < 8 {
		b.Fatalf("%d acts are kept, the screen shows eight", len(t.Recent))
	}
	for i, a := range t.Recent[:8] {
		want := leaderboard.Act{Participant: people[59-i], Unit: "u1", Kind: event.KindSubmitted, At: a.At}
		if i%2 == 1 {
			want.Kind = event.KindSigned
		}
		b.same("act", want, a)
		if i > 0 && a.At.After(t.Recent[i-1].At) {
			b.Errorf("act %d is newer than the one before", i)
		}
	}
}

// minutesKept: the minutes of the last two hours are there, however many there
// were before.
func minutesKept(b *bench) {
	people := names(400)
	b.enrol("u1", people...)
	for _, p := range people {
		b.now = b.now.Add(2 * time.Minute)
		b.Sign(b.TB, p, b.now)
		if rest := b.now.Unix() / 60 % 10; rest < 2 {
			b.fold()
		}
	}
	b.fold()
	t, err := b.Tallies(b.Context(), b.c.ID)
	b.wants("Tallies", err, nil)
	kept := map[int64]int64{}
	for cell, n := range t.Minutes {
		if cell.Metric == leaderboard.Signatures {
			kept[cell.Bucket] += n
		}
	}
	newest := b.now.Unix() / 60
	for minute := newest - 118; minute <= newest; minute += 2 {
		b.same("signatures of a minute", int64(1), kept[minute])
	}
}

func contextBounds(b *bench) {
	ctx, leave := context.WithCancel(b.Context())
	leave()
	b.enrol("u1", "p")
	b.submit("p", 50)
	for name, err := range b.questions(ctx, b.c.ID) {
		b.wants(name, err, fault.ErrUnavailable)
	}
}

func notOpened(b *bench) {
	for name, err := range b.questions(b.Context(), "other") {
		b.wants(name, err, fault.ErrUnavailable)
	}
	_, errLayout := b.Layout(b.Context(), "other")
	_, errShards := b.Shards(b.Context(), "other")
	b.wants("Layout", errLayout, fault.ErrUnavailable)
	b.wants("Shards", errShards, fault.ErrUnavailable)
}

// questions asks everything that needs the store.
func (b *bench) questions(ctx context.Context, id string) map[string]error {
	_, errCursor := b.Cursor(ctx, id, 0)
	_, errApply := b.Apply(ctx, id, 0, leaderboard.Batch{To: event.Position{Epoch: 1}})
	_, errTallies := b.Tallies(ctx, id)
	_, errHours := b.Hours(ctx, id, 1, 2)
	_, _, errTop := b.Top(ctx, id, "", leaderboard.Now, 0, 10)
	_, errAbove := b.Above(ctx, id, "", leaderboard.Now, 5)
	_, _, errStanding := b.Standing(ctx, id, "", leaderboard.Now, "p", 5)
	_, errPeople := b.People(ctx, id, []string{"p"})
	return map[string]error{
		"Cursor": errCursor, "Apply": errApply, "Tallies": errTallies, "Hours": errHours, "Top": errTop,
		"Above": errAbove, "Standing": errStanding, "People": errPeople,
	}
}
