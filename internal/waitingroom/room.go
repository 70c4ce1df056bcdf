// Package waitingroom lets people in one after the other when more of them want to
// sign in than an operator lets in a second.
//
// Whoever finds a line takes a ticket with a number and asks again from time to
// time. Numbers are let in in their order, so many a second; what is not used of a
// second's rate is kept up to a burst and no further. A number that stops asking is
// passed over, so that those behind it do not wait for somebody who left, and takes
// up its old place if it comes back soon. Once let in, a ticket holds for a while
// and signs one person in.
//
// The package knows no persons and no transport. A ticket is a number and a MAC; a
// code to sign in with is known by a keyed hash only.
package waitingroom

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"time"

	"qingyuan/internal/fault"
)

// ErrRequired answers a sign-in that has to wait its turn. RetryAfter says when to
// ask again.
var ErrRequired = fault.New(fault.Limited, "queue.required", "参与人数较多，请排队等候")

// Rules are what an operator sets.
type Rules struct {
	// PerSecond is how many are let in each second, above 0.
	PerSecond float64
	// Share is the part of that rate that is granted now; 0 is all of it.
	Share float64
	// Burst is how many may be let in at once after a quiet time, at least 1.
	Burst int
	// Hold is how long whoever was let in may take to sign in.
	Hold time.Duration
	// Most is how many may stand in line; further ones are asked to come later.
	Most int
}

// Step is the time between two who are let in at the rate that is granted now, in whole
// microseconds.
func (r Rules) Step() time.Duration { return step(r.rate()) }

// Room is how much of the time at that rate may be used ahead: the burst's, whatever the
// share, so that nobody is let in for the rate having changed; and always one step.
func (r Rules) Room() time.Duration {
	return max(step(r.PerSecond)*time.Duration(r.Burst), r.Step())
}

func (r Rules) rate() float64 {
	if r.Share == 0 {
		return r.PerSecond
	}
	return r.PerSecond * r.Share
}

func step(rate float64) time.Duration {
	return max(time.Duration(float64(time.Second)/rate).Truncate(time.Microsecond), time.Microsecond)
}

// Numbers of the room that no operator needs to set.
const (
	// Patience is how long a number may be silent before it is passed over. A
	// client asks at least twice in that time.
	Patience = 3 * time.Minute
	// Forget is how long a number that is passed over keeps its place.
	Forget = 15 * time.Minute
	// MaxCodes is how many codes one ticket signs in: whoever lost the answer may
	// have asked WeChat for a new one.
	MaxCodes = 3
	// TurnEvery is how often the line moves.
	TurnEvery = 500 * time.Millisecond
)

// State is where a number stands.
type State uint8

// The states of a number.
const (
	// Unknown numbers were never given, let in too long ago, or gone too long.
	Unknown State = iota
	// Waiting numbers stand in line.
	Waiting
	// Admitted numbers may sign in.
	Admitted
	// Full means that nobody more may join the line.
	Full
)

// Spot is what a Store says of one number.
type Spot struct {
	State State
	// Number names the place in line. Lower ones come first.
	Number int64
	// Ahead is how many stand before it.
	Ahead int64
}

// Line is the room as a whole.
type Line struct {
	// Waiting is how many stand in line.
	Waiting int64
	// Admitted is how many were let in by this look.
	Admitted int64
}

// Store keeps the line, one for all servers. Every method is one step that others
// see whole or not at all, and takes the time from now.
type Store interface {
	// Join gives a new number: admitted at once if nobody waits and the rate
	// allows it, else the last in line, or Full.
	Join(ctx context.Context, r Rules, now time.Time) (Spot, error)
	// Look says where a number stands, and notes that it still asks.
	Look(ctx context.Context, number int64, r Rules, now time.Time) (Spot, error)
	// Enter lets a code in: by its number if that is admitted, else on its own if
	// nobody waits and the rate allows it. A code that was let in is let in again
	// as long as the right holds. Otherwise the spot is one of Waiting.
	Enter(ctx context.Context, number int64, code string, r Rules, now time.Time) (Spot, error)
	// Turn moves the line: it passes over who left and lets in who is due.
	Turn(ctx context.Context, r Rules, now time.Time) (Line, error)
}

// Place is what a person is told.
type Place struct {
	// Ticket is to be shown with the next question, and with the sign-in.
	Ticket string
	// Admitted tells that the sign-in may be sent.
	Admitted bool
	// Position is 1 for the first in line, and 0 for who is admitted.
	Position int64
	// RetryAfter is when to ask again; 0 for who is admitted.
	RetryAfter time.Duration
}

