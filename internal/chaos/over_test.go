//go:build chaos

package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// ended is a campaign whose office works on it while servers and commands die.
type ended struct {
	*client
	*Program

	t      *testing.T
	tokens []string
	papers []paper
	deaths int
}

const (
	endedCampaign = "known-2026"
	endedPath     = api + "/campaigns/" + endedCampaign
)

// TestTheEndOfACampaign: attempts are given back, people are forgotten and the campaign
// leaves Redis and comes back, and whoever does it dies at every place. Each goes on from
// where it was, nothing happens twice, and no figure moves.
func TestTheEndOfACampaign(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	row := NewRow("The end of a campaign: kill -9 while attempts are given back, people forgotten, Redis left")
	x := &ended{t: t, Program: New(t, Options{Name: "ended"})}
	x.run("campaign", "apply", "--unreviewed", endedFile(t))
	x.can(x.Start(ctx))
	v := Verdict{}
	x.client = newClient([]string{x.URL}, failing(t))
	defer x.client.close()
	x.people(24)
	v.People, v.Acknowledged = len(x.tokens), 3*len(x.tokens)

	x.givenBack(ctx)
	x.handIn(ctx)
	x.run("campaign", "close", endedCampaign)
	x.can(poll(ctx, patience, "the close", func() (bool, error) {
		var c struct{ State string }
		return x.must(ctx, endedPath, &c) == nil && c.State == "closed", nil
	}))
	before := x.figures(ctx)
	x.forgotten()
	x.same(ctx, "people were forgotten", before)
	x.shelved()
	x.same(ctx, "it left Redis", before)
	x.run("campaign", "unarchive", endedCampaign)
	x.same(ctx, "it came back", before)
	x.dies("shelve.after_step_4", "campaign", "archive", endedCampaign)
	x.run("campaign", "archive", endedCampaign)
	x.same(ctx, "it left again", before)
	x.run("verify")
	row.Round(x.deaths)
	row.Book(v)
}

