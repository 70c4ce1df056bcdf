package httpapi

import (
	"context"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

const attempts = "/api/v1/campaigns/spring/attempts"

func TestStart(t *testing.T) {
	t.Parallel()
	starts := func(want int, fresh bool, err error) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.quizzes.start = func(ctx context.Context, c, p string, number int) (quiz.Receipt, bool, error) {
				if c != "spring" || p != "ann" || number != want {
					t.Errorf("called for %s %s %d, want number %d", c, p, number, want)
				}
				if _, ok := ctx.Deadline(); !ok {
					t.Error("the request has no deadline")
				}
				return newReceipt(t), fresh, err
			}
		}
	}
	const paper = `{"attempt":"1-a","number":1,"state":"open","started_at":"2026-06-02T12:00:00.000+08:00",` +
		`"deadline":"2026-06-02T12:10:00.000+08:00","server_time":"2026-06-02T12:00:00.000+08:00","attempts_left_today":2,` +
		`"saved":{"revision":2,"chosen":{"*`
	scenarios := map[string]scenario{
		"a new one":           {body: `{}`, set: starts(0, true, nil), status: 201, want: paper},
		"without a body":      {set: starts(0, true, nil), status: 201, want: paper},
		"still open":          {body: `{}`, set: starts(0, false, nil), status: 200, want: paper},
		"by number":           {body: `{"number":4}`, set: starts(4, false, nil), status: 200, want: paper},
		"a number too far":    {body: `{"number":9}`, set: starts(9, false, quiz.ErrNumber), status: 400, code: "request.invalid"},
		"number nought":       {body: `{"number":0}`, status: 400, code: "request.invalid"},
		"a number too large":  {body: `{"number":99999999999999999999}`, status: 400, code: "request.invalid"},
		"half a number":       {body: `{"number":1.5}`, status: 400, code: "request.invalid"},
		"not enrolled":        {body: `{}`, set: starts(0, false, campaign.ErrRequired), status: 409, code: "enrolment.required"},
		"no quiz":             {body: `{}`, set: starts(0, false, quiz.ErrNoQuiz), status: 404, code: "request.not_found"},
		"not yet open":        {body: `{}`, set: starts(0, false, campaign.ErrNotOpen), status: 403, code: "campaign.not_open"},
		"a score of choice":   {body: `{"score":100}`, status: 400, code: "request.invalid"},
		"a store that failed": {body: `{}`, set: starts(0, false, io.ErrUnexpectedEOF), status: 500, code: "internal"},
		"a store too slow":    {body: `{}`, set: starts(0, false, context.DeadlineExceeded), status: 503, code: "service.unavailable"},
		"signed out":          {as: "-", body: `{}`, status: 401, code: "auth.missing"},
	}
	run(t, asAnn(http.MethodPost, attempts, scenarios))
}

// asAnn fills in what the rows of a table have in common.
func asAnn(method, path string, scenarios map[string]scenario) map[string]scenario {
	for name, sc := range scenarios {
		sc.method, sc.path = or(sc.method, method), or(sc.path, path)
		if sc.as = or(sc.as, "p:ann"); sc.as == "-" {
			sc.as = ""
		}
		scenarios[name] = sc
	}
	return scenarios
}

