package campaign

import (
	"testing"
	"time"
)

// day returns a moment of June 2026.
func day(d, hour int) time.Time { return time.Date(2026, 6, d, hour, 0, 0, 0, time.UTC) }

func TestFreeze(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		freeze       Freeze
		at           time.Time
		active, over bool
	}{
		"none":               {Freeze{}, day(1, 0), false, false},
		"before":             {Freeze{day(2, 0), day(3, 0)}, day(2, 0).Add(-1), false, false},
		"at the instant":     {Freeze{day(2, 0), day(3, 0)}, day(2, 0), true, false},
		"just before it end": {Freeze{day(2, 0), day(3, 0)}, day(3, 0).Add(-1), true, false},
		"at its end":         {Freeze{day(2, 0), day(3, 0)}, day(3, 0), false, true},
		"without an end":     {Freeze{At: day(2, 0)}, day(30, 0), true, false},
	} {
		if active, over := c.freeze.Active(c.at), c.freeze.Over(c.at); active != c.active || over != c.over {
			t.Errorf("%s: active %v, over %v; want %v, %v", name, active, over, c.active, c.over)
		}
	}
}

func TestPhaseAt(t *testing.T) {
	t.Parallel()
	c := &Campaign{Phases: []Phase{{ID: "a", From: day(1, 8), To: day(2, 0)}, {ID: "b", From: day(2, 0), To: day(3, 0)}}}
	for at, want := range map[time.Time]string{
		day(1, 7): "", day(1, 8): "a", day(2, 0).Add(-1): "a", day(2, 0): "b", day(3, 0): "",
	} {
		if p, ok := c.PhaseAt(at); p.ID != want || ok != (want != "") {
			t.Errorf("at %s: %q, %v; want %q", at, p.ID, ok, want)
		}
	}
}

func TestPolicySums(t *testing.T) {
	t.Parallel()
	for p, want := range map[Policy]bool{"": false, PolicyBest: false, PolicySum: true, PolicySumDays: true} {
		if p.Sums() != want {
			t.Errorf("%q sums: %v", p, p.Sums())
		}
	}
}

func TestWeighting(t *testing.T) {
	t.Parallel()
	if w := (&Campaign{}).Weighting(); w != PresetWeights() || w.Sum() != WholeWeight {
		t.Errorf("by default %+v", w)
	}
	own := Weights{PassRate: WholeWeight}
	if w := (&Campaign{Composite: own}).Weighting(); w != own {
		t.Errorf("its own: %+v", w)
	}
}
