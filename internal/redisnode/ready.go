package redisnode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	readyPoll     = 20 * time.Millisecond
	readyProgress = 5 * time.Second
	// askLimit is how long one question may take: a Redis that is busy loading
	// answers late.
	askLimit = 5 * time.Second
)

// awaitReady returns nil once c answers PING with PONG, which it does after
// loading. It waits as long as c lives and ctx lasts.
func (n *Node) awaitReady(ctx context.Context, c *child) error {
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	progress := time.NewTicker(readyProgress)
	defer progress.Stop()
	for {
		err := n.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.exited:
			return fmt.Errorf("it ended before it was ready: %w; its last words:\n%s", exitReason(c), c.log.tail())
		case <-ctx.Done():
			return fmt.Errorf("it was not ready in time (%w): %w", err, ctx.Err())
		case <-progress.C:
			n.o.Log.InfoContext(ctx, "waiting for redis-server",
				"pid", c.pid, "answer", err.Error(), "loaded_percent", n.loaded(ctx))
		case <-poll.C:
		}
	}
}

func (n *Node) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answer, err := ask(ctx, n.conn, "PING")
	if err == nil && answer != "PONG" {
		return fmt.Errorf("PING was answered with %q", answer)
	}
	return err
}

// loaded returns the share of the data that Redis has loaded, as it says it.
func (n *Node) loaded(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	info, err := ask(ctx, n.conn, "INFO persistence")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, "loading_loaded_perc:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func exitReason(c *child) error {
	if c.err == nil {
		return errors.New("exit status 0")
	}
	return c.err
}
