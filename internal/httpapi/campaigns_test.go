package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

const springLine = `"id":"spring","title":"春季禁毒知识竞答","state":"open",` +
	`"opens_at":"2026-06-01T12:00:00.000+08:00","closes_at":"2026-06-22T12:00:00.000+08:00"`

func TestCampaigns(t *testing.T) {
	t.Parallel()
	run(t, map[string]scenario{
		"list": {path: "/api/v1/campaigns", status: 200, want: `{"items":[{` + springLine + `}],"next_cursor":null}`},
		"list in another language": {
			path: "/api/v1/campaigns?lang=bo", status: 200, want: `{"items":[{"id":"spring","title":"དཔྱིད་དུས།","state":"open"*`,
		},
		"list in a language nobody has": {
			path: "/api/v1/campaigns?lang=xx", status: 200, want: `{"items":[{"id":"spring","title":"春季禁毒知识竞答"*`,
		},
		"list of none": {
			path: "/api/v1/campaigns", status: 200, want: `{"items":[],"next_cursor":null}`,
			set: func(_ *testing.T, b *bench) { b.catalog.campaigns = nil },
		},
		"a page too large": {path: "/api/v1/campaigns?limit=51", status: 400, code: "request.invalid"},
		"a page of words":  {path: "/api/v1/campaigns?limit=many", status: 400, code: "request.invalid"},
		"a strange cursor": {path: "/api/v1/campaigns?cursor=-1", status: 400, code: "request.invalid"},
		"detail": {
			path: "/api/v1/campaigns/spring", status: 200,
			want: `{` + springLine + `,"groups":[{"id":"public","name":"群众","guardian_required":false},` +
				`{"id":"under14","name":"儿童","guardian_required":true}],` +
				`"enrolment_fields":[{"field":"name","required":true},{"field":"unit","required":false}],"ranking_mode":"top_n",` +
				`"top_n":100,"tiers":[],"phases":[],"combined_boards":false,"freeze":null,` +
				`"consent_notice":{"version":"n1","text":"告知"},` +
				`"quiz":{"questions":2,"time_limit_ms":600000,"attempts_per_day":3,"attempts_in_all":null,"pass_score":6,"max_score":10,` +
				`"policy":"best","review":"never"},"pledge":{"version":"v1","title":"禁毒承诺书"},` +
				`"server_time":"2026-06-02T12:00:00.000+08:00"}`,
		},
		"detail of its boards": {
			path: "/api/v1/campaigns/spring", status: 200,
			set: func(_ *testing.T, b *bench) {
				c := b.catalog.campaigns[0]
				c.Ranking, c.TopN, c.Tiers, c.Policy, c.Combined = campaign.Tiers, 0, campaign.PresetTiers(), campaign.PolicySumDays, true
				c.Phases = []campaign.Phase{{ID: "one", Title: zh("第一阶段"), From: c.OpensAt, To: noon()}}
				c.Freeze = campaign.Freeze{At: noon()}
			},
			want: `{` + springLine + `,"groups":[{"id":"public","name":"群众","guardian_required":false},` +
				`{"id":"under14","name":"儿童","guardian_required":true}],` +
				`"enrolment_fields":[{"field":"name","required":true},{"field":"unit","required":false}],"ranking_mode":"tiers",` +
				`"top_n":null,"tiers":[{"tier":"gold","share":10},{"tier":"silver","share":30},{"tier":"bronze","share":60}],` +
				`"phases":[{"id":"one","title":"第一阶段","from":"2026-06-01T12:00:00.000+08:00","to":"2026-06-02T12:00:00.000+08:00"}],` +
				`"combined_boards":true,"freeze":{"at":"2026-06-02T12:00:00.000+08:00","until":null},` +
				`"consent_notice":{"version":"n1","text":"告知"},` +
				`"quiz":{"questions":2,"time_limit_ms":600000,"attempts_per_day":3,"attempts_in_all":null,"pass_score":6,"max_score":10,` +
				`"policy":"sum_days","review":"never"},"pledge":{"version":"v1","title":"禁毒承诺书"},` +
				`"server_time":"2026-06-02T12:00:00.000+08:00"}`,
		},
		"detail of a pledge alone": {
			path: "/api/v1/campaigns/spring", status: 200, want: `{` + springLine + `*`,
			set: func(_ *testing.T, b *bench) { b.catalog.quizzes = nil },
		},
		"detail of a quiz alone": {
			path: "/api/v1/campaigns/spring", status: 200, want: `{` + springLine + `*`,
			set: func(_ *testing.T, b *bench) { b.catalog.pledges = nil },
		},
		"unknown":             {path: "/api/v1/campaigns/autumn", status: 404, code: "campaign.not_found"},
		"unknown, its units":  {path: "/api/v1/campaigns/autumn/units", status: 404, code: "campaign.not_found"},
		"unknown, its counts": {path: "/api/v1/campaigns/autumn/counts", status: 404, code: "campaign.not_found"},
		"escaped slashes":     {path: "/api/v1/campaigns/..%2f..%2fetc", status: 404, code: "campaign.not_found"},
		"other case":          {path: "/API/v1/campaigns", status: 404, code: "request.not_found"},
		"a slash too many":    {path: "/api/v1/campaigns/", status: 404, code: "request.not_found"},
	})
}

