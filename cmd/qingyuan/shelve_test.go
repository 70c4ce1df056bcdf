package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
)

// ownOf is everything a participant may read of what they did.
func ownOf(t *testing.T, p api) string {
	t.Helper()
	base := "/campaigns/" + knownCampaign
	var out strings.Builder
	_, attempts := p.patient("GET", base+"/attempts", nil)
	for _, path := range []string{
		"/attempts/" + attempts.list("items")[0].text("attempt"), "/signatures/me", "/me", "/boards/participants/me?window=2",
	} {
		status, r := p.patient("GET", base+path, nil)
		for _, moving := range []string{"server_time", "as_of", "next_attempt_at"} {
			delete(r, moving)
		}
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, path, status, string(raw))
	}
	return out.String()
}

// patient calls again where it was too often.
func (a api) patient(method, path string, body any) (status int, r result) {
	a.t.Helper()
	a.eventually(method+" "+path, func() bool {
		var err error
		status, r, err = a.call(method, path, body)
		return err == nil && status != 429
	})
	return status, r
}

// keysIn lists the keys of a campaign in Redis.
func keysIn(t *testing.T, w *workbench, id string) []string {
	t.Helper()
	keys, err := w.redis.Keys(t.Context(), "*{"+id+"*").Result()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestArchive moves a campaign out of Redis beside a running server, after a try that was
// interrupted: whoever reads sees the same, whoever acts is told so, an erasure reaches the
// shelf, and back in Redis everything is as before.
func TestArchive(t *testing.T) {
	t.Parallel()
	s, cfg, people := ruled(t, 180)
	base := "/campaigns/" + knownCampaign
	if status, _, _ := command(t, "campaign", "archive", knownCampaign, "--data", cfg.Data.Dir); status != exitFailed {
		t.Errorf("archived while it is open: %d", status)
	}
	slow := people[2].want(201, "POST", base+"/attempts", nil)
	mustRun(t, "campaign", "close", knownCampaign, "--data", cfg.Data.Dir)
	s.eventually("the close", func() bool {
		_, r, err := s.call("GET", base, nil)
		return err == nil && r.text("state") == "closed"
	})
	w := bench(t, cfg)
	waits(t, s, w, cfg, people[2], slow)
	sealNow(t, w, knownCampaign)
	figures, own := figuresOf(t, s.api), ownOf(t, people[0])
	serial := people[0].want(200, "GET", base+"/signatures/me", nil).text("serial")
	page := fmt.Sprint(s.want(200, "GET", "/signatures/"+serial, nil))

	partway(t, w)
	mustRun(t, "campaign", "archive", knownCampaign, "--data", cfg.Data.Dir, "--reason", "活动结束")
	if left := keysIn(t, w, knownCampaign); len(left) > 0 {
		t.Errorf("redis still holds %d keys: %v", len(left), left)
	}
	read := func() bool {
		status, _, err := people[0].call("GET", base+"/me", nil)
		return err == nil && status == 200
	}
	s.eventually("the server to read from the shelf", read)
	wantSame(t, s.api, people[0], figures, own)
	if got := fmt.Sprint(s.want(200, "GET", "/signatures/"+serial, nil)); got != page {
		t.Errorf("the page of the signature says %s, before %s", got, page)
	}
	if r := s.want(200, "GET", "/signatures/"+serial, nil).object("proof"); r == nil {
		t.Error("the log cannot be read on the shelf")
	}
	for _, act := range []struct {
		method, path string
		body         any
	}{{"POST", "/attempts", nil}, {"PUT", "/enrolment", enrolmentAgain(people[0])}} {
		if status, r := people[0].patient(act.method, base+act.path, act.body); status < 400 || status >= 500 {
			t.Errorf("%s %s = %d %v: want a refusal", act.method, act.path, status, r)
		}
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	mustRun(t, "campaign", "archive", knownCampaign, "--data", cfg.Data.Dir) // again
	if status, _, _ := command(t, "rebuild", "--data", cfg.Data.Dir, "--campaign", knownCampaign); status != exitFailed {
		t.Errorf("rebuilt what is archived: %d", status)
	}

	erased := people[1]
	theirs := erased.want(200, "GET", base+"/signatures/me", nil).text("serial")
	erased.want(202, "DELETE", "/participants/me", nil)
	s.eventually("the erasure to be done", func() bool {
		return len(column(t, w.db, "SELECT id FROM jobs WHERE kind = 'personal.erase' AND state = 'done'")) == 1
	})
	if _, r := s.patient("GET", "/signatures/"+theirs, nil); r.text("name") != "匿名" {
		t.Errorf("the page still says %v", r)
	} else if r["proof"] != nil {
		t.Errorf("the page still leads to the log: %v", r)
	}
	sealNow(t, w, knownCampaign)
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	own = ownOf(t, people[0])
	s.eventually("the board to call them nobody", func() bool {
		_, r := s.patient("GET", base+"/boards/participants", nil)
		return strings.Contains(fmt.Sprint(r), "匿名")
	})

	mustRun(t, "campaign", "unarchive", knownCampaign, "--data", cfg.Data.Dir, "--reason", "复核")
	if len(keysIn(t, w, knownCampaign)) == 0 {
		t.Error("nothing is in redis again")
	}
	s.eventually("the server to read from redis", read)
	mustRun(t, "verify", "--data", cfg.Data.Dir)
	wantSame(t, s.api, people[0], figures, own)
	if _, r := s.patient("GET", "/signatures/"+theirs, nil); r.text("name") != "匿名" {
		t.Errorf("the erased name is back: %v", r)
	}
}

// waits tries to archive while somebody still sits and while an office's acts are under
// way: nothing moves, it is said why, and everything that was begun comes to its end.
func waits(t *testing.T, s *server, w *workbench, cfg configs.Config, sits api, paper result) {
	t.Helper()
	refused := func(why string) {
		t.Helper()
		status, _, errs := command(t, "campaign", "archive", knownCampaign, "--data", cfg.Data.Dir)
		if status != exitFailed || !strings.Contains(errs, why) {
			t.Errorf("archive = %d %s, want %q", status, errs, why)
		}
	}
	refused(errStillOpen.Error())
	// It is found as well where somebody began after that was looked at: the campaign comes back.
	c, err := w.catalog.Campaign(knownCampaign)
	if err != nil {
		t.Fatal(err)
	}
	refill, stopped := redisstore.NewRefill(w.redis), errors.New("stopped")
	r := &replay.Rebuilder{
		Ledger: w.ledger, Open: w.services.secrecy.open, Drain: w.drain, Now: time.Now,
		Redis: ontoShelf{refill, func(context.Context, []state.Person) error { return nil }, func(*state.Sums) {}},
	}
	if _, err := r.Shelve(t.Context(), c, func(context.Context) error { return stopped }, refill.Remove); !errors.Is(err, stopped) {
		t.Fatal(err)
	}
	refused(errStillOpen.Error())
	s.eventually("the attempt to be there", func() bool {
		status, r, err := sits.call("GET", "/campaigns/"+knownCampaign+"/attempts/"+paper.text("attempt"), nil)
		return err == nil && status == 200 && r.text("state") == "open"
	})
	if status, r := sits.patient("POST", "/campaigns/"+knownCampaign+"/attempts/"+paper.text("attempt")+"/submission", firstOptions(paper)); status != 200 {
		t.Errorf("handed in after the close: %d %v", status, r)
	}

	far := time.Now().Add(time.Hour).UnixMilli()
	for _, step := range []struct{ why, begin, end string }{
		{
			"1 corrections or re-marks",
			`INSERT INTO corrections (id, campaign, node, state, conditions, reason, creator, login, created, challenge, job)
				VALUES ('waits', 'known-2026', '', 'running', '{}', 'x', 'x', 'x', 1, '', 'waits')`,
			`UPDATE corrections SET state = 'done' WHERE id = 'waits'`,
		},
		{
			"1 acts that give attempts back",
			`INSERT INTO grants (id, campaign, node, since, until, state, reason, operator, login, created, job)
				VALUES ('waits', 'known-2026', '', 1, 2, 'running', 'x', 'x', 'x', 1, 'waits')`,
			`UPDATE grants SET state = 'done' WHERE id = 'waits'`,
		},
		{
			"1 transfers that were granted",
			`INSERT INTO transfers (id, campaign, participant, grp, from_unit, to_unit, day, state, created)
				VALUES ('waits', 'known-2026', 'nobody', 'public', 'a', 'b', '2026-01-01', 'granting', 1)`,
			`UPDATE transfers SET state = 'refused' WHERE id = 'waits'`,
		},
	} {
		for _, statement := range []string{
			fmt.Sprintf(`INSERT INTO jobs (id, kind, action, campaign, node, actor, login, addr, params, state, owner, lease, created)
				VALUES ('waits', 'x', 'x', 'known-2026', '', 'x', 'x', 'x', '{}', 'running', 'another', %d, 1)`, far), step.begin,
		} {
			if _, err := w.db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		refused(step.why)
		for _, statement := range []string{step.end, `DELETE FROM jobs WHERE id = 'waits'`} {
			if _, err := w.db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 3, "participants": 3, "attempts": 4, "signatures": 3})
}

func enrolmentAgain(p api) map[string]any {
	return map[string]any{
		"unit": p.unit(knownCampaign, ""), "name": "李四", "group": "public",
		"consent": map[string]any{"notice_version": "1", "publish_name": false},
	}
}

func wantSame(t *testing.T, s, p api, figures, own string) {
	t.Helper()
	s.eventually("the snapshot", func() bool { return figuresOf(t, s) == figures })
	if got := ownOf(t, p); got != own {
		t.Errorf("one's own is\n%s\nbefore\n%s", got, own)
	}
}

// partway begins to move the campaign and is stopped while its people are on their way.
func partway(t *testing.T, w *workbench) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err := w.shelve(ctx, knownCampaign, func(done, _ int64) {
		if done > 0 {
			stop()
		}
	})
	if err == nil {
		t.Fatal("it was not interrupted")
	}
	if o, _, err := w.ledger.Campaign(t.Context(), knownCampaign); err != nil || o.Condition != ledger.Rebuilding {
		t.Fatalf("interrupted: %+v, %v", o, err)
	}
	if w.services.shelf.Has(knownCampaign) {
		t.Fatal("half of it can be read")
	}
}

// TestArchiveOverARestart reads an archived campaign from a server that starts with it.
func TestArchiveOverARestart(t *testing.T) {
	t.Parallel()
	s, cfg, people := ruled(t, 3650)
	stopped := func(cfg configs.Config) {
		t.Helper()
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		mustRun(t, "campaign", "close", knownCampaign, "--data", cfg.Data.Dir)
	}
	stopped(cfg)
	s = start(t, cfg)
	people[0].base = s.base
	s.eventually("the close", func() bool {
		_, r, err := s.call("GET", "/campaigns/"+knownCampaign, nil)
		return err == nil && r.text("state") == "closed"
	})
	figures := figuresOf(t, s.api)
	own := ownOf(t, people[0])
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "campaign", "archive", knownCampaign, "--data", cfg.Data.Dir)
	s = start(t, cfg)
	people[0].base = s.base
	wantSame(t, s.api, people[0], figures, own)
}
