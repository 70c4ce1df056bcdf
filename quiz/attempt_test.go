package quiz

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var idKey = []byte("a key of thirty-two bytes or more")

// TestAttemptIDs proves that an id works for one participant in one campaign
// only, and that every other text is refused without looking anything up.
func TestAttemptIDs(t *testing.T) {
	t.Parallel()
	id := attemptID(idKey, "c1", "p1", 12)
	number, err := parseAttemptID(idKey, "c1", "p1", id)
	if err != nil || number != 12 || !strings.HasPrefix(id, "12-") {
		t.Fatalf("parseAttemptID(%q) = %d, %v", id, number, err)
	}
	tail := strings.TrimPrefix(id, "12-")
	for why, tc := range map[string]struct{ campaign, participant, id string }{
		"another participant":    {"c1", "p2", id},
		"another campaign":       {"c2", "p1", id},
		"moved the border":       {"c1p", "1", id},
		"another number":         {"c1", "p1", "13-" + tail},
		"a sign":                 {"c1", "p1", "+12-" + tail},
		"a leading zero":         {"c1", "p1", "012-" + tail},
		"a leading space":        {"c1", "p1", " " + id},
		"capitals":               {"c1", "p1", strings.ToUpper(id)},
		"cut short":              {"c1", "p1", id[:len(id)-1]},
		"longer":                 {"c1", "p1", id + "a"},
		"only the number":        {"c1", "p1", "12"},
		"no number":              {"c1", "p1", "-" + tail},
		"empty":                  {"c1", "p1", ""},
		"zero":                   {"c1", "p1", attemptID(idKey, "c1", "p1", 0)},
		"negative":               {"c1", "p1", attemptID(idKey, "c1", "p1", -1)},
		"beyond all attempts":    {"c1", "p1", attemptID(idKey, "c1", "p1", maxAttempts+1)},
		"too large for a number": {"c1", "p1", "99999999999999999999-" + tail},
		"another key":            {"c1", "p1", attemptID([]byte("another key of thirty-two bytes!!"), "c1", "p1", 12)},
	} {
		if number, err := parseAttemptID(idKey, tc.campaign, tc.participant, tc.id); !errors.Is(err, ErrAttemptNotFound) {
			t.Errorf("%s: parseAttemptID(%q) = %d, %v", why, tc.id, number, err)
		}
	}
}

func TestAttemptIDsAreSafeInURLs(t *testing.T) {
	t.Parallel()
	for n := range 100 {
		id := attemptID(idKey, "c1", fmt.Sprint("p", n), n+1)
		if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(id) > 32 {
			t.Errorf("id %q", id)
		}
	}
	if n := idEncoding.EncodedLen(12); n != base32.StdEncoding.WithPadding(base32.NoPadding).EncodedLen(12) {
		t.Errorf("96 bits take %d characters", n)
	}
}

func FuzzParseAttemptID(f *testing.F) {
	own := attemptID(idKey, "c1", "p1", 1)
	for _, s := range []string{own, "1-", "-", "1000-x", "１-" + own[2:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		number, err := parseAttemptID(idKey, "c1", "p1", id)
		if err == nil && id != attemptID(idKey, "c1", "p1", number) {
			t.Errorf("parseAttemptID(%q) = %d, which has another id", id, number)
		}
	})
}

// TestFinish proves invariant 9: used time runs from the server's start to the
// server's submission, never beyond the deadline and never backwards.
func TestFinish(t *testing.T) {
	t.Parallel()
	start := time.UnixMilli(1_782_489_600_000)
	deadline := start.Add(10 * time.Minute)
	for name, tc := range map[string]struct{ at, used time.Duration }{
		"at once":                   {0, 0},
		"after a while":             {90*time.Second + 1500*time.Microsecond, 90*time.Second + time.Millisecond},
		"just in time":              {10*time.Minute - time.Millisecond, 10*time.Minute - time.Millisecond},
		"within the grace":          {10*time.Minute + time.Second, 10 * time.Minute},
		"a day late":                {24 * time.Hour, 10 * time.Minute},
		"by a clock that is behind": {-150 * time.Millisecond, 0},
	} {
		a := Attempt{Window: Window{StartedAt: start, Deadline: deadline}, State: StateOpen}
		a.finish(Mark{Score: 60, MaxScore: 100}, Choices{1}, nil, start.Add(tc.at), ByParticipant, 60)
		if a.Result.Used != tc.used || !a.Result.SubmittedAt.Equal(start.Add(tc.used)) {
			t.Errorf("%s: used %v, submitted at %s", name, a.Result.Used, a.Result.SubmittedAt)
		}
		if a.State != StateSubmitted || a.ClosedBy != ByParticipant || !a.Result.Passed {
			t.Errorf("%s: %s by %s, passed %t", name, a.State, a.ClosedBy, a.Result.Passed)
		}
	}
}

func TestPassed(t *testing.T) {
	t.Parallel()
	for score, want := range map[int]bool{0: false, 59: false, 60: true, 61: true} {
		var a Attempt
		a.finish(Mark{Score: score}, nil, nil, time.Time{}, ByDeadline, 60)
		if a.Result.Passed != want {
			t.Errorf("%d of 60 passed: %t", score, a.Result.Passed)
		}
	}
}

func TestOverdue(t *testing.T) {
	t.Parallel()
	deadline := time.UnixMilli(1_782_489_600_000)
	const grace = 5 * time.Second
	for _, tc := range []struct {
		state State
		after time.Duration
		want  bool
	}{
		{StateOpen, -time.Millisecond, false},
		{StateOpen, 0, false},
		{StateOpen, grace, false}, // the grace is included
		{StateOpen, grace + time.Millisecond, true},
		{StateSubmitted, time.Hour, false},
		{StateExpired, time.Hour, false},
	} {
		a := Attempt{State: tc.state, Window: Window{Deadline: deadline}}
		if got := a.Overdue(nil, deadline.Add(tc.after), grace); got != tc.want {
			t.Errorf("%s, %v after the deadline: overdue %t", tc.state, tc.after, got)
		}
	}
}