func TestLimitReached(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.quizzes.start = func(context.Context, string, string, int) (quiz.Receipt, bool, error) {
		return quiz.Receipt{}, false, quiz.ErrLimitReached.WithNextAttempt(noon().Add(12 * time.Hour))
	}
	a := b.do(t, request(http.MethodPost, attempts, "p:ann", `{}`))
	p := a.problem(t)
	if a.status != 409 || p.Code != "quiz.limit_reached" || p.NextAttemptAt != "2026-06-03T00:00:00.000+08:00" || p.RetryAfterMS != 0 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSave(t *testing.T) {
	t.Parallel()
	saves := func(t *testing.T, b *bench) {
		t.Helper()
		b.quizzes.save = func(c, p, a string, revision int64, answers quiz.Answers) (quiz.Saved, quiz.Timing, error) {
			if c != "spring" || p != "ann" || a != "1-a" || revision != 3 || !reflect.DeepEqual(answers, quiz.Answers{"q": {"o"}}) {
				t.Errorf("called for %s %s %s %d %v", c, p, a, revision, answers)
			}
			return quiz.Saved{Revision: 5}, quiz.Timing{Deadline: noon()}, nil
		}
	}
	fails := func(err error) func(*testing.T, *bench) {
		return func(_ *testing.T, b *bench) {
			b.quizzes.save = func(string, string, string, int64, quiz.Answers) (quiz.Saved, quiz.Timing, error) {
				return quiz.Saved{}, quiz.Timing{}, err
			}
		}
	}
	const good = `{"revision":3,"answers":{"q":["o"]}}`
	run(t, asAnn(http.MethodPut, attempts+"/1-a/answers", map[string]scenario{
		"kept": {
			body: good, set: saves, status: 200,
			want: `{"revision":5,"deadline":"2026-06-02T12:00:00.000+08:00"}`,
		},
		"over":              {body: good, set: fails(quiz.ErrExpired), status: 409, code: "quiz.expired"},
		"handed in":         {body: good, set: fails(quiz.ErrSubmitted), status: 409, code: "quiz.submitted"},
		"another person's":  {body: good, set: fails(quiz.ErrAttemptNotFound), status: 404, code: "quiz.attempt_not_found"},
		"no revision":       {body: `{"answers":{}}`, status: 400, code: "request.invalid"},
		"below nought":      {body: `{"revision":-1,"answers":{}}`, status: 400, code: "request.invalid"},
		"beyond JavaScript": {body: `{"revision":9007199254740992,"answers":{}}`, status: 400, code: "request.invalid"},
		"no answers":        {body: `{"revision":1}`, status: 400, code: "request.invalid"},
		"answers of null":   {body: `{"revision":1,"answers":null}`, status: 400, code: "request.invalid"},
		"an answer alone":   {body: `{"revision":1,"answers":{"q":"o"}}`, status: 400, code: "request.invalid"},
		"one question twice": {
			body: `{"revision":1,"answers":{"q":["a"],"q":["b"]}}`, status: 400, code: "request.invalid",
		},
	}))
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	submits := func(t *testing.T, b *bench) {
		t.Helper()
		b.quizzes.submit = func(c, p, a string, answers quiz.Answers) (quiz.Receipt, error) {
			if c != "spring" || p != "ann" || a != "1-a" || !reflect.DeepEqual(answers, quiz.Answers{"q": {"o", "p"}}) {
				t.Errorf("called for %s %s %s %v", c, p, a, answers)
			}
			return submitted(t), nil
		}
	}
	fails := func(err error) func(*testing.T, *bench) {
		return func(_ *testing.T, b *bench) {
			b.quizzes.submit = func(string, string, string, quiz.Answers) (quiz.Receipt, error) { return quiz.Receipt{}, err }
		}
	}
	const good = `{"answers":{"q":["o","p"]}}`
	scenarios := asAnn(http.MethodPost, attempts+"/1-a/submission", map[string]scenario{
		"handed in":        {body: good, set: submits, status: 200, want: receiptBody},
		"again, otherwise": {body: good, set: fails(quiz.ErrSubmitted), status: 409, code: "quiz.submitted"},
		"too late":         {body: good, set: fails(quiz.ErrExpired), status: 409, code: "quiz.expired"},
		"nobody's":         {body: good, set: fails(quiz.ErrAttemptNotFound), status: 404, code: "quiz.attempt_not_found"},
		"signed out":       {as: "-", body: good, status: 401, code: "auth.missing"},
	})
	for name, body := range map[string]string{
		"a score": `{"answers":{},"score":100}`, "other case": `{"Answers":{}}`, "twice": `{"answers":{},"answers":{}}`,
		"cut off": `{`, "a list": `[]`, "null": `null`, "nothing asked": `{}`, "an elapsed time": `{"answers":{},"used_ms":1}`,
		"a person": `{"answers":{},"participant":"bob"}`, "an office": `{"answers":{},"is_admin":true}`,
	} {
		scenarios[name] = scenario{
			method: http.MethodPost, path: attempts + "/1-a/submission", as: "p:ann", body: body, status: 400, code: "request.invalid",
		}
	}
	run(t, scenarios)
}

const receiptBody = `{"attempt":"1-a","number":1,"state":"submitted","started_at":"2026-06-02T12:00:00.000+08:00",` +
	`"deadline":"2026-06-02T12:10:00.000+08:00","score":5,"max_score":10,"correct":1,"questions":2,"passed":false,` +
	`"used_ms":83250,"submitted_at":"2026-06-02T12:01:23.250+08:00","closed_by":"participant",` +
	`"best":{"score":5,"used_ms":83250},"rank":12,"attempts_left_today":2}`

func TestShowAttempt(t *testing.T) {
	t.Parallel()
	shows := func(r func(t *testing.T) quiz.Receipt) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.quizzes.attempt = func(string, string, string) (quiz.Receipt, error) { return r(t), nil }
		}
	}
	expired := func(t *testing.T) quiz.Receipt {
		t.Helper()
		r := newReceipt(t)
		r.Attempt.State, r.Attempt.ClosedBy = quiz.StateExpired, quiz.ByDeadline
		return r
	}
	reviewed := func(t *testing.T) quiz.Receipt {
		t.Helper()
		r := submitted(t)
		q := r.Sheet.Questions[0]
		r.Review = []quiz.ReviewItem{{
			Question: q, Chosen: nil, Right: []string{q.Options[0].ID}, Points: 0, Of: 5, Explanation: "因为", Basis: "禁毒法",
		}}
		return r
	}
	run(t, asAnn(http.MethodGet, attempts+"/1-a", map[string]scenario{
		"open":      {set: shows(func(t *testing.T) quiz.Receipt { t.Helper(); return newReceipt(t) }), status: 200, want: `{"attempt":"1-a","number":1,"state":"open"*`},
		"submitted": {set: shows(func(t *testing.T) quiz.Receipt { t.Helper(); return submitted(t) }), status: 200, want: receiptBody},
		"reviewed":  {set: shows(reviewed), status: 200, want: strings.TrimSuffix(receiptBody, "}") + `,"review":[{"id":"*`},
		"expired": {
			set: shows(expired), status: 200,
			want: `{"attempt":"1-a","number":1,"state":"expired","started_at":"2026-06-02T12:00:00.000+08:00",` +
				`"deadline":"2026-06-02T12:10:00.000+08:00","closed_by":"deadline","best":null,"rank":null,"attempts_left_today":2}`,
		},
		"another person's": {
			status: 404, code: "quiz.attempt_not_found",
			set: func(_ *testing.T, b *bench) {
				b.quizzes.attempt = func(string, string, string) (quiz.Receipt, error) { return quiz.Receipt{}, quiz.ErrAttemptNotFound }
			},
		},
	}))
}

