package simulate

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// What a real client survives, a virtual one must too, and the counts must
// still be exact.
func TestRunSurvives(t *testing.T) {
	t.Parallel()
	busy := map[string]any{"code": "service.unavailable", "message": "…", "retry_after_ms": 700}
	every := func(k int) func(int, *http.Request) bool {
		return func(n int, _ *http.Request) bool { return n%k == 0 }
	}
	tests := map[string]struct {
		faults faults
		retry  string // the code that must have been repeated
	}{
		"replies dropped after the act": {faults{drop: every(7)}, "network"},
		"busy": {faults{before: func(n int, _ *http.Request) (int, map[string]any) {
			return map[bool]int{true: 503}[n%5 == 0], busy
		}}, "service.unavailable"},
		"too often": {faults{before: func(n int, _ *http.Request) (int, map[string]any) {
			return map[bool]int{true: 429}[n%5 == 0], map[string]any{"code": "rate.limited", "retry_after_ms": 300}
		}}, "rate.limited"},
		"a proxy's page instead of an answer": {faults{before: func(n int, _ *http.Request) (int, map[string]any) {
			return map[bool]int{true: 502}[n%9 == 0], nil
		}}, "reply.unreadable"},
		"sessions that end": {faults{signedOut: true}, "auth.expired"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := testConfig(newFake(t, tt.faults), 100)
			rep := mustRun(t, c)
			mustPass(t, &rep)
			if rep.Retries[tt.retry] == 0 {
				t.Errorf("retries %v, want some for %s", rep.Retries, tt.retry)
			}
			for _, o := range rep.Outcomes {
				if o.Unknown != 0 || o.Acknowledged == 0 {
					t.Errorf("%+v", o)
				}
			}
		})
	}
}

// A server that dies in the middle and comes back has to be waited for.
func TestRunSurvivesAnOutage(t *testing.T) {
	t.Parallel()
	var s *fake
	s = newFake(t, faults{drop: func(n int, _ *http.Request) bool {
		if n == 300 {
			s.down.Store(true) // with the reply to an act that happened
		}
		return n == 300
	}})
	c, clock := testConfig(s, 100)
	asleep := 0
	clock.during = func(int) {
		if !s.down.Load() {
			return
		}
		clock.mu.Lock()
		defer clock.mu.Unlock()
		if asleep++; asleep == 40 {
			s.down.Store(false)
		}
	}
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if asleep != 40 || rep.Retries["network"] < 40 {
		t.Errorf("%d sleeps in the outage, retries %v", asleep, rep.Retries)
	}
}

func TestServerIsWaitedForAsLongAsItAsks(t *testing.T) {
	t.Parallel()
	c, clock := testConfig(newFake(t, faults{before: func(n int, _ *http.Request) (int, map[string]any) {
		return map[bool]int{true: 503}[n == 1], map[string]any{"code": "service.unavailable", "retry_after_ms": 4000}
	}}), 1)
	rep := mustRun(t, c)
	mustPass(t, &rep)
	longest := time.Duration(0)
	for _, d := range clock.waits {
		longest = max(longest, d)
	}
	if longest < 4*time.Second || longest > 5*time.Second {
		t.Errorf("waited %v, want at least 4 s and a little more", longest)
	}
}

// Without an answer for the whole patience the run ends, soon and with the truth:
// what was never answered is unknown, not lost and not acknowledged.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	var s *fake
	s = newFake(t, faults{drop: func(n int, _ *http.Request) bool {
		if n == 200 {
			s.down.Store(true)
		}
		return false
	}})
	c, _ := testConfig(s, 10_000)
	c.limit = time.Second
	rep := mustRun(t, c)
	mustFind(t, &rep, Failed, "the outcome stayed unknown")
	mustFind(t, &rep, CountsOff, "could not be read")
	if rep.Errors["outcome.unknown"] == 0 || rep.Participants.Failed == 0 || rep.Participants.Failed > 8 {
		t.Errorf("errors %v, participants %+v", rep.Errors, rep.Participants)
	}
	if !strings.Contains(strings.Join(rep.Notes, ""), "cut short") {
		t.Errorf("notes %q", rep.Notes)
	}
}

// An outcome that stays unknown may have been counted or not: neither is a
// fault of the counts.
func TestUnknownIsNeitherLostNorDouble(t *testing.T) {
	t.Parallel()
	for _, happened := range []bool{true, false} {
		blocked := ""
		stuck := func(_ int, r *http.Request) bool {
			if blocked == "" && strings.HasSuffix(r.URL.Path, "/submission") {
				blocked = r.URL.Path
			}
			return r.URL.Path == blocked
		}
		f := faults{drop: stuck}
		if !happened {
			f = faults{before: func(n int, r *http.Request) (int, map[string]any) {
				return map[bool]int{true: 503}[stuck(n, r)], map[string]any{"code": "service.unavailable"}
			}}
		}
		c, _ := testConfig(newFake(t, f), 20)
		c.Workers, c.Wrong, c.LostReplies, c.Abandon, c.limit = 1, 0, 0, 0, time.Second
		rep := mustRun(t, c)
		if rep.OK() || rep.ProblemCounts[CountsOff] != 0 || rep.ProblemCounts[Failed] != 1 {
			t.Errorf("happened %t: problems %v", happened, rep.Problems)
		}
		if o := outcomeOf(&rep, "attempts"); o.Unknown != 1 || !o.OK || (o.Moved == o.Acknowledged+1) != happened {
			t.Errorf("happened %t: %+v", happened, o)
		}
	}
}

