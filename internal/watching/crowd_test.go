package watching

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowd is everybody who watches.
type crowd struct {
	conns []net.Conn
	work  sync.WaitGroup

	mu    sync.Mutex
	late  []time.Duration // of every frame since the crowd was whole
	frame int             // bytes of the newest
	whole bool
	gone  bool       // somebody's stream has ended
	came  *sync.Cond // told of every frame and every end
}

// joinAtOnce bounds how many connect at the same moment.
const joinAtOnce = 64

// watch connects so many watchers and returns when each has its first frame.
func watch(t testing.TB, s *server, n int) *crowd {
	t.Helper()
	c := &crowd{}
	c.came = sync.NewCond(&c.mu)
	joining, greeted := make(chan struct{}, joinAtOnce), make(chan error, n)
	for i := range n {
		joining <- struct{}{}
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			c.close()
			t.Fatalf("watcher %d of %d: %v", i+1, n, err)
		}
		c.conns = append(c.conns, conn)
		c.work.Go(func() {
			told := func(err error) {
				<-joining
				greeted <- err
			}
			defer c.end()
			c.follow(s, conn, sync.OnceFunc(func() { told(nil) }), told)
		})
	}
	for range n {
		if err := <-greeted; err != nil {
			c.close()
			t.Fatalf("a watcher: %v", err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = true // the first frames had been waiting
	return c
}

// follow asks for the stream and reads frames until the connection ends. It calls
// first with the first frame, or failed where there was none.
func (c *crowd) follow(s *server, conn net.Conn, first func(), failed func(error)) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", s.path, s.addr); err != nil {
		failed(err)
		return
	}
	in := bufio.NewReaderSize(conn, 1<<10)
	var stamp time.Time
	size, frames := 0, 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if frames == 0 {
				failed(fmt.Errorf("no frame: %w", err))
			}
			return
		}
		if id, ok := bytes.CutPrefix(line, []byte("id: ")); ok {
			unix, _ := strconv.ParseInt(string(bytes.TrimSpace(id)), 10, 64)
			stamp, size = time.UnixMilli(unix), 0
		}
		size += len(line)
		if len(line) == 1 && !stamp.IsZero() { // an empty line ends a frame
			c.took(time.Since(stamp), size)
			frames++
			first()
			stamp = time.Time{}
		}
	}
}

func (c *crowd) took(late time.Duration, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame = size
	if c.whole {
		c.late = append(c.late, late)
	}
	c.came.Broadcast()
}

func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone = true
	c.came.Broadcast()
}

// await returns when so many frames have come since the crowd was whole, or no more
// will come.
func (c *crowd) await(frames int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.late) < frames && !c.gone {
		c.came.Wait()
	}
}

func (c *crowd) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.work.Wait()
}

// stop ends the crowd and tells what it saw.
func (c *crowd) stop() seen {
	c.close()
	slices.Sort(c.late)
	at := func(q float64) time.Duration {
		if len(c.late) == 0 {
			return 0
		}
		return c.late[min(int(q*float64(len(c.late))), len(c.late)-1)]
	}
	return seen{frame: c.frame, frames: len(c.late), p50: at(0.5), p99: at(0.99), max: at(1)}
}

// spend watches the server for so long and returns how much of a core it took.
func (s *server) spend(t testing.TB, d time.Duration) float64 {
	t.Helper()
	before, _ := s.stat(t)
	began := time.Now()
	time.Sleep(d) // it is a measurement, not a wait for something
	after, _ := s.stat(t)
	return (after - before).Seconds() / time.Since(began).Seconds()
}

// stat reads the processor time and the resident memory of the server's process.
func (s *server) stat(t testing.TB) (cpu time.Duration, resident int64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest) // from the third on
	number := func(i int) int64 {
		v, err := strconv.ParseInt(fields[i-3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const tick = 10 * time.Millisecond
	return time.Duration(number(14)+number(15)) * tick, number(24) * int64(os.Getpagesize())
}
