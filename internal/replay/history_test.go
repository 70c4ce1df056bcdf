package replay_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// shanghai is the zone of the campaigns here, opens their first moment and noon
// the one at which a test begins.
var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)
	opens    = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	noon     = time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
)

// definition is a campaign of two districts with two units each.
func definition(t testing.TB, id string, shards int) *campaign.Campaign {
	t.Helper()
	node := func(id, parent string) campaign.Node {
		n := campaign.Node{ID: id, Parent: parent, Kind: campaign.Region, Name: campaign.Text{"zh-CN": "名" + id}}
		if strings.HasPrefix(id, "u") {
			n.Kind = campaign.Unit
		}
		return n
	}
	tree, err := campaign.NewTree([]campaign.Node{
		node("city", ""), node("d1", "city"), node("u1", "d1"), node("u2", "d1"), node("d2", "city"), node("u3", "d2"), node("u4", "d2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{
		ID: id, Zone: shanghai, OpensAt: opens, ClosesAt: opens.AddDate(0, 0, 26), Shards: shards, Tree: tree,
		Ranking: campaign.TopN, TopN: 1000, Policy: campaign.PolicyBest, PublicBreakdown: campaign.BreakdownUnits,
		Groups: []campaign.Group{{ID: "public"}, {ID: "pupils"}}, Consent: campaign.Consent{Version: "1"},
	}
}

// bankOf has questions whose keys are the first, second and third option in turn.
func bankOf(t testing.TB, questions int) *quiz.Bank {
	t.Helper()
	var list []quiz.Question
	for i := range questions {
		list = append(list, quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Audience: []string{"all"}, ValidFrom: "2020-01-01",
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: 1 << (i % 3),
		})
	}
	b, err := quiz.NewBank("demo", list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const pointsEach = 25

var quizRules = quiz.Rules{
	Strata: []quiz.Stratum{{Count: 4, Points: pointsEach}}, TimeLimit: 10 * time.Minute, Grace: 5 * time.Second,
	AttemptsPerDay: 3, PassScore: 50, Marking: quiz.AllOrNothing, Review: quiz.ReviewNever,
}

// history builds what the ledger holds of one participant.
type history struct {
	testing.TB
	ledger.History
	rules replay.Rules
	bank  *quiz.Bank
	seq   uint64
	at    time.Time
	unit  string
	open  event.Started
	start time.Time
	// until is what a correction says of the time before it.
	until event.Corrected
}

// newHistory is somebody who enrolled in u1 at noon.
func newHistory(t testing.TB) *history {
	t.Helper()
	c := definition(t, "antidrug", 1)
	layout, err := leaderboard.ChooseLayout(c.OpensAt, c.ClosesAt)
	if err != nil {
		t.Fatal(err)
	}
	h := &history{TB: t, History: ledger.History{Participant: "p1"}, bank: bankOf(t, 4), at: noon, unit: "u1"}
	h.rules = replay.Rules{
		Campaign: c, Layout: layout, Open: openPlain, Quiz: &quizRules,
		Bank: func(digest string) (*quiz.Bank, error) {
			if digest != h.bank.Digest {
				return nil, errors.New("no such bank")
			}
			return h.bank, nil
		},
		Now: func() time.Time { return noon },
	}
	h.fact(event.KindEnrolled, event.Enrolled{Notice: "1"})
	h.record(event.RecordEnrolment, "张小三")
	return h
}

// openPlain opens the records of these tests, which are a name, and "!" after the
// name of somebody who agrees to be shown.
func openPlain(_, _ string, r event.Record) (state.Disclosed, error) {
	name := string(r.Sealed)
	if name == "damaged" {
		return state.Disclosed{}, errors.New("cannot be opened")
	}
	bare := strings.TrimSuffix(name, "!")
	return state.Disclosed{
		Personal: campaign.Personal{Name: bare}, PublishName: bare != name, Notice: "1",
		Commitment: "commitment of " + bare, Digest: "digest of " + bare,
	}, nil
}

func (h *history) fact(k event.Kind, body any) *event.Fact {
	h.Facts = append(h.Facts, event.Fact{
		Position: event.Position{Epoch: 1, Seq: h.seq}, Kind: k, Participant: h.Participant,
		Unit: h.unit, Group: "public", At: h.at, Body: body,
	})
	h.seq += 2 // others act in between
	return &h.Facts[len(h.Facts)-1]
}

func (h *history) record(k event.RecordKind, name string) {
	r := event.Record{Position: event.Position{Epoch: 1, Seq: h.seq}, Kind: k, Participant: h.Participant, At: h.at}
	if name != "" {
		r.Sealed = []byte(name)
	}
	h.Records = append(h.Records, r)
}

// begin starts an attempt of that number at a moment.
func (h *history) begin(number int, at time.Time) *event.Fact {
	h.at, h.start = at, at
	h.open = event.Started{
		Number: number, Deadline: at.Add(quizRules.TimeLimit).UnixMilli(), Bank: h.bank.Digest, Seed: "1z", Items: "p:0.1.2.3",
	}
	return h.fact(event.KindStarted, h.open)
}

// hand hands the open attempt in with so many right answers after a while.
func (h *history) hand(right int, used time.Duration) *event.Fact {
	h.at = h.start.Add(used)
	h.until.Attempts = append(h.until.Attempts, event.Counted{
		Number: h.open.Number, At: h.at.UnixMilli(), UsedMS: used.Milliseconds(), Score: right * pointsEach, Passed: right >= 2, Full: right == 4,
	})
	choices := make(quiz.Choices, 4)
	for i := range right {
		choices[i] = h.bank.Questions[i].Key
	}
	return h.fact(event.KindSubmitted, event.Submitted{
		Number: h.open.Number, StartedAt: h.start.UnixMilli(), UsedMS: used.Milliseconds(),
		Score: right * pointsEach, MaxScore: 100, Correct: right, Passed: right*pointsEach >= 50, ClosedBy: "participant",
		Bank: h.open.Bank, Items: h.open.Items, Choices: choices.String(), Hidden: h.until.Hidden,
	})
}

// corrected is a correction of an attempt, or number 0 for somebody.
func (h *history) corrected(k event.Kind, number int, at time.Time) {
	h.at = at
	body := h.until
	body.Number, body.Attempts = number, slices.Clone(body.Attempts)
	for i := range h.until.Attempts {
		if a := &h.until.Attempts[i]; a.Number == number {
			a.Void = k != event.KindRestored
		}
	}
	if number == 0 {
		h.until.Hidden = k == event.KindHidden
	}
	h.fact(k, body)
}

func (h *history) sign(name string) *event.Fact {
	h.until.SignedAt = h.at.UnixMilli()
	f := h.fact(event.KindSigned, event.Signed{
		Version: "1", TextSHA256: strings.Repeat("ab", 32), Method: "typed", Commitment: "commitment of " + name,
	})
	h.record(event.RecordSignature, name)
	return f
}

// end replays everything.
func (h *history) end() replay.Life { return h.rules.Replay(h.History, event.Position{Epoch: 9}) }

// faultless replays, and fails on a contradiction.
func (h *history) faultless() replay.Life {
	h.Helper()
	l := h.end()
	for _, f := range l.Faults {
		h.Errorf("a sound history has a fault: %s", f)
	}
	return l
}

// change alters what a fact says.
func change[Body any](f *event.Fact, how func(*Body)) *event.Fact {
	body, _ := f.Body.(Body)
	how(&body)
	f.Body = body
	return f
}

func previous(score int, passed bool) func(*event.Submitted) {
	return func(s *event.Submitted) { s.Previous = &event.Best{Score: score, Passed: passed, Full: score == 100} }
}

// flaw is something that cannot be, planted in a sound history, and the fields of the
// faults that must be told of it, in order.
type flaw struct {
	plant func(*history)
	want  string
}

// requireTold plants each flaw in a sound history of its own.
func requireTold(t *testing.T, sound func() *history, flaws map[string]flaw) {
	t.Helper()
	for name, f := range flaws {
		h := sound()
		f.plant(h)
		var got []string
		faults := h.end().Faults
		for _, told := range faults {
			got = append(got, told.Field)
			if told.String() == "" {
				t.Errorf("%s: a fault says nothing", name)
			}
		}
		if strings.Join(got, ", ") != f.want {
			t.Errorf("%s: faults %q, want %q", name, faults, f.want)
		}
	}
}
