//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// sealing has the program seal acts all the time, and not once a minute.
const sealing = "QINGYUAN_PROOFS_EVERY=500ms"

// Sealed judges the log of acts as of the last judgement. The program must be sealing.
func (s *Stage) Sealed(ctx context.Context) {
	s.t.Helper()
	v, err := s.Judge.Sealed(ctx)
	s.conclude(&v, err)
}

// Sealed compares the log of acts with the books: it has as many leaves as there are
// acknowledged submissions and signatures, and the receipt of each names a leaf of its own.
func (j *Judge) Sealed(ctx context.Context) (Verdict, error) {
	want, _ := j.reading.figures(nil)
	var log struct {
		Newest struct {
			Size       int `json:"tree_size"`
			Attempts   int `json:"attempts"`
			Signatures int `json:"signatures"`
		} `json:"newest"`
	}
	err := poll(ctx, patience, "the log of acts", func() (bool, error) {
		err := j.client.must(ctx, j.scene.base+"/log", &log)
		return log.Newest.Size >= want.Attempts+want.Signatures, err
	})
	if err != nil && ctx.Err() != nil {
		return Verdict{}, err
	}
	l := leaves{judge: j, size: log.Newest.Size, of: map[int]string{}}
	l.v.number("the log: attempts", log.Newest.Attempts, want.Attempts)
	l.v.number("the log: signatures", log.Newest.Signatures, want.Signatures)
	l.v.number("the log: leaves", log.Newest.Size, want.Attempts+want.Signatures)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(6)
	for _, h := range j.reading.People {
		g.Go(func() error { return l.human(ctx, h) })
	}
	err = g.Wait()
	return l.v, err
}

// leaves are those that receipts have named so far.
type leaves struct {
	judge *Judge
	size  int

	mu sync.Mutex
	of map[int]string
	v  Verdict
}

// human looks at the receipts of one participant.
func (l *leaves) human(ctx context.Context, h *Human) error {
	c := l.judge.client
	s, err := c.signIn(ctx, h.Who)
	if err != nil {
		return err
	}
	for _, a := range h.Acts {
		path := map[string]string{actSubmit: "/attempts/" + escape(a.Attempt), actSign: "/signatures/me"}[a.Kind]
		if path == "" || !a.Acknowledged {
			continue
		}
		index, err := l.index(ctx, s, path)
		if err != nil {
			return fmt.Errorf("read the receipt of %s: %w", a.Who, err)
		}
		l.take(index, fmt.Sprintf("%s of %s (attempt %d)", a.Kind, a.Who, a.Number))
	}
	return nil
}

// index is where a receipt says that its leaf lies, -1 for nowhere. A program that is out of
// breath gives a receipt without, and is asked again.
func (l *leaves) index(ctx context.Context, s session, path string) (int, error) {
	var receipt struct {
		Log *struct {
			Index int `json:"index"`
		} `json:"log"`
	}
	var failed error
	err := poll(ctx, settleCounts, "the leaf", func() (bool, error) {
		failed = l.judge.client.own(ctx, s, l.judge.scene.base+path, &receipt)
		return receipt.Log != nil, failed
	})
	switch {
	case failed != nil:
		return -1, failed
	case err != nil: // in vain: there is none
		return -1, ctx.Err()
	default:
		return receipt.Log.Index, nil
	}
}

// take books what is at an index, -1 for an act that is in no place.
func (l *leaves) take(index int, act string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	other, taken := l.of[index]
	switch {
	case index < 0 || index >= l.size:
		l.v.fault(faultLost, "%s is leaf %d of a log of %d", act, index, l.size)
	case taken:
		l.v.fault(faultDoubled, "leaf %d is that of %s and of %s", index, act, other)
	}
	l.of[index] = act
}
