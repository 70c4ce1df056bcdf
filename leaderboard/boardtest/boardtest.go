// Package boardtest is what any leaderboard.Store must do, and the folder,
// publisher and service on it, as tests. The comments of the interface become
// executable here, the races included.
package boardtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

// Bench is an empty store and what a test needs around it.
type Bench struct {
	// Stores are the same store as several servers hold it, each with a client
	// of its own; one will do.
	Stores []leaderboard.Store
	Facts  leaderboard.Facts
	// Enrol, Submit and Sign do what participants do. A submission ends at the
	// given time.
	Enrol  func(t testing.TB, participant, unit, group string)
	Submit func(t testing.TB, a Attempt)
	Sign   func(t testing.TB, participant string, at time.Time)
	// Correct lets an accepted attempt count no more, or again.
	Correct func(t testing.TB, participant string, number int, counts bool)
	// Clock turns the clock of the stores.
	Clock func(now time.Time)
	// Break lets a shard give no more answers about its main board.
	Break func(t testing.TB, shard int)
}

// Attempt is one accepted submission.
type Attempt struct {
	Participant string
	Score       int // 60 of 100 is a pass, and 100 are full marks
	Used        time.Duration
	At          time.Time
}

// Open opens a campaign in an empty store. It may change the campaign's id and
// the number of its shards, and releases everything through t.Cleanup.
type Open func(t testing.TB, c *campaign.Campaign) Bench

// Opens is the campaign's first moment, 09:00 on 2026-06-01 in its zone, and Noon
// is that of the day on which most happens here.
func Opens() time.Time { return time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC) }

// Noon is 12:00 on 2026-06-10 in the campaign's zone.
func Noon() time.Time { return time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC) }

// Campaign is a city with two districts of two units each and a unit of its own.
// It ranks and publishes everything.
func Campaign(t testing.TB) *campaign.Campaign {
	t.Helper()
	node := func(kind campaign.NodeKind, id, parent string) campaign.Node {
		return campaign.Node{ID: id, Parent: parent, Kind: kind, Name: campaign.Text{"zh-CN": "名" + id}, Roster: 100}
	}
	tree, err := campaign.NewTree([]campaign.Node{
		node(campaign.Region, "city", ""),
		node(campaign.Region, "d1", "city"), node(campaign.Unit, "u1", "d1"), node(campaign.Unit, "u2", "d1"),
		node(campaign.Region, "d2", "city"), node(campaign.Unit, "u3", "d2"), node(campaign.Unit, "u4", "d2"),
		node(campaign.Unit, "u5", "city"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{
		ID: "boards", Zone: time.FixedZone("Asia/Shanghai", 8*60*60), Shards: 1, Tree: tree,
		OpensAt: Opens(), ClosesAt: Opens().AddDate(0, 0, 26), Ranking: campaign.TopN, TopN: 1000,
		PublicBreakdown: campaign.BreakdownUnits, Groups: []campaign.Group{{ID: "public"}, {ID: "pupils"}},
	}
}

// RunStore exercises the store that open gives.
func RunStore(t *testing.T, open Open) {
	t.Helper()
	run(t, open, foldPromises(), boardPromises(), standingPromises(), freezePromises())
}

// RunService exercises folder, publisher and service on the store that open
// gives.
func RunService(t *testing.T, open Open) {
	t.Helper()
	run(t, open, servicePromises(), countPromises())
}

func run(t *testing.T, open Open, groups ...map[string]func(*bench)) {
	t.Helper()
	for _, group := range groups {
		for name, promise := range group {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				promise(newBench(t, open))
			})
		}
	}
}

// bench is a Bench in the hands of one test.
type bench struct {
	testing.TB
	Bench
	leaderboard.Store
	c      *campaign.Campaign
	open   Open
	layout leaderboard.Layout
	now    time.Time
}

func newBench(t testing.TB, open Open, changes ...func(*campaign.Campaign)) *bench {
	t.Helper()
	b := &bench{TB: t, c: Campaign(t), open: open, now: Noon()}
	for _, change := range changes {
		change(b.c)
	}
	b.Bench = open(t, b.c)
	b.Store = b.Stores[0]
	var err error
	if b.layout, err = b.Layout(t.Context(), b.c.ID); err != nil {
		t.Fatal(err)
	}
	return b
}

// enrol makes people known in a unit.
func (b *bench) enrol(unit string, participants ...string) {
	b.Helper()
	for _, p := range participants {
		b.Enrol(b.TB, p, unit, "public")
	}
}

// submit hands an attempt of a minute in, a second after the last.
func (b *bench) submit(participant string, score int) Attempt {
	b.Helper()
	b.now = b.now.Add(time.Second)
	a := Attempt{Participant: participant, Score: score, Used: time.Minute, At: b.now}
	b.Submit(b.TB, a)
	return a
}

// entry is the place of an attempt on a board.
func (b *bench) entry(a Attempt) leaderboard.Entry {
	b.Helper()
	packed, err := b.layout.Pack(a.Score, a.Used, a.At)
	if err != nil {
		b.Fatal(err)
	}
	return leaderboard.Entry{Participant: a.Participant, Packed: packed}
}

// folder folds with one of the stores.
func (b *bench) folder(s leaderboard.Store) *leaderboard.Folder {
	return &leaderboard.Folder{
		Store: s, Facts: b.Facts, Now: func() time.Time { return b.now },
		Campaign: func() (*campaign.Campaign, error) { return b.c, nil },
		Folded:   func(int, time.Duration) {}, Failed: func(err error) { b.Errorf("fold: %v", err) },
	}
}

// fold folds every shard to its end.
func (b *bench) fold() {
	b.Helper()
	f := b.folder(b.Store)
	for shard := range b.c.Shards {
		for {
			n, err := f.Step(b.Context(), shard)
			if err != nil {
				b.Fatal(err)
			}
			if n == 0 {
				break
			}
		}
	}
}

// board is the truth about a board: everybody's best attempt, best first, equals
// by their id from the last.
type board []leaderboard.Entry

func (b *bench) boardOf(attempts ...Attempt) board {
	b.Helper()
	best := map[string]leaderboard.Entry{}
	for _, a := range attempts {
		if e := b.entry(a); e.Packed >= best[a.Participant].Packed {
			best[a.Participant] = e
		}
	}
	var out board
	for _, e := range best {
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y leaderboard.Entry) int {
		return cmp.Or(cmp.Compare(y.Packed, x.Packed), cmp.Compare(y.Participant, x.Participant))
	})
	return out
}

func (of board) find(participant string) (int, bool) {
	i := slices.IndexFunc(of, func(e leaderboard.Entry) bool { return e.Participant == participant })
	return i, i >= 0
}

func (of board) above(packed uint64) int64 {
	var n int64
	for _, e := range of {
		if e.Packed > packed {
			n++
		}
	}
	return n
}

func (of board) below(packed uint64) int64 {
	var n int64
	for _, e := range of {
		if e.Packed < packed {
			n++
		}
	}
	return n
}

func (b *bench) same(what string, want, got any) {
	b.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (b *bench) wants(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("%s: %v, want %v", what, err, want)
	}
}

// allFacts returns the facts of a shard.
func (b *bench) allFacts(shard int) []event.Fact {
	b.Helper()
	facts, err := b.Facts.After(b.Context(), b.c.ID, shard, event.Position{}, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	return facts
}

// names are so many participants.
func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("p%03d", i)
	}
	return out
}
