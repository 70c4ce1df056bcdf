package httpapi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/internal/live"
	"qingyuan/leaderboard"
)

const livePath = "/api/v1/campaigns/spring/live"

// quickly makes a bench's streams as fast as tests want them, on a real clock.
func quickly(b *bench) {
	b.Now = time.Now
	b.Live = Live{Every: time.Millisecond, Beat: time.Hour}
}

// event is one message of a stream.
type event struct{ id, name, data string }

// watching is a client of a stream.
type watching struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
	res  *http.Response
}

func watchLive(t *testing.T, addr, path string) *watching {
	t.Helper()
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return &watching{t: t, conn: conn, r: bufio.NewReader(res.Body), res: res}
}

// next reads up to the next event, or to the next comment.
func (w *watching) next() (e event, comment bool, err error) {
	w.t.Helper()
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return e, false, err
		}
		line = strings.TrimSuffix(line, "\n")
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.data != "":
			return e, false, nil
		case strings.HasPrefix(line, ":"):
			return e, true, nil
		case key == "id":
			e.id = value
		case key == "event":
			e.name = value
		case key == "data":
			e.data = value
		}
	}
}

// frame reads the next frame.
func (w *watching) frame() (event, frameAnswer) {
	w.t.Helper()
	for {
		e, comment, err := w.next()
		if err != nil {
			w.t.Fatal(err)
		}
		if comment {
			continue
		}
		var f frameAnswer
		if err := json.Unmarshal([]byte(e.data), &f); err != nil {
			w.t.Fatalf("frame %q: %v", e.data, err)
		}
		return e, f
	}
}

// later is the bench's snapshot with other figures.
func (b *bench) later(participants int64) *leaderboard.Snapshot {
	s := *b.snap
	s.AsOf = s.AsOf.Add(time.Duration(participants) * time.Second)
	s.Today.Participants = participants
	return &s
}

func TestLive(t *testing.T) {
	t.Parallel()
	b := newBench(t, quickly)
	addr := serve(t, b)
	w := watchLive(t, addr, livePath)
	if w.res.StatusCode != http.StatusOK || !strings.HasPrefix(w.res.Header.Get("Content-Type"), "text/event-stream") || w.res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.res.StatusCode, w.res.Header)
	}
	checkHeaders(t, answer{w.res.StatusCode, w.res.Header, ""})
	first, _ := w.frame()
	if first.name != "frame" || first.id != fmt.Sprint(noon().UnixMilli()) {
		t.Errorf("event %q id %q", first.name, first.id)
	}
	if polled := b.get(t, "/api/v1/campaigns/spring/frame", "").body; first.data != polled {
		t.Errorf("the stream says\n%s\nthe poll\n%s", first.data, polled)
	}
	for n := int64(100); n < 110; n++ {
		b.Published(b.later(n))
		if _, f := w.frame(); f.Counts.Today.Participants != n {
			t.Errorf("frame of %d, want %d", f.Counts.Today.Participants, n)
		}
	}
	tibetan := watchLive(t, addr, livePath+"?lang=bo")
	if _, f := tibetan.frame(); f.Campaign.Title != "དཔྱིད་དུས།" {
		t.Errorf("in Tibetan: %q", f.Campaign.Title)
	}
}

// TestSameFiguresAreSentSeldom shows that a snapshot without news does not cost
// every watcher a frame.
func TestSameFiguresAreSentSeldom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	hub := b.state.feeds.of(feedKey{campaign: "spring", lang: "zh-CN"}).stream.hub
	first := hub.Last()
	same := *b.snap
	for _, tt := range []struct {
		after time.Duration
		sent  bool
	}{{time.Second, false}, {9 * time.Second, false}, {10 * time.Second, true}, {11 * time.Second, false}} {
		before := hub.Last()
		same.AsOf = noon().Add(tt.after)
		b.Published(&same)
		if sent := hub.Last() != before; sent != tt.sent {
			t.Errorf("after %s: sent %t, want %t", tt.after, sent, tt.sent)
		}
	}
	if hub.Last().ETag != first.ETag {
		t.Error("the same figures have two tags")
	}
	if body := b.get(t, counts, "").body; !strings.Contains(body, "12:00:11") {
		t.Errorf("the counts are as of another time: %s", body)
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	b := newBench(t, quickly, func(b *bench) { b.Live.Beat = 5 * time.Millisecond })
	w := watchLive(t, serve(t, b), livePath)
	w.frame()
	for range 3 {
		if _, comment, err := w.next(); !comment || err != nil {
			t.Fatalf("no comment: %v", err)
		}
	}
}

