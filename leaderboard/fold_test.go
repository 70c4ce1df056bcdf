package leaderboard_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)
	layout   = leaderboard.Layout{Base: base, TimeBits: 18}
)

// node is a region, or a unit where its id begins with u.
func node(id, parent string) campaign.Node {
	n := campaign.Node{ID: id, Parent: parent, Kind: campaign.Region, Name: campaign.Text{"zh-CN": "名称" + id}}
	if strings.HasPrefix(id, "u") {
		n.Kind, n.Roster = campaign.Unit, 10
	}
	return n
}

func tree(t interface{ Fatal(args ...any) }, nodes ...campaign.Node) *campaign.Tree {
	out, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// city is a campaign with two districts of two units and one unit of the city's
// own.
func city(t interface{ Fatal(args ...any) }) *campaign.Campaign {
	return &campaign.Campaign{
		ID: "antidrug", Zone: shanghai, OpensAt: base, ClosesAt: base.AddDate(0, 0, 26),
		Ranking: campaign.TopN, TopN: 100, Groups: []campaign.Group{{ID: "public"}, {ID: "pupils"}},
		Tree: tree(t, node("city", ""), node("d1", "city"), node("u1", "d1"), node("u2", "d1"),
			node("d2", "city"), node("u3", "d2"), node("u4", "d2"), node("u5", "city")),
	}
}

// history writes facts as the scripts would.
type history struct {
	facts []event.Fact
	now   time.Time
}

func (h *history) add(kind event.Kind, participant, unit string, first bool, body any) {
	h.now = h.now.Add(time.Second)
	h.facts = append(h.facts, event.Fact{
		Position: event.Position{Epoch: 1, Seq: uint64(len(h.facts))}, Kind: kind, Participant: participant,
		Unit: unit, Group: "public", At: h.now, First: first, Body: body,
	})
}

func (h *history) enrolled(p, unit string) {
	h.add(event.KindEnrolled, p, unit, false, event.Enrolled{Notice: "1"})
}

func (h *history) moved(p, from, to string) {
	h.add(event.KindMoved, p, to, false, event.Moved{FromUnit: from, FromGroup: "public"})
}

func (h *history) submitted(p, unit string, first bool, score int, before *event.Best) {
	h.add(event.KindSubmitted, p, unit, first, event.Submitted{
		Score: score, MaxScore: 100, Passed: score >= 60, UsedMS: 60_000, Previous: before,
	})
}

func (h *history) signed(p, unit string, first bool) {
	h.add(event.KindSigned, p, unit, first, event.Signed{Version: "1"})
}

func passed(score int) *event.Best {
	return &event.Best{Score: score, Passed: score >= 60, Full: score == 100}
}

type cells map[leaderboard.Metric]int64

// ofUnit are a unit's cells that are not zero.
func ofUnit(tally map[leaderboard.Cell]int64, unit string) cells {
	out := cells{}
	for cell, n := range tally {
		if cell.Unit == unit && n != 0 {
			out[cell.Metric] = n
		}
	}
	return out
}

func folded(t *testing.T, h *history) leaderboard.Batch {
	t.Helper()
	b, err := leaderboard.Rules{Campaign: city(t), Layout: layout}.Fold(event.Position{}, h.facts)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFigures is the table of what each figure means.
func TestFigures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		facts func(*history)
		want  cells
	}{
		"who enrolled has not taken part": {
			func(h *history) { h.enrolled("p1", "u1"); h.enrolled("p2", "u1") },
			cells{"enrolled": 2},
		},
		"who moved counts where they are": {
			func(h *history) {
				h.enrolled("p1", "u1")
				h.enrolled("p2", "u2")
				h.moved("p2", "u2", "u1")
				h.moved("p1", "u1", "u2")
			},
			cells{"enrolled": 1},
		},
		"a start and an expiry are nothing": {
			func(h *history) {
				h.add(event.KindStarted, "p1", "u1", false, event.Started{Number: 1})
				h.add(event.KindExpired, "p1", "u1", false, event.Expired{Number: 1})
			},
			cells{},
		},
		"the first submission": {
			func(h *history) { h.submitted("p1", "u1", true, 70, nil) },
			cells{"participants": 1, "attempts": 1, "scored": 1, "score": 70, "passed": 1},
		},
		"a first submission that fails": {
			func(h *history) { h.submitted("p1", "u1", true, 59, nil) },
			cells{"participants": 1, "attempts": 1, "scored": 1, "score": 59},
		},
		"a first submission of no points": {
			func(h *history) { h.submitted("p1", "u1", true, 0, nil) },
			cells{"participants": 1, "attempts": 1, "scored": 1},
		},
		"a better one": {
			func(h *history) {
				h.submitted("p1", "u1", true, 50, nil)
				h.submitted("p1", "u1", false, 90, passed(50))
			},
			cells{"participants": 1, "attempts": 2, "scored": 1, "score": 90, "passed": 1},
		},
		"a better one, both passed": {
			func(h *history) {
				h.submitted("p1", "u1", true, 70, nil)
				h.submitted("p1", "u1", false, 90, passed(70))
			},
			cells{"participants": 1, "attempts": 2, "scored": 1, "score": 90, "passed": 1},
		},
		"a worse one": {
			func(h *history) {
				h.submitted("p1", "u1", true, 70, nil)
				h.submitted("p1", "u1", false, 20, passed(70))
			},
			cells{"participants": 1, "attempts": 2, "scored": 1, "score": 70, "passed": 1},
		},
		"an equal one": {
			func(h *history) {
				h.submitted("p1", "u1", true, 70, nil)
				h.submitted("p1", "u1", false, 70, passed(70))
			},
			cells{"participants": 1, "attempts": 2, "scored": 1, "score": 70, "passed": 1},
		},
		"a signature": {
			func(h *history) { h.signed("p1", "u1", true) },
			cells{"participants": 1, "signatures": 1},
		},
		"a signature after a submission": {
			func(h *history) { h.submitted("p1", "u1", true, 70, nil); h.signed("p1", "u1", false) },
			cells{"participants": 1, "attempts": 1, "signatures": 1, "scored": 1, "score": 70, "passed": 1},
		},
		"a submission after a signature": {
			func(h *history) { h.signed("p1", "u1", true); h.submitted("p1", "u1", false, 20, nil) },
			cells{"participants": 1, "attempts": 1, "signatures": 1, "scored": 1, "score": 20},
		},
		"another unit's act": {
			func(h *history) { h.submitted("p1", "u2", true, 70, nil) },
			cells{},
		},
	} {
		h := &history{now: base}
		tc.facts(h)
		if diff := cmp.Diff(tc.want, ofUnit(folded(t, h).Tally.Cells, "u1")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestHoursAndMinutes: an act counts in the hour and minute of its fact, a
// participant in those of their first; minutes know no unit.
func TestHoursAndMinutes(t *testing.T) {
	t.Parallel()
	h := &history{now: base.Add(59*time.Minute + 57*time.Second)}
	h.enrolled("p1", "u1")
	h.signed("p1", "u1", true) // 01:59:59
	h.submitted("p1", "u1", false, 70, nil)
	h.submitted("p2", "u2", true, 70, nil)
	b := folded(t, h)
	hour, minute := base.Unix()/3600, base.Unix()/60
	inHour := func(after int64, unit string, m leaderboard.Metric) leaderboard.BucketCell {
		return leaderboard.BucketCell{Bucket: hour + after, Cell: leaderboard.Cell{Unit: unit, Metric: m}}
	}
	inMinute := func(after int64, m leaderboard.Metric) leaderboard.BucketCell {
		return leaderboard.BucketCell{Bucket: minute + after, Cell: leaderboard.Cell{Metric: m}}
	}
	if diff := cmp.Diff(map[leaderboard.BucketCell]int64{
		inHour(0, "u1", "signatures"): 1, inHour(0, "u1", "participants"): 1,
		inHour(1, "u1", "attempts"): 1, inHour(1, "u2", "attempts"): 1, inHour(1, "u2", "participants"): 1,
	}, b.Hours); diff != "" {
		t.Errorf("hours (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[leaderboard.BucketCell]int64{
		inMinute(59, "signatures"): 1, inMinute(59, "participants"): 1,
		inMinute(60, "attempts"): 2, inMinute(60, "participants"): 1,
	}, b.Minutes); diff != "" {
		t.Errorf("minutes (-want +got):\n%s", diff)
	}
}

// TestPlaces: a submission stands on the boards of its unit, group, day and of
// every region above, and a day is one of the campaign's zone.
func TestPlaces(t *testing.T) {
	t.Parallel()
	h := &history{now: time.Date(2026, 6, 10, 15, 59, 58, 0, time.UTC)}
	h.submitted("p1", "u1", true, 70, nil)               // 23:59:59 in Shanghai
	h.submitted("p2", campaign.Unassigned, true, 0, nil) // midnight
	want := map[string][]string{
		"p1": {"u:u1", "g:public", "r:d1", "r:city", "d:2026-06-10"},
		"p2": {"u:unassigned", "g:public", "d:2026-06-11"},
	}
	got := map[string][]string{}
	for _, p := range folded(t, h).Moves {
		got[p.Participant] = append(got[p.Participant], p.Scope)
		score, used, _ := layout.Unpack(p.Packed)
		if used != time.Minute || p.Participant == "p1" && score != 70 {
			t.Errorf("%s stands with %d points in %v", p.Participant, score, used)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
}

func TestRecentActs(t *testing.T) {
	t.Parallel()
	h := &history{now: base}
	for i := range 30 {
		h.enrolled(fmt.Sprint("p", i), "u1")
		h.signed(fmt.Sprint("p", i), "u1", true)
	}
	recent := folded(t, h).Recent
	if len(recent) != 20 || recent[0].Participant != "p10" || recent[19].Participant != "p29" {
		t.Errorf("%d acts, from %+v to %+v", len(recent), recent[0], recent[len(recent)-1])
	}
	want := leaderboard.Act{Kind: event.KindSigned, Participant: "p29", Unit: "u1", At: h.now}
	if diff := cmp.Diff(want, recent[19]); diff != "" {
		t.Errorf("the newest (-want +got):\n%s", diff)
	}
}

// TestGapsAreRefused proves invariant 4: the fold never skips a fact.
func TestGapsAreRefused(t *testing.T) {
	t.Parallel()
	facts := func() []event.Fact {
		h := &history{now: base}
		for i := range 5 {
			h.enrolled(fmt.Sprint("p", i), "u1")
		}
		return h.facts
	}
	for name, tc := range map[string]struct {
		from   event.Position
		change func([]event.Fact) []event.Fact
		says   string
	}{
		"the first is missing":   {event.Position{}, func(f []event.Fact) []event.Fact { return f[1:] }, "1-1 does not follow 0-0"},
		"one is missing":         {event.Position{}, func(f []event.Fact) []event.Fact { return append(f[:2], f[3:]...) }, "1-3 does not follow 1-1"},
		"one came twice":         {event.Position{}, func(f []event.Fact) []event.Fact { f[3] = f[2]; return f }, "1-2 does not follow 1-2"},
		"two are exchanged":      {event.Position{}, func(f []event.Fact) []event.Fact { f[3], f[2] = f[2], f[3]; return f }, "1-3 does not follow 1-1"},
		"they were folded":       {event.Position{Epoch: 1, Seq: 4}, func(f []event.Fact) []event.Fact { return f }, "1-0 does not follow 1-4"},
		"an epoch that is over":  {event.Position{Epoch: 2}, func(f []event.Fact) []event.Fact { return f }, "1-0 does not follow 2-0"},
		"an act nobody knows":    {event.Position{}, func(f []event.Fact) []event.Fact { f[4].Body = "?"; return f }, "fact 1-4"},
		"a score out of range":   {event.Position{}, func(f []event.Fact) []event.Fact { f[4].Body = event.Submitted{Score: 5000}; return f }, "fact 1-4"},
		"a time before the base": {event.Position{}, func(f []event.Fact) []event.Fact { f[4].Body, f[4].At = event.Submitted{}, base.Add(-1); return f }, "fact 1-4"},
	} {
		b, err := leaderboard.Rules{Campaign: city(t), Layout: layout}.Fold(tc.from, tc.change(facts()))
		if err == nil || !strings.Contains(err.Error(), tc.says) || b.Tally.Cells != nil {
			t.Errorf("%s: Fold = %+v, %v; want an error that says %q", name, b, err, tc.says)
		}
	}
}

func TestTheCursorMoves(t *testing.T) {
	t.Parallel()
	from := event.Position{Epoch: 1, Seq: 41}
	b, err := leaderboard.Rules{Campaign: city(t), Layout: layout}.Fold(from, nil)
	if err != nil || b.From != from || b.To != from || len(b.Tally.Cells) != 0 {
		t.Errorf("no facts: %+v, %v", b, err)
	}
	h := &history{now: base}
	h.enrolled("p1", "u1")
	h.enrolled("p2", "u1")
	h.facts[0].Position, h.facts[1].Position = event.Position{Epoch: 1, Seq: 42}, event.Position{Epoch: 2, Seq: 0}
	b, err = leaderboard.Rules{Campaign: city(t), Layout: layout}.Fold(from, h.facts)
	if want := (event.Position{Epoch: 2}); err != nil || b.From != from || b.To != want {
		t.Errorf("two facts: from %s to %s, %v; want to %s", b.From, b.To, err, want)
	}
}

// life is one person in the random histories below.
type life struct {
	unit   string
	scores []int
	signed bool
}

// genHistory draws what people do, and keeps the truth about each of them.
func genHistory(t *rapid.T) (*history, map[string]*life) {
	h, lives := &history{now: base}, map[string]*life{}
	units := []string{"u1", "u2", "u3", "u4", "u5", campaign.Unassigned, "u-gone"}
	for range rapid.IntRange(0, 60).Draw(t, "acts") {
		p := fmt.Sprint("p", rapid.IntRange(0, 8).Draw(t, "person"))
		unit := rapid.SampledFrom(units).Draw(t, "unit")
		l := lives[p]
		if l == nil {
			lives[p] = &life{unit: unit}
			h.enrolled(p, unit)
			continue
		}
		first := len(l.scores) == 0 && !l.signed
		switch act := rapid.IntRange(0, 4).Draw(t, "act"); {
		case act == 0 && first:
			h.moved(p, l.unit, unit)
			l.unit = unit
		case act == 1 && !l.signed:
			h.signed(p, l.unit, first)
			l.signed = true
		case act == 2:
			h.add(event.KindExpired, p, l.unit, false, event.Expired{Number: 9})
		default:
			score := rapid.IntRange(0, 100).Draw(t, "score")
			var before *event.Best
			if len(l.scores) > 0 {
				before = passed(best(l.scores))
			}
			h.submitted(p, l.unit, first, score, before)
			l.scores = append(l.scores, score)
		}
	}
	return h, lives
}

func best(scores []int) int {
	top := scores[0]
	for _, s := range scores {
		top = max(top, s)
	}
	return top
}

// byDefinition counts a unit's people as the definitions say, without looking at
// any fact.
func byDefinition(lives map[string]*life, unit string) leaderboard.Counts {
	var c leaderboard.Counts
	for _, l := range lives {
		if l.unit != unit {
			continue
		}
		c.Enrolled++
		c.Attempts += int64(len(l.scores))
		if l.signed {
			c.Signatures++
		}
		if l.signed || len(l.scores) > 0 {
			c.Participants++
		}
		if len(l.scores) > 0 {
			top := best(l.scores)
			c.Scored++
			c.Score += int64(top)
			if top >= 60 {
				c.Passed++
			}
			if top == 100 {
				c.Full++
			}
		}
	}
	if c.Participants > 0 && unit != "u-gone" && unit != campaign.Unassigned {
		c.Active = 1
	}
	return c
}

// TestFoldsEqualTheDefinitions proves invariant 6 on random histories: however
// the facts are cut into batches, the tallies are what the definitions count, and
// hours and minutes sum to them.
func TestFoldsEqualTheDefinitions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := city(t)
		h, lives := genHistory(t)
		sum := leaderboard.Batch{Tally: leaderboard.NewFigures(), Hours: map[leaderboard.BucketCell]int64{}, Minutes: map[leaderboard.BucketCell]int64{}}
		for rest := h.facts; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "batch")
			b, err := leaderboard.Rules{Campaign: c, Layout: layout}.Fold(sum.To, rest[:n])
			if err != nil {
				t.Fatal(err)
			}
			addAll(sum.Tally.Cells, b.Tally.Cells)
			addAll(sum.Hours, b.Hours)
			addAll(sum.Minutes, b.Minutes)
			sum.To, rest = b.To, rest[n:]
		}
		checkTally(t, c, sum, lives)
	})
}

