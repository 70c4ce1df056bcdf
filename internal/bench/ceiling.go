package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisnode"
	"qingyuan/internal/redisstore"
)

const roleCeiling = "ceiling"

// The Redis servers of the ceiling.
const (
	always = "always" // set up as the server's own
	noAOF  = "noaof"  // the same, and nothing is written
	slow   = "slow"   // the same, and each sync takes longer
)

// plan is what the parent tells the ceiling's process.
type plan struct {
	Redis  map[string]redisnode.Conn
	Script captured
	// Static are bodies by name.
	Static map[string][]byte
}

// serveCeiling is the ceiling's own process. It reads its plan from standard
// input and writes its address to standard output.
func serveCeiling(ctx context.Context, o options) error {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	for name, conn := range p.Redis {
		plain, joined := client(conn), client(conn)
		app.Post("/"+name+"/plain/:person", submission(p.Script, plain))
		app.Post("/"+name+"/joined/:person", submission(p.Script, redisstore.NewJoined(joined, o.joined)))
		app.Get("/"+name+"/get", func(c *fiber.Ctx) error {
			v, err := plain.Get(c.UserContext(), someKey).Bytes()
			if err != nil {
				return fmt.Errorf("get: %w", err)
			}
			return c.Send(v)
		})
	}
	app.Get("/static/:name", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.Send(p.Static[c.Params("name")])
	})
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	fmt.Println(ln.Addr())
	go func() {
		<-ctx.Done()
		_ = app.Shutdown()
	}()
	return app.Listener(ln)
}

// someKey is what the plain GET reads.
const someKey = "bench"

// client is set up as the server's own.
func client(conn redisnode.Conn) *redis.Client {
	o := conn.RedisOptions()
	o.DialerRetries = 1
	o.PoolSize, o.PipelinePoolSize = 128, 16
	return redis.NewClient(o)
}

// submission does nothing but run the script.
func submission(s captured, db redis.Scripter) fiber.Handler {
	return func(c *fiber.Ctx) error {
		keys, args := s.as(c.Params("person"))
		out, err := db.EvalSha(c.UserContext(), s.SHA, keys, args...).Slice()
		if err != nil {
			return fmt.Errorf("submit: %w", err)
		}
		if len(out) == 0 || out[0] != "ok" {
			return fmt.Errorf("submit: %v", out)
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.SendString(`{"outcome":"ok"}`)
	}
}

// ceiling is the ceiling's process with its Redis servers.
type ceiling struct {
	cmd    *exec.Cmd
	addr   string
	joined int
	now    time.Time // when everybody's attempt was opened
	nodes  map[string]*redisnode.Node
	people map[string]*crowd
	static map[string][]byte
	script captured
}

// startCeiling starts the Redis servers and prepares the first person on each; the
// process itself comes once the server's answers are known: see launch.
func startCeiling(ctx context.Context, dir string, o options) (*ceiling, error) {
	c := &ceiling{joined: o.joined, now: time.Now().Truncate(time.Millisecond), nodes: map[string]*redisnode.Node{}, people: map[string]*crowd{}, static: map[string][]byte{}}
	for _, name := range []string{always, noAOF, slow} {
		binary := "redis-server"
		if name == slow {
			var err error
			if binary, err = slowRedis(filepath.Join(dir, "disk"), o); err != nil {
				fmt.Println("the slow disk is left out:", err)
				continue
			}
		}
		if err := c.addRedis(ctx, name, filepath.Join(dir, name), binary); err != nil {
			_ = c.stop()
			return nil, err
		}
	}
	return c, nil
}

func (c *ceiling) addRedis(ctx context.Context, name, dir, binary string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	node, err := redisnode.Start(ctx, redisnode.Options{Dir: dir, Binary: binary, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("redis %s: %w", name, err)
	}
	c.nodes[name] = node
	db := client(node.Conn())
	if name == noAOF {
		if err := db.ConfigSet(ctx, "appendonly", "no").Err(); err != nil {
			return fmt.Errorf("redis %s: %w", name, err)
		}
	}
	if c.people[name], c.script, err = newCrowd(ctx, db, c.now); err != nil {
		return fmt.Errorf("redis %s: %w", name, err)
	}
	return db.Set(ctx, someKey, strings.Repeat("x", 100), 0).Err()
}

// launch starts the process.
func (c *ceiling) launch(ctx context.Context) error {
	p := plan{Redis: map[string]redisnode.Conn{}, Script: c.script, Static: c.static}
	for name, node := range c.nodes {
		p.Redis[name] = node.Conn()
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.cmd = exec.CommandContext(ctx, self, "-role", roleCeiling, "-joined", strconv.Itoa(c.joined))
	c.cmd.Stdin, c.cmd.Stderr = bytes.NewReader(text), os.Stderr
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = 10 * time.Second
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return fmt.Errorf("start the ceiling: %w", err)
	}
	_, err = fmt.Fscanln(out, &c.addr)
	return err
}

func (c *ceiling) stop() error {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(syscall.SIGTERM)
		_ = c.cmd.Wait() // how it ends matters to nobody
	}
	for name, node := range c.nodes {
		if err := node.Close(); err != nil {
			return fmt.Errorf("stop redis %s: %w", name, err)
		}
	}
	return nil
}

// slowRedis returns a redis-server on a disk that is slow: the same shim that the
// fault tests use, without their log.
func slowRedis(dir string, o options) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	source := filepath.Join(dir, "slow.c")
	delay := strconv.FormatInt(o.slow.Nanoseconds(), 10)
	if err := os.WriteFile(source, []byte(slowDisk), 0o600); err != nil {
		return "", err
	}
	library := filepath.Join(dir, "slow.so")
	out, err := exec.Command("gcc", "-O2", "-shared", "-fPIC", "-DDELAY="+delay, "-o", library, source, "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile it: %w: %s", err, out)
	}
	server, err := exec.LookPath("redis-server")
	if err != nil {
		return "", err
	}
	wrapper := filepath.Join(dir, "redis-server")
	script := fmt.Sprintf("#!/bin/sh\nLD_PRELOAD=%q exec %q \"$@\"\n", library, server)
	return wrapper, os.WriteFile(wrapper, []byte(script), 0o700)
}

// slowDisk delays each sync by DELAY nanoseconds.
const slowDisk = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
int fdatasync(int fd)
{
	static int (*real)(int);
	struct timespec delay = { DELAY / 1000000000, DELAY % 1000000000 };
	if (!real)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	nanosleep(&delay, 0);
	return real(fd);
}
`
