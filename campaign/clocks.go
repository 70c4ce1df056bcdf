package campaign

import (
	"slices"
	"time"

	"qingyuan/internal/fault"
)

// ClocksNotice is how long beforehand an act upon the clocks is announced: every
// server has heard of it by then.
const ClocksNotice = 3 * time.Second

// LongestStop is after how long clocks run again by themselves, in case that somebody
// has forgotten them.
const LongestStop = 24 * time.Hour

// ErrStop is a stop that ends before it begins, or lasts too long.
var ErrStop = fault.InvalidField("until", "应晚于现在，且停表至多 24 小时")

// ClockKind says what was done to the time of running attempts.
type ClockKind string

// The kinds.
const (
	// ClocksStop lets the clocks stand: [At, Until).
	ClocksStop ClockKind = "stop"
	// ClocksUntil lets the stop before it end at Until instead. At is the earlier of the
	// two ends.
	ClocksUntil ClockKind = "until"
	// CloseLater moved the close from At to Until while attempts ran: those that At had
	// cut short have Limit from their start, or until the new close.
	CloseLater ClockKind = "later"
	// CloseSooner moved the close from Until to At. It cuts no attempt short that ran
	// already.
	CloseSooner ClockKind = "sooner"
)

// ClockAct is one act of the office upon the time of running attempts.
type ClockAct struct {
	// Number is the version of the campaign that came of it.
	Number int64     `json:"n"`
	Kind   ClockKind `json:"kind"`
	// At is from when on it makes a difference, which is after everybody knows of it.
	At    time.Time     `json:"at"`
	Until time.Time     `json:"until"`
	Limit time.Duration `json:"limit,omitempty"`
}

// Clocks are those acts in their order. Whoever knows the first of them knows all that
// makes a difference before the next one's At. The zero Clocks always run.
type Clocks []ClockAct

// Stop lets the clocks stand from ClocksNotice after now until a moment, or for
// LongestStop where that is zero. Clocks that stand already stand on, until another
// moment where one is given. What changes nothing is no act.
func (c Clocks) Stop(number int64, now, until time.Time) (Clocks, error) {
	from := now.Truncate(time.Millisecond).Add(ClocksNotice)
	last, stands := c.last(from)
	switch {
	case stands && (until.IsZero() || until.Equal(last.Until)):
		return c, nil
	case until.IsZero():
		until = from.Add(LongestStop)
	}
	if until.Before(from) || until.Sub(from) > LongestStop {
		return c, ErrStop
	}
	if stands {
		return c.and(ClockAct{Number: number, Kind: ClocksUntil, At: earlier(last.Until, until), Until: until}), nil
	}
	return c.and(ClockAct{Number: number, Kind: ClocksStop, At: from, Until: until}), nil
}

// Run lets clocks that stand run again ClocksNotice after now.
func (c Clocks) Run(number int64, now time.Time) Clocks {
	from := now.Truncate(time.Millisecond).Add(ClocksNotice)
	if _, stands := c.last(from); !stands {
		return c
	}
	return c.and(ClockAct{Number: number, Kind: ClocksUntil, At: from, Until: from})
}

// MoveClose notes that the close is moved. Attempts that the close before has cut
// short get the time that they lack, if it lies far enough ahead for all servers to
// know; limit is how long an attempt may take.
func (c Clocks) MoveClose(number int64, now, was, is time.Time, limit time.Duration) Clocks {
	switch {
	case is.Before(was):
		return c.and(ClockAct{Number: number, Kind: CloseSooner, At: is, Until: was})
	case is.After(was) && !was.Before(now.Add(ClocksNotice)):
		return c.and(ClockAct{Number: number, Kind: CloseLater, At: was, Until: is, Limit: limit})
	default:
		return c
	}
}

// last returns the newest stop, and whether it goes on at a moment.
func (c Clocks) last(at time.Time) (Stop, bool) {
	all := c.Stops()
	if len(all) == 0 {
		return Stop{}, false
	}
	s := all[len(all)-1]
	return s, at.Before(s.Until)
}

func (c Clocks) and(a ClockAct) Clocks { return append(slices.Clip(c), a) }

// Stop is a stretch of time in which the clocks of running attempts stand:
// [From, Until).
type Stop struct{ From, Until time.Time }

// Number is that of the newest act, 0 for none.
func (c Clocks) Number() int64 {
	if len(c) == 0 {
		return 0
	}
	return c[len(c)-1].Number
}

// As returns the clocks as they were known by the act of a number.
func (c Clocks) As(number int64) Clocks {
	for i := range c {
		if c[i].Number > number {
			return c[:i]
		}
	}
	return c
}

// Stops are the stretches in which the clocks stand, in order, and none touches
// another. One that would last ends when it was planned to.
func (c Clocks) Stops() []Stop {
	var out []Stop
	for i := range c {
		switch a := &c[i]; a.Kind {
		case ClocksStop:
			out = append(out, Stop{a.At, a.Until})
		case ClocksUntil:
			if n := len(out); n > 0 {
				out[n-1].Until = a.Until
			}
		case CloseLater, CloseSooner:
		}
	}
	return out
}

// StopAt returns the stop in which now lies.
func (c Clocks) StopAt(now time.Time) (Stop, bool) {
	for _, s := range c.Stops() {
		if !now.Before(s.From) && now.Before(s.Until) {
			return s, true
		}
	}
	return Stop{}, false
}

// Ran returns for how long the clocks ran between two moments.
func (c Clocks) Ran(from, to time.Time) time.Duration {
	ran := to.Sub(from)
	if len(c) == 0 {
		return ran
	}
	for _, s := range c.Stops() {
		begins, ends := later(s.From, from), earlier(s.Until, to)
		if begins.Before(ends) {
			ran -= ends.Sub(begins)
		}
	}
	return ran
}

// Due returns when the clocks will have run for d since from, as far as can be said at
// now: as if they ran again at once where they stand, and did not stop any more.
func (c Clocks) Due(from time.Time, d time.Duration, now time.Time) time.Time {
	due := from.Add(d)
	if len(c) == 0 {
		return due
	}
	for _, s := range c.Stops() {
		begins, ends := later(s.From, from), earlier(s.Until, now)
		if begins.Before(ends) && begins.Before(due) {
			due = due.Add(ends.Sub(begins))
		}
	}
	return due
}

// Deadline returns when an attempt's time is over that was started with a deadline,
// as far as can be said at now.
func (c Clocks) Deadline(started, deadline, now time.Time) time.Time {
	if len(c) == 0 {
		return deadline
	}
	for i := range c {
		a := &c[i]
		if a.Kind == CloseLater && deadline.Equal(a.At) {
			deadline = later(deadline, earlier(started.Add(a.Limit), a.Until))
		}
	}
	return c.Due(started, deadline.Sub(started), now)
}

// Settles returns the moment after which no attempt can be running any more: the
// close, or later where clocks stood before it or it was moved to an earlier moment.
// limit is the longest that an attempt may take.
func (c *Campaign) Settles(limit time.Duration) time.Time {
	end := c.ClosesAt
	if len(c.Clocks) == 0 {
		return end
	}
	for i := range c.Clocks {
		if a := &c.Clocks[i]; a.Kind == CloseSooner {
			end = later(end, earlier(a.Until, a.At.Add(limit)))
		}
	}
	return c.Clocks.Due(end.Add(-limit), limit, forever)
}

// forever lies after every stop.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Stood is for how long the clocks stand in all, as planned.
func (c Clocks) Stood() time.Duration {
	var all time.Duration
	for _, s := range c.Stops() {
		all += s.Until.Sub(s.From)
	}
	return all
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
