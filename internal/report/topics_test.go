package report_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/report"
	"qingyuan/quiz"
)

// factLedger is a ledger of one shard in a slice.
type factLedger struct {
	facts []event.Fact
	bank  []byte
	err   error
}

func (l *factLedger) Campaign(context.Context, string) (ledger.Opened, bool, error) {
	return ledger.Opened{Campaign: "c", Shards: 1}, true, nil
}

func (l *factLedger) After(_ context.Context, _ string, _ int, after event.Position, limit int) ([]event.Fact, error) {
	rest := l.facts[after.Seq:]
	return rest[:min(limit, len(rest))], l.err
}

func (l *factLedger) History(_ context.Context, _ ledger.Shard, participant string) (ledger.History, error) {
	h := ledger.History{Participant: participant}
	for _, f := range l.facts {
		if f.Participant == participant {
			h.Facts = append(h.Facts, f)
		}
	}
	return h, nil
}

func (l *factLedger) Bank(context.Context, string) ([]byte, bool, error) {
	return l.bank, l.bank != nil, nil
}

func (l *factLedger) add(participant string, kind event.Kind, body any) {
	l.addAt(opening, participant, kind, body)
}

func (l *factLedger) addAt(at time.Time, participant string, kind event.Kind, body any) {
	l.facts = append(l.facts, event.Fact{
		Position: event.Position{Epoch: 1, Seq: uint64(len(l.facts)) + 1}, Kind: kind, At: at, Participant: participant, Body: body,
	})
}

// liveBank has a question of each of two topics, both with the first option as the key.
func liveBank(t *testing.T) (*quiz.Bank, []byte) {
	t.Helper()
	question := func(id, topic string) quiz.Question {
		return quiz.Question{
			ID: id, Kind: quiz.Single, Topic: topic, Audience: []string{quiz.AllAudiences}, Difficulty: 1, Stem: id, ValidFrom: "2020-01-01",
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}}, Key: 1, Explanation: "因", Basis: "据",
		}
	}
	b, err := quiz.NewBank("bank", []quiz.Question{question("1", "law"), question("2", "harm")})
	if err != nil {
		t.Fatal(err)
	}
	packed, err := b.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b, packed
}

// TestTopicsLive follows submissions, one that is taken out and one that comes back.
func TestTopicsLive(t *testing.T) {
	t.Parallel()
	b, packed := liveBank(t)
	items := (&quiz.Paper{Items: []quiz.Item{{Question: 0, Points: 5}, {Question: 1, Points: 5}}}).EncodeItems()
	submitted := func(number int, choices ...quiz.Choice) event.Submitted {
		return event.Submitted{Number: number, Bank: b.Digest, Items: items, Choices: quiz.Choices(choices).String()}
	}
	l := &factLedger{bank: packed}
	now := time.Unix(1_800_000_000, 0)
	var failed error
	var rulings []quiz.Ruled
	topics := &report.Topics{
		Rulings: func(string) []quiz.Ruled { return rulings },
		Ledger:  l, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{{ID: "c", Zone: china, AlwaysOpen: true}} },
		Now: func() time.Time { return now }, Failed: func(_ string, err error) { failed = err },
	}
	if _, _, ok := topics.Missed("c"); ok {
		t.Error("topics are known before anything was read")
	}
	see := func(when string, want ...report.TopicShare) {
		t.Helper()
		now = now.Add(time.Minute)
		topics.Refresh(t.Context())
		got, asOf, ok := topics.Missed("c")
		if d := cmp.Diff(append([]report.TopicShare{}, want...), got); d != "" || !ok || !asOf.Equal(now) || failed != nil {
			t.Errorf("%s: %s, as of %v, %v", when, d, asOf, failed)
		}
	}
	see("before anybody came")
	l.add("a", event.KindEnrolled, nil)
	l.add("a", event.KindSubmitted, submitted(1, 1, 2))
	l.add("b", event.KindSubmitted, submitted(1, 0, 1))
	l.add("b", event.KindSubmitted, submitted(2, 1, 2))
	see("three submissions", report.TopicShare{Topic: "harm", Answered: 3, Missed: 2}, report.TopicShare{Topic: "law", Answered: 3, Missed: 1})
	l.add("b", event.KindInvalidated, event.Corrected{Number: 1})
	see("one is taken out", report.TopicShare{Topic: "harm", Answered: 2, Missed: 2}, report.TopicShare{Topic: "law", Answered: 2})
	l.add("b", event.KindRestored, event.Corrected{Number: 1})
	see("it comes back", report.TopicShare{Topic: "harm", Answered: 3, Missed: 2}, report.TopicShare{Topic: "law", Answered: 3, Missed: 1})

	// A ruling counts at once and backwards, and as soon as it is gone no more.
	harm := b.Questions[1]
	rulings = []quiz.Ruled{{Fingerprint: harm.Fingerprint(), Ruling: quiz.Ruling{Question: harm.ID, Rule: quiz.AcceptBoth, Key: 2}}}
	see("two keys are right", report.TopicShare{Topic: "law", Answered: 3, Missed: 1}, report.TopicShare{Topic: "harm", Answered: 3})
	rulings[0].Rule = quiz.Drop
	see("it is dropped", report.TopicShare{Topic: "law", Answered: 3, Missed: 1})
	rulings = nil
	see("it is undone", report.TopicShare{Topic: "harm", Answered: 3, Missed: 2}, report.TopicShare{Topic: "law", Answered: 3, Missed: 1})
	if a, ok := topics.Asked("c", harm.Fingerprint()); !ok || a != (report.Asked{Shown: 3, Right: 1}) {
		t.Errorf("the question was answered %+v, %v", a, ok)
	}
	if a, ok := topics.Asked("c", "another"); ok {
		t.Errorf("a question that nobody had was answered %+v", a)
	}

	// A reading that breaks off loses nothing and counts nothing twice.
	l.add("c", event.KindSubmitted, submitted(1, 2, 2))
	l.err = errors.New("the database is away")
	topics.Refresh(t.Context())
	if failed == nil {
		t.Error("nobody was told")
	}
	l.err, failed = nil, nil
	see("after an outage", report.TopicShare{Topic: "harm", Answered: 4, Missed: 3}, report.TopicShare{Topic: "law", Answered: 4, Missed: 2})
}

