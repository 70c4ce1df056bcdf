package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		began := time.Now()
		var at []time.Duration
		every(ctx, time.Minute, func(context.Context) {
			if at = append(at, time.Since(began)); len(at) == 3 {
				stop()
			}
		})
		if len(at) != 3 || at[0] != 0 || at[2] != 2*time.Minute {
			t.Errorf("worked after %v", at)
		}
	})
}

func TestUntil(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		looks int // before it is done, or fails
		fails error
		want  error
		after time.Duration
	}{
		"at once":         {looks: 1},
		"later":           {looks: 3, after: 2 * time.Second},
		"an error":        {looks: 2, fails: broken, want: broken, after: time.Second},
		"the end of time": {looks: 99, want: context.DeadlineExceeded, after: 4500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), 4500*time.Millisecond)
				defer stop()
				began, looks := time.Now(), 0
				err := until(ctx, time.Second, func() (bool, error) {
					if looks++; looks < tt.looks {
						return false, nil
					}
					return tt.fails == nil, tt.fails
				})
				if !errors.Is(err, tt.want) || time.Since(began) != tt.after {
					t.Errorf("%v after %v; want %v after %v", err, time.Since(began), tt.want, tt.after)
				}
			})
		})
	}
}
