package httpapi

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/session"
)

// builtPages is what a build of the pages leaves, in little.
func builtPages() fstest.MapFS {
	entry := "<html><div id=app></div>" + entryMark + "</html>"
	return fstest.MapFS{
		"index.html": {Data: []byte(entry)}, "screen.html": {Data: []byte("the screen")}, "draws.html": {Data: []byte("the draws")},
		"console.html": {Data: []byte("the console")}, "console.html.gz": {Data: []byte("packed console")},
		"assets/a-1.js": {Data: []byte("let a")}, "assets/a-1.js.br": {Data: []byte("br of a")}, "assets/a-1.js.gz": {Data: []byte("gz of a")},
		"assets/b-2.css": {Data: []byte("b{}")}, "assets/c-3.svg": {Data: []byte("<svg/>")},
	}
}

func newPagesBench(t *testing.T, change ...func(b *bench)) *bench {
	t.Helper()
	return newBench(t, append([]func(b *bench){func(b *bench) { b.Pages = builtPages() }}, change...)...)
}

func TestBuiltPages(t *testing.T) {
	t.Parallel()
	b := newPagesBench(t)
	for _, tt := range []struct {
		path, accept, kind, coding, cache, body string
	}{
		{"/screen/spring", "", htmlType, "", cachePage, "the screen"},
		{"/screen/nobody-knows", "gzip, br", htmlType, "", cachePage, "the screen"},
		{"/draws", "", htmlType, "", cachePage, "the draws"},
		{"/draws/spring/final", "", htmlType, "", cachePage, "the draws"},
		{"/console", "gzip;q=0.5", htmlType, "gzip", cachePage, "packed console"},
		{"/console/campaigns/spring/tree", "", htmlType, "", cachePage, "the console"},
		{"/console/c/spring/challenges/7", "", htmlType, "", cachePage, "the console"},
		{"/assets/a-1.js", "gzip, deflate, br", "text/javascript; charset=utf-8", "br", cacheAsset, "br of a"},
		{"/assets/a-1.js", "GZIP, br;q=0", "text/javascript; charset=utf-8", "gzip", cacheAsset, "gz of a"},
		{"/assets/a-1.js", "br; q=0.0, gzip;q=0", "text/javascript; charset=utf-8", "", cacheAsset, "let a"},
		{"/assets/b-2.css", "br", "text/css; charset=utf-8", "", cacheAsset, "b{}"},
		{"/assets/c-3.svg", "", "image/svg+xml", "", cacheAsset, "<svg/>"},
	} {
		req := request(http.MethodGet, tt.path, "", "")
		req.Header.Set("Accept-Encoding", tt.accept)
		a := b.do(t, req)
		if a.status != 200 || a.body != tt.body {
			t.Errorf("%s as %q: %d %q, want %q", tt.path, tt.accept, a.status, a.body, tt.body)
		}
		for key, want := range map[string]string{
			"Content-Type": tt.kind, "Content-Encoding": tt.coding, "Cache-Control": tt.cache, "Vary": "Accept-Encoding",
			"Content-Security-Policy": policyPages,
		} {
			if got := a.header.Get(key); got != want {
				t.Errorf("%s as %q: %s is %q, want %q", tt.path, tt.accept, key, got, want)
			}
		}
		req.Header.Set("If-None-Match", a.header.Get("ETag"))
		if again := b.do(t, req); again.status != 304 || again.body != "" {
			t.Errorf("%s again: %d %q, want 304", tt.path, again.status, again.body)
		}
	}
	for _, path := range []string{"/assets/a-0.js", "/assets/a-1.js.br", "/assets/index.html", "/assets/", "/assets/..%2findex.html", "/console/a/b/c/d/e", "/c", "/screen", "/draws/spring"} {
		if a := b.get(t, path, ""); a.status != 404 {
			t.Errorf("%s: %d, want 404", path, a.status)
		}
	}
}

