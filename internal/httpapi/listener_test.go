package httpapi

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// lenientPair is both ends of a connection, the first one lenient, and how often its
// deadline was really set.
func lenientPair(t *testing.T) (c *lenientConn, other net.Conn, set *countedConn) {
	t.Helper()
	here, other := net.Pipe()
	t.Cleanup(func() { _, _ = here.Close(), other.Close() })
	set = &countedConn{Conn: here}
	return &lenientConn{Conn: set}, other, set
}

type countedConn struct {
	net.Conn
	times int
}

func (c *countedConn) SetReadDeadline(t time.Time) error {
	c.times++
	return c.Conn.SetReadDeadline(t)
}

// TestADeadlineThatIsPutOffIsNotSet: a connection that is kept busy sets one.
func TestADeadlineThatIsPutOffIsNotSet(t *testing.T) {
	t.Parallel()
	c, other, set := lenientPair(t)
	go func() {
		for range 100 {
			_, _ = other.Write([]byte("x"))
		}
	}()
	for i := range 100 {
		for _, rest := range []time.Duration{75 * time.Hour, 10 * time.Hour} {
			if err := c.SetReadDeadline(time.Now().Add(rest)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("read %d: %d, %v", i, n, err)
		}
	}
	if set.times != 2 {
		t.Errorf("the deadline was set %d times, want 2", set.times)
	}
}

// TestADeadlineComesWhenItIsMeant: not before one that was put off, at once where
// it is passed already, and never where it was taken away.
func TestADeadlineComesWhenItIsMeant(t *testing.T) {
	t.Parallel()
	read := func(c *lenientConn) error {
		n, err := c.Read(make([]byte, 8))
		if n > 0 {
			return nil
		}
		return err
	}
	t.Run("put off", func(t *testing.T) {
		t.Parallel()
		c, _, _ := lenientPair(t)
		first := time.Now().Add(20 * time.Millisecond)
		meant := first.Add(60 * time.Millisecond)
		if err := errors.Join(c.SetReadDeadline(first), c.SetReadDeadline(meant)); err != nil {
			t.Fatal(err)
		}
		err := read(c)
		if e, ok := err.(net.Error); !ok || !e.Timeout() { //nolint:errorlint // The framework asks like this.
			t.Errorf("%v is none that the framework takes for a time-out", err)
		}
		if time.Now().Before(meant) {
			t.Errorf("%v, %s before it was meant", err, time.Until(meant))
		}
	})
	t.Run("put off after it has come", func(t *testing.T) {
		t.Parallel()
		c, other, _ := lenientPair(t)
		go func() { _, _ = other.Write([]byte("late")) }()
		if err := errors.Join(c.SetReadDeadline(time.Now().Add(-time.Hour)), c.SetReadDeadline(time.Now().Add(time.Hour))); err != nil {
			t.Fatal(err)
		}
		if err := read(c); err != nil {
			t.Errorf("the old deadline ended it: %v", err)
		}
	})
	t.Run("brought forward", func(t *testing.T) {
		t.Parallel()
		c, _, _ := lenientPair(t)
		ended := make(chan error, 1)
		if err := c.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		go func() { ended <- read(c) }()
		if err := c.SetDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
	t.Run("taken away", func(t *testing.T) {
		t.Parallel()
		c, other, set := lenientPair(t)
		if err := errors.Join(c.SetReadDeadline(time.Now().Add(-time.Hour)), c.SetDeadline(time.Time{})); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = other.Write([]byte("late")) }()
		if err := read(c); err != nil || set.times != 2 {
			t.Errorf("%v, set %d times", err, set.times)
		}
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		c, other, _ := lenientPair(t)
		_ = other.Close()
		if err := read(c); err == nil {
			t.Error("nothing ended it")
		}
	})
}
