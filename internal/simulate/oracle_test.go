package simulate

import (
	"strings"
	"testing"
	"time"
)

func TestVerdicts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		moved, yes, maybe int64
		fault             string // "" for none
	}{
		"exact":                     {10, 10, 0, ""},
		"nothing of the unknown":    {10, 10, 2, ""},
		"all of the unknown":        {12, 10, 2, ""},
		"more than could be":        {13, 10, 2, "1 counted without an acknowledgement"},
		"lost":                      {7, 10, 2, "3 lost"},
		"lost behind what is older": {-1, 0, 0, "1 lost"},
	}
	for name, tt := range tests {
		before := figures{Attempts: 100}
		after := figures{Attempts: 100 + tt.moved}
		all := verdicts(before, after, figures{Attempts: tt.yes}, figures{Attempts: tt.maybe})
		if len(all) != kinds || consistent(all) != (tt.fault == "") {
			t.Errorf("%s: %+v", name, all)
		}
		for _, o := range all {
			switch {
			case o.Kind != "attempts" && !o.OK:
				t.Errorf("%s: %+v", name, o)
			case o.Kind == "attempts" && !o.OK && !strings.HasSuffix(o.fault(), tt.fault):
				t.Errorf("%s: %s, want %s", name, o.fault(), tt.fault)
			}
		}
	}
}

// Counts are folded behind the acknowledgement: they get their time, and one
// look at the right moment is not enough for a verdict.
func TestCountsMayLag(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	reads, owed := 0, int64(0)
	s.faults.counting = func() {
		switch reads++; {
		case s.writes == 0:
		case owed == 0: // the first look behind the run
			owed = s.counts.Attempts
			s.counts.Attempts = 0
		case reads%3 == 0:
			s.counts.Attempts = min(s.counts.Attempts+owed/3+1, owed)
		}
	}
	c, _ := testConfig(s, 30)
	rep := mustRun(t, c)
	mustPass(t, &rep)
}

func TestLateDoubleCountIsNoticed(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	looks := 0
	s.faults.counting = func() {
		if s.writes > 0 {
			if looks++; looks == steady-1 {
				s.counts.Signatures++
			}
		}
	}
	c, _ := testConfig(s, 30)
	rep := mustRun(t, c)
	mustFind(t, &rep, CountsOff, "1 counted without an acknowledgement")
	if len(rep.Notes) != 1 || !strings.Contains(rep.Notes[0], "other traffic") {
		t.Errorf("notes %q", rep.Notes)
	}
}

// Somebody else's campaign must not be mistaken for a fault without a word.
func TestOtherTrafficIsNamed(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	s.faults.counting = func() { s.counts.Enrolled++ }
	c, clock := testConfig(s, 5)
	start := clock.now()
	rep := mustRun(t, c)
	mustFind(t, &rep, CountsOff, "enrolled")
	if !strings.Contains(rep.Notes[0], "moving before the run") {
		t.Errorf("notes %q", rep.Notes)
	}
	if took := clock.now().Sub(start); took > 3*c.Settle+5*time.Second {
		t.Errorf("took %v, want the settling time thrice at most", took)
	}
}

// Counts that are slow to read must not keep the run waiting for ever.
func TestSlowCountsEnd(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{uncounted: true})
	c, clock := testConfig(s, 30)
	s.faults.counting = func() { _ = clock.sleep(t.Context(), time.Second) }
	start := clock.now()
	rep := mustRun(t, c)
	mustFind(t, &rep, CountsOff, "lost")
	if took := clock.now().Sub(start); took > 2*c.Patience {
		t.Errorf("took %v", took)
	}
}

func TestBreakdownMayBeWithheld(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{private: true}), 10)
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if !strings.Contains(rep.Breakdown.Withheld, "board.not_published") {
		t.Errorf("%+v", rep.Breakdown)
	}
}

func TestColumn(t *testing.T) {
	t.Parallel()
	one, two := int64(1), int64(2)
	rows := []row{{Enrolled: &one, Passed: &one}, {Enrolled: &two}}
	if sum, known := column(rows, 0); sum != 3 || !known {
		t.Errorf("enrolled: %d, %t", sum, known)
	}
	if _, known := column(rows, kinds-1); known {
		t.Error("a withheld row was added up")
	}
}
