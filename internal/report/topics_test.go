package report_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	l.facts = append(l.facts, event.Fact{
		Position: event.Position{Epoch: 1, Seq: uint64(len(l.facts)) + 1}, Kind: kind, Participant: participant, Body: body,
	})
}

// TestTopicsLive follows submissions, one that is taken out and one that comes back.
func TestTopicsLive(t *testing.T) {
	t.Parallel()
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
		Ledger:  l, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{{ID: "c"}} },
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
