package redisnode

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"qingyuan/internal/redistest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		level slog.Level
		text  string
	}{
		"7:M 21 Nov 2025 20:00:00.123 # WARNING Memory overcommit must be enabled!": {
			slog.LevelWarn, "WARNING Memory overcommit must be enabled!",
		},
		"7:M 21 Nov 2025 20:00:00.123 * Ready to accept connections": {
			slog.LevelDebug, "Ready to accept connections",
		},
		"7:C 21 Nov 2025 20:00:00.123 # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo": {
			slog.LevelDebug, "oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
		},
		"*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***": {
			slog.LevelWarn, "*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***",
		},
		"": {slog.LevelWarn, ""},
	} {
		if level, text := parse(line); level != want.level || text != want.text {
			t.Errorf("parse(%q) = %v, %q; want %v, %q", line, level, text, want.level, want.text)
		}
	}
}

func TestChildLogKeepsTheTail(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := newChildLog(slog.New(slog.NewTextHandler(&out, nil)))
	input := strings.Repeat("early\n", 100) + strings.Repeat("long", 10_000) + "\n" +
		strings.Repeat("7:M 21 Nov 2025 20:00:00.123 * late\n", tailLines-1) + "last"
	l.readFrom(t.Context(), strings.NewReader(input))
	tail := l.tail()
	if got := strings.Count(tail, "\n") + 1; got != tailLines {
		t.Errorf("the tail has %d lines, want %d", got, tailLines)
	}
	if strings.Contains(tail, "early") || !strings.HasSuffix(tail, "\nlast") {
		t.Errorf("the tail is %q", tail)
	}
	if strings.Contains(out.String(), "late") || !strings.Contains(out.String(), "early") {
		t.Errorf("the log should hold the warnings only:\n%.500s", out.String())
	}
}

// TestAsk plays a Redis that gives one answer and closes.
func TestAsk(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ says, want, err string }{
		"a line":           {"+PONG\r\n", "PONG", ""},
		"an error":         {"-LOADING Redis is loading\r\n", "", "LOADING Redis is loading"},
		"a text":           {"$9\r\none\r\ntwo!\r\n", "one\r\ntwo!", ""},
		"no text":          {"$-1\r\n", "", "of length"},
		"half a text":      {"$9\r\none", "", "unexpected EOF"},
		"nothing":          {"", "", "EOF"},
		"something else":   {"*0\r\n", "", "unknown kind"},
		"not even a Redis": {"\r\n", "", "unknown kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ask(t.Context(), answering(t, tc.says), "PING")
			if got != tc.want || (tc.err == "") != (err == nil) {
				t.Fatalf("ask = %q, %v; want %q, %q", got, err, tc.want, tc.err)
			}
			if err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("ask: %v, want %q in it", err, tc.err)
			}
		})
	}
}

// TestAskHonoursTheContext asks somebody who takes the call and says nothing.
func TestAskHonoursTheContext(t *testing.T) {
	t.Parallel()
	l := listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn, err := l.Accept()
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		cancel()
	}()
	if _, err := ask(ctx, Conn{"tcp", l.Addr().String()}, "PING"); err == nil {
		t.Error("ask returned an answer that nobody gave")
	}
}

func TestLoadedPercent(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"$57\r\n# Persistence\r\nloading:1\r\nloading_loaded_perc:42.00\r\nx:1\r\n\r\n": "42.00",
		"$11\r\nloading:0\r\n\r\n": "unknown",
		"-ERR\r\n":                 "unknown",
	} {
		n := &Node{conn: answering(t, says)}
		if got := n.loaded(t.Context()); got != want {
			t.Errorf("loaded = %q, want %q", got, want)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// answering returns where somebody waits for one line and says text to it.
func answering(t *testing.T, text string) Conn {
	t.Helper()
	l := listen(t)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = bufio.NewReader(conn).ReadString('\n')
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}()
	return Conn{"tcp", l.Addr().String()}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":         `""`,
		"清源 x":     `"清源 x"`,
		"a\"b\\c":  `"a\"b\\c"`,
		"a\nb\x00": `"a\x0ab\x00"`,
	} {
		if got := quote(value); got != want {
			t.Errorf("quote(%q) = %s, want %s", value, got, want)
		}
	}
}

// TestStopOrphan plays a killed server by a process number that nobody has.
func TestStopOrphan(t *testing.T) {
	t.Parallel()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		serverPID int
		want      bool // whether Redis still answers
	}{
		"server killed": {dead.Process.Pid, false},
		"server alive":  {os.Getpid(), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, s := t.TempDir(), redistest.Start(t)
			node := `{"network":"` + s.Network() + `","addr":"` + s.Addr() + `","server_pid":` + strconv.Itoa(tc.serverPID) + `}`
			if err := os.WriteFile(nodePath(dir), []byte(node), 0o600); err != nil {
				t.Fatal(err)
			}
			stopOrphan(t.Context(), dir, slog.New(slog.DiscardHandler))
			if err := s.Client(t).Ping(t.Context()).Err(); (err == nil) != tc.want {
				t.Errorf("PING afterwards = %v, want an answer: %v", err, tc.want)
			}
		})
	}
}

func TestStopOrphanFindsNone(t *testing.T) {
	t.Parallel()
	for name, node := range map[string]string{
		"no file":     "",
		"half a file": `{"network":"un`,
		"no address":  `{"server_pid":1}`,
		"nobody home": `{"network":"unix","addr":"/nonexistent/s","server_pid":99999999}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if node != "" {
				if err := os.WriteFile(nodePath(dir), []byte(node), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			stopOrphan(t.Context(), dir, slog.New(slog.DiscardHandler))
		})
	}
}

func TestCheckOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open, closed, link := filepath.Join(dir, "open"), filepath.Join(dir, "closed"), filepath.Join(dir, "link")
	for path, mode := range map[string]os.FileMode{open: 0o755, closed: 0o700} {
		if err := os.Mkdir(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(closed, link); err != nil {
		t.Fatal(err)
	}
	if err := checkOwn(closed); err != nil {
		t.Errorf("our own folder: %v", err)
	}
	for _, path := range []string{open, link, filepath.Join(dir, "missing")} {
		if checkOwn(path) == nil {
			t.Errorf("%s passes for our own", path)
		}
	}
}
