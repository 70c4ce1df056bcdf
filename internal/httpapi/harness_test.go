package httpapi

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/go-json-experiment/json"
	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
	"qingyuan/prize"
)

// bench is a server on stubs.
type bench struct {
	*Server
	app     *fiber.App
	catalog *stubCatalog
	snap    *leaderboard.Snapshot
	logs    *journal
	redis   redis.UniversalClient // of a bench on the real services
	office  *backOffice           // of a bench with operators

	enrolments *stubEnrolments
	quizzes    *stubQuizzes
	pledges    *stubPledges
	boards     *stubBoards
	sessions   *stubSessions
}

// journal is a log that is read while a server writes to it.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// String returns what was written so far.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// newBench returns a server whose snapshot is published. change may set fields
// before the first use.
func newBench(tb testing.TB, change ...func(*bench)) *bench {
	tb.Helper()
	b := &bench{
		catalog: newCatalog(tb), logs: &journal{},
		enrolments: &stubEnrolments{}, quizzes: &stubQuizzes{}, pledges: &stubPledges{}, boards: &stubBoards{},
		sessions: &stubSessions{},
	}
	b.snap = newSnapshot(tb, b.catalog.campaigns[0])
	b.Server = &Server{
		Catalog: b.catalog, Enrolments: b.enrolments, Quizzes: b.quizzes, Pledges: b.pledges, Boards: b.boards,
		Sessions: b.sessions, Tokens: stubTokens{}, Operators: closedOffice{}, Rosters: stubRosters{}, Persons: &stubPersons{}, Signers: stubSigners{}, Proofs: &stubProofs{}, ScreenTickets: stubTickets{}, Prizes: &prize.Service{Catalog: bare{}, Now: noon}, Demo: true, Now: noon,
		Log:   slog.New(slog.NewJSONHandler(b.logs, nil)),
		Ready: func(context.Context) Readiness { return Readiness{} },
	}
	b.boards.breakdown, b.boards.units = b.realBreakdown, b.realUnits
	for _, f := range change {
		f(b)
	}
	b.app = b.App()
	b.Published(b.snap)
	tb.Cleanup(b.Close)
	return b
}

// realBreakdown is the domain's own rule on the bench's snapshot.
func (b *bench) realBreakdown(c, parent, lang string, v leaderboard.Viewer) (leaderboard.Table, error) {
	s := leaderboard.Service{Catalog: b.catalog, Snapshots: fixedSnapshot{b.snap}, Now: noon}
	return s.Breakdown(c, parent, lang, v)
}

// realUnits is the same for boards of units.
func (b *bench) realUnits(c string, q leaderboard.UnitQuery) (leaderboard.UnitBoard, error) {
	s := leaderboard.Service{Catalog: b.catalog, Snapshots: fixedSnapshot{b.snap}, Now: noon}
	return s.Units(c, q)
}

type fixedSnapshot struct{ s *leaderboard.Snapshot }

func (f fixedSnapshot) Snapshot(id string) (*leaderboard.Snapshot, error) {
	if id != f.s.Campaign.ID {
		return nil, campaign.ErrNotFound
	}
	return f.s, nil
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// request builds a request; as is a token, "" for none.
func request(method, path, as, body string) *http.Request {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, path, r)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if as != "" {
		req.Header.Set("Authorization", "Bearer "+as)
	}
	return req
}

// do sends a request through the whole application and checks what must hold of
// every answer: the contract and the security headers.
func (b *bench) do(t *testing.T, req *http.Request) answer {
	t.Helper()
	res, err := b.app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{res.StatusCode, res.Header, string(body)}
	checkHeaders(t, a)
	checkContract(t, req, a)
	return a
}

func (b *bench) get(t *testing.T, path, as string) answer {
	t.Helper()
	return b.do(t, request(http.MethodGet, path, as, ""))
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("body %q: %v", a.body, err)
	}
	return p
}

func checkHeaders(t *testing.T, a answer) {
	t.Helper()
	for key, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
	} {
		if got := a.header.Values(key); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q once", key, got, want)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}
	if a.header.Get("Cache-Control") == "" {
		t.Error("no Cache-Control")
	}
	for _, key := range []string{"Server", "X-Powered-By", "Access-Control-Allow-Origin"} {
		if v := a.header.Get(key); v != "" {
			t.Errorf("%s is %q, want none", key, v)
		}
	}
}

