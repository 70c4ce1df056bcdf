package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"go.uber.org/goleak"

	"qingyuan/configs"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/waittest"
)

func TestMain(m *testing.M) {
	if hashing != nil {
		panic("passwords are not stretched as operator.Stretch says")
	}
	// What sign-ins cost is proven in package operator.
	hashing = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	if isProgram() {
		failpoint.Arm()
		main()
	}
	if base := os.Getenv(asReaders); base != "" {
		if err := readUntilEnd(base); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(tidy{m},
		// fasthttp keeps one goroutine for the date of answers, for good, and its
		// pool notices up to ten seconds later that its server has stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// toxiproxy forgets both ends of links that it has cut.
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).write"),
	)
}

// tidy runs the tests and removes the program that they have run.
type tidy struct{ m *testing.M }

// Run implements goleak.TestingM.
func (r tidy) Run() int {
	defer func() { _ = os.RemoveAll(copied.dir) }()
	return r.m.Run()
}

// patience bounds every wait of these tests. It is long for the sake of machines
// with much else to do: nothing waits for its end when all is well.
const patience = 2 * time.Minute

// server is the whole program, running in this process.
type server struct {
	api
	stop func() error
}

// demo returns a configuration on free ports with a data folder of its own.
func demo(t *testing.T) configs.Config {
	t.Helper()
	cfg := configs.Default()
	cfg.Demo = true
	cfg.HTTP.Addr, cfg.HTTP.OpsAddr = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Data.Dir = shortDir(t)
	cfg.Proofs.Every = 0           // answers shall not change by themselves: proofs_test.go has it on
	cfg.Rounds.Every = time.Second // nobody shall wait for what falls due by itself
	return cfg
}

// shortDir is a temporary folder whose path leaves room for a Unix socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "qy") //nolint:usetesting // t.TempDir has the test's name in it, which is too long.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// start runs the program until the test ends or stop is called, and returns when
// it is ready.
func start(t *testing.T, cfg configs.Config) *server {
	t.Helper()
	s := launch(t, cfg)
	s.awaitReady()
	return s
}

// launch is start for a program that may never become ready.
func launch(t *testing.T, cfg configs.Config) *server {
	t.Helper()
	return launchWith(t, cfg, serving{log: warningsTo(t)})
}

// warningsTo is the log of a program whose warnings are the test's.
func warningsTo(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// launchWith is launch with a log and a clock of the caller's.
func launchWith(t *testing.T, cfg configs.Config, o serving) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addrs, done := make(chan string, 1), make(chan error, 1)
	o.listening = func(addr string) { addrs <- addr }
	go func() { done <- serve(ctx, cfg, o) }()
	stopped := false
	s := &server{stop: func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stop the program: %v", err)
		}
	})
	select {
	case addr := <-addrs:
		s.api = api{t: t, base: "http://" + addr}
	case err := <-done:
		stopped = true
		t.Fatalf("the program ended at once: %v", err)
	}
	return s
}

// testWriter sends the program's log to the test's.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// api calls one server.
type api struct {
	t     testing.TB
	base  string
	token string
}

// as returns the API as seen by a sandbox person of that name.
func (a api) as(name string) api {
	a.t.Helper()
	r := a.want(200, "POST", "/sessions/sandbox", map[string]string{"name": name})
	a.token = r.text("access_token")
	return a
}

// result is a decoded JSON object.
type result map[string]any

func (r result) text(key string) string {
	s, _ := r[key].(string)
	return s
}

func (r result) num(key string) float64 {
	n, _ := r[key].(float64)
	return n
}

func (r result) object(key string) result {
	o, _ := r[key].(map[string]any)
	return o
}

func (r result) list(key string) []result {
	raw, _ := r[key].([]any)
	var out []result
	for _, v := range raw {
		o, _ := v.(map[string]any)
		out = append(out, o)
	}
	return out
}

var client = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true}, // so that no idle connection outlives a test
	Timeout:   patience,
}

