package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"qingyuan/internal/live"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// BenchmarkHandlers times routes without a network: the whole way through Fiber,
// the edge and the handler. "static" is a bare Fiber route with an answer of the
// same size as the counts, for comparison.
func BenchmarkHandlers(b *testing.B) {
	s := newBench(b, func(s *bench) {
		s.Log, s.Now = slog.New(slog.DiscardHandler), time.Now
		s.Limits = Limits{PerAddress: Rate{1e9, 1e9}, PerParticipant: Rate{1e9, 1e9}}
	})
	receipt := submitted(b)
	s.quizzes.submit = func(string, string, string, quiz.Answers) (quiz.Receipt, error) { return receipt, nil }
	whole := leaderboard.Board{AsOf: noon(), Total: 50, Items: make([]leaderboard.Item, 50)}
	s.boards.board = func(string, leaderboard.Query) (leaderboard.Board, error) { return whole, nil }
	body := s.state.feeds.of(feedKey{campaign: "spring", lang: "zh-CN"}).counts.Load().body
	bare := fiber.New()
	bare.Get("/static", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, jsonType)
		return c.Send(body)
	})
	for name, one := range map[string]struct {
		app                      *fiber.App
		method, path, body, want string
	}{
		"static":  {bare, http.MethodGet, "/static", "", "as_of"},
		"counts":  {s.app, http.MethodGet, counts, "", "as_of"},
		"regions": {s.app, http.MethodGet, boards + "regions", "", "as_of"},
		"board":   {s.app, http.MethodGet, boards + "participants?limit=50", "", "as_of"},
		"submit":  {s.app, http.MethodPost, attempts + "/1-a/submission", `{"answers":{"qqqqqqqq":["oooooooo"],"rrrrrrrr":["pppppppp"]}}`, "score"},
	} {
		b.Run(name, func(b *testing.B) {
			h := one.app.Handler()
			var ctx fasthttp.RequestCtx
			req := &ctx.Request
			req.Header.SetMethod(one.method)
			req.SetRequestURI(one.path)
			if one.method == http.MethodPost {
				req.Header.Set("Authorization", "Bearer p:ann")
			}
			req.Header.SetContentType("application/json")
			req.SetBodyString(one.body)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				ctx.ResetUserValues()
				h(&ctx)
			}
			if got := string(ctx.Response.Body()); !strings.Contains(got, one.want) {
				b.Fatal(got)
			}
		})
	}
}

// BenchmarkWatchers opens streams whose clients live in the kernel alone, and
// reports what one of them costs us in memory.
func BenchmarkWatchers(b *testing.B) {
	const n = 2000
	s := newBench(b, quickly, func(s *bench) {
		s.Log = slog.New(slog.DiscardHandler)
		s.Live.MaxPerAddress, s.Live.Every = n, time.Second
	})
	addr := serve(b, s)
	before := used()
	fds := make([]int, n)
	for i := range fds {
		fds[i] = rawClient(b, addr)
		joinLive(b, fds[i])
	}
	each := float64(used()-before) / n
	for b.Loop() { // the figure is the memory
	}
	b.ReportMetric(each, "B/watcher")
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
}

// BenchmarkPass hands a frame of 1 KB to each of many watchers.
func BenchmarkPass(b *testing.B) {
	const n = 1000
	ln, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer ln.Close()
	st := &stream{hub: live.NewHub(), rules: Live{Every: 1, Beat: time.Hour, Patience: time.Hour}, now: time.Now, left: func(netip.Addr) {}}
	fds := make([]int, n)
	for i := range fds {
		fds[i] = rawClient(b, ln.Addr().String())
		conn, err := ln.Accept()
		if err != nil {
			b.Fatal(err)
		}
		st.all = append(st.all, newWatcher(conn, netip.Addr{}))
	}
	payload := []byte("event: frame\ndata: " + strings.Repeat("x", 1024) + "\n\n")
	buf := make([]byte, 1<<16)
	var spent time.Duration
	frames := 0
	for b.Loop() {
		st.hub.Publish(&live.Frame{Bytes: payload})
		began := time.Now()
		st.pass(began)
		spent += time.Since(began)
		frames++
		for _, fd := range fds {
			if _, err := syscall.Read(fd, buf); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(frames*n), "ns/frame")
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
	st.end()
}

// used is memory in use after a collection, goroutine stacks included.
func used() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// rawClient is a connection without anything of Go behind it.
func rawClient(b *testing.B, addr string) int {
	b.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())}); err != nil {
		b.Fatal(err)
	}
	return fd
}

// joinLive asks for the stream and takes the first frame.
func joinLive(b *testing.B, fd int) {
	b.Helper()
	if _, err := syscall.Write(fd, []byte("GET "+livePath+" HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		b.Fatal(err)
	}
	var buf [8192]byte
	if _, err := syscall.Read(fd, buf[:]); err != nil {
		b.Fatal(err)
	}
}
