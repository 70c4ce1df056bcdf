package replay

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: a hand rests as many times as long as it worked, unless it failed or is told to
// stop.
func TestPace(t *testing.T) {
	t.Parallel()
	errWork := errors.New("it broke")
	for name, c := range map[string]struct {
		rest  int
		fails error
		until time.Duration // when it is told to stop
		took  time.Duration
		want  error
	}{
		"somebody waits":      {rest: 0, until: time.Hour, took: time.Second},
		"nobody waits":        {rest: 8, until: time.Hour, took: 9 * time.Second},
		"it fails":            {rest: 8, fails: errWork, until: time.Hour, took: time.Second, want: errWork},
		"stopped as it rests": {rest: 8, until: 4 * time.Second, took: 4 * time.Second, want: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), c.until)
				defer stop()
				began := time.Now()
				err := pace{c.rest, time.Now}.work(ctx, func() error {
					time.Sleep(time.Second) // of the bubble's own time
					return c.fails
				})
				if took := time.Since(began); !errors.Is(err, c.want) || took != c.took {
					t.Errorf("got %v after %v, want %v after %v", err, took, c.want, c.took)
				}
			})
		})
	}
}