// contract is the specification as it is served, loaded once.
var contract = sync.OnceValues(func() (*openapi3.T, routers.Router) {
	spec, _ := contractPages()
	doc, err := openapi3.NewLoader().LoadFromData(spec.body)
	if err != nil {
		panic(err)
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return doc, router
})

// tileAsOne writes the path of a tile, which has as many parts as the tile's number needs,
// as the one parameter that it is in the contract.
func tileAsOne(req *http.Request) *http.Request {
	head, tile, ok := strings.Cut(req.URL.Path, "/log/tile/")
	if !ok {
		return req
	}
	one := req.Clone(req.Context())
	one.URL.Path = head + "/log/tile/" + strings.ReplaceAll(tile, "/", "-")
	return one
}

// checkContract validates an answer against openapi.yaml: its status, its body,
// and that the error code is one the operation names.
func checkContract(t *testing.T, req *http.Request, a answer) {
	t.Helper()
	doc, router := contract()
	if req.Method == http.MethodHead || req.Method == http.MethodOptions {
		return
	}
	route, params, err := router.FindRoute(tileAsOne(req))
	if err != nil {
		if a.status == http.StatusMovedPermanently {
			req = request(http.MethodGet, a.header.Get("Location"), "", "")
			_, _, err = router.FindRoute(req)
		}
		if a.status < 400 && err != nil {
			t.Errorf("%s %s answered %d and is not in the contract", req.Method, req.URL.Path, a.status)
			return
		}
		if a.status < 400 || strings.HasPrefix(a.header.Get("Content-Type"), "text/html") { // a page says it in words
			return
		}
		visit(t, doc.Components.Schemas["Problem"].Value, a.body)
		return
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true}
	if !strings.HasPrefix(a.header.Get("Content-Type"), "application/json") {
		options.ExcludeResponseBody = true
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 a.status, Header: a.header, Options: options,
	}
	in.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(t.Context(), in); err != nil {
		t.Errorf("%s %s: %d %s breaks the contract: %v", req.Method, req.URL.Path, a.status, a.body, err)
	}
	if a.status >= 400 && !options.ExcludeResponseBody { // a page says it in words
		checkCode(t, route, a)
	}
}

func checkCode(t *testing.T, route *routers.Route, a answer) {
	t.Helper()
	res := route.Operation.Responses.Status(a.status)
	if res == nil {
		return // said already
	}
	if codes := codesOf(t, res.Value); !slices.Contains(codes, a.problem(t).Code) {
		t.Errorf("%s %s: %d %s; the contract names %q", route.Method, route.Path, a.status, a.body, codes)
	}
}

func codesOf(t *testing.T, r *openapi3.Response) []string {
	t.Helper()
	var codes []string
	list, _ := r.Extensions["x-codes"].([]any)
	for _, c := range list {
		codes = append(codes, c.(string))
	}
	return codes
}

func visit(t *testing.T, schema *openapi3.Schema, body string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Errorf("body %q: %v", body, err)
		return
	}
	if err := schema.VisitJSON(v); err != nil {
		t.Errorf("body %s breaks the contract: %v", body, err)
	}
}

// scenario is one row of a table: what is asked, what the service says, and the
// whole answer. want is the body; with * at its end, how it begins.
type scenario struct {
	method, path, as, body string
	set                    func(t *testing.T, b *bench)
	status                 int
	want                   string
	code                   string // instead of want: the error code
}

func run(t *testing.T, scenarios map[string]scenario) {
	t.Helper()
	for name, sc := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if sc.set != nil {
				sc.set(t, b)
			}
			a := b.do(t, request(or(sc.method, http.MethodGet), sc.path, sc.as, sc.body))
			if a.status != sc.status {
				t.Fatalf("status %d, want %d: %s", a.status, sc.status, a.body)
			}
			switch head, prefix := strings.CutSuffix(sc.want, "*"); {
			case sc.code != "":
				if got := a.problem(t).Code; got != sc.code {
					t.Errorf("code %q, want %q", got, sc.code)
				}
			case prefix && !strings.HasPrefix(a.body, head), !prefix && a.body != sc.want:
				t.Errorf("body\n%s\nwant\n%s", a.body, sc.want)
			}
		})
	}
}

func newClock() *waittest.Clock { return waittest.NewClock(noon()) }

// decoded reads a good answer.
func decoded[T any](t *testing.T, a answer) T {
	t.Helper()
	if a.status >= 300 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("body %s: %v", a.body, err)
	}
	return v
}
