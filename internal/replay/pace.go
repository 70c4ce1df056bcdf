package replay

import (
	"context"
	"time"
)

// pace is how one hand takes turns between working and resting.
type pace struct {
	rest int // how many times as long as it worked; 0 never rests
	now  func() time.Time
}

// work does a piece of work and rests from it. Where the machine has much else to do the
// work takes longer, and so does the rest.
func (p pace) work(ctx context.Context, piece func() error) error {
	began := p.now()
	if err := piece(); err != nil || p.rest == 0 {
		return err
	}
	over := time.NewTimer(time.Duration(p.rest) * p.now().Sub(began))
	defer over.Stop()
	select {
	case <-over.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
