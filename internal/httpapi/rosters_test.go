package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/session"
)

// errMismatch is roster.ErrMismatch, which this package does not import.
var errMismatch = fault.New(fault.Unauthenticated, "roster.mismatch", "单位、编号或姓名与名册不符")

// stubRosters knows one person, number 1 of unit u1.
type stubRosters struct{}

func (stubRosters) Try(context.Context, string, string, string) error { return nil }

func (stubRosters) SignIn(_ context.Context, _, unit, number, name string) (session.Pair, error) {
	if unit != "u1" || number != "1" || name != "王芳" {
		return session.Pair{}, errMismatch
	}
	return session.Pair{AccessToken: "a", ExpiresIn: 1, RefreshToken: "r", Participant: "roster"}, nil
}

func (s stubRosters) Link(ctx context.Context, participant, campaignID, unit, number, name string) (session.Pair, error) {
	if name == "冲突" {
		return session.Pair{}, session.ErrLinkConflict
	}
	p, err := s.SignIn(ctx, campaignID, unit, number, name)
	p.Participant = participant
	return p, err
}

func send(t *testing.T, b *bench, path, as, body string) answer {
	t.Helper()
	return b.do(t, request(http.MethodPost, path, as, body))
}

func TestRosterSignIn(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/sessions/roster"
	b := newBench(t)
	for body, want := range map[string]int{
		`{"campaign":"c1","unit":"u1","number":"1","name":"王芳"}`:                               http.StatusOK,
		`{"campaign":"c1","unit":"u1","number":"2","name":"王芳"}`:                               http.StatusUnauthorized,
		`{"campaign":"c1","unit":"u2","number":"1","name":"王芳"}`:                               http.StatusUnauthorized,
		`{"campaign":"c1","unit":"u1","number":"1","name":"李四"}`:                               http.StatusUnauthorized,
		`{"campaign":"c1","unit":"u1","number":"1"}`:                                           http.StatusBadRequest,
		`{"campaign":"c1","unit":"u1","number":"1","name":"王芳","phone":"1"}`:                   http.StatusBadRequest,
		`{"campaign":"c1","unit":"` + strings.Repeat("单", 100) + `","number":"1","name":"王芳"}`: http.StatusBadRequest,
	} {
		if got := send(t, b, path, "", body); got.status != want {
			t.Errorf("%s = %d %s, want %d", body, got.status, got.body, want)
		}
	}
}

// tried counts no more tries than it has.
type tried struct {
	stubRosters

	left *int
}

func (t tried) Try(context.Context, string, string, string) error {
	if *t.left--; *t.left < 0 {
		return session.ErrRateLimited.WithRetry(time.Minute)
	}
	return nil
}

// TestRosterTriesAreCounted before anybody is recognised, at both doors.
func TestRosterTriesAreCounted(t *testing.T) {
	t.Parallel()
	left := 2
	b := newBench(t, func(b *bench) { b.Rosters = tried{left: &left} })
	const right = `{"campaign":"c1","unit":"u1","number":"1","name":"王芳"}`
	for _, c := range []struct {
		path, as string
		want     int
	}{
		{"/api/v1/sessions/roster", "", http.StatusOK},
		{"/api/v1/sessions/link", ann, http.StatusOK},
		{"/api/v1/sessions/roster", "", http.StatusTooManyRequests},
		{"/api/v1/sessions/link", ann, http.StatusTooManyRequests},
	} {
		if got := send(t, b, c.path, c.as, right); got.status != c.want {
			t.Errorf("%s = %d %s, want %d", c.path, got.status, got.body, c.want)
		}
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	const path = "/api/v1/sessions/link"
	b := newBench(t)
	for body, want := range map[string]int{
		`{"campaign":"c1","unit":"u1","number":"1","name":"王芳"}`: http.StatusOK,
		`{"campaign":"c1","unit":"u1","number":"2","name":"王芳"}`: http.StatusUnauthorized,
		`{"campaign":"c1","unit":"u1","number":"3","name":"冲突"}`: http.StatusConflict,
	} {
		if got := send(t, b, path, "p:someone", body); got.status != want {
			t.Errorf("%s = %d %s, want %d", body, got.status, got.body, want)
		}
		if got := send(t, b, path, "", body); got.status != http.StatusUnauthorized {
			t.Errorf("without a session %s = %d", body, got.status)
		}
	}
}
