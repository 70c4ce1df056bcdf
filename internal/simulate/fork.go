package simulate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

var errBucket = errors.New("a histogram has a bucket that there is none of")

// headStart lies between the moment that the processes are told of and now.
const headStart = 300 * time.Millisecond

// helper is a further process that drives a part of the crowd.
type helper struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	stderr bytes.Buffer
}

// fork drives the crowd from several processes and takes in what they have seen.
// This one drives nobody: it has the verdict to find.
func (r *run) fork(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var helpers []*helper
	fail := func(err error) error {
		cancel()
		_ = endAll(helpers) // they were told to
		return fmt.Errorf("%w%s", err, said(helpers))
	}
	for i := range r.cfg.Processes {
		h, err := r.startHelper(ctx, i)
		if h != nil {
			helpers = append(helpers, h)
		}
		if err != nil {
			return fail(err)
		}
	}
	if err := eachOf(helpers, func(_ int, h *helper) error { return h.ready() }); err != nil {
		return fail(err)
	}
	begin := time.Now().Add(headStart)
	if r.planned {
		r.meter.line = newTimeline(begin, r.plan.span())
	}
	shares := make([]*share, len(helpers))
	err := eachOf(helpers, func(i int, h *helper) (err error) {
		shares[i], err = h.drive(begin, r.progress)
		return err
	})
	r.walking = time.Since(begin)
	if err != nil {
		return fail(err)
	}
	for _, s := range shares {
		r.absorb(s)
	}
	if err := endAll(helpers); err != nil && ctx.Err() == nil {
		return fail(err)
	}
	return nil
}

// eachOf does the same with every helper at once and returns the first error.
func eachOf(helpers []*helper, do func(int, *helper) error) error {
	var g errgroup.Group
	for i, h := range helpers {
		g.Go(func() error {
			if err := do(i, h); err != nil {
				return fmt.Errorf("process %d of %d: %w", i+1, len(helpers), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// startHelper starts a process and tells it which people are its own. One that
// was started is returned with an error too.
func (r *run) startHelper(ctx context.Context, index int) (*helper, error) {
	h := &helper{cmd: r.cfg.Fork(ctx)}
	h.cmd.Stderr = &h.stderr
	// A process whose input ends still tells what it has seen. A signal would be its
	// second where the terminal has sent the first, and end it at once.
	h.cmd.Cancel = func() error { return h.in.Close() }
	h.cmd.WaitDelay = r.cfg.Timeout + 5*time.Second
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	h.out = json.NewDecoder(out)
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a further process: %w", err)
	}
	cfg, of := r.cfg, r.cfg.Processes
	cfg.Processes = 1
	cfg.Workers = (cfg.Workers + of - 1) / of
	if cfg.Audit > 0 {
		cfg.Audit = (cfg.Audit + of - 1) / of
	}
	if err := json.NewEncoder(h.in).Encode(order{Config: cfg, Index: index, Of: of}); err != nil {
		return h, fmt.Errorf("tell process %d what to do: %w", index+1, err)
	}
	return h, nil
}

// ready waits until the process knows the campaign.
func (h *helper) ready() error {
	var n news
	if err := h.out.Decode(&n); err != nil {
		return fmt.Errorf("it is not ready: %w", err)
	}
	return nil
}

// drive lets the process begin and follows it to its end.
func (h *helper) drive(begin time.Time, progress Progress) (*share, error) {
	if err := json.NewEncoder(h.in).Encode(start{begin}); err != nil {
		return nil, fmt.Errorf("let it begin: %w", err)
	}
	for {
		var n news
		if err := h.out.Decode(&n); err != nil {
			return nil, fmt.Errorf("it ended early: %w", err)
		}
		for range n.Steps {
			progress.Step()
		}
		if n.Share != nil {
			return n.Share, nil
		}
	}
}

// endAll waits for the processes to end.
func endAll(helpers []*helper) error {
	var errs []error
	for _, h := range helpers {
		_ = h.in.Close()
		if err := h.cmd.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("end a further process: %w", err))
		}
	}
	return errors.Join(errs...)
}

// said is the end of what the processes wrote about themselves.
func said(helpers []*helper) string {
	var all []string
	for _, h := range helpers {
		if text := strings.TrimSpace(h.stderr.String()); text != "" {
			all = append(all, text[max(0, len(text)-400):])
		}
	}
	if len(all) == 0 {
		return ""
	}
	return ": " + strings.Join(all, "; ")
}

// Join drives the part of a crowd that another process, which started this one,
// asks for on in, and tells it on out what became of it. It ends early when ctx
// does, or with the other process.
func Join(ctx context.Context, in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(in)
	var o order
	if err := orders.Decode(&o); err != nil {
		return fmt.Errorf("simulate: read the order: %w", err)
	}
	cfg, err := o.Config.complete()
	if err != nil {
		return err
	}
	tell := &teller{enc: json.NewEncoder(out)}
	r := newRun(cfg, portion{o.Index, o.Of}, tell)
	defer r.client.close()
	if r.scene, err = r.prepare(ctx); err != nil {
		return err
	}
	if err := tell.send(news{Ready: true}); err != nil {
		return err
	}
	var s start
	if err := orders.Decode(&s); err != nil {
		return fmt.Errorf("simulate: wait for the beginning: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // until the other process closes its end, at the latest when it dies
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	stop := tell.regularly()
	if r.cfg.sleep(ctx, s.Begin.Sub(r.cfg.now())) == nil {
		r.walk(ctx, s.Begin)
	}
	stop()
	seen := r.share()
	return tell.send(news{Share: &seen})
}

// teller is the progress of a process that nobody watches: it is added up and
// told now and then.
type teller struct {
	silent

	steps atomic.Int64
	mu    sync.Mutex
	enc   *json.Encoder
}

// Step implements Progress.
func (t *teller) Step() { t.steps.Add(1) }

func (t *teller) send(n news) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.Steps = t.steps.Swap(0)
	return t.enc.Encode(n)
}

// regularly tells of the steps until the returned function is called.
func (t *teller) regularly() (stop func()) {
	tick := time.NewTicker(500 * time.Millisecond)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-tick.C:
				_ = t.send(news{}) // a process that is gone ends this one
			case <-done:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(done)
		<-ended
	}
}
