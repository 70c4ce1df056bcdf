package main

import (
	"context"
	"time"
)

// every works at once, and again each time the pause is over, until ctx ends.
func every(ctx context.Context, pause time.Duration, work func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		work(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// until looks at once, and again each time the pause is over, until there is what it
// looks for. It returns the first error of look, and that of ctx when that ends.
func until(ctx context.Context, pause time.Duration, look func() (done bool, err error)) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