// TestSlashesAtTheEnd leads from an address with a slash too many to the page, whoever asks
// and however often, and to no other server.
func TestSlashesAtTheEnd(t *testing.T) {
	t.Parallel()
	b := newPagesBench(t, func(b *bench) { b.Limits.PerAddress = Rate{PerSecond: 0.001, Burst: 1} })
	for _, tt := range []struct{ path, to string }{
		{"/c/spring/", "/c/spring"},
		{"/c/spring/quiz/?next=board", "/c/spring/quiz?next=board"},
		{"/screen/spring//", "/screen/spring"},
		{"/console/", "/console"},
		{"/console/c/spring/challenges/7/", "/console/c/spring/challenges/7"},
		{"/draws/", "/draws"},
		{"/draws/spring/final/", "/draws/spring/final"},
		{"/docs/", "/docs"},
		{"/c/%2F%2Felsewhere.example/", "/c/%2F%2Felsewhere.example"},
	} {
		a := b.get(t, tt.path, "")
		if a.status != http.StatusMovedPermanently || a.header.Get("Location") != tt.to || a.body != "" {
			t.Errorf("%s: %d to %q %s, want %q", tt.path, a.status, a.header.Get("Location"), a.body, tt.to)
		}
	}
	for _, path := range []string{"//elsewhere.example/c/", "/api/v1/campaigns/", "/console.html/", "/healthz/", "/assets/"} {
		if a := b.get(t, path, ""); a.status < 400 || a.header.Get("Location") != "" {
			t.Errorf("%s: %d to %q, want nowhere", path, a.status, a.header.Get("Location"))
		}
	}
	if a := b.do(t, request(http.MethodDelete, "/c/spring/", "", "")); a.status < 400 {
		t.Errorf("deleting a page: %d", a.status)
	}
}

// TestFaultsOnPages tells people in words what programs are told in JSON.
func TestFaultsOnPages(t *testing.T) {
	t.Parallel()
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, tt := range map[string]struct {
		path, accept, says string
		status             int
		page               bool
	}{
		"no such page":        {"/c", browser, "没有这个页面", 404, true},
		"too deep":            {"/console/a/b/c/d/e", browser, "没有这个页面", 404, true},
		"a file that is gone": {"/assets/a-0.js", browser, "没有这个页面", 404, true},
		"asked badly":         {"/docs?a=%FF", browser, "暂时打不开这个页面", 400, true},
		"a program":           {"/c", "*/*", "request.not_found", 404, false},
		"nothing said":        {"/c", "", "request.not_found", 404, false},
		"anything but a page": {"/c", "text/html;q=0, */*", "request.not_found", 404, false},
		"the API":             {"/api/v1/nowhere", browser, "request.not_found", 404, false},
		"a campaign":          {"/api/v1/campaigns/unknown", browser, "campaign.not_found", 404, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newPagesBench(t)
			req := request(http.MethodGet, tt.path, "", "")
			req.Header.Set("Accept", tt.accept)
			a := b.do(t, req)
			kind := jsonType
			if tt.page {
				kind = htmlType
			}
			if a.status != tt.status || a.header.Get("Content-Type") != kind || !strings.Contains(a.body, tt.says) {
				t.Errorf("%d %s %s, want %d %s with %q", a.status, a.header.Get("Content-Type"), a.body, tt.status, kind, tt.says)
			}
			if id := a.header.Get("X-Request-ID"); id == "" || !strings.Contains(a.body, id) {
				t.Errorf("the answer does not name request %q: %s", id, a.body)
			}
			if a.header.Get("Cache-Control") != noStore {
				t.Errorf("Cache-Control %q", a.header.Get("Cache-Control"))
			}
		})
	}
}

