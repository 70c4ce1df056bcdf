package httpapi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// Two persons, as package session names them.
const (
	ann = "p:AAAAAAAAAAAAAAAA"
	bob = "p:BBBBBBBBBBBBBBBB"
)

// plainBox stands in for the cipher: what it seals is not looked at here.
type plainBox struct{}

func (plainBox) Seal(plaintext, _ []byte) []byte { return plaintext }

// banked adds the versions of banks to the stub catalog.
type banked struct{ *stubCatalog }

func (b banked) Bank(_ context.Context, digest string) (*quiz.Bank, error) {
	for _, o := range b.quizzes {
		if o.Bank.Digest == digest {
			return o.Bank, nil
		}
	}
	return nil, quiz.ErrNoQuiz
}

// newRealBench is a bench whose services are the real ones, on a Redis of its
// own.
func newRealBench(t *testing.T) *bench {
	t.Helper()
	return newRealBenchAt(t, noon, func(*campaign.Campaign) {})
}

// newRealBenchAt is newRealBench with a clock, and a campaign that is changed before
// it is opened.
func newRealBenchAt(t *testing.T, now func() time.Time, change func(*campaign.Campaign)) *bench {
	t.Helper()
	db := redistest.Start(t).Client(t)
	campaigns := redisstore.NewCampaigns(db)
	b := newBench(t, func(b *bench) {
		catalog := banked{b.catalog}
		b.Now, b.redis = now, db
		change(b.catalog.campaigns[0])
		if err := campaigns.Open(t.Context(), b.catalog.campaigns[0], redisstore.Known{}, now()); err != nil {
			t.Fatal(err)
		}
		serials, err := pledge.NewSerials(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		store := redisstore.NewBoards(campaigns, b.catalog.Campaign, now)
		b.Enrolments = &campaign.Service{Catalog: catalog, Store: redisstore.NewEnrolments(campaigns, plainBox{}, make([]byte, 32)), Now: now}
		b.Quizzes = &quiz.Service{Catalog: catalog, Store: redisstore.NewQuiz(campaigns, b.catalog.Campaign, now), IDKey: make([]byte, 32), Now: now}
		b.Pledges = &pledge.Service{
			Catalog: prefixed{b.catalog}, Store: redisstore.NewSignatures(campaigns, plainBox{}), Serials: serials, Now: now,
		}
		b.Boards = &leaderboard.Service{Catalog: b.catalog, Store: store, Snapshots: fixedSnapshot{b.snap}, Now: now}
	})
	return b
}

// prefixed adds the prefixes of serials to the stub catalog.
type prefixed struct{ *stubCatalog }

func (p prefixed) CampaignByPrefix(prefix string) (string, bool) {
	for id, o := range p.pledges {
		if o.Prefix == prefix {
			return id, true
		}
	}
	return "", false
}

// belongings are the ids of what a person owns.
type belongings struct {
	attempt, serial string
	answers         string // a whole submission
}

// takePart enrols, signs and starts an attempt.
func (b *bench) takePart(t *testing.T, as, name string) belongings {
	t.Helper()
	const base = "/api/v1/campaigns/spring"
	ok := func(method, path, body string) answer {
		a := b.do(t, request(method, base+path, as, body))
		if a.status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		return a
	}
	ok("PUT", "/enrolment", `{"unit":"no1","name":"`+name+`","group":"public","consent":{"notice_version":"n1"}}`)
	signed := decoded[signatureAnswer](t, ok("POST", "/signatures", `{"version":"v1","method":"typed","name":"`+name+`"}`))
	paper := decoded[paperAnswer](t, ok("POST", "/attempts", ""))
	answers := quiz.Answers{}
	for _, q := range paper.Questions {
		answers[q.ID] = []string{q.Options[0].ID}
	}
	body, err := json.Marshal(map[string]any{"answers": answers})
	if err != nil {
		t.Fatal(err)
	}
	return belongings{attempt: paper.Attempt, serial: signed.Serial, answers: string(body)}
}

// everything asks every route there is, as somebody, with the ids of somebody.
func (b *bench) everything(t *testing.T, as string, of belongings) map[string]answer {
	t.Helper()
	all := map[string]answer{}
	fill := strings.NewReplacer(":campaign", "spring", ":attempt", of.attempt, ":serial", of.serial)
	for _, r := range b.app.GetRoutes() {
		if strings.HasSuffix(r.Path, "/live") || r.Path == "/api/v1/sessions/current" || strings.HasSuffix(r.Path, "/submission") {
			continue // the stream shows the frame; the other two would change what is asked next
		}
		for _, body := range []string{"", "{}", of.answers, "{"} {
			if r.Method != http.MethodPost && r.Method != http.MethodPut && body != "" {
				continue
			}
			all[r.Method+" "+r.Path+" "+body] = b.do(t, request(r.Method, fill.Replace(r.Path), as, body))
		}
	}
	return all
}

// TestNoKeyBeforeTheSubmission crawls every route while an attempt is open and
// looks for what only the bank knows.
func TestNoKeyBeforeTheSubmission(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	b.catalog.quizzes["spring"].Rules.Review = quiz.ReviewAfterSubmission
	own := b.takePart(t, ann, "安妮")
	b.takePart(t, bob, "鲍勃")
	canaries := []string{
		canaryExplanation, canaryBasis, canaryFact, canaryTopic, canaryQuestion, newBank(t).Digest,
		`"key"`, `"right"`, `"correct"`, `"points"`, `"explanation"`, `"difficulty"`, `"weight"`,
	}
	for _, as := range []string{"", ann, bob, "v:all"} {
		for where, a := range b.everything(t, as, own) {
			if strings.Contains(where, "/docs") || strings.Contains(where, "/openapi.json") {
				continue // the contract names the fields of a receipt
			}
			for _, c := range canaries {
				if strings.Contains(a.body, c) || strings.Contains(headerText(a.header), c) {
					t.Errorf("%s as %q holds %s: %s", where, as, c, a.body)
				}
			}
		}
	}
	// Once it is handed in, its owner may read why, and nobody else.
	a := b.do(t, request("POST", attempts+"/"+own.attempt+"/submission", ann, own.answers))
	if a.status != 200 || !strings.Contains(a.body, canaryExplanation) || !strings.Contains(a.body, canaryBasis) {
		t.Errorf("the receipt explains nothing: %d %s", a.status, a.body)
	}
	for where, a := range b.everything(t, bob, own) {
		if strings.Contains(a.body, canaryExplanation) {
			t.Errorf("%s shows another person's review: %s", where, a.body)
		}
	}
	for _, secret := range []string{canaryFact, canaryTopic, canaryQuestion} {
		if strings.Contains(a.body, secret) {
			t.Errorf("the receipt holds %s", secret)
		}
	}
}

func headerText(h http.Header) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(h)) {
		b.WriteString(k + ": " + strings.Join(h[k], ",") + "\n")
	}
	return b.String()
}

