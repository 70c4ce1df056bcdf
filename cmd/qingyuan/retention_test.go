package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/audit"
	"qingyuan/internal/jobs"
	"qingyuan/internal/sqldb"
)

// ruled serves the known campaign with a rule by which it forgets its people so many days
// after its end, and lets three people take part.
func ruled(t *testing.T, days int) (*server, configs.Config, []api) {
	t.Helper()
	s, we, cfg := known(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/known")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "campaign.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rule := fmt.Sprintf("retention: {personal: %[1]d, messages: %[1]d, rosters: %[1]d, origins: %[1]d, flags: %[1]d, papers: 3650}\n", days)
	text = append([]byte(rule), text...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "campaign", "apply", "--unreviewed", file, "--data", cfg.Data.Dir)
	s.eventually("the rule to be part of the notice", func() bool {
		_, r, err := s.call("GET", "/campaigns/"+knownCampaign, nil)
		return err == nil && len(r.object("consent_notice").list("retention")) == 6
	})
	var people []api
	for i := range 3 {
		p := s.through(we, fmt.Sprint("openid-retention-", i))
		p.enrol(knownCampaign)
		paper := p.want(201, "POST", "/campaigns/"+knownCampaign+"/attempts", nil)
		p.want(200, "POST", "/campaigns/"+knownCampaign+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper))
		p.want(201, "POST", "/campaigns/"+knownCampaign+"/signatures", map[string]any{"version": "1", "method": "typed", "name": "张三"})
		p.want(201, "POST", "/campaigns/"+knownCampaign+"/feedback", map[string]string{"kind": "complaint", "text": "我叫张三"})
		people = append(people, p)
	}
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
	return s, cfg, people
}

// figuresOf is everything public of the known campaign that must stay as it is, whatever becomes
// of names.
func figuresOf(t *testing.T, s api) string {
	t.Helper()
	var out strings.Builder
	for _, path := range []string{"/counts", "/counts/breakdown", "/counts/history?step=day", "/boards/participants", "/boards/regions?metric=participation"} {
		status, r := s.patient("GET", "/campaigns/"+knownCampaign+path, nil)
		if status != 200 {
			t.Fatalf("%s = %d %v", path, status, r)
		}
		for _, moving := range []string{"as_of", "today", "last_hour"} {
			delete(r, moving)
		}
		items, _ := r["items"].([]any)
		for _, i := range items {
			if line, ok := i.(map[string]any); ok {
				delete(line, "name")
			}
		}
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, path, string(raw))
	}
	return out.String()
}

func dryRun(t *testing.T, cfg configs.Config, more ...string) map[string]float64 {
	t.Helper()
	var out anonymised
	raw := mustRun(t, append([]string{"campaign", "anonymise", knownCampaign, "--dry-run", "--json", "--data", cfg.Data.Dir}, more...)...)
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		t.Fatal(err)
	}
	due := map[string]float64{}
	for _, l := range out.Kept {
		if l.Due {
			due[l.Name] = float64(l.Left)
		}
	}
	return due
}

