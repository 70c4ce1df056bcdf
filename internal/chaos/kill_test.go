//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// TestKillServer kills the server under load, the private Redis with it, and
// starts it again on the same data folder. It seals meanwhile: afterwards every act has
// a leaf of its own.
func TestKillServer(t *testing.T) {
	t.Parallel()
	const kind = "server"
	s := NewStage(t, "server kill -9 under load", Options{Name: kind, Env: []string{sealing}}, CrowdOptions{HangUp: 0.02})
	random := Random(kind + " faults")
	s.Rounds(t.Context(), Rounds(kind, 30, 1000), func(ctx context.Context) error {
		Sleep(ctx, Between(random, 20*time.Millisecond, 500*time.Millisecond))
		s.Program.Kill()
		Sleep(ctx, Between(random, 0, 50*time.Millisecond))
		if err := s.Restart(ctx); err != nil {
			return err
		}
		Sleep(ctx, Between(random, 0, 100*time.Millisecond))
		return nil
	})
	s.Sealed(t.Context())
}

// TestKillRedis kills the private Redis under load: at any moment, in the middle
// of a rewrite of its file, and while it loads. The server brings it back.
func TestKillRedis(t *testing.T) {
	t.Parallel()
	const kind = "redis"
	env, arguments, err := RedisWith(Folder(t, "redis-with"))
	if err != nil {
		t.Fatal(err)
	}
	s := NewStage(t, "Redis kill -9 under load", Options{Name: kind, Env: []string{env}}, CrowdOptions{HangUp: 0.02})
	k := redisKiller{Stage: s, random: Random(kind + " faults"), arguments: arguments}
	s.Rounds(t.Context(), Rounds(kind, 20, 1000), k.round)
	s.Row.Note("%d kills, of which %d in a rewrite and %d while loading", k.kills, k.rewriting, k.loading)
	if *scaleFlag == "long" && (k.rewriting == 0 || k.loading == 0) {
		t.Errorf("killed %d times in a rewrite and %d times while loading, want some of each", k.rewriting, k.loading)
	}
}

// TestKillBoth kills Redis and, within a quarter of a second, the server.
func TestKillBoth(t *testing.T) {
	t.Parallel()
	const kind = "both"
	s := NewStage(t, "Redis and server kill -9, one after the other", Options{Name: kind, Env: []string{sealing}}, CrowdOptions{HangUp: 0.02})
	random := Random(kind + " faults")
	s.Rounds(t.Context(), Rounds(kind, 10, 300), func(ctx context.Context) error {
		Sleep(ctx, Between(random, 20*time.Millisecond, 400*time.Millisecond))
		if err := s.Program.KillRedis(ctx); err != nil {
			return err
		}
		Sleep(ctx, Between(random, 0, 250*time.Millisecond))
		s.Program.Kill()
		return s.Restart(ctx)
	})
	s.Sealed(t.Context())
}

// redisKiller kills the private Redis of a stage in several ways.
type redisKiller struct {
	*Stage

	random    *rand.Rand
	arguments string // file of what the next redis-server is given in addition
	rounds    int
	deaths    int // since the server was started

	kills, rewriting, loading int
}

// mostDeaths is how often Redis dies under one server: with each death in a row
// the server waits longer before it starts another.
const mostDeaths = 3

// perKey slows loading and rewriting down to where a kill can hit them,
// whatever the disk: microseconds for each command loaded and each key written.
const perKey = 300

func (k *redisKiller) round(ctx context.Context) error {
	Sleep(ctx, Between(k.random, 20*time.Millisecond, 400*time.Millisecond))
	var err error
	k.rounds++
	switch k.rounds % 4 {
	case 1:
		err = k.inRewrite(ctx)
	case 3:
		err = k.inLoading(ctx)
	default:
		err = k.kill(ctx)
	}
	if err != nil {
		return err
	}
	if err := k.Back(ctx); err != nil {
		return err
	}
	if k.deaths < mostDeaths {
		return nil
	}
	k.deaths = 0
	if k.random.IntN(3) > 0 {
		k.Program.Kill()
	} else if err := k.Program.Stop(); err != nil {
		return err
	}
	return k.Restart(ctx)
}

func (k *redisKiller) kill(ctx context.Context) error {
	k.kills++
	k.deaths++
	return k.Program.KillRedis(ctx)
}

// inRewrite kills Redis and its child's work in the middle of rewriting.
func (k *redisKiller) inRewrite(ctx context.Context) error {
	for _, command := range []string{fmt.Sprint("CONFIG SET rdb-key-save-delay ", perKey), "BGREWRITEAOF"} {
		if _, err := k.Program.AskRedis(ctx, command); err != nil {
			return err
		}
	}
	Sleep(ctx, Between(k.random, 0, 60*time.Millisecond))
	info, err := k.Program.AskRedis(ctx, "INFO persistence")
	if err != nil {
		return err
	}
	if strings.Contains(info, "aof_rewrite_in_progress:1") {
		k.rewriting++
	}
	return k.kill(ctx)
}

// inLoading kills Redis, and the next one while it loads.
func (k *redisKiller) inLoading(ctx context.Context) error {
	slow := fmt.Appendf(nil, "--key-load-delay %d", perKey)
	if err := os.WriteFile(k.arguments, slow, 0o600); err != nil {
		return err
	}
	if err := k.kill(ctx); err != nil {
		return err
	}
	err := poll(ctx, patience, "another Redis", func() (bool, error) { return k.Program.RedisListens(ctx), nil })
	if err := errors.Join(err, os.Remove(k.arguments)); err != nil {
		return err
	}
	Sleep(ctx, Between(k.random, 0, 60*time.Millisecond))
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if answer, err := k.Program.AskRedis(soon, "PING"); err != nil || answer != "+PONG" {
		k.loading++
	}
	return k.kill(ctx)
}