// TestAtMostOneFrameASecond publishes often and looks at the times frames are
// due, on a clock of its own.
func TestAtMostOneFrameASecond(t *testing.T) {
	t.Parallel()
	c := newClock()
	st := &stream{hub: live.NewHub(), rules: Live{Every: time.Second, Beat: 10 * time.Second, Patience: time.Minute}, now: c.Now}
	near, far := net.Pipe()
	defer near.Close()
	got := make(chan string, 100)
	go func() {
		defer close(got)
		buf := make([]byte, 1<<10)
		for {
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			got <- string(buf[:n])
		}
	}()
	w := newWatcher(near, netip.Addr{})
	w.since = c.Now()
	for i, tt := range []struct {
		after time.Duration
		want  string
	}{
		{0, ""}, {999 * time.Millisecond, ""}, {time.Millisecond, "2"}, {500 * time.Millisecond, ""}, {500 * time.Millisecond, "4"},
	} {
		c.Add(tt.after)
		frame := &live.Frame{Bytes: []byte(fmt.Sprint(i))}
		if !st.serve(w, frame, c.Now()) {
			t.Fatal("the watcher is gone")
		}
		if tt.want == "" {
			if w.sent == frame {
				t.Errorf("step %d: a frame too early", i)
			}
			continue
		}
		if s := <-got; s != tt.want {
			t.Errorf("step %d: got %q, want %q", i, s, tt.want)
		}
	}
	c.Add(10 * time.Second)
	if st.serve(w, w.sent, c.Now()); <-got != comment {
		t.Error("no comment after ten seconds")
	}
	_ = far.Close()
	for range got {
	}
}

// TestSlowWatcherSkipsFrames lets one watcher read nothing while frames go by:
// the others get theirs, and it finds the newest when it reads again.
func TestSlowWatcherSkipsFrames(t *testing.T) {
	t.Parallel()
	b := newBench(t, quickly, func(b *bench) { b.Live.Patience = time.Hour })
	addr := serve(t, b)
	slow, quick := watchLive(t, addr, livePath), watchLive(t, addr, livePath)
	if err := slow.conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	quick.frame()
	hub := b.state.feeds.of(feedKey{campaign: "spring", lang: "zh-CN"}).stream.hub
	padding := strings.Repeat(" ", 256<<10)
	const frames = 30
	for n := range frames {
		hub.Publish(&live.Frame{Bytes: fmt.Appendf(nil, "id: %d\nevent: frame\ndata: {%s}\n\n", n, padding)})
		if e, _ := quick.frame(); e.id != fmt.Sprint(n) {
			t.Fatalf("the quick one got %s, want %d", e.id, n)
		}
	}
	seen := 0
	for {
		e, _ := slow.frame()
		seen++
		if e.id == fmt.Sprint(frames-1) {
			break
		}
	}
	if seen > frames/2 {
		t.Errorf("the slow one was sent %d of %d frames", seen, frames)
	}
}

// TestStuckWatcherIsDropped gives up on a client that takes nothing.
func TestStuckWatcherIsDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t, quickly, func(b *bench) { b.Live.Patience = 20 * time.Millisecond })
	left := b.watchLeaving("zh-CN")
	watchLive(t, serve(t, b), livePath)
	hub := b.state.feeds.of(feedKey{campaign: "spring", lang: "zh-CN"}).stream.hub
	hub.Publish(&live.Frame{Bytes: bytes.Repeat([]byte(" "), 64<<20)})
	<-left
	if n := b.state.seats.count(); n != 0 {
		t.Errorf("%d seats taken", n)
	}
}