func addAll[K comparable](to, from map[K]int64) {
	for k, n := range from {
		to[k] += n
	}
}

func checkTally(t *rapid.T, c *campaign.Campaign, sum leaderboard.Batch, lives map[string]*life) {
	var total leaderboard.Counts
	for _, unit := range []string{"u1", "u2", "u3", "u4", "u5"} {
		want := byDefinition(lives, unit)
		if diff := cmp.Diff(want, leaderboard.SumOver(c.Tree, sum.Tally.Cells, unit)); diff != "" {
			t.Errorf("%s (-defined +folded):\n%s", unit, diff)
		}
		total = total.Add(want)
	}
	// Units that left the tree count with those who never had one.
	gone, none := byDefinition(lives, "u-gone"), byDefinition(lives, campaign.Unassigned)
	rest := gone.Add(none)
	if diff := cmp.Diff(rest, leaderboard.RollUp(c.Tree, sum.Tally.Cells).Nodes[campaign.Unassigned]); diff != "" {
		t.Errorf("unassigned (-defined +folded):\n%s", diff)
	}
	total = total.Add(rest)
	for name, buckets := range map[string]map[leaderboard.BucketCell]int64{"hours": sum.Hours, "minutes": sum.Minutes} {
		byMetric := map[leaderboard.Metric]int64{}
		for cell, n := range buckets {
			byMetric[cell.Metric] += n
		}
		want := map[leaderboard.Metric]int64{"participants": total.Participants, "attempts": total.Attempts, "signatures": total.Signatures}
		maps.DeleteFunc(want, func(_ leaderboard.Metric, n int64) bool { return n == 0 })
		if diff := cmp.Diff(want, byMetric, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-total +sum):\n%s", name, diff)
		}
	}
}