// Room is the waiting room of a deployment. Set all fields before the first call;
// Brake, Observe and Paced may be nil, and Log where Run is not called.
type Room struct {
	Store Store
	Rules Rules
	// Key signs tickets and names codes. It is of this purpose alone.
	Key [32]byte
	Now func() time.Time
	// Brake slows the line while the server is slow; nil is never.
	Brake *Brake
	// Observe is told of each look at the line, and Paced of the part of its rate at which
	// this server lets it move, also while the line cannot be looked at.
	Observe func(Line)
	Paced   func(share float64)
	Log     *slog.Logger
}

// Join takes a place in line, or says where the ticket stands. A ticket that is
// forged, too old or used up is as good as none. draw is asked before a new number
// is given, and its error is returned.
func (r *Room) Join(ctx context.Context, ticket string, draw func(context.Context) error) (Place, error) {
	now := r.Now()
	if number, ok := r.open(ticket, now); ok {
		s, err := r.Store.Look(ctx, number, r.rules(), now)
		if err != nil || s.State != Unknown {
			return r.place(s), err
		}
	}
	if err := draw(ctx); err != nil {
		return Place{}, err
	}
	s, err := r.Store.Join(ctx, r.rules(), now)
	if err == nil && s.State == Full {
		return Place{}, fault.ErrUnavailable.WithRetry(jittered(slowest))
	}
	return r.place(s), err
}

// Enter returns nil for a sign-in that may go on, and ErrRequired for one that has
// to wait. Repeating it with the same ticket and code gives the same answer as long
// as the right holds.
func (r *Room) Enter(ctx context.Context, ticket, code string) error {
	now := r.Now()
	number, _ := r.open(ticket, now)
	s, err := r.Store.Enter(ctx, number, r.name(code), r.rules(), now)
	if err != nil || s.State == Admitted {
		return err
	}
	return ErrRequired.WithRetry(r.rules().pace(s.Ahead + 1))
}

// Run moves the line until ctx ends. Any number of servers may do it at once.
func (r *Room) Run(ctx context.Context) {
	tick := time.NewTicker(TurnEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.look(ctx)
		err := r.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failing {
			r.Log.WarnContext(ctx, "the waiting room does not move", "err", err)
		}
		if err == nil && failing {
			r.Log.InfoContext(ctx, "the waiting room moves again")
		}
		failing = err != nil
	}
}

// rules are those of this moment.
func (r *Room) rules() Rules {
	rules := r.Rules
	rules.Share = r.Brake.Share()
	return rules
}

// look sets the pace of the line, and says when it changes for longer.
func (r *Room) look(ctx context.Context) {
	if r.Brake == nil {
		return
	}
	switch began, ended := r.Brake.look(r.Now()); {
	case began:
		r.Log.WarnContext(ctx, "requests are slow: the waiting room lets in fewer people", "slow_after", r.Brake.SlowAfter)
	case ended:
		r.Log.InfoContext(ctx, "the waiting room lets people in at its whole rate again")
	}
	if r.Paced != nil {
		r.Paced(r.Brake.Share())
	}
}

func (r *Room) turn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*TurnEvery)
	defer cancel()
	line, err := r.Store.Turn(ctx, r.rules(), r.Now())
	if err == nil && r.Observe != nil {
		r.Observe(line)
	}
	return err
}

func (r *Room) place(s Spot) Place {
	switch s.State {
	case Admitted:
		return Place{Ticket: r.ticket(s.Number), Admitted: true}
	case Waiting:
		return Place{Ticket: r.ticket(s.Number), Position: s.Ahead + 1, RetryAfter: r.rules().pace(s.Ahead + 1)}
	case Unknown, Full:
	}
	return Place{}
}

// How often a waiting client asks: about when its turn should come, within these
// bounds.
const (
	quickest = time.Second
	slowest  = time.Minute
)

// pace is when to ask again at a position, with jitter, so that phones that came
// together do not come back together.
func (r Rules) pace(position int64) time.Duration {
	due := float64(position) / r.rate() // seconds; as a duration it might overflow
	return jittered(time.Duration(min(max(due, quickest.Seconds()), slowest.Seconds()) * float64(time.Second)))
}

// jittered is d give or take a quarter, in whole milliseconds.
func jittered(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails; it ends the program instead
	part := float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
	return (d*3/4 + time.Duration(part*float64(d/2))).Round(time.Millisecond)
}
