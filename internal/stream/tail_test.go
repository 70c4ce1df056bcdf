package stream_test

import (
	"errors"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
)

// last asks for the newest position of the facts.
func (r *river) last() event.Position {
	r.Helper()
	at, err := r.Last(r.Context(), "c1", 1, event.Facts)
	if err != nil {
		r.Fatal(err)
	}
	return at
}

// TestTheLastIsKnown: also when nothing was written yet, and when everything was
// read and trimmed.
func TestTheLastIsKnown(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	if at := r.last(); at != (event.Position{}) {
		t.Errorf("a stream that nobody wrote ends at %s", at)
	}
	for _, p := range []string{"a", "b"} {
		r.add(1, p)
	}
	r.add(3, "c")
	want := event.Position{Epoch: 3}
	if at := r.last(); at != want {
		t.Errorf("the stream ends at %s, want %s", at, want)
	}
	if err := r.Trim(t.Context(), "c1", 1, event.Facts, want); err != nil {
		t.Fatal(err)
	}
	if n := r.db.XLen(t.Context(), factsKey()).Val(); n != 0 {
		t.Errorf("%d entries are left", n)
	}
	if at := r.last(); at != want {
		t.Errorf("the trimmed stream ends at %s, want %s", at, want)
	}
}

// TestTrim: entries up to the position go, exactly, and may go twice; a reader
// whose cursor lies there misses nothing, one that lies before stops.
func TestTrim(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	for range 150 { // more than one node of the stream, which an approximate trim would keep
		r.add(1, "a")
	}
	r.add(2, "b")
	r.add(2, "c")
	for _, tc := range []struct {
		upTo event.Position
		left int64
	}{
		{event.Position{}, 152},
		{event.Position{Epoch: 1, Seq: 0}, 151},
		{event.Position{Epoch: 1, Seq: 120}, 31},
		{event.Position{Epoch: 1, Seq: 120}, 31},
		{event.Position{Epoch: 1, Seq: 7}, 31},
		{event.Position{Epoch: 1, Seq: 149}, 2},
		{event.Position{Epoch: 2, Seq: 0}, 1},
	} {
		if err := r.Trim(t.Context(), "c1", 1, event.Facts, tc.upTo); err != nil {
			t.Fatal(err)
		}
		if n := r.db.XLen(t.Context(), factsKey()).Val(); n != tc.left {
			t.Errorf("trimmed up to %s: %d entries are left, want %d", tc.upTo, n, tc.left)
		}
	}
	if got, _, err := r.read(event.Position{Epoch: 2}, 10); got != "c" || err != nil {
		t.Errorf("after the trimmed: %q, %v", got, err)
	}
	if got, _, err := r.read(event.Position{Epoch: 1, Seq: 149}, 10); err == nil {
		t.Errorf("before the trimmed: %q without an error", got)
	}
}

// TestBothStreams: facts and personal records lie apart and are read alike, also
// records that this program does not know.
func TestBothStreams(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	r.add(1, "a")
	err := r.db.XAdd(t.Context(), &redis.XAddArgs{
		Stream: keyOf("c1", 1, event.Personal), ID: "1-*", Values: []string{"k", "of_a_newer_server.1", "p", "b", "d", "\x00\xff"},
	}).Err()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := r.Entries(t.Context(), "c1", 1, event.Personal, event.Position{}, 10)
	if err != nil || len(entries) != 1 {
		t.Fatalf("personal records: %v, %v", entries, err)
	}
	if e := entries[0]; e.String() != "1-0" || e.Get("p") != "b" || e.Get("d") != "\x00\xff" {
		t.Errorf("read %s %q", e.Position, e.Fields)
	}
}

func TestOutagesAtTheTail(t *testing.T) {
	t.Parallel()
	r := newRiver(t)
	if err := r.db.Set(t.Context(), factsKey(), "no stream", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Last(t.Context(), "c1", 1, event.Facts); err == nil {
		t.Error("the last of what is no stream is known")
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	_, errLast := r.Last(t.Context(), "c1", 1, event.Facts)
	errTrim := r.Trim(t.Context(), "c1", 1, event.Facts, event.Position{Epoch: 1})
	for what, err := range map[string]error{"Last": errLast, "Trim": errTrim} {
		if !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("%s without Redis: %v", what, err)
		}
	}
}
