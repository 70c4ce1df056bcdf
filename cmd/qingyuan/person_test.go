package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestParticipantsOwnData shows somebody what is kept of them, lets them take a consent
// back and be forgotten; what they did stays counted.
func TestParticipantsOwnData(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	people := gathering(t, s)
	p := people[0]
	kept := func() string {
		t.Helper()
		raw, err := json.Marshal(p.want(200, "GET", "/participants/me", nil))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for _, want := range []string{"张三", "enrolled.1", "signed.1", "submitted.1", `"notice"`} {
		s.eventually("the ledger to have "+want, func() bool { return strings.Contains(kept(), want) })
	}
	s.eventually("the board to show them", func() bool {
		_, r, err := s.call("GET", demoPath+"/boards/participants", nil)
		return err == nil && len(r["items"].([]any)) == len(people)
	})
	const complaint = "题目太难，我叫张三的同事也这么说"
	p.want(201, "POST", demoPath+"/feedback", map[string]string{"kind": "complaint", "text": complaint})
	people[1].want(201, "POST", demoPath+"/feedback", map[string]string{"kind": "complaint", "text": complaint})
	if all := kept(); !strings.Contains(all, complaint) || !strings.Contains(all, `"consent_withdrawn_at":null`) {
		t.Errorf("what they wrote is not in %s", all)
	}
	p.want(204, "POST", demoPath+"/consent/withdrawal", nil)
	p.want(204, "POST", demoPath+"/consent/withdrawal", nil)
	s.eventually("them to leave the board", func() bool {
		_, r, err := s.call("GET", demoPath+"/boards/participants", nil)
		return err == nil && len(r["items"].([]any)) == len(people)-1
	})
	s.eventually("the ledger to forget the name", func() bool { return !strings.Contains(kept(), `"张三"`) })
	if all := kept(); !strings.Contains(all, complaint) || strings.Contains(all, `"consent_withdrawn_at":null`) {
		t.Errorf("a withdrawal takes no complaint back, and is told: %s", all)
	}
	file := filepath.Join(t.TempDir(), "consents.csv")
	mustRun(t, "export", "consents", "--campaign", demoCampaign, "-o", file, "--data", cfg.Data.Dir)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	withdrawn := 0
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); strings.HasSuffix(line, ",是") && !strings.HasSuffix(line, ",,是") {
			withdrawn++
		}
	}
	if withdrawn != 1 {
		t.Errorf("%d consents are taken back in\n%s", withdrawn, raw)
	}
	other := people[1]
	other.want(202, "DELETE", "/participants/me", nil)
	s.eventually("the other's session to end", func() bool {
		status, _, err := other.call("GET", demoPath+"/me", nil)
		return err == nil && status == 401
	})
	s.eventually("the other's certificate to name nobody", func() bool {
		_, r, err := s.call("GET", "/signatures/"+other.serial, nil)
		return err == nil && r.text("name") == "匿名"
	})
	if left := column(t, bench(t, cfg).db, "SELECT participant FROM feedback WHERE text IS NOT NULL"); len(left) != 1 {
		t.Errorf("the texts of %d are left, want that of the first alone", len(left))
	}
	s.wantCounts(demoCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}
