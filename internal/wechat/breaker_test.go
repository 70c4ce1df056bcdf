package wechat_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

func breaking(o *wechat.Options) { o.BreakAfter, o.BreakFor = 3, 10*time.Second }

// try signs in with a new code and returns the error.
func (b bundle) try(t *testing.T) error {
	t.Helper()
	_, err := b.client.CodeToSession(t.Context(), program, b.server.Code(program, person))
	return err
}

// fail makes WeChat answer rubbish n times, each to one sign-in.
func (b bundle) fail(t *testing.T, n int) {
	t.Helper()
	for range n {
		b.server.Next(wechattest.Body(502, "bad gateway"))
		if err := b.try(t); !errors.Is(err, wechat.ErrBusy) {
			t.Fatalf("err = %v, want %v", err, wechat.ErrBusy)
		}
	}
}

func TestBreakerOpensAndCloses(t *testing.T) {
	b := setup(t, breaking)
	b.fail(t, 3)
	b.clock.Add(4 * time.Second)
	err := b.try(t)
	if f := fault.From(err); f.Code != wechat.ErrBusy.Code || f.RetryAfter != 6*time.Second {
		t.Errorf("open breaker: %v, retry after %v; want 6s", err, f.RetryAfter)
	}
	if got := len(b.server.Calls()); got != 3 {
		t.Errorf("WeChat was called %d times, want 3", got)
	}
	b.clock.Add(6 * time.Second)
	for range 3 {
		if err := b.try(t); err != nil {
			t.Errorf("after the pause: %v", err)
		}
	}
}

func TestBreakerOpensAgainWhenTheProbeFails(t *testing.T) {
	b := setup(t, breaking)
	b.fail(t, 3)
	b.clock.Add(10 * time.Second)
	b.fail(t, 1)
	if err := b.try(t); fault.From(err).RetryAfter != 10*time.Second {
		t.Errorf("err = %v, retry after %v", err, fault.From(err).RetryAfter)
	}
	if got := len(b.server.Calls()); got != 4 {
		t.Errorf("WeChat was called %d times, want 4", got)
	}
}

func TestBreakerLetsOneProbeThrough(t *testing.T) {
	b := setup(t, breaking)
	b.fail(t, 3)
	b.clock.Add(10 * time.Second)
	gate := wechattest.NewGate()
	b.server.Next(gate.Answer)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.try(t); err != nil {
			t.Errorf("probe: %v", err)
		}
	})
	<-gate.Reached()
	for range 5 {
		if err := b.try(t); !errors.Is(err, wechat.ErrBusy) {
			t.Errorf("beside the probe: %v", err)
		}
	}
	gate.Open()
	wg.Wait()
	if got := len(b.server.Calls()); got != 4 {
		t.Errorf("WeChat was called %d times, want 4", got)
	}
	if err := b.try(t); err != nil {
		t.Errorf("after the probe: %v", err)
	}
}

func TestBreakerCountsOutagesInARowOnly(t *testing.T) {
	for name, answer := range map[string]wechattest.Answer{
		"a refused code": wechattest.Refuse(40029, "invalid code"),
		"a spent quota":  wechattest.Refuse(45011, "api minute-quota reach limit"),
		"a wrong secret": wechattest.Refuse(40125, "invalid appsecret"),
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t, breaking)
			for range 3 {
				b.fail(t, 2)
				b.server.Next(answer)
				if err := b.try(t); err == nil {
					t.Error("no error")
				}
			}
			if got := len(b.server.Calls()); got != 9 {
				t.Errorf("WeChat was called %d times, want 9: an answer is no outage", got)
			}
		})
	}
}

func TestBusyAnswersOpenTheBreaker(t *testing.T) {
	b := setup(t, breaking)
	for range 6 {
		b.server.Next(wechattest.Refuse(-1, "system error"))
	}
	for range 4 {
		if err := b.try(t); !errors.Is(err, wechat.ErrBusy) {
			t.Errorf("err = %v", err)
		}
	}
	if got := len(b.server.Calls()); got != 6 {
		t.Errorf("WeChat was called %d times, want 3 times 2", got)
	}
}
