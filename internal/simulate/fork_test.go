package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// forked is the test's own program as a further process.
func forked(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), joining+"=1")
	return cmd
}

// Three processes drive one crowd, and the counts are compared once, with all
// that they have seen.
func TestSeveralProcesses(t *testing.T) {
	t.Parallel()
	s := newFake(t, faults{})
	c := Default()
	c.Target, c.Participants, c.Processes, c.Fork, c.Seed = s.url, 100, 3, forked, 7
	c.Shape, c.Over, c.poll = Rush, 2*time.Second, 10*time.Millisecond
	var p recorder
	rep, err := Run(t.Context(), c, &p)
	if err != nil {
		t.Fatal(err)
	}
	mustPass(t, &rep)
	if rep.Participants.Done != 100 || len(s.people) != 100 || len(rep.Load) != 3 {
		t.Errorf("participants %+v, %d people at the server, loads %v", rep.Participants, len(s.people), rep.Load)
	}
	if n := outcomeOf(&rep, "enrolled"); n.Acknowledged != 100 || n.Moved != 100 {
		t.Errorf("enrolled %+v", n)
	}
	if rep.Audit.Participants < 90 {
		t.Errorf("receipts of %d people were read again", rep.Audit.Participants)
	}
	if len(p.phases) == 0 || p.phases[0] != "participants 100/100" {
		t.Errorf("progress %q", p.phases)
	}
}

// The same crowd makes the same choices, however many processes drive it.
func TestSameChoicesInAnyNumberOfProcesses(t *testing.T) {
	t.Parallel()
	var moved [2][]Outcome
	for i, processes := range []int{1, 2} {
		s := newFake(t, faults{unreviewed: true})
		c := Default()
		c.Target, c.Participants, c.Processes, c.Fork, c.Seed, c.poll = s.url, 60, processes, forked, 3, 10*time.Millisecond
		rep := mustRun(t, c)
		mustPass(t, &rep)
		moved[i] = rep.Outcomes
	}
	if diff := cmp.Diff(moved[0], moved[1]); diff != "" {
		t.Errorf("two processes acted otherwise (-1 +2):\n%s", diff)
	}
}

func TestAProcessThatFailsIsToldOf(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fork func(context.Context) *exec.Cmd
		want string
	}{
		"none such": {func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "/nowhere/at/all") }, "start a further process"},
		"ends at once": {func(ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, "sh", "-c", "echo no room >&2; exit 3")
		}, "no room"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Default()
			c.Target, c.Processes, c.Fork, c.poll = newFake(t, faults{}).url, 2, tt.fork, time.Millisecond
			if _, err := Run(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want one with %q", err, tt.want)
			}
		})
	}
}

// An interrupted run of several processes tells what they had seen.
func TestInterruptedProcesses(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newFake(t, faults{before: func(n int, _ *http.Request) (int, map[string]any) {
		if n == 200 {
			cancel()
		}
		return 0, nil
	}})
	c := Default()
	c.Target, c.Participants, c.Processes, c.Fork, c.poll = s.url, 100_000, 2, forked, 10*time.Millisecond
	rep, err := Run(ctx, c, nil)
	if !errors.Is(err, context.Canceled) || !rep.Interrupted {
		t.Errorf("err = %v, interrupted %t", err, rep.Interrupted)
	}
}

// proxyBefore is a server before another one; before sees every request first.
func proxyBefore(t *testing.T, target string, before func(*http.Request)) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	transport := &http.Transport{}
	proxy.Transport = transport
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before(r)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		srv.Close()
		transport.CloseIdleConnections()
	})
	return srv.URL
}

// overTheWire is what another process is told of a run.
func overTheWire(t *testing.T, r *run) *share {
	t.Helper()
	seen := r.share()
	raw, err := json.Marshal(news{Share: &seen})
	if err != nil {
		t.Fatal(err)
	}
	var n news
	if err := json.Unmarshal(raw, &n); err != nil {
		t.Fatal(err)
	}
	return n.Share
}

func diffJSON(t *testing.T, want, got any) string {
	t.Helper()
	var out [2]any
	for i, v := range []any{want, got} {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return cmp.Diff(out[0], out[1])
}