func TestUnits(t *testing.T) {
	t.Parallel()
	const units = "/api/v1/campaigns/spring/units"
	const no1 = `{"id":"no1","name":"榆次一中","kind":"unit","has_children":false,"path":["榆次区"]}`
	run(t, map[string]scenario{
		"top": {
			path: units, status: 200,
			want: `{"items":[{"id":"yuci","name":"榆次区","kind":"region","code":"140702","has_children":true,"path":[]},` +
				`{"id":"taigu","name":"太谷区","kind":"region","code":"140703","has_children":true,"path":[]}],"next_cursor":null}`,
		},
		"first of two":         {path: units + "?parent=yuci&limit=1", status: 200, want: `{"items":[` + no1 + `],"next_cursor":"1"}`},
		"behind the last":      {path: units + "?parent=yuci&cursor=9", status: 200, want: `{"items":[],"next_cursor":null}`},
		"by name":              {path: units + "?q=%E4%B8%80%E4%B8%AD", status: 200, want: `{"items":[` + no1 + `],"next_cursor":null}`},
		"by nothing known":     {path: units + "?q=zzz", status: 200, want: `{"items":[],"next_cursor":null}`},
		"in another language":  {path: units + "?lang=bo&q=140702", status: 200, want: `{"items":[{"id":"yuci","name":"ཡུལ་ཚི།"*`},
		"below a unit":         {path: units + "?parent=no1", status: 400, code: "request.invalid"},
		"below nothing":        {path: units + "?parent=nowhere", status: 400, code: "request.invalid"},
		"two ways at once":     {path: units + "?parent=yuci&q=x", status: 400, code: "request.invalid"},
		"a question too long":  {path: units + "?q=" + string(make65()), status: 400, code: "request.invalid"},
		"the same thing twice": {path: units + "?parent=yuci&parent=taigu", status: 400, code: "request.invalid"},
		"no text":              {path: units + "?q=%ff", status: 400, code: "request.invalid"},
		"a NUL":                {path: units + "?q=a%00", status: 400, code: "request.invalid"},
		"a key that is none":   {path: units + "?%ff=a&%ff=b", status: 400, code: "request.invalid"},
		"twice in two cases":   {path: units + "?parent=yuci&PARENT=taigu", status: 400, code: "request.invalid"},
		"twice, once escaped":  {path: units + "?parent=yuci&p%61rent=taigu", status: 400, code: "request.invalid"},
		"a broken escape":      {path: units + "?%zz=1", status: 400, code: "request.invalid"},
	})
}

func make65() []byte {
	b := make([]byte, 65)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

// TestPaging walks a long level of the tree and meets every unit once.
func TestPaging(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	nodes := []campaign.Node{{ID: "city", Kind: campaign.Region, Name: zh("市")}}
	for i := range 120 {
		nodes = append(nodes, campaign.Node{ID: fmt.Sprintf("u%d", i), Kind: campaign.Unit, Name: zh("单位"), Parent: "city"})
	}
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	b.catalog.campaigns[0].Tree = tree
	seen := map[string]bool{}
	next := ""
	for range 3 {
		got := decoded[list[unitAnswer]](t, b.get(t, "/api/v1/campaigns/spring/units?parent=city&cursor="+next, ""))
		for _, u := range got.Items {
			seen[u.ID] = true
		}
		if got.NextCursor == nil {
			break
		}
		next = *got.NextCursor
	}
	if len(seen) != 120 {
		t.Errorf("met %d units, want 120", len(seen))
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/api/v1/campaigns/spring", "/api/v1/campaigns/spring/counts", "/api/v1/campaigns/spring/frame",
		"/api/v1/campaigns/spring/boards/units?metric=average", "/openapi.json",
		counts + "/breakdown?parent=yuci", counts + "/history?step=day",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			b := newBench(t, func(b *bench) { b.Now = c.Now })
			b.boards.history = func(string, leaderboard.Step, string, leaderboard.Viewer) ([]leaderboard.Bucket, error) {
				return []leaderboard.Bucket{{Start: noon(), Window: leaderboard.Window{Attempts: 3}}}, nil
			}
			first := b.get(t, path, "")
			etag := first.header.Get("ETag")
			if !strings.HasPrefix(first.header.Get("Cache-Control"), "public, max-age=") {
				t.Errorf("Cache-Control %q", first.header.Get("Cache-Control"))
			}
			if first.status != 200 || etag == "" {
				t.Fatalf("status %d, ETag %q", first.status, etag)
			}
			c.Add(1) // the server's time is no content
			for name, header := range map[string]string{
				"the same": etag, "one of several": `"x", ` + etag, "strong": etag[2:], "any": "*",
			} {
				req := request(http.MethodGet, path, "", "")
				req.Header.Set("If-None-Match", header)
				if a := b.do(t, req); a.status != 304 || a.body != "" || a.header.Get("ETag") != etag {
					t.Errorf("%s: %d %q ETag %q, want 304 and no body", name, a.status, a.body, a.header.Get("ETag"))
				}
			}
			req := request(http.MethodGet, path, "", "")
			req.Header.Set("If-None-Match", `W/"other"`)
			if a := b.do(t, req); a.status != 200 || a.body == "" {
				t.Errorf("another tag: %d, want 200", a.status)
			}
		})
	}
}