func TestListAttempts(t *testing.T) {
	t.Parallel()
	lists := func(t *testing.T, b *bench) {
		t.Helper()
		b.quizzes.attempts = func(c, p string, from, limit int) ([]quiz.View, int, error) {
			if c != "spring" || p != "ann" || from != 9 || limit != 3 {
				t.Errorf("called for %s %s %d %d", c, p, from, limit)
			}
			open, done, gone := newReceipt(t).View, submitted(t).View, newReceipt(t).View
			gone.Attempt.State, gone.Attempt.ClosedBy = quiz.StateExpired, quiz.ByDeadline
			open.Sheet = quiz.Sheet{}
			return []quiz.View{open, done, gone}, 6, nil
		}
	}
	const head = `"attempt":"1-a","number":1,"state":"%","started_at":"2026-06-02T12:00:00.000+08:00","deadline":"2026-06-02T12:10:00.000+08:00"`
	as := func(state string) string { return strings.Replace(head, "%", state, 1) }
	run(t, asAnn(http.MethodGet, attempts+"?limit=3&cursor=9", map[string]scenario{
		"three": {
			set: lists, status: 200,
			want: `{"items":[{` + as("open") + `},{` + as("submitted") + `,"score":5,"max_score":10,"correct":1,"questions":2,"passed":false,` +
				`"used_ms":83250,"submitted_at":"2026-06-02T12:01:23.250+08:00","closed_by":"participant"},{` +
				as("expired") + `,"closed_by":"deadline"}],"next_cursor":"6"}`,
		},
		"not enrolled": {
			status: 409, code: "enrolment.required",
			set: func(_ *testing.T, b *bench) {
				b.quizzes.attempts = func(string, string, int, int) ([]quiz.View, int, error) { return nil, 0, campaign.ErrRequired }
			},
		},
		"signed out": {as: "-", status: 401, code: "auth.missing"},
	}))
}