// reach says what of another person's a route could touch.
type reach string

const (
	// nobody: the route has no objects of persons, or shows them to everybody
	// by design.
	nobody reach = "nobody"
	// self: the route speaks of whoever asks, and no id can say otherwise.
	self reach = "self"
	// object: the path names an object, and another person's is not found.
	object reach = "object"
)

// reaches has one entry for each route. A new route must find its place here.
func reaches() map[string]reach {
	const c = "/api/v1/campaigns/:campaign"
	return map[string]reach{
		"GET /": nobody, "GET /c/:campaign": nobody, "GET /c/:campaign/:view": nobody, "GET /c/:campaign/:view/:object": nobody,
		"GET /screen/:campaign": nobody, "GET /draws": nobody, "GET /draws/:campaign/:draw": nobody, "GET /console": nobody, "GET /console/:view": nobody, "GET /console/:view/:object": nobody,
		"GET /console/:view/:object/:part": nobody, "GET /console/:view/:object/:part/:item": nobody, "GET /assets/:file": nobody, "GET /media/:name": nobody,
		"GET /docs": nobody, "GET /openapi.json": nobody, "GET /healthz": nobody, "GET /readyz": nobody,
		"GET /api/v1/error-codes": nobody, "GET /api/v1/campaigns": nobody, "GET " + c: nobody, "GET " + c + "/units": nobody,
		"GET " + c + "/pledge": nobody, "GET " + c + "/counts": nobody, "GET " + c + "/counts/breakdown": nobody,
		"GET " + c + "/counts/history": nobody, "GET " + c + "/boards/participants": nobody, "GET " + c + "/boards/units": nobody,
		"POST " + c + "/screen-tickets": nobody,
		"GET " + c + "/boards/regions":  nobody, "GET " + c + "/frame": nobody, "GET " + c + "/live": nobody,
		"GET /api/v1/signatures/:serial": nobody, "POST /api/v1/queue": nobody, "POST /api/v1/sessions/wechat": nobody, "POST /api/v1/sessions/wechat-web": nobody,
		"GET /api/v1/sessions/wechat-web/start": nobody, "GET /api/v1/sessions/wechat-web/callback": nobody,
		"POST /api/v1/sessions/wechat-web/redeem": nobody, "GET /api/v1/sessions/ways": nobody,
		"POST /api/v1/sessions/sandbox": nobody, "POST /api/v1/sessions/refresh": nobody,
		"POST /api/v1/sessions/roster": nobody, "POST /api/v1/sessions/link": self,
		"GET /api/v1/participants/me": self, "DELETE /api/v1/participants/me": self, "POST " + c + "/consent/withdrawal": self,

		"DELETE /api/v1/sessions/current": self, "PUT " + c + "/enrolment": self, "GET " + c + "/me": self,
		"POST " + c + "/attempts": self, "GET " + c + "/attempts": self, "POST " + c + "/signatures": self,
		"GET " + c + "/appeals": self, "POST " + c + "/appeals": self, // whose act it is, the service asks
		"GET " + c + "/prizes": nobody, "GET " + c + "/prizes/winners": nobody, "GET " + c + "/prizes/me": self,
		"GET " + c + "/prizes/draws/:draw": nobody, "GET " + c + "/prizes/draws/:draw/file": nobody,
		"GET " + c + "/prizes/chances": self, "POST " + c + "/prizes/chances": self, "POST " + c + "/prizes/wins/:win/claim": object,
		"GET " + c + "/feedback": self, "POST " + c + "/feedback": self,
		"POST " + c + "/transfers": self, "GET " + c + "/transfers/me": self, "DELETE " + c + "/transfers/:transfer": self,
		"GET " + c + "/log": nobody, "GET " + c + "/log/checkpoint": nobody, "GET " + c + "/log/checkpoints": nobody,
		"GET " + c + "/log/checkpoints/:size": nobody, "GET " + c + "/log/consistency": nobody, "GET " + c + "/log/tile/*": nobody,
		"GET " + c + "/signatures/me/proof": self, "GET " + c + "/attempts/:attempt/proof": object,
		"GET " + c + "/signatures/me/certificate": self, "GET /check/:serial": nobody,
		"GET " + c + "/signatures/me": self, "GET " + c + "/boards/participants/me": self,

		"GET " + c + "/attempts/:attempt": object, "PUT " + c + "/attempts/:attempt/answers": object,
		"POST " + c + "/attempts/:attempt/submission": object, "POST " + c + "/attempts/:attempt/reports": object,
	}
}

