package redisstore

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// encoded is what package event writes.
func encoded(t interface{ Fatal(...any) }, body any) string {
	text, err := event.EncodeBody(body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestBodiesAreThoseOfPackageEvent: what is written by hand is what event.EncodeBody
// would write, letter by letter.
func TestBodiesAreThoseOfPackageEvent(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.StringMatching(`[0-9a-f~._-]{0,20}`), rapid.String())
	whole := rapid.Int64Range(0, 1<<53)
	rapid.Check(t, func(t *rapid.T) {
		a := &quiz.Attempt{
			Number: int(whole.Draw(t, "number")), ClosedBy: quiz.Closer(text.Draw(t, "closer")),
			Window: quiz.Window{StartedAt: time.UnixMilli(whole.Draw(t, "start")), Deadline: time.UnixMilli(whole.Draw(t, "deadline"))},
			Paper:  quiz.Paper{Bank: text.Draw(t, "bank"), Seed: rapid.Uint64().Draw(t, "seed")},
			Result: quiz.Result{
				Mark:   quiz.Mark{Score: int(whole.Draw(t, "score")), MaxScore: int(whole.Draw(t, "max")), Correct: int(whole.Draw(t, "correct"))},
				Passed: rapid.Bool().Draw(t, "passed"), Used: time.Duration(whole.Draw(t, "used")%1e9) * time.Millisecond,
			},
		}
		for range rapid.IntRange(0, 30).Draw(t, "questions") {
			a.Paper.Items = append(a.Paper.Items, quiz.Item{Question: int(whole.Draw(t, "question")), Points: rapid.IntRange(1, 40).Draw(t, "points")})
			a.Result.Choices = append(a.Result.Choices, quiz.Choice(rapid.Uint16().Draw(t, "choice")))
		}
		r := &a.Result
		from := text.Draw(t, "origin")
		if got, want := string(submittedBody(a, from)), encoded(t, event.Submitted{
			Number: a.Number, StartedAt: a.StartedAt.UnixMilli(), UsedMS: r.Used.Milliseconds(),
			Score: r.Score, MaxScore: r.MaxScore, Correct: r.Correct, Passed: r.Passed, ClosedBy: string(a.ClosedBy),
			Bank: a.Paper.Bank, Items: a.Paper.EncodeItems(), Choices: r.Choices.String(), Origin: from,
		}); got != want {
			t.Errorf("submitted\n%s\nwant\n%s", got, want)
		}
		if got, want := `{"number":0`+string(startedTail(a)), encoded(t, event.Started{
			Deadline: a.Deadline.UnixMilli(), Bank: a.Paper.Bank, Seed: strconv.FormatUint(a.Paper.Seed, 36), Items: a.Paper.EncodeItems(),
		}); got != want {
			t.Errorf("started\n%s\nwant\n%s", got, want)
		}
		s := event.Signed{Version: text.Draw(t, "version"), TextSHA256: text.Draw(t, "text"), Method: "typed", Commitment: text.Draw(t, "commitment"), Origin: from}
		if got, want := string(signedBody(&s)), encoded(t, s); got != want {
			t.Errorf("signed\n%s\nwant\n%s", got, want)
		}
	})
}

// TestPackedDays: the day of a moment is packed as its date would be.
func TestPackedDays(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, time.FixedZone("", 8*3600), time.FixedZone("", -11*3600-1800), time.FixedZone("", 14*3600)}
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-1e12, 5e12).Draw(t, "ms"))
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		want, err := packDay(at.In(zone).Format(time.DateOnly))
		if err != nil {
			t.Fatal(err)
		}
		if got := packDayOf(at, zone); got != want {
			t.Errorf("%s in %s is day %s, want %s", at, zone, got, want)
		}
	})
	if shanghai, err := time.LoadLocation("Asia/Shanghai"); err == nil {
		at := time.Date(1988, 7, 1, 0, 30, 0, 0, shanghai) // in summer time
		if want, _ := packDay("1988-07-01"); packDayOf(at, shanghai) != want {
			t.Errorf("a summer's night is day %s, want %s", packDayOf(at, shanghai), want)
		}
	}
}

// TestNumbersAreSmall: lists come back, and take as many bits as the largest of them
// needs for each.
func TestNumbersAreSmall(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 64).Draw(t, "width")
		list := rapid.SliceOfN(rapid.Uint64Range(0, 1<<(width-1)|(1<<(width-1)-1)), 1, 70).Draw(t, "list")
		list[0] |= 1 << (width - 1)
		var p packer
		p.numbers(list)
		if most := (len(list)*width+7)/8 + 2; len(p) != most {
			t.Errorf("%d numbers of %d bits take %d bytes, want %d", len(list), width, len(p), most)
		}
		u := unpacker{rest: string(p)}
		got := u.numbers()
		for i := range got {
			if got[i] != list[i] {
				t.Fatalf("number %d is %d, want %d", i, got[i], list[i])
			}
		}
		if err := u.end(); err != nil || len(got) != len(list) || strings.Contains(string(p[:1]), "\x00") {
			t.Errorf("%d numbers came back, %v", len(got), err)
		}
	})
}
