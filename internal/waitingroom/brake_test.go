package waitingroom

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var noon = time.Date(2026, 6, 26, 12, 0, 0, 0, time.UTC)

// noted is so many requests, of which so many were slow.
func noted(b *Brake, all, slow int) {
	for i := range all {
		took := b.SlowAfter
		if i < slow {
			took++
		}
		b.Note(took)
	}
}

func TestBrake(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		all, slow int
		from      float64
		want      float64
	}{
		"nobody is there":        {0, 0, 1, 1},
		"all is well":            {1000, 0, 1, 1},
		"one in a hundred":       {1000, 10, 1, 1},
		"one in twenty":          {1000, 50, 1, 1},
		"one in seven":           {1000, 143, 1, slower},
		"all are slow":           {1000, 1000, 0.5, 0.5 * slower},
		"slower than that never": {1000, 1000, Slowest, Slowest},
		"still a few":            {1000, 50, 0.5, 0.5},
		"well again":             {1000, 10, 0.5, 0.5 + faster},
		"nobody is left":         {0, 0, 0.5, 0.5 + faster},
		"nearly there":           {1000, 0, 1 - faster/2, 1},
		"two of two say nothing": {2, 2, 1, 1},
		"three of three do":      {3, 3, 1, slower},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Brake{SlowAfter: time.Second}
			b.hold(tt.from)
			noted(b, tt.all, tt.slow)
			began, ended := b.look(noon)
			if got := b.Share(); got < tt.want-1e-9 || got > tt.want+1e-9 {
				t.Errorf("share %v, want %v", got, tt.want)
			}
			if began != (tt.from == 1 && tt.want < 1) || ended != (tt.from < 1 && tt.want == 1) {
				t.Errorf("began %t, ended %t", began, ended)
			}
			if b.look(noon.Add(time.Hour)); b.Share() < min(tt.want, 1)-1e-9 {
				t.Errorf("what was judged is judged again: %v", b.Share())
			}
		})
	}
	if s := (*Brake)(nil).Share(); s != 1 {
		t.Errorf("no brake withholds %v", 1-s)
	}
}

// TestBrakeTakesItsTime cuts the pace once for what goes on for a while, and lets it come
// back quickly as far as all was well before, and slowly where it was not.
func TestBrakeTakesItsTime(t *testing.T) {
	t.Parallel()
	b, now := &Brake{SlowAfter: time.Second}, noon
	looks := func(n, slow int) float64 {
		for range n {
			now = now.Add(TurnEvery)
			noted(b, 100, slow)
			b.look(now)
		}
		return b.Share()
	}
	for i, step := range []struct {
		looks, slow int
		want        float64
	}{
		{1, 50, 0.6},
		{15, 50, 0.6}, // what was asked before the cut
		{1, 50, 0.36},
		{15, 50, 0.36},
		{20, 5, 0.36}, // neither slow nor well
		{97, 0, 0.845},
		{1, 0, 0.85},
		{20, 0, 0.87},
		{1, 50, 0.522}, // now this is where it became too much
		{43, 0, 0.737},
		{1, 0, 0.742},
		{1, 0, 0.743},
		{250, 0, 0.993},
		{8, 0, 1},
	} {
		if got := looks(step.looks, step.slow); got < step.want-1e-9 || got > step.want+1e-9 {
			t.Errorf("step %d: share %v, want %v", i, got, step.want)
		}
	}
}

// TestRoomSlows runs a room beside requests that become slow, and quick again. Meanwhile its
// store fails: that is told, and slowed, as well.
func TestRoomSlows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{err: errors.New("redis is away")}
		r := room(s)
		told := 0.0
		r.Paced = func(share float64) { told = share }
		r.Brake, r.Now = &Brake{SlowAfter: 100 * time.Millisecond}, time.Now // of the bubble
		go r.Run(t.Context())
		turns := func(n int, took time.Duration) float64 {
			for range n {
				for range 100 {
					r.Brake.Note(took)
				}
				time.Sleep(TurnEvery) // of the bubble: nobody waits
				synctest.Wait()
			}
			if share := s.last().Share; share != told {
				t.Errorf("told %v, the line moves at %v", told, share)
			}
			return told
		}
		if got := turns(2, time.Millisecond); got != 1 {
			t.Errorf("share %v while all is well", got)
		}
		if got := turns(80, time.Second); got != Slowest {
			t.Errorf("share %v while all are slow, want %v", got, Slowest)
		}
		spot := Spot{State: Waiting, Ahead: 99}
		if due := r.place(spot).RetryAfter; due < 35*time.Second {
			t.Errorf("the hundredth at two a second is told to ask after %v", due)
		}
		if got := turns(400, time.Millisecond); got != 1 {
			t.Errorf("share %v after a while", got)
		}
		if due := r.place(spot).RetryAfter; due > 13*time.Second {
			t.Errorf("the hundredth at ten a second is told to ask after %v", due)
		}
	})
}

// TestStepAndRoom are in whole microseconds, so that a burst is a whole number of steps.
func TestStepAndRoom(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules      Rules
		step, room time.Duration
	}{
		"the whole rate":         {Rules{PerSecond: 300, Burst: 300}, 3333 * time.Microsecond, 300 * 3333 * time.Microsecond},
		"all is the same":        {Rules{PerSecond: 300, Burst: 300, Share: 1}, 3333 * time.Microsecond, 300 * 3333 * time.Microsecond},
		"half of it":             {Rules{PerSecond: 300, Burst: 300, Share: 0.5}, 6666 * time.Microsecond, 300 * 3333 * time.Microsecond},
		"one always fits":        {Rules{PerSecond: 1, Burst: 1, Share: 0.2}, 5 * time.Second, 5 * time.Second},
		"faster than one counts": {Rules{PerSecond: 1e9, Burst: 5}, time.Microsecond, 5 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.rules.Step() != tt.step || tt.rules.Room() != tt.room {
				t.Errorf("step %v, room %v, want %v, %v", tt.rules.Step(), tt.rules.Room(), tt.step, tt.room)
			}
		})
	}
}
