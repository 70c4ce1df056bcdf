package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
)

// edited applies the campaign with known answers with some of its text replaced,
// into the folder of a server.
func edited(t *testing.T, dir string, change *strings.Replacer) (status int, errs string) {
	t.Helper()
	desk := t.TempDir()
	for _, name := range []string{"campaign.yaml", "questions.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata", "known", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "campaign.yaml" {
			raw = []byte(change.Replace(string(raw)))
		}
		if err := os.WriteFile(filepath.Join(desk, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	status, _, errs = command(t, "campaign", "apply", "--unreviewed", filepath.Join(desk, "campaign.yaml"), "--data", dir)
	return status, errs
}

// TestBoardsChangeOnlyAsAnnounced edits a campaign while people take part: what is
// fixed is refused and says why, by the command and by the running server, and the
// campaign goes on as it was.
func TestBoardsChangeOnlyAsAnnounced(t *testing.T) {
	t.Parallel()
	s, _, cfg := known(t)
	at := func(d time.Duration) string { return time.Now().Add(d).In(configs.Zone()).Format(time.DateTime) }
	refused := func(want, old, now string) {
		t.Helper()
		if status, errs := edited(t, cfg.Data.Dir, strings.NewReplacer(old, now)); status != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%q for %q = %d\n%swant %q", now, old, status, errs, want)
		}
	}
	const mode, review = "top_n: 10\n", "  review: after_submission\n"
	refused("quiz.policy: best cannot become sum", review, review+"  policy: sum\n")
	refused("combined_boards: cannot change", mode, mode+"combined_boards: true\n")
	refused("freeze_at:", mode, mode+"freeze_at: "+at(-time.Hour)+"\n")
	refused("is not at least a minute ahead", mode, mode+"freeze_at: "+at(30*time.Second)+"\n")
	refused("phases: late would begin less than a minute from now", mode,
		mode+"phases: [{id: late, title: 迟, from: "+at(-time.Hour)+", to: "+at(time.Hour)+"}]\n")
	refused("closes_at: 2040-01-01 00:00:00 is more than eight years", "2032-01-01 00:00", "2040-01-01 00:00")

	announced := strings.NewReplacer(mode, mode+fmt.Sprintf("freeze_at: %s\nunfreeze_at: %s\n", at(time.Hour), at(2*time.Hour)))
	if status, errs := edited(t, cfg.Data.Dir, announced); status != exitDone {
		t.Fatalf("an announced freeze = %d %s", status, errs)
	}
	s.eventually("the freeze to be announced", func() bool {
		return s.want(200, "GET", "/campaigns/"+knownCampaign, nil)["freeze"] != nil
	})

	// By hand, past the command: files of a campaign that the catalog keeps are not
	// read, and the server says so.
	raw, err := os.ReadFile(filepath.Join("testdata", "known", "campaign.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(cfg.CampaignsDir(), knownCampaign)
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	raw = []byte(strings.Replace(string(raw), review, review+"  policy: sum\n", 1))
	if err := os.WriteFile(filepath.Join(home, configs.CampaignFile), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s.eventually("a warning", func() bool {
		status, r, err := s.call("GET", "/readyz", nil)
		return err == nil && status == 200 && strings.Contains(fmt.Sprint(r["warnings"]), knownCampaign)
	})
	got := s.want(200, "GET", "/campaigns/"+knownCampaign, nil)
	if policy := got.object("quiz").text("policy"); policy != "best" || got["freeze"] == nil {
		t.Errorf("the policy became %s, the freeze %v", policy, got["freeze"])
	}
}