// watching is an evening on which questions are watched for leaks.
type watching struct {
	*report.Topics

	ledger  *factLedger
	bank    *quiz.Bank
	over    bool
	gone    string // the question that is drawn no more
	told    []string
	failed  error
	persons int
}

func watch(t *testing.T) *watching {
	t.Helper()
	b, packed := liveBank(t)
	w := &watching{ledger: &factLedger{bank: packed}, bank: b}
	c := newCampaign(t)
	c.OpensAt, c.ClosesAt = opening, opening.Add(12*time.Hour)
	w.Topics = &report.Topics{
		Ledger: w.ledger, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{c} },
		Now: func() time.Time {
			if w.over {
				return c.ClosesAt
			}
			return c.ClosesAt.Add(-time.Minute)
		},
		Failed:    func(_ string, err error) { w.failed = err },
		Drawn:     func(_ string, q *quiz.Question) bool { return q.ID != w.gone },
		Suspected: func(id string, l report.Leak) { w.told = append(w.told, id+" "+l.Question.ID) },
	}
	return w
}

// answer lets so many hand in within an hour of the evening, all with the same paper, and
// returns who they were.
func (w *watching) answer(hour, n int, used time.Duration, choices ...quiz.Choice) (who []string) {
	items := (&quiz.Paper{Items: []quiz.Item{{Question: 0, Points: 5}, {Question: 1, Points: 5}}}).EncodeItems()
	for i := range n {
		w.persons++
		p := "p" + strconv.Itoa(w.persons)
		at := opening.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Second)
		w.ledger.addAt(at, p, event.KindSubmitted, event.Submitted{
			Number: 1, UsedMS: used.Milliseconds(), Bank: w.bank.Digest, Items: items, Choices: quiz.Choices(choices).String(),
		})
		who = append(who, p)
	}
	return who
}

// see reads on and wants these questions to be suspected.
func (w *watching) see(t *testing.T, when string, want ...string) []report.Leak {
	t.Helper()
	t.Helper()
	w.Refresh(t.Context())
	var got []string
	leaks := w.Leaks("c")
	for _, l := range leaks {
		got = append(got, l.Question.ID)
	}
	if !slices.Equal(got, want) || w.failed != nil {
		t.Fatalf("%s: %q are suspected, want %q, %v", when, got, want, w.failed)
	}
	return leaks
}

// TestLeaksLive follows an evening on which the answer to a question goes round from the
// second hour on, and those who knew it are taken out and come back.
func TestLeaksLive(t *testing.T) {
	t.Parallel()
	w := watch(t)
	w.see(t, "before anybody came")
	w.answer(0, 40, 20*time.Second, 2, 2)
	w.answer(0, 20, 20*time.Second, 1, 2)
	w.see(t, "a slow hour")
	knew := w.answer(1, 29, 8*time.Second, 1, 2)
	w.see(t, "a few that are quick")
	knew = append(knew, w.answer(1, 31, 8*time.Second, 1, 2)...)
	leaks := w.see(t, "many that are quick", "1")
	want := report.Leak{
		Question: leaks[0].Question, Since: opening.Add(time.Hour), Before: 1.0 / 3, After: 1, PaceBefore: 10 * time.Second, PaceAfter: 4 * time.Second,
	}
	if diff := cmp.Diff(want, leaks[0], cmpopts.IgnoreUnexported(report.Leak{})); diff != "" {
		t.Error(diff)
	}
	late := w.answer(2, 40, 8*time.Second, 1, 2)
	w.see(t, "it goes on", "1")
	if diff := cmp.Diff([]string{"c 1"}, w.told); diff != "" {
		t.Errorf("told while it lasts: %s", diff)
	}
	for _, p := range slices.Concat(knew, late) {
		w.ledger.add(p, event.KindInvalidated, event.Corrected{Number: 1})
	}
	w.see(t, "those who knew are taken out")
	for _, p := range knew {
		w.ledger.addAt(opening.Add(9*time.Hour), p, event.KindRestored, event.Corrected{Number: 1})
	}
	if back := w.see(t, "they come back at their own hour", "1"); !back[0].Since.Equal(opening.Add(time.Hour)) {
		t.Errorf("they come back at %v", back[0].Since)
	}
	w.gone = "1"
	w.see(t, "it is drawn no more")
	w.gone = ""
	w.see(t, "it is drawn again", "1")
	w.over = true
	w.see(t, "the campaign is over")
	if len(w.told) != 1 {
		t.Errorf("told %q", w.told)
	}
}

// TestNoLeaksLive: an hour that is only easier, or only quicker, is none.
func TestNoLeaksLive(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]struct {
		used   time.Duration
		choice quiz.Choice
	}{"only easier": {20 * time.Second, 1}, "only quicker": {8 * time.Second, 2}} {
		w := watch(t)
		w.answer(0, 60, 20*time.Second, 2, 2)
		w.answer(1, 60, later.used, later.choice, 2)
		w.see(t, name)
		if w.told != nil {
			t.Errorf("%s: told %q", name, w.told)
		}
	}
}
