package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/redisnode"
)

// campaignID is the campaign that is driven: the demonstration's, but without the
// review of every question in the receipt.
const campaignID = "bench-2026"

// otherCampaign is one that the demonstration brings, in which nobody takes part.
const otherCampaign = "jinzhong-civil-2026"

// server is the real program in its own process.
type server struct {
	cmd        *exec.Cmd
	addr, ops  string
	redis      int // its Redis' process
	base       string
	unit       string
	group      string
	notice     string
	pledge     string
	publicHTTP *http.Client
}

func startServer(ctx context.Context, program, dir string, o options) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := applyCampaign(ctx, program, dir, o); err != nil {
		return nil, err
	}
	s := &server{base: "/api/v1/campaigns/" + campaignID, publicHTTP: &http.Client{
		Timeout: 10 * time.Second, Transport: &http.Transport{DisableCompression: true},
	}}
	var err error
	if s.addr, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	if s.ops, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	s.cmd = exec.CommandContext(ctx, program, "serve", "--demo", "--data", dir, "--addr", s.addr, "--ops-addr", s.ops)
	s.cmd.Env = append(os.Environ(), "QINGYUAN_HTTP_PPROF=true", "QINGYUAN_LOG_LEVEL=error")
	s.cmd.Stderr = os.Stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 30 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := s.learn(ctx, dir); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// applyCampaign opens the demonstration's campaign for these days, under another id.
func applyCampaign(ctx context.Context, program, dir string, o options) error {
	files := filepath.Join(dir, "campaign")
	if err := os.CopyFS(files, os.DirFS(filepath.Join(o.root, "configs", "demo"))); err != nil {
		return fmt.Errorf("copy the demonstration: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(files, "jinzhong-citizens.yaml"))
	if err != nil {
		return err
	}
	const layout = "2006-01-02 15:04"
	now := time.Now().UTC().Add(8 * time.Hour)
	for key, value := range map[string]string{
		"id": campaignID, "opens_at": now.AddDate(0, 0, -1).Format(layout),
		"closes_at": now.AddDate(0, 0, 20).Format(layout), "  review": "after_close", "  prefix": "BN26",
	} {
		line := regexp.MustCompile(`(?m)^` + key + `: .*$`)
		text = line.ReplaceAll(text, []byte(key+": "+value))
	}
	file := filepath.Join(files, "bench.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, program, "campaign", "apply", "--unreviewed", "--data", dir, file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("apply the campaign: %w: %s", err, out)
	}
	return nil
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// learn waits until the server serves, and reads what participants would.
func (s *server) learn(ctx context.Context, dir string) error {
	var c struct {
		Groups []struct{ ID string }
		Notice struct{ Version string } `json:"consent_notice"`
	}
	for began := time.Now(); ; {
		var units any
		err := errors.Join(s.read(ctx, s.base, &c), s.read(ctx, s.base+"/counts", &units))
		if err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("the server does not come up: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	var p struct{ Version string }
	if err := s.read(ctx, s.base+"/pledge", &p); err != nil {
		return err
	}
	s.group, s.notice, s.pledge = c.Groups[0].ID, c.Notice.Version, p.Version
	if err := s.findUnit(ctx, ""); err != nil {
		return err
	}
	conn, err := redisnode.Attach(dir)
	if err != nil {
		return err
	}
	db := redis.NewClient(conn.RedisOptions())
	defer func() { _ = db.Close() }()
	s.redis, err = redisPID(ctx, db)
	return err
}

// findUnit goes down the tree to its first unit.
func (s *server) findUnit(ctx context.Context, parent string) error {
	var list struct {
		Items []struct{ ID, Kind string }
	}
	if err := s.read(ctx, s.base+"/units?parent="+parent, &list); err != nil {
		return err
	}
	for _, n := range list.Items {
		if n.Kind == "unit" {
			s.unit = n.ID
			return nil
		}
	}
	if len(list.Items) == 0 {
		return errors.New("the campaign has no unit")
	}
	return s.findUnit(ctx, list.Items[0].ID)
}

func redisPID(ctx context.Context, db *redis.Client) (int, error) {
	info, err := db.InfoMap(ctx, "server").Result()
	if err != nil {
		return 0, fmt.Errorf("ask redis who it is: %w", err)
	}
	return strconv.Atoi(info["Server"]["process_id"])
}

// read gets one public answer.
func (s *server) read(ctx context.Context, path string, out any) error {
	body, err := s.get(ctx, "http://"+s.addr+path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, out)
}

func (s *server) get(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	a, err := s.publicHTTP.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	defer func() { _ = a.Body.Close() }()
	body, err := io.ReadAll(a.Body)
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %s", url, a.Status, body)
	}
	return body, err
}

// quiet waits until everything that was accepted is counted and in the ledger, so
// that what the server still does is not paid for by the turn that follows.
//
// The gauges are a second old, so it does not look before, and then not often: writing
// all metrics takes the server as long as a hundred requests.
func (s *server) quiet(ctx context.Context) error {
	began := time.Now()
	time.Sleep(1200 * time.Millisecond)
	for ; time.Since(began) < deadline; time.Sleep(200 * time.Millisecond) {
		body, err := s.get(ctx, "http://"+s.ops+"/metrics")
		if err != nil {
			return err
		}
		waiting := 0.0
		for line := range strings.Lines(string(body)) {
			if strings.HasPrefix(line, "qingyuan_archive_entries_waiting{") || strings.HasPrefix(line, "qingyuan_fold_facts_waiting{") {
				n, _ := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
				waiting += n
			}
		}
		if waiting == 0 {
			return nil
		}
	}
	return errors.New("the server's ledger does not keep up")
}

func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	return nil
}
