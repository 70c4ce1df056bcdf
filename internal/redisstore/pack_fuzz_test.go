package redisstore

import (
	"reflect"
	"testing"
	"time"

	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// FuzzUnpack feeds every decoder of stored text: none may panic, and what an
// attempt's decoder takes must come back the same.
func FuzzUnpack(f *testing.F) {
	a := quiz.Attempt{
		Number: 3, State: quiz.StateSubmitted, ClosedBy: quiz.ByParticipant,
		Window: quiz.Window{StartedAt: time.UnixMilli(1000), Deadline: time.UnixMilli(9000)},
		Paper:  quiz.Paper{Bank: "b42747015757", Seed: 1 << 63, Items: []quiz.Item{{Question: 1, Points: 5}, {Question: 40, Points: 10}}},
		Result: quiz.Result{Mark: quiz.Mark{Score: 5, MaxScore: 15, Correct: 1, Questions: 2}, Used: 2 * time.Second, SubmittedAt: time.UnixMilli(3000), Choices: quiz.Choices{1, 6}},
	}
	f.Add(packFinished(&a))
	f.Add("3|" + packOpen(&a))
	f.Add(packBest(1<<52, &a.Result))
	f.Add("2|1.6.")
	f.Add("1|2026-06-26|1")
	f.Add("0|0|+zW/0QrN|2026-05|孙**")
	f.Add("valid|drawn|1795306844470|32mSJ6457tdhe6zQ3GbPxUmMg00bfWWwnkoV54qCJDA|2|陈*")
	f.Add("submitted.1|1795306844470|H8L7kK7_InNnHUTa|140781-js")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := unpackFinished(3, s); err == nil {
			if again, err := unpackFinished(3, packFinished(&got)); err != nil || !reflect.DeepEqual(got, again) {
				t.Errorf("%+v comes back as %+v, %v", got, again, err)
			}
		}
		_, _ = unpackOpen(s, s)
		_, _ = unpackSaved(s)
		_, _, _ = unpackBest(s)
		_, _, _ = unpackWindow(s, 1)
		_, _, _ = recordedOn(leaderboard.DayScope("2026-06-10"), 1, s, s)
		_, _ = unpackEnrolment(s, "1")
		_, _ = unpackSignature(s, "u")
		_, _ = unpackAct(s)
		_, _ = parseCursor(s)
		var st quiz.Standing
		_ = unpackLimits(s, &st)
	})
}

// TestPackedAttemptsComeBack packs attempts and reads them again.
func TestPackedAttemptsComeBack(t *testing.T) {
	t.Parallel()
	a := quiz.Attempt{
		Number: 7, State: quiz.StateSubmitted, ClosedBy: quiz.ByDeadline,
		Window: quiz.Window{StartedAt: time.UnixMilli(1000), Deadline: time.UnixMilli(9000)},
		Paper:  quiz.Paper{Bank: "b", Seed: 12345, Items: []quiz.Item{{Question: 1, Points: 5}, {Question: 2, Points: 5}}},
		Result: quiz.Result{Mark: quiz.Mark{Score: 5, MaxScore: 10, Correct: 1, Questions: 2}, Passed: true, Used: time.Second, SubmittedAt: time.UnixMilli(2000), Choices: quiz.Choices{0, 3}},
	}
	got, err := unpackFinished(7, packFinished(&a))
	if err != nil || packFinished(&got) != packFinished(&a) || got.Result.Passed != a.Result.Passed || got.ClosedBy != a.ClosedBy {
		t.Errorf("unpackFinished = %+v, %v; want %+v", got, err, a)
	}
	open, err := unpackOpen("7|"+packOpen(&a), "4|0.3.")
	if err != nil || open.Number != 7 || packOpen(&open) != packOpen(&a) || open.Saved.Revision != 4 || open.Saved.Choices.String() != "0.3." {
		t.Errorf("unpackOpen = %+v, %v", open, err)
	}
}