func (x *ended) can(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// endedFile is the campaign with known answers, with a rule by which it forgets its people
// and one attempt a day.
func endedFile(t *testing.T) string {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(filepath.Join(dir, "cmd", "qingyuan", "testdata", "known"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(to, "campaign.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := "retention: {personal: 180, messages: 180, rosters: 180, origins: 180, flags: 180, papers: 3650}\n" +
		strings.Replace(string(raw), "time_limit: 10m", "time_limit: 10m\n  attempts_per_day: 1", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs a command, which must succeed.
func (x *ended) run(args ...string) string {
	x.t.Helper()
	out, status, err := x.Command(x.t.Context(), append(args, "--data", x.Data)...)
	if err != nil || status != 0 {
		x.t.Fatalf("%v = %d, %v: %s", args, status, err, out)
	}
	return out
}

// dies runs a command that is killed at a place.
func (x *ended) dies(point string, args ...string) {
	x.t.Helper()
	x.can(x.With("QINGYUAN_FAILPOINTS="+point+"=kill@1", func() error {
		out, status, err := x.Command(x.t.Context(), append(args, "--data", x.Data)...)
		if err != nil {
			return err
		}
		if status != killed {
			return fmt.Errorf("%v did not die at %s but ended with %d: %s", args, point, status, out)
		}
		x.deaths++
		return nil
	}))
}

// people lets everybody sign, write a complaint and begin an attempt.
func (x *ended) people(n int) {
	x.t.Helper()
	ctx := x.t.Context()
	var units struct{ Items []node }
	x.can(x.must(ctx, endedPath+"/units?parent=140702", &units))
	x.tokens, x.papers = make([]string, n), make([]paper, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range n {
		g.Go(func() error {
			s, err := x.signIn(ctx, fmt.Sprint("ended", i))
			if err != nil {
				return err
			}
			x.tokens[i] = s.AccessToken
			for _, q := range []struct {
				method, path string
				body         any
				out          any
			}{
				{http.MethodPut, "/enrolment", map[string]any{
					"unit": units.Items[0].ID, "name": "张三", "group": "public", "consent": map[string]any{"notice_version": "1", "publish_name": false},
				}, nil},
				{http.MethodPost, "/signatures", map[string]any{"version": "1", "method": "typed", "name": "张三"}, nil},
				{http.MethodPost, "/feedback", map[string]string{"kind": "complaint", "text": "我叫张三"}, nil},
				{http.MethodPost, "/attempts", map[string]any{"number": 1}, &x.papers[i]},
			} {
				if err := x.until(ctx, request{method: q.method, path: endedPath + q.path, token: s.AccessToken, body: encode(q.body)}, q.out); err != nil {
					return fmt.Errorf("%s: %w", q.path, err)
				}
			}
			return nil
		})
	}
	x.can(g.Wait())
}

// left is how many attempts each has today.
func (x *ended) left(ctx context.Context) (out []int, err error) {
	for _, token := range x.tokens {
		var home struct {
			Left struct{ Today int } `json:"attempts_left"`
		}
		if err := x.own(ctx, session{AccessToken: token}, endedPath+"/me", &home); err != nil {
			return nil, err
		}
		out = append(out, home.Left.Today)
	}
	return out, nil
}

// givenBack gives everybody their attempt back, dies before that is noted, and lets the
// server go on: everybody has one, and nobody two.
func (x *ended) givenBack(ctx context.Context) {
	x.t.Helper()
	x.can(x.Stop())
	hour := func(d time.Duration) string { return time.Now().Add(d).Format(time.RFC3339) }
	x.dies("grant.before_note", "campaign", "give-back", "--campaign", endedCampaign, "--from", hour(-time.Hour), "--to", hour(time.Hour), "--reason", "断电")
	x.can(x.Start(ctx))
	out := ""
	x.can(poll(ctx, patience, "the server to go on", func() (bool, error) {
		db, err := x.one(ctx, "SELECT state || ' ' || items FROM grants")
		out = db
		return err == nil && strings.HasPrefix(db, "done "), nil
	}))
	left, err := x.left(ctx)
	x.can(err)
	for i, n := range left {
		if n != 1 {
			x.t.Errorf("person %d has %d attempts left, grant %s", i, n, out)
		}
	}
}

// handIn ends the open attempts.
func (x *ended) handIn(ctx context.Context) {
	x.t.Helper()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range x.tokens {
		g.Go(func() error {
			answers := map[string][]string{}
			for _, q := range x.papers[i].Questions {
				answers[q.ID] = []string{q.Options[0].ID}
			}
			return x.until(ctx, request{
				method: http.MethodPost, path: endedPath + "/attempts/" + x.papers[i].Attempt + "/submission", token: x.tokens[i],
				body: encode(map[string]any{"answers": answers}),
			}, nil)
		})
	}
	x.can(g.Wait())
}

// figures are those that everybody sees, without what moves by itself and without names.
func (x *ended) figures(ctx context.Context) string {
	x.t.Helper()
	var out strings.Builder
	x.can(poll(ctx, patience, "the figures", func() (bool, error) {
		out.Reset()
		var c struct{ Enrolled, Participants, Attempts, Signatures int }
		n := len(x.tokens)
		if x.must(ctx, endedPath+"/counts", &c) != nil || c.Enrolled != n || c.Participants != n || c.Attempts != n || c.Signatures != n {
			return false, nil //nolint:nilerr // Not all of it is in the snapshot, or it is being moved.
		}
		for _, path := range []string{"/counts", "/counts/breakdown", "/counts/history?step=day", "/boards/participants"} {
			var r map[string]any
			if err := x.must(ctx, endedPath+path, &r); err != nil {
				return false, nil //nolint:nilerr // It is being moved.
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
				return false, err
			}
			fmt.Fprintln(&out, path, string(raw))
		}
		return true, nil
	}))
	return out.String()
}

// same waits for the figures to be what they were.
func (x *ended) same(ctx context.Context, since, before string) {
	x.t.Helper()
	now := ""
	err := poll(ctx, patience, "the figures of before", func() (bool, error) {
		now = x.figures(ctx)
		return now == before, nil
	})
	if err != nil {
		x.t.Errorf("since %s the figures are\n%s\nbefore\n%s", since, now, before)
	}
}

// one reads the first row of a query.
func (x *ended) one(ctx context.Context, query string) (out string, err error) {
	db, err := x.openLedger()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, query).Scan(&out)
	return out, err
}

// forgotten lets the campaign forget its people, and dies after each step until there are
// no more.
func (x *ended) forgotten() {
	x.t.Helper()
	early := []string{"campaign", "anonymise", endedCampaign, "--early", "personal,messages", "--reason", "主办单位要求"}
	for range 2 { // what is written, and names
		x.dies("retention.after_step", early...)
	}
	x.run(early...)
	if out := x.run(append(early, "--dry-run", "--json")...); strings.Contains(out, "张三") {
		x.t.Errorf("a name is left: %s", out)
	}
	ctx := x.t.Context()
	for what, query := range map[string]string{
		"sealed records": "SELECT COUNT(*) FROM personal p JOIN shards s ON s.id = p.shard WHERE s.campaign = '" + endedCampaign + "' AND sealed IS NOT NULL",
		"complaints":     "SELECT COUNT(*) FROM feedback WHERE text IS NOT NULL",
	} {
		n, err := x.one(ctx, query)
		if err != nil || n != "0" {
			x.t.Errorf("%s %s are left, %v", n, what, err)
		}
	}
}

// shelved moves the campaign out of Redis, and dies after each step.
func (x *ended) shelved() {
	x.t.Helper()
	for _, point := range []string{"shelve.after_step_1", "shelve.after_step_2", "shelve.after_step_3", "sweep.after_step_1"} {
		x.dies(point, "campaign", "archive", endedCampaign)
	}
	x.run("campaign", "archive", endedCampaign)
}
