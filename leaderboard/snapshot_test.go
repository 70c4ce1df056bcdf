package leaderboard_test

import (
	"context"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// oneHour is a store in which all signatures fell into one hour, and which
// counts how many hours were read from it.
type oneHour struct {
	leaderboard.Store

	hour       int64
	signatures int64
	read       int64
}

func (o *oneHour) Tallies(context.Context, string) (leaderboard.Tallies, error) {
	return leaderboard.Tallies{}, nil
}

func (o *oneHour) Hours(_ context.Context, _ string, first, last int64) (map[leaderboard.BucketCell]int64, error) {
	o.read += last - first + 1
	cells := map[leaderboard.BucketCell]int64{}
	if first <= o.hour && o.hour <= last {
		cells[leaderboard.BucketCell{Bucket: o.hour, Cell: leaderboard.Cell{Unit: "u", Metric: leaderboard.Signatures}}] = o.signatures
	}
	return cells, nil
}

func (o *oneHour) People(context.Context, string, []string) (map[string]leaderboard.Person, error) {
	return map[string]leaderboard.Person{}, nil
}

// TestALateActReachesTheTrend hands an act in that belongs to an hour long over,
// as happens after an outage: trend and today must learn of it without a restart.
func TestALateActReachesTheTrend(t *testing.T) {
	t.Parallel()
	tree, err := campaign.NewTree([]campaign.Node{{ID: "u", Kind: campaign.Unit}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 6, 10, 20, 30, 0, 0, time.UTC)
	store := &oneHour{hour: start.Unix()/3600 - 3, signatures: 1}
	b := &leaderboard.Builder{Store: store, Campaign: &campaign.Campaign{
		ID: "c", Zone: time.UTC, Tree: tree, Ranking: campaign.RankNone,
	}}
	today := func(after time.Duration) int64 {
		s, err := b.Build(t.Context(), start.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return s.Today.Signatures
	}
	if n := today(0); n != 1 {
		t.Fatalf("%d signatures today, want 1", n)
	}
	store.signatures++
	before := store.read
	today(time.Second)
	if n := store.read - before; n > 2 {
		t.Errorf("a second later %d hours were read, want the running one", n)
	}
	today(time.Minute)
	if n := today(time.Minute + time.Second); n != 2 {
		t.Errorf("%d signatures today a minute after the late one, want 2", n)
	}
}

// mover is a store of a board with one person, who was transferred.
type mover struct {
	oneHour

	stays []event.Stay
}

func (m *mover) Layout(context.Context, string) (leaderboard.Layout, error) { return layout, nil }

func (m *mover) Top(context.Context, string, string, leaderboard.View, int64, int64) ([]leaderboard.Entry, int64, error) {
	return []leaderboard.Entry{{Participant: "p", Packed: 1}}, 1, nil
}

func (m *mover) People(context.Context, string, []string) (map[string]leaderboard.Person, error) {
	return map[string]leaderboard.Person{"p": {Name: "王*", Unit: "u2", Group: "public", Stays: m.stays}}, nil
}

// TestAFrozenBoardNamesTheUnitOfThen: who was transferred since the freeze stands with
// the old unit until the boards move again.
func TestAFrozenBoardNamesTheUnitOfThen(t *testing.T) {
	t.Parallel()
	c := city(t)
	c.Freeze = campaign.Freeze{At: base.Add(time.Hour), Until: base.Add(10 * time.Hour)}
	transferred := func(after time.Duration) []event.Stay {
		return []event.Stay{{Unit: "u1", Group: "public", Until: base.Add(after).UnixMilli(), Request: "t"}}
	}
	for _, tc := range []struct {
		transferred, look time.Duration
		want              string
	}{
		{30 * time.Minute, 45 * time.Minute, "u2"}, {30 * time.Minute, 2 * time.Hour, "u2"}, {2 * time.Hour, 3 * time.Hour, "u1"}, {2 * time.Hour, 11 * time.Hour, "u2"},
	} {
		b := &leaderboard.Builder{Store: &mover{stays: transferred(tc.transferred)}, Campaign: c}
		s, err := b.Build(t.Context(), base.Add(tc.look))
		if err != nil {
			t.Fatal(err)
		}
		if items := s.Boards[""].Items; len(items) != 1 || items[0].Unit != tc.want {
			t.Errorf("transferred after %v, after %v the board says %+v, want %s", tc.transferred, tc.look, items, tc.want)
		}
	}
}
