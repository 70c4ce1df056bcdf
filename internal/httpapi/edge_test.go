package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

// TestHeadersOnEveryRoute asks every route, well and badly. do checks the
// headers and the contract of each answer.
func TestHeadersOnEveryRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, r := range b.app.GetRoutes() {
		if strings.HasSuffix(r.Path, "/live") {
			continue // see live_test.go
		}
		for _, as := range []string{"", "p:ann", "forged"} {
			path := strings.NewReplacer(":campaign", "spring", ":attempt", "1-a", ":serial", "S-1").Replace(r.Path)
			b.do(t, request(r.Method, path, as, "{}"))
		}
	}
}

func TestHSTSOnlyBehindTLS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		proxies []string
		proto   string
		want    string
	}{
		"straight":         {nil, "https", ""},
		"a trusted proxy":  {[]string{"0.0.0.0/32"}, "https", hsts},
		"without TLS":      {[]string{"0.0.0.0/32"}, "http", ""},
		"a proxy unknown":  {[]string{"10.0.0.0/8"}, "https", ""},
		"nothing was said": {[]string{"0.0.0.0/32"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(b *bench) { b.TrustedProxies = prefixes(tt.proxies...) })
			req := request(http.MethodGet, "/healthz", "", "")
			req.Header.Set("X-Forwarded-Proto", tt.proto)
			if got := b.do(t, req).header.Get("Strict-Transport-Security"); got != tt.want {
				t.Errorf("HSTS %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, tt := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"DELETE", "/api/v1/campaigns", 405, "GET, HEAD"},
		{"TRACE", "/api/v1/campaigns", 405, "GET, HEAD"},
		{"PATCH", "/api/v1/campaigns/spring/enrolment", 405, "PUT"},
		{"POST", "/", 405, "GET, HEAD"},
		{"GET", "/api/v1/sessions/wechat", 405, "POST"},
		{"PROPFIND", "/api/v1/campaigns", 405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"OPTIONS", "/api/v1/campaigns/spring/attempts", 204, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/nowhere", 404, ""},
		{"GET", "/nowhere", 404, ""},
		{"GET", "/metrics", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"GET", "/%2561pi/v1/campaigns", 404, ""},
		{"GET", "//api/v1/campaigns", 404, ""},
		{"GET", "/api/v1/campaigns/../campaigns", 404, ""},
		{"HEAD", "/api/v1/campaigns", 200, ""},
		{"HEAD", "/api/v1/campaigns/spring/live", 200, ""},
		{"HEAD", "/api/v1/campaigns/spring/counts", 200, ""},
	} {
		a := b.do(t, request(tt.method, tt.path, "", ""))
		if a.status != tt.status || a.header.Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d Allow %q, want %d %q", tt.method, tt.path, a.status, a.header.Get("Allow"), tt.status, tt.allow)
		}
		if tt.method == "HEAD" && a.body != "" {
			t.Errorf("HEAD %s has a body", tt.path)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.quizzes.submit = func(string, string, string, quiz.Answers) (quiz.Receipt, error) { return submitted(t), nil }
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"answers":{}}`))
	_ = z.Close()
	for name, tt := range map[string]struct {
		contentType, encoding, body string
		status                      int
	}{
		"plain":            {"application/json", "", `{"answers":{}}`, 200},
		"with a charset":   {"Application/JSON; charset=UTF-8", "", `{"answers":{}}`, 200},
		"quoted":           {`application/json;charset="utf-8"`, "", `{"answers":{}}`, 200},
		"identity":         {"application/json", "identity", `{"answers":{}}`, 200},
		"gzip":             {"application/json", "gzip", packed.String(), 415},
		"an unknown one":   {"application/json", "br, gzip", `{"answers":{}}`, 415},
		"another charset":  {"application/json; charset=gbk", "", `{"answers":{}}`, 415},
		"text":             {"text/plain", "", `{"answers":{}}`, 415},
		"a form":           {"application/x-www-form-urlencoded", "", `{"answers":{}}`, 415},
		"parts of a form":  {"multipart/form-data; boundary=x", "", "--x--", 415},
		"nothing":          {"", "", `{"answers":{}}`, 415},
		"a similar one":    {"application/json-patch+json", "", `{"answers":{}}`, 415},
		"one more as well": {"application/json, text/plain", "", `{"answers":{}}`, 415},
	} {
		req := request(http.MethodPost, attempts+"/1-a/submission", "p:ann", tt.body)
		req.Header.Del("Content-Type")
		if tt.contentType != "" {
			req.Header.Set("Content-Type", tt.contentType)
		}
		if tt.encoding != "" {
			req.Header.Set("Content-Encoding", tt.encoding)
		}
		if a := b.do(t, req); a.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.status)
		}
	}
	req := request(http.MethodGet, "/api/v1/campaigns", "", "")
	req.Header.Set("Content-Encoding", "gzip")
	if a := b.do(t, req); a.status != 415 {
		t.Errorf("a compressed question without a body: %d", a.status)
	}
}

// TestFailuresTellNothing shows that our own failures reach the log with their
// cause, and the client with a number to quote.
func TestFailuresTellNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail   func() error
		status int
		logged string
	}{
		"an error": {func() error { return errors.New("dial tcp 10.1.2.3: refused") }, 500, "10.1.2.3"},
		"a panic":  {func() error { panic("index out of range [10.1.2.3]") }, 500, "panic in"},
		"an outage": {
			func() error { return fault.ErrUnavailable.Because(errors.New("redis 10.1.2.3")) }, 503, "10.1.2.3",
		},
		"a deadline": {func() error { return context.DeadlineExceeded }, 503, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.quizzes.start = func(context.Context, string, string, int) (quiz.Receipt, bool, error) {
				return quiz.Receipt{}, false, tt.fail()
			}
			a := b.do(t, request(http.MethodPost, attempts, "p:ann", `{}`))
			if a.status != tt.status || strings.Contains(a.body, "10.1.2.3") || strings.Contains(a.body, "goroutine") {
				t.Errorf("%d %s", a.status, a.body)
			}
			id := a.problem(t).RequestID
			if id == "" || a.header.Get("X-Request-Id") != id {
				t.Errorf("request id %q, header %q", id, a.header.Get("X-Request-Id"))
			}
			if log := b.logs.String(); !strings.Contains(log, tt.logged) || !strings.Contains(log, id) {
				t.Errorf("log lacks %q or %q: %s", tt.logged, id, log)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(b *bench) { b.Timeout = time.Millisecond })
	b.quizzes.start = func(ctx context.Context, _, _ string, _ int) (quiz.Receipt, bool, error) {
		<-ctx.Done() // a store that honours its context
		return quiz.Receipt{}, false, ctx.Err()
	}
	a := b.do(t, request(http.MethodPost, attempts, "p:ann", `{}`))
	if p := a.problem(t); a.status != 503 || p.Code != "service.unavailable" || p.RetryAfterMS == 0 || a.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
}

// TestLogSaysNothingPersonal sends secrets in every place a client can put one,
// with line breaks and escapes, and reads the log.
func TestLogSaysNothingPersonal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const secret = "SECRET-13800000000"
	for _, req := range []*http.Request{
		request("POST", "/api/v1/sessions/sandbox", "", `{"name":"`+secret+`\r\n\u001b[31m"}`),
		request("POST", "/api/v1/sessions/wechat", "", `{"code":"`+secret+`"}`),
		request("POST", "/api/v1/sessions/wechat", "", `{"`+secret+`":1}`),
		request("PUT", "/api/v1/campaigns/spring/enrolment", "p:ann", `{"name":"`+secret+`","group":"public","consent":{}}`),
		request("GET", "/api/v1/campaigns/"+secret, "", ""),
		request("GET", "/"+secret, "", ""),
		request("GET", "/api/v1/campaigns/spring/units?parent="+secret, "", ""),
		request("GET", "/api/v1/signatures/"+secret, "", ""),
		request("GET", attempts+"/"+secret, secret, ""),
		request("GET", attempts+"/"+secret, "p:"+secret, ""),
		request(secret, "/", "", ""),
	} {
		req.Header.Set("User-Agent", secret)
		req.Header.Set("X-Forwarded-For", secret)
		req.Header.Set("X-Request-Id", secret)
		b.do(t, req)
	}
	log := b.logs.String()
	if strings.Contains(log, secret) {
		t.Errorf("the log holds what a client wrote: %s", log)
	}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	if len(lines) != 11 {
		t.Errorf("%d records, want one for each of the 11 failures: %s", len(lines), log)
	}
	for _, line := range lines {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil || record["msg"] != "request failed" || record["route"] == "" {
			t.Errorf("record %q: %v", line, err)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	ready := Readiness{Warnings: []string{"fold is behind"}}
	b := newBench(t, func(b *bench) {
		b.Ready = func(context.Context) Readiness { return ready }
	})
	if a := b.get(t, "/readyz", ""); a.status != 200 || a.body != `{"status":"ready","warnings":["fold is behind"]}` {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	ready.Reasons = []string{"redis does not sync"}
	a := b.get(t, "/readyz", "")
	if p := a.problem(t); a.status != 503 || p.Code != "service.unavailable" || len(p.Reasons) != 1 || len(p.Warnings) != 1 {
		t.Errorf("not ready: %d %s", a.status, a.body)
	}
	if a := b.get(t, "/healthz", ""); a.status != 200 || a.body != `{"status":"ok"}` {
		t.Errorf("alive: %d %s", a.status, a.body)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.catalog.campaigns[0].Title["zh-CN"] = `<script>alert(1)</script>`
	for path, want := range map[string][]string{
		"/":     {"清源", `href="/docs"`, `href="/api/v1/campaigns/spring/counts"`, "&lt;script&gt;", "进行中"},
		"/docs": {"清源 API", "<main>", "/api/v1/campaigns/{campaign}/live", "quiz.limit_reached", `id="code-quiz.limit_reached"`, "今日答题次数已用完", `id="search"`, `id="schema-Receipt"`, "wx0123456789abcdef"},
	} {
		a := b.get(t, path, "")
		if a.status != 200 || a.header.Get("Content-Type") != htmlType {
			t.Errorf("%s: %d %s", path, a.status, a.header.Get("Content-Type"))
		}
		for _, s := range want {
			if !strings.Contains(a.body, s) {
				t.Errorf("%s lacks %q", path, s)
			}
		}
		if strings.Contains(strings.Replace(a.body, "<script>", "", scriptsOf(path)), "<script") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "ZgotmplZ") {
			t.Errorf("%s has a script, an inline style or something unsafe", path)
		}
		for _, foreign := range []string{`src="`, `href="http`, "@import", "url("} {
			if strings.Contains(a.body, foreign) {
				t.Errorf("%s loads something: %s", path, foreign)
			}
		}
	}
}

// scriptsOf is how many scripts a page may hold: the documentation's own search.
func scriptsOf(path string) int {
	if path == "/docs" {
		return 1
	}
	return 0
}

// TestDocsShowEverything: each route and each code is on the page, and its script is the
// one that the policy allows, byte for byte.
func TestDocsShowEverything(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.get(t, "/docs", "")
	doc, _ := contract()
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if !strings.Contains(a.body, `<section id="`+o.OperationID+`"`) {
				t.Errorf("%s %s is not on the page: is its tag in the list?", method, path)
			}
		}
	}
	for _, row := range errorCodes() {
		if !strings.Contains(a.body, `id="code-`+row.Code+`"`) {
			t.Errorf("%s is not on the page", row.Code)
		}
	}
	_, script, _ := strings.Cut(a.body, "<script>")
	script, _, _ = strings.Cut(script, "</script>")
	if csp := a.header.Get("Content-Security-Policy"); len(script) < 100 || !strings.Contains(csp, "script-src "+sourceOf([]byte(script))) {
		t.Errorf("the policy %q does not allow the script of %d bytes", csp, len(script))
	}
	if csp := b.get(t, "/check/SPR-1", "").header.Get("Content-Security-Policy"); strings.Contains(csp, "script-src") {
		t.Errorf("another page may run scripts: %s", csp)
	}
}

func TestOpsApp(t *testing.T) {
	t.Parallel()
	for _, pprof := range []bool{false, true} {
		b := newBench(t, func(b *bench) { b.Pprof = pprof })
		b.app = b.OpsApp()
		status := func(path string) int {
			res, err := b.app.Test(request(http.MethodGet, path, "", ""), -1)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			_, _ = io.Copy(io.Discard, res.Body)
			return res.StatusCode
		}
		want := map[bool]int{false: 404, true: 200}[pprof]
		for path, want := range map[string]int{
			"/metrics": 200, "/healthz": 200, "/readyz": 200, "/debug/pprof/": want, "/debug/pprof/cmdline": want,
			"/api/v1/campaigns": 404, "/": 404,
		} {
			if got := status(path); got != want {
				t.Errorf("pprof %t, %s: %d, want %d", pprof, path, got, want)
			}
		}
	}
}