// The point of it all: a server that does wrong must not pass.
func TestFaultsAreNoticed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		faults faults
		kind   string
		text   string
	}{
		"a repeat counted twice":        {faults{twice: true}, CountsOff, "counted without an acknowledgement"},
		"an acknowledged act uncounted": {faults{uncounted: true}, CountsOff, "lost"},
		"a signature gone":              {faults{uncounted: true}, Missing, "signature"},
		"an attempt gone":               {faults{forgotten: true}, Missing, "attempt"},
		"another receipt on repeat":     {faults{fickle: true}, WrongReceipt, "gave another receipt"},
		"another serial on repeat":      {faults{reserial: true}, WrongReceipt, "signing again gave status 200 and another receipt"},
		"foreign options accepted":      {faults{lenient: true}, WrongReceipt, "foreign option was accepted"},
		"a second submission accepted":  {faults{lenient: true}, WrongReceipt, "different submission of a finished attempt was accepted"},
		"no rank":                       {faults{rankless: true}, WrongReceipt, "me shows no rank"},
		"other answers marked":          {faults{misread: true}, WrongReceipt, "other answers than were handed in"},
		"wrongly counted":               {faults{miscount: true}, WrongReceipt, "the review has 4 questions"},
		"a breakdown that lacks a row":  {faults{lopsided: true}, CountsOff, "add up to"},
		"an internal error": {faults{before: func(n int, _ *http.Request) (int, map[string]any) {
			return map[bool]int{true: 500}[n == 50], map[string]any{"code": "internal"}
		}}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := testConfig(newFake(t, tt.faults), 120)
			rep := mustRun(t, c)
			if tt.kind == "" {
				if rep.OK() || rep.Errors["internal"] != 1 {
					t.Errorf("OK %t, errors %v", rep.OK(), rep.Errors)
				}
				return
			}
			mustFind(t, &rep, tt.kind, tt.text)
		})
	}
}

// A refusal that nobody expects ends one participant's way, not the run.
func TestRefusedParticipantsAreCounted(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{before: func(_ int, r *http.Request) (int, map[string]any) {
		return map[bool]int{true: 403}[strings.HasSuffix(r.URL.Path, "/signatures")], map[string]any{"code": "campaign.paused"}
	}}), 60)
	c.LostReplies = 0
	rep := mustRun(t, c)
	mustFind(t, &rep, Failed, "sign: 403 campaign.paused")
	if n := rep.ProblemCounts[Failed]; n < 55 || int64(n) != rep.Participants.Failed || len(rep.Problems) != maxListed {
		t.Errorf("%d failed, %d listed, participants %+v", n, len(rep.Problems), rep.Participants)
	}
	if rep.Errors["campaign.paused"] != rep.Participants.Failed || rep.ProblemCounts[CountsOff] != 0 {
		t.Errorf("errors %v, problems %v", rep.Errors, rep.ProblemCounts)
	}
}

// Behind a deadline the server hands in what was kept. That is an attempt all
// the same; without anything kept it is none, and the participant failed.
func TestDeadlinePassesDuringAnOutage(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{expired: true}), 60)
	c.Abandon = 0
	rep := mustRun(t, c)
	if n := outcomeOf(&rep, "attempts"); !n.OK || n.Acknowledged == 0 || n.Unknown != 0 {
		t.Errorf("attempts %+v", n)
	}
	if rep.Errors["quiz.expired"] == 0 || rep.ProblemCounts[WrongReceipt] != 0 {
		t.Errorf("errors %v, problems %v", rep.Errors, rep.Problems)
	}
}

// A refusal after a lost reply settles nothing: the first sending may have been
// accepted.
func TestRefusalInDoubt(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{before: func(_ int, r *http.Request) (int, map[string]any) {
		return map[bool]int{true: 403}[strings.HasSuffix(r.URL.Path, "/signatures")], map[string]any{"code": "campaign.paused"}
	}}), 20)
	c.LostReplies, c.Abandon = 1, 0
	rep := mustRun(t, c)
	if o := outcomeOf(&rep, "signatures"); o.Unknown != 20 || o.Acknowledged != 0 {
		t.Errorf("%+v", o)
	}
}
