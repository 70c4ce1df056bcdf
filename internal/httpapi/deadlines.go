package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines gives requests a context that ends when their work must. Those that begin
// within the same short while have one together: to make one for each, with a timer of
// its own, costs a tenth of an answer from memory. Nobody ends it sooner, so that it
// must not be what tells work of a request's own to stop.
type deadlines struct {
	timeout time.Duration
	now     atomic.Pointer[common]
}

type common struct{ context.Context } //nolint:containedctx // It is nothing else.

// sharedPart is how short that while is, as a part of the timeout, by which a request
// may have longer.
const sharedPart = 64

// next returns the context for a request that begins.
func (d *deadlines) next() context.Context {
	if c := d.now.Load(); c != nil {
		return c.Context
	}
	while := d.timeout / sharedPart
	ctx, cancel := context.WithTimeout(context.Background(), d.timeout+while)
	context.AfterFunc(ctx, cancel)
	made := &common{ctx}
	if d.now.CompareAndSwap(nil, made) {
		time.AfterFunc(while, func() { d.now.CompareAndSwap(made, nil) })
	}
	return ctx
}
