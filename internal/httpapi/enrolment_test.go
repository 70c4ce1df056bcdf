package httpapi

import (
	"context"
	"net/http"
	"testing"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

const enrolmentBody = `{"unit":"no1","unit_name":"榆次一中","path":["榆次区"],"group":"public","name":"张*","publish_name":false,` +
	`"notice_version":"n1","enrolled_at":"2026-06-02T12:00:00.000+08:00"}`

func TestEnrol(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/campaigns/spring/enrolment"
	answer := func(want campaign.Request, err error) func(*testing.T, *bench) {
		return func(t *testing.T, b *bench) {
			t.Helper()
			b.enrolments.enrol = func(c, p string, r campaign.Request) (campaign.Enrolment, error) {
				if c != "spring" || p != "ann" || r != want {
					t.Errorf("called for %s %s %+v, want %+v", c, p, r, want)
				}
				return newEnrolment(), err
			}
		}
	}
	plain := campaign.Request{Unit: "no1", Group: "public", Name: "张三", NoticeVersion: "n1"}
	child := campaign.Request{Group: "under14", NoticeVersion: "n1", PublishName: true, Phone: "13800000000", Guardian: "李四"}
	scenarios := map[string]scenario{
		"enrolled": {
			body: `{"unit":"no1","name":"张三","group":"public","consent":{"notice_version":"n1","publish_name":false}}`,
			set:  answer(plain, nil), status: 200, want: enrolmentBody,
		},
		"with a guardian": {
			body: `{"group":"under14","phone":"13800000000","consent":{"notice_version":"n1","publish_name":true},"guardian":{"name":"李四","consent":true}}`,
			set:  answer(child, nil), status: 200, want: enrolmentBody,
		},
		"unit fixed": {
			body: `{"unit":"no1","name":"张三","group":"public","consent":{"notice_version":"n1"}}`,
			set:  answer(plain, campaign.ErrUnitFixed), status: 409, code: "enrolment.unit_fixed",
		},
		"paused": {
			body: `{"unit":"no1","name":"张三","group":"public","consent":{"notice_version":"n1"}}`,
			set:  answer(plain, campaign.ErrPaused), status: 403, code: "campaign.paused",
		},
		"an outage": {
			body: `{"unit":"no1","name":"张三","group":"public","consent":{"notice_version":"n1"}}`,
			set:  answer(plain, fault.ErrUnavailable), status: 503, code: "service.unavailable",
		},
		"no consent":              {body: `{"group":"public"}`, status: 400, code: "enrolment.consent_required"},
		"a guardian against it":   {body: `{"group":"under14","consent":{"notice_version":"n1"},"guardian":{"name":"李四","consent":false}}`, status: 400, code: "enrolment.guardian_required"},
		"no group":                {body: `{"consent":{"notice_version":"n1"}}`, status: 400, code: "request.invalid"},
		"a participant of choice": {body: `{"group":"public","participant":"bob","consent":{"notice_version":"n1"}}`, status: 400, code: "request.invalid"},
		"no body":                 {status: 415, code: "request.unsupported"},
		"signed out":              {as: "-", body: `{}`, status: 401, code: "auth.missing"},
		"a viewer":                {as: "v:all", body: `{}`, status: 403, code: "auth.forbidden"},
		"an old token":            {as: "old", body: `{}`, status: 401, code: "auth.expired"},
		"a forged token":          {as: "forged", body: `{}`, status: 401, code: "auth.invalid"},
	}
	for name, sc := range scenarios {
		sc.method, sc.path = http.MethodPut, path
		if sc.as = or(sc.as, "p:ann"); sc.as == "-" {
			sc.as = ""
		}
		scenarios[name] = sc
	}
	run(t, scenarios)
}

func TestMe(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/campaigns/spring/me"
	stranger := func(_ *testing.T, b *bench) {
		b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) {
			return campaign.Enrolment{}, campaign.ErrNotEnrolled
		}
		b.pledges.signature = func(string, string) (pledge.Receipt, error) { return pledge.Receipt{}, pledge.ErrNotSigned }
		b.quizzes.home = func(string, string) (quiz.Home, error) { return quiz.Home{Left: quiz.Left{Today: new(3)}}, nil }
	}
	known := func(t *testing.T, b *bench) {
		t.Helper()
		b.enrolments.enrolment = func(c, p string) (campaign.Enrolment, error) {
			if c != "spring" || p != "ann" {
				t.Errorf("called for %s %s", c, p)
			}
			return newEnrolment(), nil
		}
		b.pledges.signature = func(string, string) (pledge.Receipt, error) { return newSignature(), nil }
		b.quizzes.home = func(string, string) (quiz.Home, error) {
			return quiz.Home{
				OpenID: "2-x", OpenDeadline: noon().Add(time.Minute), Left: quiz.Left{Today: new(0), All: new(7)},
				NextAttemptAt: noon().Add(12 * time.Hour), Best: &quiz.Best{Score: 5, Used: time.Second}, Rank: 3,
			}, nil
		}
	}
	run(t, map[string]scenario{
		"not enrolled": {
			path: path, as: "p:ann", set: stranger, status: 200,
			want: `{"enrolment":null,"signature":null,"open_attempt":null,"attempts_left":{"today":3,"all":null},` +
				`"next_attempt_at":null,"best":null,"rank":null,"server_time":"2026-06-02T12:00:00.000+08:00"}`,
		},
		"in the middle of it": {
			path: path, as: "p:ann", set: known, status: 200, want: `{"enrolment":` + enrolmentBody + `,"signature":{"serial":"SPR-0123456789*`,
		},
		"a campaign without a quiz or a pledge": {
			path: path, as: "p:ann", status: 200, want: `{"enrolment":` + enrolmentBody + `,"signature":null,"open_attempt":null*`,
			set: func(_ *testing.T, b *bench) {
				b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) { return newEnrolment(), nil }
				b.pledges.signature = func(string, string) (pledge.Receipt, error) { return pledge.Receipt{}, pledge.ErrNoPledge }
				b.quizzes.home = func(string, string) (quiz.Home, error) { return quiz.Home{}, quiz.ErrNoQuiz }
			},
		},
		"the quiz does not answer": {
			path: path, as: "p:ann", status: 503, code: "service.unavailable",
			set: func(t *testing.T, b *bench) {
				t.Helper()
				known(t, b)
				b.quizzes.home = func(string, string) (quiz.Home, error) { return quiz.Home{}, fault.ErrUnavailable }
			},
		},
		"signed out": {path: path, status: 401, code: "auth.missing"},
	})
}

