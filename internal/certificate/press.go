package certificate

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/singleflight"

	"qingyuan/internal/fault"
)

// Press prints certificates a few at a time: drawing one takes a processor some tens of
// milliseconds, and what is asked for by thousands at once must not keep anybody from
// handing in.
type Press struct {
	plates chan struct{} // those being drawn
	line   chan struct{} // those and whoever waits
	flight singleflight.Group
}

// waiting is how many wait for one plate; further ones are asked to come again.
const waiting = 8

// busyRetry is when.
const busyRetry = 2 * time.Second

// NewPress returns a press that draws so many at once, at least one.
func NewPress(plates int) *Press {
	plates = max(plates, 1)
	return &Press{plates: make(chan struct{}, plates), line: make(chan struct{}, plates*(1+waiting))}
}

var errBusy = errors.New("more certificates are asked for than are drawn")

// Print draws a certificate. The same sheet asked for by several is drawn once. When too
// many wait, or ctx ends first, it is fault.ErrUnavailable.
func (p *Press) Print(ctx context.Context, s *Sheet) ([]byte, error) {
	v, err, _ := p.flight.Do(s.Digest(), func() (any, error) { return p.print(ctx, s) })
	png, _ := v.([]byte)
	return png, err
}

func (p *Press) print(ctx context.Context, s *Sheet) ([]byte, error) {
	select {
	case p.line <- struct{}{}:
		defer func() { <-p.line }()
	default:
		return nil, fault.ErrUnavailable.Because(errBusy).WithRetry(busyRetry)
	}
	select {
	case p.plates <- struct{}{}:
		defer func() { <-p.plates }()
	case <-ctx.Done():
		return nil, fault.ErrUnavailable.Because(ctx.Err()).WithRetry(busyRetry)
	}
	return s.PNG()
}