// watchLeaving tells of each watcher that left. Call it before the first joins.
func (b *bench) watchLeaving(lang string) <-chan netip.Addr {
	left := make(chan netip.Addr, 1000)
	st := b.state.feeds.of(feedKey{campaign: "spring", lang: lang}).stream
	st.left = func(addr netip.Addr) {
		b.leave(addr)
		left <- addr
	}
	return left
}

func TestWatchersAreCapped(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rules  Live
		allow  []string
		status int
	}{
		"of one address":         {Live{MaxPerAddress: 2}, nil, 429},
		"in all":                 {Live{MaxWatchers: 2}, nil, 503},
		"in all, spared":         {Live{MaxWatchers: 2}, []string{"127.0.0.0/8"}, 503},
		"of one address, spared": {Live{MaxPerAddress: 2}, []string{"127.0.0.0/8"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, func(b *bench) {
				b.Now, b.Live, b.Limits.Allow = time.Now, tt.rules, prefixes(tt.allow...)
				b.Live.Every = time.Millisecond
				b.Live.Beat = 2 * time.Millisecond // so that a departure is noticed
			})
			left, addr := b.watchLeaving("zh-CN"), serve(t, b)
			first := watchLive(t, addr, livePath)
			first.frame()
			watchLive(t, addr, livePath).frame()
			third := watchLive(t, addr, livePath)
			if third.res.StatusCode != tt.status {
				t.Fatalf("third: %d, want %d", third.res.StatusCode, tt.status)
			}
			if tt.status == 200 {
				return
			}
			if third.res.Header.Get("Retry-After") != "30" {
				t.Errorf("Retry-After %q", third.res.Header.Get("Retry-After"))
			}
			_ = first.conn.Close()
			<-left
			if again := watchLive(t, addr, livePath); again.res.StatusCode != http.StatusOK {
				t.Errorf("after one left: %d", again.res.StatusCode)
			}
		})
	}
}

// TestStreamsEndAtShutdown stops a server that is watched.
func TestStreamsEndAtShutdown(t *testing.T) {
	t.Parallel()
	b := newBench(t, quickly)
	addr := serve(t, b)
	var watchers []*watching
	for range 5 {
		w := watchLive(t, addr, livePath)
		w.frame()
		watchers = append(watchers, w)
	}
	b.Close()
	for _, w := range watchers {
		if _, err := io.Copy(io.Discard, w.r); timedOut(err) {
			t.Errorf("a stream outlives Close: %v", err)
		}
	}
	if n := b.state.seats.count(); n != 0 {
		t.Errorf("%d seats taken after Close", n)
	}
	late := watchLive(t, addr, livePath) // the listener is still open
	if _, err := io.Copy(io.Discard, late.r); timedOut(err) {
		t.Errorf("a late stream is kept open: %v", err)
	}
	b.Close() // twice does no harm
}

// TestGoroutinesDoNotGrowWithWatchers counts them before, while and after.
func TestGoroutinesDoNotGrowWithWatchers(t *testing.T) {
	b := newBench(t, quickly, func(b *bench) { b.Live.Beat = 2 * time.Millisecond })
	left, addr := b.watchLeaving("zh-CN"), serve(t, b)
	base := runtime.NumGoroutine()
	const n = 100
	var all []*watching
	for range n {
		w := watchLive(t, addr, livePath)
		w.frame()
		all = append(all, w)
	}
	if now := runtime.NumGoroutine(); now > base+20 {
		t.Errorf("%d goroutines with %d watchers, %d before", now, n, base)
	}
	for _, w := range all {
		_ = w.conn.Close()
	}
	for range n {
		<-left
	}
	b.state.feeds.of(feedKey{campaign: "spring", lang: "zh-CN"}).stream.done.Wait()
	if now := runtime.NumGoroutine(); now > base+5 {
		t.Errorf("%d goroutines after all left, %d before", now, base)
	}
}