// TestMeIsOneReading: the stores may answer all parts of the page from one reading.
func TestMeIsOneReading(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	readings := map[*campaign.Reading]int{}
	told := func(ctx context.Context) { readings[campaign.ReadingOf(ctx)]++ }
	b.enrolments.told, b.pledges.told, b.quizzes.told = told, told, told
	b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) { return newEnrolment(), nil }
	b.pledges.signature = func(string, string) (pledge.Receipt, error) { return newSignature(), nil }
	b.quizzes.home = func(string, string) (quiz.Home, error) { return quiz.Home{Rank: 3}, nil }
	got := decoded[homeAnswer](t, b.get(t, "/api/v1/campaigns/spring/me", "p:ann"))
	if got.Enrolment == nil || got.Signature == nil || got.Rank == nil || *got.Rank != 3 {
		t.Errorf("answered %+v", got)
	}
	if readings[nil] != 0 || len(readings) != 1 {
		t.Errorf("readings %v", readings)
	}
}

// TestMeWhole compares the part of the answer that the table leaves out.
func TestMeWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.enrolments.enrolment = func(string, string) (campaign.Enrolment, error) { return newEnrolment(), nil }
	b.pledges.signature = func(string, string) (pledge.Receipt, error) { return newSignature(), nil }
	b.quizzes.home = func(string, string) (quiz.Home, error) {
		return quiz.Home{
			OpenID: "2-x", OpenDeadline: noon().Add(time.Minute), Left: quiz.Left{Today: new(0), All: new(7)},
			NextAttemptAt: noon().Add(12 * time.Hour), Best: &quiz.Best{Score: 5, Used: time.Second}, Rank: 3,
		}, nil
	}
	got := decoded[homeAnswer](t, b.get(t, "/api/v1/campaigns/spring/me", "p:ann"))
	if got.OpenAttempt == nil || *got.OpenAttempt != (openAttempt{Attempt: "2-x", Deadline: "2026-06-02T12:01:00.000+08:00"}) {
		t.Errorf("open attempt %+v", got.OpenAttempt)
	}
	if got.NextAttemptAt == nil || *got.NextAttemptAt != "2026-06-03T00:00:00.000+08:00" {
		t.Errorf("next attempt at %v", got.NextAttemptAt)
	}
	if *got.AttemptsLeft.Today != 0 || *got.AttemptsLeft.All != 7 || *got.Best != (bestAnswer{5, 1000}) || *got.Rank != 3 {
		t.Errorf("left %+v best %+v rank %d", got.AttemptsLeft, got.Best, *got.Rank)
	}
}