// TestPagesStandBehindNoLimit loads a page more often than its address may ask the API.
func TestPagesStandBehindNoLimit(t *testing.T) {
	t.Parallel()
	b := newPagesBench(t, func(b *bench) { b.Limits.PerAddress = Rate{PerSecond: 0.001, Burst: 1} })
	for range 3 {
		for _, path := range []string{"/", "/c/spring", "/console", "/assets/a-1.js"} {
			if a := b.get(t, path, ""); a.status != 200 {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
		}
	}
}

// entryIn reads the data that came with a page.
func entryIn(t *testing.T, body string) entryAnswer {
	t.Helper()
	_, rest, found := strings.Cut(body, entryBegin)
	raw, _, ended := strings.Cut(rest, entryEnd)
	if !found || !ended {
		t.Fatalf("no data in %s", body)
	}
	var e entryAnswer
	if err := json.Unmarshal([]byte(raw), &e); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return e
}

func TestEntryCarriesTheCampaign(t *testing.T) {
	t.Parallel()
	watch := newClock()
	b := newPagesBench(t, func(b *bench) { b.Now = watch.Now })
	const hostile = `</script><script>alert(1)</script><!--`
	b.catalog.campaigns[0].Title = campaign.Text{"zh-CN": hostile, "bo": "བོད།"}
	a := b.get(t, "/c/spring", "")
	if n := strings.Count(a.body, "<script"); n != 1 || strings.Contains(a.body, "<!--") {
		t.Errorf("%d scripts, want the data alone: %s", n, a.body)
	}
	e := entryIn(t, a.body)
	if e.Campaign == nil || len(e.Campaign.Texts) != 2 || len(e.Campaigns) != 1 {
		t.Fatalf("entry %+v", e)
	}
	zh, bo := e.Campaign.Texts["zh-CN"], e.Campaign.Texts["bo"]
	if zh.Campaign.Title != hostile || bo.Campaign.Title != "བོད།" || zh.Pledge == nil || len(zh.Units[""]) == 0 || zh.Campaign.ServerTime != "" {
		t.Errorf("texts %+v, %+v", zh, bo)
	}
	for _, door := range []string{"sandbox", "roster"} {
		if !strings.Contains(strings.Join(e.Doors, " "), door) {
			t.Errorf("doors %q lack %s", e.Doors, door)
		}
	}
	var asked string
	for _, path := range []string{"/", "/c/unknown", "/c/unknown/quiz"} {
		a := b.get(t, path, "")
		if e := entryIn(t, a.body); e.Campaign != nil || len(e.Campaigns) != 1 {
			t.Errorf("%s: %+v, want the choice", path, e)
		}
		asked = a.header.Get("ETag")
	}
	watch.Add(time.Hour)
	if etag := b.get(t, "/", "").header.Get("ETag"); etag != asked {
		t.Errorf("an hour later the page is %s, was %s: nothing has changed", etag, asked)
	}
	b.catalog.campaigns[0].Paused = true
	watch.Add(2 * time.Second)
	if e := entryIn(t, b.get(t, "/c/spring/quiz", "").body); e.Campaign.Texts["zh-CN"].Campaign.State != "paused" {
		t.Errorf("state %s, want paused", e.Campaign.Texts["zh-CN"].Campaign.State)
	}
}

func TestEntryIsCompressed(t *testing.T) {
	t.Parallel()
	b := newPagesBench(t)
	req := request(http.MethodGet, "/c/spring", "", "")
	req.Header.Set("Accept-Encoding", "br, gzip")
	a := b.do(t, req)
	if a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("coding %q", a.header.Get("Content-Encoding"))
	}
	r, err := gzip.NewReader(bytes.NewReader([]byte(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := b.get(t, "/c/spring", ""); string(plain) != want.body {
		t.Error("compressed and plain pages differ")
	}
}

// TestEntryTreeIsBounded gives a small tree whole and a big one as far as its top.
func TestEntryTreeIsBounded(t *testing.T) {
	t.Parallel()
	c := newCampaign(t)
	whole := entryTree(c, campaign.DefaultLanguage)
	var units int
	for parent, list := range whole {
		units += len(list)
		for _, u := range list {
			if u.Kind == string(campaign.Region) && u.HasChildren && whole[u.ID] == nil {
				t.Errorf("%s below %q has children that are missing", u.ID, parent)
			}
		}
	}
	if units == 0 {
		t.Fatal("an empty tree")
	}
	for _, tt := range []struct {
		regions, units int
		want           int // parents
	}{{3, 10, 4}, {3, 100, 1}, {250, 0, 0}} {
		if got := entryTree(&campaign.Campaign{Tree: wideTree(t, tt.regions, tt.units)}, campaign.DefaultLanguage); len(got) != tt.want {
			t.Errorf("%d regions of %d units: %d levels, want %d", tt.regions, tt.units, len(got), tt.want)
		}
	}
}

// TestPagesNotBuilt shows that a program without pages serves everything else, and says
// why there are none: also one that was built over the pages of another version.
func TestPagesNotBuilt(t *testing.T) {
	t.Parallel()
	without := func(names ...string) fstest.MapFS {
		files := builtPages()
		for _, name := range names {
			delete(files, name)
		}
		return files
	}
	foreign, halfway := builtPages(), builtPages()
	foreign["index.html"] = &fstest.MapFile{Data: []byte("<html>another program's</html>")}
	halfway["screen.html"] = &fstest.MapFile{Data: []byte(`<script src="/assets/gone-9.js"></script>`)}
	for name, tt := range map[string]struct {
		pages fs.FS
		why   string
	}{
		"none":         {nil, "the pages are not built"},
		"nothing":      {fstest.MapFS{".gitkeep": {}}, "the pages are not built"},
		"older":        {without("draws.html"), "web/dist was built by another version.*open draws.html"},
		"no assets":    {fstest.MapFS{"index.html": {}, "screen.html": {}, "draws.html": {}, "console.html": {}}, "web/dist was built by another version.*assets"},
		"foreign":      {foreign, "web/dist was built by another version.*index.html has no place for the campaign"},
		"half way":     {halfway, "web/dist was built by another version.*screen.html loads gone-9.js, which is not there"},
		"all is there": {builtPages(), ""},
	} {
		b := newBench(t, func(b *bench) { b.Pages = tt.pages })
		err := b.PagesFault()
		if (err != nil) != (tt.why != "") || err != nil && (!regexp.MustCompile(tt.why).MatchString(err.Error()) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v", name, err)
		}
		for _, path := range []string{"/", "/c/spring", "/screen/spring", "/draws", "/console"} {
			if a := b.get(t, path, ""); a.status != 200 || strings.Contains(a.body, "网页没有构建") != (tt.why != "") {
				t.Errorf("%s: %s: %d %s", name, path, a.status, a.body)
			}
		}
		if a := b.get(t, "/assets/a-1.js", ""); (a.status == 404) != (tt.why != "") {
			t.Errorf("%s: asset: %d", name, a.status)
		}
	}
}

// wideTree has so many regions with so many units each.
func wideTree(t *testing.T, regions, units int) *campaign.Tree {
	t.Helper()
	var nodes []campaign.Node
	for i := range regions {
		region := fmt.Sprintf("r%d", i)
		nodes = append(nodes, campaign.Node{ID: region, Kind: campaign.Region, Name: campaign.Text{"zh-CN": region}})
		for j := range units {
			id := fmt.Sprintf("%s-%d", region, j)
			nodes = append(nodes, campaign.Node{ID: id, Kind: campaign.Unit, Parent: region, Name: campaign.Text{"zh-CN": id}})
		}
	}
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestSignInBringsHome tells with the sign-in what a page would ask next.
func TestSignInBringsHome(t *testing.T) {
	t.Parallel()
	b := newRealBench(t)
	b.sessions.signIn = func(string, string, string) (session.Pair, error) {
		return session.Pair{AccessToken: ann, RefreshToken: "r", ExpiresIn: time.Hour, Participant: ann[2:]}, nil
	}
	signIn := func(query string) pairAnswer {
		return decoded[pairAnswer](t, b.do(t, request(http.MethodPost, "/api/v1/sessions/sandbox"+query, "", `{"name":"安妮"}`)))
	}
	first := signIn("?campaign=spring")
	if h := first.Home; h == nil || h.Enrolment != nil || h.AttemptsLeft.Today == nil {
		t.Fatalf("home of somebody new: %+v", h)
	}
	b.takePart(t, first.AccessToken, "安妮")
	again := signIn("?campaign=spring").Home
	me := decoded[homeAnswer](t, b.get(t, "/api/v1/campaigns/spring/me", first.AccessToken))
	if diff := cmp.Diff(&me, again); diff != "" || again.Enrolment == nil {
		t.Errorf("home with the sign-in differs from /me (-me +home):\n%s", diff)
	}
	for _, query := range []string{"", "?campaign=unknown"} {
		if p := signIn(query); p.Home != nil || p.AccessToken == "" {
			t.Errorf("%q: %+v, want no home", query, p)
		}
	}
}
