package grant

import (
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
)

// at is a moment of the evening, in minutes after 20:00.
func at(minutes float64) time.Time {
	return time.Date(2026, 6, 26, 20, 0, 0, 0, time.UTC).Add(time.Duration(minutes * float64(time.Minute)))
}

// lives is a history, begun by an enrolment.
func lives(facts ...event.Fact) *ledger.History {
	h := &ledger.History{Participant: "p", Facts: []event.Fact{{Kind: event.KindEnrolled, Unit: "u1", At: at(-60), Body: event.Enrolled{}}}}
	for _, f := range facts {
		if f.Unit == "" {
			f.Unit = "u1"
		}
		h.Facts = append(h.Facts, f)
	}
	return h
}

func starts(number int, minutes float64) event.Fact {
	return event.Fact{Kind: event.KindStarted, At: at(minutes), Body: event.Started{Number: number, Deadline: at(minutes + 10).UnixMilli()}}
}

func expires(number int, minutes float64) event.Fact {
	return event.Fact{Kind: event.KindExpired, At: at(minutes), Body: event.Expired{Number: number}}
}

func hands(number int, minutes float64, by string) event.Fact {
	return event.Fact{Kind: event.KindSubmitted, At: at(minutes), Body: event.Submitted{Number: number, ClosedBy: by}}
}

// TestHit: who was hit between 20:05 and 20:20, and by which attempt.
func TestHit(t *testing.T) {
	t.Parallel()
	stopped := campaign.Clocks{{Number: 1, Kind: campaign.ClocksStop, At: at(-3), Until: at(6)}}
	for name, tc := range map[string]struct {
		h      *ledger.History
		clocks campaign.Clocks
		number int
		how    How
	}{
		"enrolled alone":                       {h: lives()},
		"expired within":                       {h: lives(starts(1, 0), expires(1, 10)), number: 1, how: Expired},
		"expired at the beginning":             {h: lives(starts(1, -5), expires(1, 5)), number: 1, how: Expired},
		"expired before":                       {h: lives(starts(1, -6), expires(1, 4))},
		"expired at the end":                   {h: lives(starts(1, 10), expires(1, 20))},
		"the deadline handed in":               {h: lives(starts(1, 0), hands(1, 10, "deadline")), number: 1, how: Deadline},
		"handed in by themselves":              {h: lives(starts(1, 0), hands(1, 9, "participant"))},
		"open still":                           {h: lives(starts(1, 12)), number: 1, how: Open},
		"open, begun afterwards":               {h: lives(starts(1, 20))},
		"open, over before and not closed yet": {h: lives(starts(1, -6))},
		"open, over before but for a stop":     {h: lives(starts(1, -6)), clocks: stopped, number: 1, how: Open},
		"the newest of two":                    {h: lives(starts(1, -4), expires(1, 6), starts(2, 7), expires(2, 17)), number: 2, how: Expired},
		"the one before, where that was hit":   {h: lives(starts(1, -4), expires(1, 6), starts(2, 7), hands(2, 9, "participant")), number: 1, how: Expired},
		"taken out since":                      {h: lives(starts(1, 0), hands(1, 10, "deadline"), event.Fact{Kind: event.KindInvalidated, At: at(60), Body: event.Corrected{Number: 1}}), number: 1, how: Deadline},
		"an end without a beginning":           {h: lives(expires(1, 10))},
	} {
		it, hit := Hit(tc.h, tc.clocks, at(5), at(20))
		if hit != (tc.number > 0) || it.Number != tc.number || it.How != tc.how || hit && it.Participant != "p" {
			t.Errorf("%s: %t, %+v", name, hit, it)
		}
	}
	moved := lives(starts(1, 0), expires(1, 10), event.Fact{Kind: event.KindMoved, Unit: "u2", At: at(30), Body: event.Moved{}})
	if it, _ := Hit(moved, nil, at(5), at(20)); it.Unit != "u2" || !it.At.Equal(at(10)) {
		t.Errorf("who moved since counts for %s, at %s", it.Unit, it.At)
	}
}
