package redisnode

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

const tailLines = 20

// childLog passes on what a child writes and remembers the last of it.
type childLog struct {
	to *slog.Logger

	mu   sync.Mutex
	last []string
}

func newChildLog(to *slog.Logger) *childLog { return &childLog{to: to} }

// readFrom reads lines until r ends or is closed. It never stops earlier: a
// Redis whose pipe nobody empties would stand still.
func (l *childLog) readFrom(ctx context.Context, r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, long, err := lines.ReadLine()
		if len(line) > 0 {
			l.add(ctx, string(line))
		}
		for long && err == nil { // the rest of a line that nobody will miss
			_, long, err = lines.ReadLine()
		}
		if err != nil {
			return
		}
	}
}

func (l *childLog) add(ctx context.Context, line string) {
	l.mu.Lock()
	if len(l.last) == tailLines {
		l.last = slices.Delete(l.last, 0, 1)
	}
	l.last = append(l.last, line)
	l.mu.Unlock()
	level, text := parse(line)
	l.to.Log(ctx, level, "redis-server says", "line", text)
}

// tail returns the newest lines.
func (l *childLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.last, "\n")
}

// routine lists what Redis says at the level of a warning whenever it starts or
// is asked to stop.
var routine = []string{
	"oO0OoO0OoO0Oo",
	"Redis version=",
	"Valkey version=",
	"Configuration loaded",
	"Server initialized",
	"User requested shutdown",
	"is now ready to exit",
}

// parse takes a line apart, such as
//
//	4711:M 21 Nov 2025 20:00:00.123 # Something is wrong
//
// Warnings stay warnings; everything else is for debugging. What does not look
// like this is a complaint about the configuration, or a crash report.
func parse(line string) (slog.Level, string) {
	parts := strings.SplitN(line, " ", 7)
	if len(parts) < 7 || len(parts[5]) != 1 || !strings.Contains(parts[0], ":") {
		return slog.LevelWarn, line
	}
	text := parts[6]
	isRoutine := func(s string) bool { return strings.Contains(text, s) }
	if parts[5] != "#" || slices.ContainsFunc(routine, isRoutine) {
		return slog.LevelDebug, text
	}
	return slog.LevelWarn, text
}
