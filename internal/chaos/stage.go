//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// Stage is a running program, a crowd, a judge and a row of the table.
type Stage struct {
	Program *Program
	Crowd   *Crowd
	Judge   *Judge
	Row     *Row

	t testing.TB
}

// NewStage starts the program and prepares the crowd, which goes to the
// program unless o names another address.
func NewStage(t testing.TB, promise string, program Options, o CrowdOptions) *Stage {
	t.Helper()
	return StageOf(t, promise, Launch(t, program), o)
}

// StageOf is NewStage for a program that runs already.
func StageOf(t testing.TB, promise string, program *Program, o CrowdOptions) *Stage {
	t.Helper()
	s := &Stage{t: t, Program: program, Row: NewRow(promise)}
	if len(o.URL) == 0 {
		o.URL = []string{s.Program.URL}
	}
	if o.Name == "" {
		o.Name = program.o.Name
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(filepath.Dir(s.Program.Log()), "books")
	}
	s.Crowd = NewCrowd(t, o)
	s.Judge = NewJudge(s.Crowd)
	return s
}

// Rounds makes n faults, or fewer when something fails or the run is to end, and
// then judges everything. The crowd works while they happen.
func (s *Stage) Rounds(ctx context.Context, n int, fault func(context.Context) error) {
	s.t.Helper()
	for n > 0 && !Stopped() {
		now := min(n, judgeEvery())
		if !s.round(ctx, now, fault) {
			break
		}
		n -= now
	}
	s.Everything(ctx)
}

// Round is one fault and a judgement. fault must leave a program that serves. It
// returns false when the test should end.
func (s *Stage) Round(ctx context.Context, fault func(context.Context) error) bool {
	s.t.Helper()
	return s.round(ctx, 1, fault)
}

func (s *Stage) round(ctx context.Context, faults int, fault func(context.Context) error) bool {
	s.t.Helper()
	return s.during(ctx, func() {
		for range faults {
			if err := fault(ctx); err != nil {
				s.t.Errorf("the fault could not be made: %v", err)
				return
			}
			s.Row.Round(1)
		}
	})
}

// Calm lets the crowd work for a while without a fault, and judges.
func (s *Stage) Calm(ctx context.Context, d time.Duration) bool {
	s.t.Helper()
	return s.during(ctx, func() { Sleep(ctx, d) })
}

// during lets the crowd work while do runs, lets it rest and judges.
func (s *Stage) during(ctx context.Context, do func()) bool {
	s.t.Helper()
	s.Crowd.Go(ctx)
	do()
	if err := s.Crowd.Rest(ctx); err != nil {
		s.t.Errorf("the crowd: %v", err)
	}
	v, err := s.Judge.Round(ctx)
	s.conclude(&v, err)
	return !s.t.Failed()
}

// Everything reads all books again, judges everybody, compares SQL and has the
// program verify itself.
func (s *Stage) Everything(ctx context.Context) {
	s.t.Helper()
	before := s.Judge.before
	v, err := s.Judge.Everything(ctx)
	v.People, v.Acknowledged = v.People-before.People, v.Acknowledged-before.Acknowledged
	v.Unknown, v.Repeats = v.Unknown-before.Unknown, v.Repeats-before.Repeats
	s.conclude(&v, err)
	s.Ledger(ctx)
	s.Verify(ctx)
}

// Ledger compares SQL with the books as of the last judgement.
func (s *Stage) Ledger(ctx context.Context) {
	s.t.Helper()
	if !canVerify() {
		return // this program has no ledger yet
	}
	v, err := s.Judge.Ledger(ctx, s.Program)
	s.conclude(&v, err)
}

// Back waits until the program, started again, has acknowledged something: acts
// are taken before the first counts are published.
func (s *Stage) Back(ctx context.Context) error {
	before := s.Crowd.Acknowledged()
	return poll(ctx, patience, "an acknowledgement", func() (bool, error) {
		if !s.Program.Running() {
			return false, fmt.Errorf("%w: %s", ErrExited, tail(s.Program.Log(), 5))
		}
		return s.Crowd.Acknowledged() > before, nil
	})
}

// Restart starts the program again, which must have ended, and waits until it is
// Back.
func (s *Stage) Restart(ctx context.Context) error {
	if err := s.Program.Spawn(); err != nil {
		return err
	}
	return s.Back(ctx)
}

func (s *Stage) conclude(v *Verdict, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Errorf("the judge: %v", err)
		v.fault(faultOther, "the judge: %v", err)
	}
	if !v.OK() {
		s.t.Error(v.String())
	}
	s.Row.Book(*v)
}
