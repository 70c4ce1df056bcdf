package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/banks"
	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/quiz"
)

// openBanks gives a bench with operators the service of banks, and workers for its jobs.
func openBanks(t *testing.T, b *bench) {
	t.Helper()
	now := func() time.Time { return b.Now() }
	q := &jobs.Queue{DB: b.office.db, Now: now, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond}
	shelf := &banks.Service{DB: b.office.db, Now: now, Zone: time.FixedZone("CST", 8*3600), Campaign: b.catalog.Campaign, Jobs: q}
	shelf.Register(q)
	b.Banks, b.Jobs, b.Pictures = shelf, q, &pictures.Service{DB: b.office.db, Now: now}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// shelve makes a bank of unit no1 with one question in a state: draft, submitted or
// reviewed.
func (b *bench) shelve(t *testing.T, state string) map[string]string {
	t.Helper()
	editor, reviewer := operator.Console("one"), operator.Console("two")
	id := "bank" + sequence()
	_, err := b.Banks.Create(t.Context(), editor, banks.Bank{ID: id, Name: "题库", Office: operator.Place{Campaign: "spring", Scope: "no1"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	q := quiz.Question{
		ID: "q1", Kind: quiz.Judge, Stem: "大麻是毒品。", Options: quiz.JudgeOptions(), Key: 1, Explanation: "《禁毒法》第二条点名了大麻。", Basis: "《禁毒法》第二条",
		Topic: "law", Audience: []string{"all"}, Difficulty: 1, ValidFrom: "2008-06-01",
	}
	if _, err := b.Banks.Add(t.Context(), editor, id, q, ""); err != nil {
		t.Fatal(err)
	}
	one := []banks.Pick{{ID: "q1", Version: 1}}
	if state != "draft" {
		if _, err := b.Banks.Submit(t.Context(), editor, id, one); err != nil {
			t.Fatal(err)
		}
	}
	if state == "reviewed" {
		if _, err := b.Banks.SignOff(t.Context(), reviewer, id, one, ""); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{"bank": id, "question": "q1"}
}

const judgeForm = `{"kind":"judge","stem":"第%d题。","key":"A"}`

// bankArea keeps the bank of unit no1.
func bankArea() area {
	const all = "/api/v1/admin/banks"
	in := func(state string) func(*testing.T, *bench) map[string]string {
		return func(t *testing.T, b *bench) map[string]string {
			t.Helper()
			return b.shelve(t, state)
		}
	}
	one := `"questions":[{"id":"q1","version":1}]`
	return area{
		open: openBanks,
		subjects: map[string]subject{
			"GET " + all: {},
			"POST " + all: {
				placed: true, ok: http.StatusCreated, outside: http.StatusForbidden,
				body: `{"id":"made%d","name":"题库","campaign":"spring","scope":"no1"}`,
			},
			"POST /api/v1/admin/pictures":               {own: func(t *testing.T, _ *bench, _ hired) string { t.Helper(); return dot(t) }},
			"GET " + all + "/:bank":                     {object: in("draft")},
			"POST " + all + "/:bank/imports":            {object: in("draft"), ok: http.StatusAccepted, query: "name=x.csv&dry_run=true", body: "题干,答案\n大麻有害。,正确\n"},
			"GET " + all + "/:bank/questions":           {object: in("draft")},
			"POST " + all + "/:bank/questions":          {object: in("draft"), ok: http.StatusCreated, body: `{"question":` + judgeForm + `}`},
			"GET " + all + "/:bank/questions/:question": {object: in("draft")},
			"PUT " + all + "/:bank/questions/:question": {object: in("draft"), body: `{"version":1,"question":` + judgeForm + `}`},
			"POST " + all + "/:bank/submissions":        {object: in("draft"), body: "{" + one + "}"},
			"POST " + all + "/:bank/reviews":            {object: in("submitted"), body: `{"decision":"sign_off",` + one + "}"},
			"GET " + all + "/:bank/expiring":            {object: in("reviewed")},
			"GET " + all + "/:bank/publications":        {object: in("reviewed")},
			"POST " + all + "/:bank/publications":       {object: in("reviewed")},
			"GET " + all + "/:bank/export":              {object: in("reviewed"), query: "format=csv"},
		},
	}
}

// officeOfBanks is a bench with banks, an editor and a reviewer.
func officeOfBanks(t *testing.T) (b *bench, editor, reviewer string) {
	t.Helper()
	b = newOfficeBench(t, func(b *bench) { openBanks(t, b) })
	editor = b.operator(t, operator.Grant{Role: operator.QuestionEditor})
	reviewer = b.operator(t, operator.Grant{Role: operator.QuestionReviewer})
	return b, editor, reviewer
}

// ask sends a request that must be answered with a status, and reads the answer.
func ask[T any](t *testing.T, b *bench, r *http.Request, status int) T {
	t.Helper()
	a := b.do(t, r)
	if a.status != status {
		t.Fatalf("%s %s: %d %s, want %d", r.Method, r.URL, a.status, a.body, status)
	}
	return decoded[T](t, a)
}

func withType(r *http.Request, contentType string) *http.Request {
	r.Header.Set("Content-Type", contentType)
	return r
}

// imported sends a file, waits for the job and returns what became of the file.
func (b *bench) imported(t *testing.T, as string, r *http.Request) banks.Outcome {
	t.Helper()
	j := b.done(t, as, ask[orderedT](t, b, r, http.StatusAccepted).Job)
	var out banks.Outcome
	if err := json.Unmarshal(j.Result, &out); err != nil || j.State != jobs.Done {
		t.Fatalf("%+v, %v", j, err)
	}
	return out
}

// form is a body with files, by the names of their fields: field, file, content.
func form(t *testing.T, files ...[3]string) (contentType, body string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, f := range files {
		part, err := w.CreateFormFile(f[0], f[1])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, f[2]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.String()
}

// TestBankWithAnswersApart takes questions and their answers from two files, dry first.
func TestBankWithAnswersApart(t *testing.T) {
	t.Parallel()
	b, editor, _ := officeOfBanks(t)
	const one = "/api/v1/admin/banks/law"
	ask[bankT](t, b, request(http.MethodPost, "/api/v1/admin/banks", editor, `{"id":"law","name":"法律题库"}`), http.StatusCreated)
	questions := "1. 国际禁毒日是哪一天？\nA. 6月26日\nB. 6月27日\n\n2. 下列属于毒品的是？\nA. 冰毒\nB. 食盐\n\n3. 没有答案的题？\nA. 甲\nB. 乙\n"
	kind, body := form(t, [3]string{"answers", "答案.txt", "1.A 2.A\n"}, [3]string{"file", `C:\题库\禁毒.txt`, questions})
	for _, dry := range []bool{true, false, false} {
		path := one + "/imports"
		if dry {
			path += "?dry_run=true"
		}
		got := b.imported(t, editor, withType(request(http.MethodPost, path, editor, body), kind))
		if got.DryRun != dry || got.Found != 3 || got.Refused != 1 || got.Imported+got.Skipped != 2 {
			t.Fatalf("dry %v: %+v", dry, got)
		}
		if dry && (got.Questions[0].Key != "A" || got.Questions[0].ID != "") {
			t.Errorf("a dry run: %+v", got.Questions[0])
		}
	}
	for name, files := range map[string][][3]string{
		"only answers": {{"answers", "a.txt", "1.A"}},
		"twice":        {{"file", "a.txt", "x"}, {"file", "b.txt", "x"}},
		"unknown":      {{"file", "a.txt", "x"}, {"photo", "b.txt", "x"}},
	} {
		kind, body := form(t, files...)
		if a := b.do(t, withType(request(http.MethodPost, one+"/imports", editor, body), kind)); a.problem(t).Code != "request.invalid" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := b.do(t, withType(request(http.MethodPost, one+"/imports", editor, body[:len(body)-20]), kind)); a.problem(t).Code != "request.invalid" {
		t.Errorf("half a form: %d %s", a.status, a.body)
	}
}

// TestBankFromFileToPublication is the whole way of questions over HTTP.
func TestBankFromFileToPublication(t *testing.T) {
	t.Parallel()
	b, editor, reviewer := officeOfBanks(t)
	const one = "/api/v1/admin/banks/law"
	ask[bankT](t, b, request(http.MethodPost, "/api/v1/admin/banks", editor, `{"id":"law","name":"法律题库"}`), http.StatusCreated)

	file := "题号,题型,题干,选项A,选项B,答案,解析\nlaw-1,单选题,国际禁毒日是？,6月26日,6月27日,A,联合国大会确定。\nlaw-2,单选题,缺答案的题？,甲,乙,,x\nlaw-3,判断题,大麻是毒品。,,,正确,点名列举。\n"
	query := one + "/imports?name=%E9%A2%98%E5%BA%93.csv&topic=law&basis=%E6%9F%90%E9%80%9A%E7%9F%A5&difficulty=1&valid_from=2008-06-01&audience=all,student"
	for _, dry := range []bool{true, false, false} {
		path := query
		if dry {
			path += "&dry_run=true"
		}
		got := b.imported(t, editor, withType(request(http.MethodPost, path, editor, file), "text/csv"))
		if got.Found != 3 || got.Refused != 1 || got.Imported+got.Skipped != 2 || got.Refusals[0].Line != 3 || got.Refusals[0].Code != "key_missing" {
			t.Fatalf("dry %v: %+v", dry, got)
		}
	}
	page := ask[list[bankEntryT]](t, b, request(http.MethodGet, one+"/questions?state=draft&limit=1", editor, ""), http.StatusOK)
	if len(page.Items) != 1 || page.NextCursor == nil || page.Items[0].Question.Basis != "某通知" || !slices.Equal(page.Items[0].Question.Audience, []string{"all", "student"}) {
		t.Fatalf("%+v", page)
	}
	picks := `"questions":[{"id":"law-1","version":1},{"id":"law-3","version":1}]`
	if a := b.do(t, request(http.MethodPost, one+"/reviews", reviewer, `{"decision":"sign_off",`+picks+"}")); a.problem(t).Code != "bank.state" {
		t.Errorf("drafts are signed: %s", a.body)
	}
	ask[list[questionVersionT]](t, b, request(http.MethodPost, one+"/submissions", editor, "{"+picks+"}"), http.StatusOK)
	if a := b.do(t, request(http.MethodPost, one+"/reviews", reviewer, `{"decision":"send_back",`+picks+"}")); a.problem(t).Code != "request.invalid" {
		t.Errorf("sent back without a reason: %s", a.body)
	}
	signed := ask[list[questionVersionT]](t, b, request(http.MethodPost, one+"/reviews", reviewer, `{"decision":"sign_off",`+picks+"}"), http.StatusOK)
	if len(signed.Items) != 2 || signed.Items[0].State != "reviewed" || signed.Items[0].DecidedAt == nil {
		t.Errorf("%+v", signed)
	}
	p := ask[publicationT](t, b, request(http.MethodPost, one+"/publications", reviewer, ""), http.StatusOK)
	if p.Ref != "bank:law/1" || p.Questions != 2 {
		t.Errorf("%+v", p)
	}
	edited := ask[questionVersionT](t, b, request(http.MethodPut, one+"/questions/law-3", editor,
		`{"version":1,"question":{"kind":"judge","stem":"大麻不是毒品。","key":"B"},"reason":"换个说法"}`), http.StatusOK)
	if edited.Version != 2 || edited.State != "draft" || edited.Question.Key != "B" || len(edited.Question.Options) != 2 {
		t.Errorf("%+v", edited)
	}
	if a := b.do(t, request(http.MethodPut, one+"/questions/law-3", editor, `{"version":1,"question":{"kind":"judge","stem":"又改。","key":"B"}}`)); a.problem(t).Code != "bank.version_conflict" {
		t.Errorf("an edit of an old version: %s", a.body)
	}
	a := b.do(t, request(http.MethodGet, one+"/questions/law-3", editor, ""))
	if a.status != http.StatusOK || !strings.Contains(a.body, `"in_force":1`) || !strings.Contains(a.body, `"before":"大麻是毒品。"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := b.do(t, request(http.MethodPost, one+"/submissions", editor, `{"questions":[{"id":"law-3","version":2}]}`)); a.problem(t).Code != "bank.incomplete" {
		t.Errorf("an incomplete question: %s", a.body)
	}
	s := ask[bankT](t, b, request(http.MethodGet, one, editor, ""), http.StatusOK)
	if s.Questions != 2 || s.InForce != 2 || s.ByState["draft"] != 1 || s.Published != 1 {
		t.Errorf("%+v", s)
	}
}

// TestNobodySignsTheirOwn has one person with both roles.
func TestNobodySignsTheirOwn(t *testing.T) {
	t.Parallel()
	b := newOfficeBench(t, func(b *bench) { openBanks(t, b) })
	both := b.operator(t, operator.Grant{Role: operator.QuestionEditor}, operator.Grant{Role: operator.QuestionReviewer})
	const one = "/api/v1/admin/banks/law"
	ask[bankT](t, b, request(http.MethodPost, "/api/v1/admin/banks", both, `{"id":"law","name":"x"}`), http.StatusCreated)
	made := ask[questionVersionT](t, b, request(http.MethodPost, one+"/questions", both, `{"question":{"kind":"single","stem":"题？","key":"A",
		"options":[{"text":"甲"},{"text":"乙"}],"explanation":"x","basis":"x","topic":"law","audience":["all"],"difficulty":1,"valid_from":"2008-06-01"}}`), http.StatusCreated)
	picks := `"questions":[{"id":"` + made.ID + `","version":1}]`
	ask[list[questionVersionT]](t, b, request(http.MethodPost, one+"/submissions", both, "{"+picks+"}"), http.StatusOK)
	a := b.do(t, request(http.MethodPost, one+"/reviews", both, `{"decision":"sign_off",`+picks+"}"))
	if a.status != http.StatusForbidden || a.problem(t).Code != "bank.own_work" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestBankFiles has what is wrong with files, and every format that is written.
func TestBankFiles(t *testing.T) {
	t.Parallel()
	b, editor, _ := officeOfBanks(t)
	id := b.shelve(t, "reviewed")["bank"]
	one := "/api/v1/admin/banks/" + id
	for name, tt := range map[string]struct{ query, body, code, field string }{
		"pdf":        {"name=x.pdf", "%PDF-1.7", "bank.file_invalid", "pdf"},
		"empty":      {"name=x.csv", "", "bank.file_invalid", "empty"},
		"format":     {"format=qti", "x", "bank.file_invalid", "format_unknown"},
		"flag":       {"dry_run=yes", "x", "request.invalid", "dry_run"},
		"difficulty": {"difficulty=9", "题干,答案\n甲。,正确\n", "request.invalid", "defaults.difficulty"},
		"number":     {"difficulty=x", "x", "request.invalid", "difficulty"},
		"long":       {"basis=" + strings.Repeat("x", 2000), "x", "request.invalid", "basis"},
	} {
		a := b.do(t, withType(request(http.MethodPost, one+"/imports?"+tt.query, editor, tt.body), "text/csv"))
		if a.status == http.StatusAccepted { // what is wrong with a file, its job tells
			j := b.done(t, editor, decoded[orderedT](t, a).Job)
			if j.State != jobs.Failed || j.Code != tt.code || !strings.Contains(j.Error, tt.field) {
				t.Errorf("%s: %+v", name, j)
			}
			continue
		}
		p := a.problem(t)
		if p.Code != tt.code || len(p.Fields) == 0 || p.Fields[0].Name != tt.field {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	for format, begins := range map[string]string{"xlsx": "PK", "csv": "\ufeff题号", "gift": "// 题库", "moodle": "<?xml", "yaml": "questions:"} {
		a := b.do(t, request(http.MethodGet, one+"/export?format="+format, editor, ""))
		if a.status != http.StatusOK || !strings.HasPrefix(a.body, begins) {
			t.Errorf("%s: %d %.40s", format, a.status, a.body)
		}
	}
	if a := b.do(t, request(http.MethodGet, one+"/export?format=aiken", editor, "")); a.problem(t).Code != "request.invalid" {
		t.Errorf("a format that is not written: %s", a.body)
	}
	for _, query := range []string{"state=lost", "q=" + strings.Repeat("x", 300)} {
		if a := b.do(t, request(http.MethodGet, one+"/questions?"+query, editor, "")); a.problem(t).Code != "request.invalid" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for _, body := range []string{`{"decision":"maybe","questions":[]}`, `{"question":{"kind":"single","stem":"x","key":"a"}}`} {
		path := one + "/questions"
		who := editor
		if strings.Contains(body, "decision") {
			path, who = one+"/reviews", b.operator(t, operator.Grant{Role: operator.QuestionReviewer})
		}
		if a := b.do(t, request(http.MethodPost, path, who, body)); a.problem(t).Code != "request.invalid" {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}
