package simulate

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunProvesTheCounts(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	s.counts = figures{Enrolled: 7, Participants: 6, Attempts: 5, Signatures: 4, Passed: 3}
	c, _ := testConfig(s, 150)
	rep := mustRun(t, c)
	mustPass(t, &rep)

	if rep.Campaign != "demo" || rep.Participants.Done != 150 || rep.Participants.Failed != 0 {
		t.Errorf("campaign %q, participants %+v", rep.Campaign, rep.Participants)
	}
	if n := outcomeOf(&rep, "enrolled"); n.Before != 7 || n.Moved != 150 || n.Acknowledged != 150 {
		t.Errorf("enrolled = %+v", n)
	}
	left := rep.Participants.Abandoned
	if n := outcomeOf(&rep, "attempts"); left == 0 || n.Moved != 150-left {
		t.Errorf("attempts = %+v with %d papers left", n, left)
	}
	if rep.LostReplies == 0 || rep.Audit.Participants < 130 || !rep.Breakdown.OK || rep.Breakdown.Rows != 2 {
		t.Errorf("lost replies %d, audit %+v, breakdown %+v", rep.LostReplies, rep.Audit, rep.Breakdown)
	}
	if len(s.people) != 150 {
		t.Errorf("%d people signed in, want 150", len(s.people))
	}
}

// The choices follow from seed and number alone, so that a failure can be looked
// at again.
func TestSameSeedSameChoices(t *testing.T) {
	t.Parallel()
	var movements [2][]Outcome
	for i := range movements {
		c, _ := testConfig(newFake(t, faults{unreviewed: true}), 60)
		c.Workers = 1 + 7*i
		rep := mustRun(t, c)
		mustPass(t, &rep)
		movements[i] = rep.Outcomes
	}
	if diff := cmp.Diff(movements[0], movements[1]); diff != "" {
		t.Errorf("the same seed gave other acts (-1 worker +8 workers):\n%s", diff)
	}
}

func TestHalfACampaign(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"quiz", "pledge"} {
		t.Run("without "+missing, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, faults{})
			s.detail[missing] = nil
			s.detail["ranking_mode"] = "top_n"
			c, _ := testConfig(s, 40)
			c.Campaign = "demo"
			rep := mustRun(t, c)
			mustPass(t, &rep)

			c.Campaign = ""
			if _, err := Run(t.Context(), c, nil); !errors.Is(err, ErrNoCampaign) {
				t.Errorf("choosing a campaign: %v, want %v", err, ErrNoCampaign)
			}
		})
	}
}

func TestUnrankedCampaign(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{rankless: true})
	s.detail["ranking_mode"] = "progress_only"
	c, _ := testConfig(s, 40)
	rep := mustRun(t, c)
	mustPass(t, &rep)
}

func TestRunNeedsAnOpenCampaign(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*fake, *Config)
		want   string
	}{
		"paused":         {func(s *fake, c *Config) { s.detail["state"] = "paused"; c.Campaign = "demo" }, "not open"},
		"unknown":        {func(_ *fake, c *Config) { c.Campaign = "nowhere" }, "404"},
		"none open":      {func(s *fake, _ *Config) { s.detail["state"] = "scheduled" }, "no open campaign"},
		"neither":        {func(s *fake, c *Config) { s.detail["quiz"], s.detail["pledge"] = nil, nil; c.Campaign = "demo" }, "neither"},
		"without groups": {func(s *fake, _ *Config) { delete(s.detail, "groups") }, "no groups"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFake(t, faults{})
			c, _ := testConfig(s, 10)
			tt.change(s, &c)
			if _, err := Run(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want one with %q", err, tt.want)
			}
			if s.writes != 0 {
				t.Errorf("%d writes before the refusal", s.writes)
			}
		})
	}
}

// A rate spreads arrivals over time whatever the workers could take.
func TestRate(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{}), 50)
	c.Rate, c.LostReplies = 10, 0
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if rep.Seconds < 4.5 || rep.Seconds > 5.5 {
		t.Errorf("50 participants at 10 a second took %.2f s", rep.Seconds)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newFake(t, faults{before: func(n int, _ *http.Request) (int, map[string]any) {
		if n == 100 {
			cancel()
		}
		return 0, nil
	}})
	c, _ := testConfig(s, 1000)
	rep, err := Run(ctx, c, nil)
	if !errors.Is(err, context.Canceled) || rep.OK() || !rep.Interrupted {
		t.Errorf("err = %v, OK %t, interrupted %t", err, rep.OK(), rep.Interrupted)
	}
	if rep.Participants.Done == 0 || rep.Participants.Done > 100 {
		t.Errorf("%d participants done", rep.Participants.Done)
	}
	if len(rep.Problems) > 0 {
		t.Errorf("an interruption is the target's fault: %v", rep.Problems)
	}
}

// With audits below the participants, each has the same chance to be read again.
func TestAuditIsASample(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{}), 60)
	c.Audit = 10
	rep := mustRun(t, c)
	mustPass(t, &rep)
	if rep.Audit.Participants != 10 {
		t.Errorf("%d audited, want 10", rep.Audit.Participants)
	}
	c.Audit, c.Prefix = -1, "other"
	if rep := mustRun(t, c); rep.Audit.Participants != 0 {
		t.Errorf("%d audited, want none", rep.Audit.Participants)
	}
}
