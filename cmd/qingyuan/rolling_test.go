package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/porttest"
	"qingyuan/internal/redistest"
)

// proxy runs nginx on deploy/nginx.conf, with these addresses in the place of
// the sample's, and returns its base URL.
func proxy(t *testing.T, servers []string) string {
	t.Helper()
	binary, err := exec.LookPath("nginx")
	if err != nil {
		if binary, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Fatal("nginx is missing: this test runs deploy/nginx.conf; on Debian, as root: apt-get install nginx-light")
		}
	}
	addr, dir := porttest.Addr(t), shortDir(t)
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(rendered(t, addr, dir, servers)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-p", dir, "-c", conf, "-e", filepath.Join(dir, "log"))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	a := api{t: t, base: "http://" + addr}
	a.eventually("nginx to listen", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return a.base
}

// rendered is the sample with our addresses, as one process that writes nothing
// outside dir.
func rendered(t *testing.T, addr, dir string, servers []string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := string(text)
	for i, s := range servers {
		conf = replaceOne(t, conf, fmt.Sprintf(`10\.0\.0\.1%d:8080`, i+1), s)
	}
	conf = regexp.MustCompile(`(?m)^ *server 10\.0\.0\..*\n`).ReplaceAllString(conf, "") // those that are not there
	conf = replaceOne(t, conf, `listen 80 `, "listen "+addr+" ")
	conf = replaceOne(t, conf, `worker_processes auto;`, "daemon off; master_process off; pid "+dir+"/pid;")
	conf = replaceOne(t, conf, `worker_rlimit_nofile \d+;`, "")
	conf = replaceOne(t, conf, `worker_connections \d+;`, "worker_connections 512;")
	var temp strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temp, "%s_temp_path %s/%s;\n", name, dir, name)
	}
	return replaceOne(t, conf, `http \{`, "http {\n"+temp.String())
}

func replaceOne(t *testing.T, text, pattern, by string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	if n := len(re.FindAllString(text, -1)); n != 1 {
		t.Fatalf("%q stands %d times in deploy/nginx.conf, want once", pattern, n)
	}
	return re.ReplaceAllLiteralString(text, by)
}

// fleet is several servers of one deployment at fixed addresses.
type fleet struct {
	t       *testing.T
	configs []configs.Config
	servers []*server
}

func newFleet(t *testing.T, n int, deployment configs.Config) *fleet {
	t.Helper()
	f := &fleet{t: t}
	for range n {
		cfg := another(t, deployment)
		cfg.HTTP.Addr = porttest.Addr(t)
		cfg.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		f.configs = append(f.configs, cfg)
		f.servers = append(f.servers, start(t, cfg))
	}
	return f
}

func (f *fleet) addrs() []string {
	var out []string
	for _, cfg := range f.configs {
		out = append(out, cfg.HTTP.Addr)
	}
	return out
}

// restart stops a server as SIGTERM does, and starts it again at its address.
func (f *fleet) restart(i int) {
	f.t.Helper()
	if err := f.servers[i].stop(); err != nil {
		f.t.Errorf("server %d was told to stop: %v", i, err)
	}
	f.servers[i] = start(f.t, f.configs[i])
}

// TestRollingRestart restarts three servers behind nginx one by one under load,
// with the sample configuration: whatever was acknowledged counts once, and
// nobody meets more than an answer that asks to come again.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	cfg := on(t, redis.Addr(), "k")
	f := newFleet(t, 3, cfg)
	base := proxy(t, f.addrs())
	screen := watch(t, base)
	report := disturbed(t, base, demoCampaign, repeated(
		func() { f.restart(0) }, func() { f.restart(1) }, func() { f.restart(2) },
	)...)
	for why, n := range report.Retries {
		if why != "service.unavailable" {
			t.Errorf("%d requests met %q: nginx passed on what a stopping server leaves behind", n, why)
		}
	}
	requireLedger(t, cfg)
	screen.stop()
	if screen.streams < 2 || screen.frames <= screen.streams {
		t.Errorf("a screen behind nginx saw %d frames in %d streams, want further ones in each, and a stream for each restart",
			screen.frames, screen.streams)
	}
}

// screen watches the live counts and comes back when a stream ends.
type screen struct {
	stop            func()
	streams, frames int // to be read once it has stopped
}

func watch(t *testing.T, base string) *screen {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	s := &screen{stop: func() { cancel(); wg.Wait() }}
	t.Cleanup(s.stop)
	wg.Go(func() {
		for ctx.Err() == nil {
			s.stream(ctx, base+"/api/v1/campaigns/"+demoCampaign+"/live")
		}
	})
	return s
}

// stream reads one stream to its end.
func (s *screen) stream(ctx context.Context, url string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return
	}
	s.streams++
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data:") {
			s.frames++
		}
	}
}