// TestAnonymise lets a campaign that is over forget its people, interrupted after the first
// step: no name and no text is left, no figure moves, and the ledger fits.
func TestAnonymise(t *testing.T) {
	t.Parallel()
	s, cfg, people := ruled(t, 180)
	early := []string{"--early", "personal,messages,origins", "--reason", "主办单位要求"}
	if status, _, _ := command(t, append([]string{"campaign", "anonymise", knownCampaign, "--data", cfg.Data.Dir}, early...)...); status != exitFailed {
		t.Errorf("anonymised while it is open: %d", status)
	}
	w := bench(t, cfg)
	s.eventually("the key of origins", func() bool {
		return len(column(t, w.db, "SELECT campaign FROM origin_keys WHERE campaign = 'known-2026' AND bytes IS NOT NULL")) == 1
	})
	mustRun(t, "campaign", "close", knownCampaign, "--data", cfg.Data.Dir)
	s.eventually("the close", func() bool {
		_, r, err := s.call("GET", "/campaigns/"+knownCampaign, nil)
		return err == nil && r.text("state") == "closed"
	})
	before := figuresOf(t, s.api)
	if due := dryRun(t, cfg); len(due) > 0 {
		t.Errorf("due before its time: %v", due)
	}

	due := dryRun(t, cfg, early...)
	if due["personal"] != 3 || due["feedback"] != 3 || due["origin_keys"] != 1 || due["offline_batches"] != 0 {
		t.Errorf("due %v", due)
	}
	if len(column(t, w.db, "SELECT participant FROM personal WHERE sealed IS NOT NULL")) < 6 {
		t.Fatal("the dry run took something away, or nothing would be proved")
	}
	w = bench(t, cfg) // which knows of the close
	interrupt(t, w)
	mustRun(t, append([]string{"campaign", "anonymise", knownCampaign, "--data", cfg.Data.Dir, "--json"}, early...)...)
	wantConsents(t, cfg)
	for _, empty := range []string{
		"SELECT p.participant FROM personal p JOIN shards s ON s.id = p.shard WHERE s.campaign = 'known-2026' AND sealed IS NOT NULL",
		"SELECT id FROM feedback WHERE text IS NOT NULL",
		"SELECT campaign FROM origin_keys WHERE campaign = 'known-2026' AND bytes IS NOT NULL",
	} {
		if left := column(t, w.db, empty); len(left) > 0 {
			t.Errorf("%s: %d", empty, len(left))
		}
	}
	if doors := column(t, w.db, "SELECT participant FROM personal WHERE sealed IS NOT NULL"); len(doors) == 0 {
		t.Error("the doors are no campaign's and stay")
	}
	if n := len(column(t, w.db, "SELECT action FROM audit WHERE object = 'retention:known-2026'")); n < 3 {
		t.Errorf("the audit log has %d entries, want two beginnings and an end", n)
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	if again := dryRun(t, cfg, early...); again["personal"]+again["feedback"] != 0 {
		t.Errorf("still due %v", again)
	}

	if after := figuresOf(t, s.api); after != before {
		t.Errorf("the figures are\n%s\nbefore\n%s", after, before)
	}
	p := people[0]
	receipt := p.want(200, "GET", "/campaigns/"+knownCampaign+"/signatures/me", nil)
	if shown := p.want(200, "GET", "/signatures/"+receipt.text("serial"), nil); shown.text("name") != "匿名" || shown.text("state") != "valid" {
		t.Errorf("the public page says %v", shown)
	}
}

// interrupt ends the work after its first step, as a stop of the server would.
func interrupt(t *testing.T, w *workbench) {
	t.Helper()
	c, err := w.catalog.Campaign(knownCampaign)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	f := forgetting{workbench: w, c: c, now: time.Now(), by: consoleRecord("", c.ID), tell: func(int64, int64) { stop() }}
	if _, err := f.run(ctx, []campaign.Kept{campaign.KeptMessages, campaign.KeptPersonal}); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
}

// TestForgetsByItself closes a campaign whose rule leaves no time, and waits.
func TestForgetsByItself(t *testing.T) {
	t.Parallel()
	s, cfg, _ := ruled(t, 0)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "campaign", "close", knownCampaign, "--data", cfg.Data.Dir)
	s = start(t, cfg)
	w := bench(t, cfg)
	s.eventually("the texts to go", func() bool {
		return len(column(t, w.db, "SELECT id FROM feedback WHERE text IS NOT NULL")) == 0
	})
	s.eventually("the names to go", func() bool {
		return len(column(t, w.db, "SELECT p.participant FROM personal p JOIN shards s ON s.id = p.shard WHERE s.campaign = 'known-2026' AND sealed IS NOT NULL")) == 0
	})
	s.eventually("the job to be done", func() bool {
		return len(column(t, w.db, "SELECT id FROM jobs WHERE kind = 'retention' AND state = 'done'")) == 1
	})
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
}

// wantConsents exports who agreed to what: that outlives the names.
func wantConsents(t *testing.T, cfg configs.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "consents.csv")
	mustRun(t, "export", "consents", "--campaign", knownCampaign, "-o", file, "--data", cfg.Data.Dir)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\r\n")
	if len(lines) != 6 || !strings.Contains(lines[0], "告知版本") || strings.Contains(string(raw), "张") {
		t.Errorf("consents:\n%s", raw)
	}
}

// TestErasuresOutliveARestart starts a server that finds in its line what one before it
// was told to take away: it waits until its campaigns are open, and fails none of it.
func TestErasuresOutliveARestart(t *testing.T) {
	t.Parallel()
	s, cfg, _ := ruled(t, 0)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "campaign", "close", knownCampaign, "--data", cfg.Data.Dir)
	db, err := sqldb.Open(t.Context(), cfg.DatabaseTarget())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	line := &jobs.Queue{DB: db, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, p := range column(t, db, "SELECT DISTINCT participant FROM facts WHERE kind = 'enrolled.1'")[:1] {
		if err := (&personDesk{jobs: line}).Erase(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (&retentionDesk{jobs: line}).submit(t.Context(), knownCampaign, audit.Record{Actor: "retention", Login: "retention"}); err != nil {
		t.Fatal(err)
	}
	s = start(t, cfg)
	s.eventually("the jobs to end", func() bool {
		return len(column(t, db, "SELECT id FROM jobs WHERE state IN ('queued', 'running')")) == 0
	})
	for _, ended := range column(t, db, "SELECT kind || ': ' || state || ' ' || code FROM jobs") {
		if !strings.HasSuffix(ended, ": done ") {
			t.Errorf("%s", ended)
		}
	}
	if left := column(t, db, "SELECT p.participant FROM personal p JOIN shards s ON s.id = p.shard WHERE s.campaign = 'known-2026' AND sealed IS NOT NULL"); len(left) > 0 {
		t.Errorf("%d names are left", len(left))
	}
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 3, "signatures": 3})
}