// TestObjectMatrix asks every route as Bob for what is Ann's.
func TestObjectMatrix(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	anns := b.takePart(t, ann, "安妮")
	b.takePart(t, bob, "鲍勃")
	fill := strings.NewReplacer(":campaign", "spring", ":attempt", anns.attempt, ":serial", anns.serial)
	known := reaches()
	for _, r := range b.app.GetRoutes() {
		method := strings.Replace(r.Method, http.MethodHead, http.MethodGet, 1)
		if strings.HasPrefix(r.Path, officePath) {
			continue // TestMatrixOfRights asks those, as every role
		}
		what, ok := known[method+" "+r.Path]
		if !ok {
			t.Errorf("%s %s is not in the matrix", r.Method, r.Path)
			continue
		}
		path := fill.Replace(r.Path)
		switch what {
		case object:
			for _, body := range []string{anns.answers, `{"revision":1,"answers":{}}`, `{"answers":{}}`, `{"question":"x","kind":"other"}`} {
				a := b.do(t, request(r.Method, path, bob, body))
				mismatch := r.Method != http.MethodGet && r.Method != http.MethodHead && a.status == 400 // not this route's body
				if a.status != 404 && !mismatch {
					t.Errorf("%s %s as Bob: %d %s, want 404", r.Method, r.Path, a.status, a.body)
				}
			}
		case self:
			if strings.HasSuffix(path, "/current") {
				break
			}
			a := b.do(t, request(r.Method, path, bob, "{}"))
			for _, secret := range []string{anns.attempt, anns.serial, "安妮", "安", ann[2:]} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s %s as Bob shows %s: %s", r.Method, r.Path, secret, a.body)
				}
			}
		case nobody:
			continue
		}
		for _, as := range []string{"", "forged", "old"} {
			if a := b.do(t, request(r.Method, path, as, "{}")); a.status != 401 {
				t.Errorf("%s %s as %q: %d, want 401", r.Method, r.Path, as, a.status)
			}
		}
		want := 403
		if strings.HasSuffix(path, "/current") {
			want = 401 // it reads the token itself, and an office has no session to end
		}
		if a := b.do(t, request(r.Method, path, "v:all", "{}")); a.status != want {
			t.Errorf("%s %s as an office: %d, want %d", r.Method, r.Path, a.status, want)
		}
	}
	for route := range known {
		if method, path, _ := strings.Cut(route, " "); !served(b, method, path) {
			t.Errorf("%s is in the matrix and not served", route)
		}
	}
	// Ann's own attempt is untouched.
	a := b.get(t, attempts+"/"+anns.attempt, ann)
	if p := decoded[paperAnswer](t, a); p.State != "open" || p.Saved.Revision != 0 {
		t.Errorf("Ann's attempt: %s", a.body)
	}
}

