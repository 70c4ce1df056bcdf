package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"qingyuan/configs"
)

// stage is a server of a rehearsal's own: this program, on a temporary folder
// that lies on the same disk as the real one, on free ports of loopback. It never
// meets the real data.
type stage struct {
	dir    string
	url    string
	server *exec.Cmd
	log    string // path of what the server writes
	ops    string // base URL of its operations listener
}

// stageReady is how long a server may take to start.
const stageReady = time.Minute

// openStage starts the server with the machine's configuration, as far as that
// says how to serve and not what or for whom.
func openStage(ctx context.Context, file string, cfg configs.Config) (_ *stage, err error) {
	dir, err := os.MkdirTemp(besideData(cfg.Data.Dir), "rehearsal-")
	if err != nil {
		return nil, fmt.Errorf("make a folder beside the data: %w", err)
	}
	s := &stage{dir: dir, log: filepath.Join(dir, "server.log")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.tail())
			s.close(io.Discard)
		}
	}()
	settings, err := stageSettings(file)
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(own, settings, 0o600); err != nil {
		return nil, err
	}
	if err := s.start(ctx, own); err != nil {
		return nil, err
	}
	return s, s.await(ctx)
}

// besideData is a folder on the disk of the data folder: its parent, or the data
// folder itself where a disk begins with it. What is not there yet is made by
// serve, on the disk of what is.
func besideData(data string) string {
	dir, err := filepath.Abs(data)
	if err != nil {
		dir = data
	}
	for {
		parent := filepath.Dir(dir)
		own, errOwn := device(dir)
		above, errAbove := device(parent)
		switch {
		case errOwn != nil && parent != dir: // not there
			dir = parent
		case errAbove == nil && own == above && dir != parent && writable(parent):
			return parent
		default:
			return dir
		}
	}
}

func device(dir string) (uint64, error) {
	var s syscall.Stat_t
	err := syscall.Stat(dir, &s)
	return uint64(s.Dev), err //nolint:unconvert // Its type differs between systems.
}

func writable(dir string) bool {
	const write, search = 2, 1
	return syscall.Access(dir, write|search) == nil
}

// foreignKeys are those of the configuration that say what is served, for whom
// and where: sections, and keys of their own. A rehearsal takes none of them.
var foreignKeys = []string{
	"data", "demo", "database", "secrets", "wechat", "campaigns", "log", "http.addr", "http.ops_addr",
	"redis.addrs", "redis.username", "redis.password", "redis.master_name", "redis.sentinel_username",
	"redis.sentinel_password", "redis.cluster", "redis.db", "redis.tls", "redis.wait_replicas", "redis.wait_timeout",
}

// isForeign tells whether a key, or the section it is in, is among them.
func isForeign(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return slices.Contains(foreignKeys, key) || slices.Contains(foreignKeys, section)
}

// stageSettings is the configuration file without what is foreign.
func stageSettings(file string) ([]byte, error) {
	settings := map[string]any{}
	if file != "" {
		raw, err := os.ReadFile(file) //nolint:gosec // The operator names the file.
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(raw, &settings); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	}
	for section, v := range settings {
		fields, _ := v.(map[string]any)
		for field := range fields {
			if isForeign(section + "." + field) {
				delete(fields, field)
			}
		}
		if isForeign(section) || v != nil && fields != nil && len(fields) == 0 {
			delete(settings, section)
		}
	}
	if len(settings) == 0 {
		return nil, nil
	}
	return yaml.Marshal(settings)
}

// stageEnv is the environment without what is foreign.
func stageEnv() []string {
	refused := map[string]bool{}
	for _, key := range configs.Keys() {
		refused[key.Env] = isForeign(key.Name)
	}
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return refused[name]
	})
}

// takesNoPart names the parts of the real deployment that a stage has no part of.
func takesNoPart(cfg configs.Config) []string {
	var out []string
	if !cfg.PrivateRedis() {
		out = append(out, "Redis")
	}
	if !cfg.Database.URL.IsZero() {
		out = append(out, "PostgreSQL")
	}
	return out
}

func (s *stage) start(ctx context.Context, config string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	// The end of ctx does not end the server: close does, after the people.
	s.server = exec.CommandContext(context.WithoutCancel(ctx), self, "serve", "--demo", //nolint:gosec // It is this program.
		"--config", config, "--data", filepath.Join(s.dir, "data"), "--addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0")
	s.server.Env, s.server.Stderr = stageEnv(), out
	if err := s.server.Start(); err != nil {
		s.server = nil
		return fmt.Errorf("start a server: %w", err)
	}
	return nil
}

// await waits until the server has said where it listens and is ready.
func (s *stage) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stageReady)
	defer cancel()
	err := until(ctx, 100*time.Millisecond, func() (bool, error) {
		if s.url == "" || s.ops == "" {
			s.url, s.ops = s.listening("public"), s.listening("operations")
		}
		return s.url != "" && s.ops != "" && isReady(ctx, s.url), nil
	})
	if err != nil {
		return fmt.Errorf("the server of the rehearsal is not ready: %w", err)
	}
	return nil
}

// listening reads the address of a listener from the server's log; "" before it is there.
func (s *stage) listening(what string) string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return ""
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		var line struct{ Msg, What, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" && line.What == what {
			return "http://" + line.Addr
		}
	}
	return ""
}

// paceMetric is the line of the metrics that tells the pace of the waiting room.
const paceMetric = "qingyuan_queue_pace_ratio "

// pace asks the server at which part of its rate the line moves; 0 is no answer.
func (s *stage) pace(ctx context.Context) float64 {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ops+"/metrics", http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), paceMetric); ok {
			pace, _ := strconv.ParseFloat(value, 64) // what is no number is no answer
			return pace
		}
	}
	return 0
}

func isReady(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// tail is the last of what the server wrote, as an error.
func (s *stage) tail() error {
	text, err := os.ReadFile(s.log)
	if err != nil || len(text) == 0 {
		return nil //nolint:nilerr // There is nothing to add.
	}
	return fmt.Errorf("the server wrote: %s", bytes.TrimSpace(text[max(0, len(text)-1000):]))
}

// stageStops is how long a server may take to stop.
const stageStops = 30 * time.Second

// close stops the server and takes the folder away.
func (s *stage) close(stderr io.Writer) {
	if s.server != nil {
		_ = s.server.Process.Signal(syscall.SIGTERM)
		overdue := time.AfterFunc(stageStops, func() { _ = s.server.Process.Kill() })
		_ = s.server.Wait() // it was told to
		overdue.Stop()
	}
	if err := os.RemoveAll(s.dir); err != nil {
		fmt.Fprintf(stderr, "qingyuan: %v: remove %s yourself\n", err, s.dir)
	}
}