// call sends one request; body is marshalled unless it is nil.
func (a api) call(method, path string, body any) (int, result, error) {
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		r = bytes.NewReader(raw)
	}
	if !strings.HasPrefix(path, "/api") && !strings.HasPrefix(path, "/readyz") {
		path = "/api/v1" + path
	}
	req, err := http.NewRequestWithContext(context.Background(), method, a.base+path, r)
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	var out result
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, err
	}
	if len(raw) > 0 {
		if err = json.Unmarshal(raw, &out); err != nil {
			err = fmt.Errorf("%w of %.200q", err, raw)
		}
	}
	return resp.StatusCode, out, err
}

// breathing is call for a server that may be out of breath: it says 503 and when to ask
// again, as it would to a phone, and is asked again.
func (a api) breathing(method, path string, body any) (int, result, error) {
	status, out, err := a.call(method, path, body)
	for begun := time.Now(); err == nil && status == 503 && out.num("retry_after_ms") > 0 && time.Since(begun) < patience; {
		<-time.After(time.Duration(out.num("retry_after_ms")) * time.Millisecond)
		status, out, err = a.call(method, path, body)
	}
	return status, out, err
}

// want makes a request and fails the test unless it is answered with that status, by a
// server that may be out of breath.
func (a api) want(status int, method, path string, body any) result {
	a.t.Helper()
	answer := a.breathing
	if status == 503 {
		answer = a.call
	}
	got, out, err := answer(method, path, body)
	if err != nil || got != status {
		a.t.Fatalf("%s %s = %d %v, %v; want %d", method, path, got, out, err, status)
	}
	return out
}

func (a api) awaitReady() {
	a.t.Helper()
	a.eventually("readiness", func() bool {
		status, _, err := a.call("GET", "/readyz", nil)
		return err == nil && status == 200
	})
	a.eventually("the first snapshots", func() bool {
		for _, c := range a.want(200, "GET", "/campaigns", nil).list("items") {
			if status, _, err := a.call("GET", "/campaigns/"+c.text("id")+"/counts", nil); err != nil || status != 200 {
				return false
			}
		}
		return true
	})
}

// eventually waits for ok.
func (a api) eventually(what string, ok func() bool) {
	a.t.Helper()
	waittest.Until(a.t, what, ok)
}

// enrol joins the campaign's first unit.
func (a api) enrol(campaign string) {
	a.t.Helper()
	detail := a.want(200, "GET", "/campaigns/"+campaign, nil)
	a.want(200, "PUT", "/campaigns/"+campaign+"/enrolment", map[string]any{
		"unit": a.unit(campaign, ""), "name": "张三", "group": detail.list("groups")[0].text("id"),
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	})
}

func (a api) unit(campaign, parent string) string {
	a.t.Helper()
	for _, n := range a.want(200, "GET", "/campaigns/"+campaign+"/units?parent="+parent, nil).list("items") {
		if n.text("kind") == "unit" {
			return n.text("id")
		}
		if u := a.unit(campaign, n.text("id")); u != "" {
			return u
		}
	}
	return ""
}

// firstOptions answers every question of a paper with its first option.
func firstOptions(paper result) map[string]any {
	answers := map[string][]string{}
	for _, q := range paper.list("questions") {
		answers[q.text("id")] = []string{q.list("options")[0].text("id")}
	}
	return map[string]any{"answers": answers}
}

// wantCounts waits until the counts are as given.
func (a api) wantCounts(campaign string, want map[string]float64) {
	a.t.Helper()
	var got result
	a.eventually("the counts to settle", func() bool {
		got = a.want(200, "GET", "/campaigns/"+campaign+"/counts", nil)
		for figure, n := range want {
			if got.num(figure) < n {
				return false
			}
		}
		return true
	})
	for figure, n := range want {
		if got.num(figure) != n {
			a.t.Errorf("counts.%s = %v, want %v", figure, got.num(figure), n)
		}
	}
}

// TestCommandsTellTheirResult keeps the log of a server out of what commands say.
func TestCommandsTellTheirResult(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	start(t, cfg)
	for _, args := range [][]string{
		{"verify"}, {"roster", "sizes", "--campaign", demoCampaign}, {"operator", "list"}, {"switch"},
	} {
		args = append(args, "--data", cfg.Data.Dir)
		if status, out, errs := command(t, args...); status != exitDone || strings.Contains(errs, `"level"`) {
			t.Errorf("%s = %d\n%s%s", strings.Join(args, " "), status, out, errs)
		}
	}
}