func served(b *bench, method, path string) bool {
	for _, r := range b.app.GetRoutes() {
		if r.Method == method && r.Path == path {
			return true
		}
	}
	return false
}

// TestWholeWay is a person's way through the real services: every answer keeps
// to the contract, and repeats change nothing.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	own := b.takePart(t, ann, "安妮")
	submit := func(body string) answer {
		return b.do(t, request("POST", attempts+"/"+own.attempt+"/submission", ann, body))
	}
	first := submit(own.answers)
	if again := submit(own.answers); first.status != 200 || again.body != first.body {
		t.Errorf("twice:\n%d %s\n%d %s", first.status, first.body, again.status, again.body)
	}
	if a := submit(`{"answers":{}}`); a.status != 409 || a.problem(t).Code != "quiz.submitted" {
		t.Errorf("otherwise: %d %s", a.status, a.body)
	}
	if a := b.get(t, attempts+"/"+own.attempt, ann); a.body != first.body {
		t.Errorf("read again: %s", a.body)
	}
	if a := b.get(t, "/api/v1/campaigns/spring/boards/participants/me", ann); *decoded[placeAnswer](t, a).Rank != 1 {
		t.Errorf("place: %s", a.body)
	}
	if a := b.get(t, "/api/v1/signatures/"+own.serial, ""); decoded[certificateAnswer](t, a).Name != "安*" {
		t.Errorf("certificate: %s", a.body)
	}
	if a := b.get(t, "/api/v1/campaigns/spring/me", ann); decoded[homeAnswer](t, a).OpenAttempt != nil {
		t.Errorf("home: %s", a.body)
	}
	if a := b.get(t, attempts, ann); len(decoded[list[attemptHead]](t, a).Items) != 1 {
		t.Errorf("list: %s", a.body)
	}
	for _, guess := range []string{"1-aaaaaaaaaaaaaaaaaaaa", "0-" + own.attempt, "2" + own.attempt[1:], own.attempt + "a", "%00", "1"} {
		if a := b.get(t, attempts+"/"+guess, ann); a.status != 404 {
			t.Errorf("attempt %s: %d", guess, a.status)
		}
	}
}
