package boardtest

import (
	"context"
	"errors"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func countPromises() map[string]func(*bench) {
	return map[string]func(*bench){
		"until the first snapshot there is none":         noSnapshot,
		"a snapshot adds up on every level":              snapshotAddsUp,
		"today, the last hour and the trend":             snapshotTimes,
		"the newest acts are shown with masked names":    snapshotRecent,
		"one campaign's fault stops no other's snapshot": snapshotFails,
		"a history sums to the totals":                   historySums,
		"who may follow which history":                   historyMatrix,
	}
}

// snapshot makes one now.
func (b *bench) snapshot(p *leaderboard.Publisher) *leaderboard.Snapshot {
	b.Helper()
	p.Refresh(b.Context())
	s, err := p.Snapshot(b.c.ID)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func noSnapshot(b *bench) {
	s, p := b.service()
	_, err := p.Snapshot(b.c.ID)
	b.wants("Snapshot", err, fault.ErrUnavailable)
	_, err = s.Breakdown(b.c.ID, "", "zh-CN", leaderboard.Viewer{})
	b.wants("Breakdown", err, fault.ErrUnavailable)
	b.snapshot(p)
	t, err := s.Breakdown(b.c.ID, "", "zh-CN", leaderboard.Viewer{})
	b.wants("Breakdown", err, nil)
	b.same("rows at the top", 2, len(t.Rows))
}

// snapshotAddsUp proves invariant 6 on the real store, before everything was
// folded and after.
func snapshotAddsUp(b *bench) {
	s, p := b.service()
	b.crowd(60)
	for range 2 {
		snap := b.snapshot(p)
		for _, parent := range []string{"", "city", "d1", "d2"} {
			t, err := s.Breakdown(b.c.ID, parent, "zh-CN", leaderboard.Viewer{})
			b.wants("Breakdown", err, nil)
			var sum leaderboard.Counts
			for _, r := range t.Rows {
				sum = sum.Add(r.Counts)
			}
			want := snap.Roll.Total
			if parent != "" {
				want = snap.Roll.Nodes[parent]
			}
			b.same("the rows below "+parent, want, sum)
		}
		b.fold()
	}
	total := b.snapshot(p).Roll.Total
	if total.Enrolled != 60 || total.Attempts != 120 || total.Signatures != 30 || total.Participants > 60 {
		b.Errorf("totals %+v, want 60 enrolled, 120 attempts, 30 signatures", total)
	}
}

func snapshotTimes(b *bench) {
	b.enrol("u1", names(6)...)
	b.now = time.Date(2026, 6, 10, 15, 30, 0, 0, time.UTC) // 23:30 in Shanghai
	for i, ago := range []time.Duration{0, 59 * time.Minute, 61 * time.Minute, 5 * time.Hour, 24 * time.Hour, 30 * time.Hour} {
		b.Sign(b.TB, names(6)[i], b.now.Add(-ago))
	}
	b.fold()
	_, p := b.service()
	window := func(n int64) leaderboard.Window { return leaderboard.Window{Participants: n, Signatures: n} }
	snap := b.snapshot(p)
	b.same("today", window(4), snap.Today)
	b.same("the last hour", window(2), snap.LastHour)
	b.same("hours of the trend", 24, len(snap.Trend))
	var sum int64
	for i, bucket := range snap.Trend {
		sum += bucket.Signatures
		if want := b.now.Truncate(time.Hour).Add(time.Duration(i-23) * time.Hour); !bucket.Start.Equal(want) {
			b.Errorf("bucket %d begins at %s, want %s", i, bucket.Start, want)
		}
	}
	b.same("signatures of the trend", int64(4), sum)
	b.now = b.now.Add(31 * time.Minute) // the next day
	snap = b.snapshot(p)
	b.same("today, after midnight", window(0), snap.Today)
	b.same("the last hour, after midnight", window(1), snap.LastHour)
	b.Sign(b.TB, b.newcomer(), b.now.Add(-50*time.Minute)) // handed in at its deadline, yesterday
	b.fold()
	snap = b.snapshot(p)
	b.same("an act that came late counts in its hour", int64(2), snap.Trend[22].Signatures)
}

func (b *bench) newcomer() string {
	b.Helper()
	b.enrol("u1", "newcomer")
	return "newcomer"
}

func snapshotRecent(b *bench) {
	people := names(12)
	b.enrol("u1", people...)
	for _, p := range people {
		b.now = b.now.Add(time.Second)
		b.Sign(b.TB, p, b.now)
	}
	b.fold()
	_, p := b.service()
	recent := b.snapshot(p).Recent
	b.same("acts shown", 8, len(recent))
	for i, a := range recent {
		known, err := b.People(b.Context(), b.c.ID, []string{people[11-i]})
		b.wants("People", err, nil)
		b.same("act", leaderboard.RecentAct{
			Kind: event.KindSigned, Name: known[people[11-i]].Name, Unit: "u1", At: b.now.Add(-time.Duration(i) * time.Second),
		}, a)
	}
}

func snapshotFails(b *bench) {
	_, p := b.service()
	lost := *b.c
	lost.ID = "other"
	var failed []string
	p.Campaigns = func() []*campaign.Campaign { return []*campaign.Campaign{&lost, b.c} }
	p.Failed = func(id string, err error) {
		failed = append(failed, id)
		if !errors.Is(err, fault.ErrUnavailable) {
			b.Errorf("snapshot of %s: %v", id, err)
		}
	}
	before := b.snapshot(p)
	b.same("failed", []string{"other"}, failed)
	left, leave := context.WithCancel(b.Context())
	leave()
	p.Refresh(left) // the server stops: that is no failure
	b.same("failed when stopping", []string{"other"}, failed)
	if after, err := p.Snapshot(b.c.ID); err != nil || after != before {
		b.Errorf("the old snapshot went: %v", err)
	}
}

func historySums(b *bench) {
	b.crowd(60)
	b.fold()
	s, p := b.service()
	snap := b.snapshot(p)
	for _, scope := range []string{"", "city", "d1", "u1", "u5"} {
		want := snap.Roll.Total
		if scope != "" {
			want = snap.Roll.Nodes[scope]
		}
		for _, step := range []leaderboard.Step{leaderboard.ByHour, leaderboard.ByDay} {
			h, err := s.History(b.Context(), b.c.ID, step, scope, leaderboard.Viewer{})
			b.wants("History", err, nil)
			for i, bucket := range h.Buckets {
				if i > 0 && !bucket.Start.After(h.Buckets[i-1].Start) {
					b.Errorf("bucket %s comes after %s", bucket.Start, h.Buckets[i-1].Start)
				}
				if local := bucket.Start.In(b.c.Zone); step == leaderboard.ByDay && (local.Hour() != 0 || local.Minute() != 0) {
					b.Errorf("a day begins at %s", local)
				}
			}
			b.same("history of "+scope+" by "+string(step), whatCame(want), sumOf(h))
		}
	}
	_, err := s.History(b.Context(), b.c.ID, "minute", "", leaderboard.Viewer{})
	b.invalid("a history by the minute", err, "step")
	_, err = s.History(b.Context(), b.c.ID, leaderboard.ByDay, "nowhere", leaderboard.Viewer{})
	b.invalid("a history of nowhere", err, "scope")
}

// whatCame are the figures of a part that are kept by time.
func whatCame(c leaderboard.Counts) leaderboard.Window {
	return leaderboard.Window{Participants: c.Participants, Attempts: c.Attempts, Signatures: c.Signatures}
}

func sumOf(h leaderboard.History) leaderboard.Window {
	var sum leaderboard.Window
	for _, bucket := range h.Buckets {
		sum.Participants += bucket.Participants
		sum.Attempts += bucket.Attempts
		sum.Signatures += bucket.Signatures
	}
	return sum
}

func historyMatrix(b *bench) {
	s, _ := b.service()
	office := func(scope string) leaderboard.Viewer {
		return leaderboard.Viewer{Office: true, Campaign: b.c.ID, Scope: scope}
	}
	foreign := leaderboard.Viewer{Office: true, Campaign: "other"}
	for _, tc := range []struct {
		public campaign.Breakdown
		viewer leaderboard.Viewer
		may    []string
		mayNot []string
	}{
		{campaign.BreakdownNone, leaderboard.Viewer{}, []string{""}, []string{"city", "d1", "u1"}},
		{campaign.BreakdownRegions, leaderboard.Viewer{}, []string{"", "city", "d1"}, []string{"u1", "u5"}},
		{campaign.BreakdownUnits, leaderboard.Viewer{}, []string{"", "city", "d1", "u1"}, nil},
		{campaign.BreakdownNone, office(""), []string{"", "city", "d1", "u1"}, nil},
		{campaign.BreakdownNone, office("d1"), []string{"", "d1", "u1", "u2"}, []string{"city", "d2", "u3", "u5"}},
		{campaign.BreakdownNone, office("u1"), []string{"", "u1"}, []string{"d1", "u2"}},
		{campaign.BreakdownNone, foreign, []string{""}, []string{"city", "u1"}},
		{campaign.BreakdownNone, leaderboard.Viewer{Campaign: b.c.ID}, []string{""}, []string{"city", "u1"}},
	} {
		b.c.PublicBreakdown = tc.public
		for want, scopes := range map[error][]string{nil: tc.may, leaderboard.ErrNotPublished: tc.mayNot} {
			for _, scope := range scopes {
				_, err := s.History(b.Context(), b.c.ID, leaderboard.ByDay, scope, tc.viewer)
				b.wants("history of "+scope, err, want)
			}
		}
	}
}
