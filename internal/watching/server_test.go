package watching

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
)

// serving makes the test's own program a server: of small frames, or of bare writes.
const (
	serving  = "QINGYUAN_TEST_SERVE"
	asFrames = "frames"
	asBare   = "bare"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(serving) {
	case asFrames:
		err = serveFrames()
	case asBare:
		err = serveBare()
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// server is a process that publishes frames.
type server struct {
	cmd *exec.Cmd
	// addr is HOST:PORT, path that of the stream.
	addr, path string
	campaign   string
}

// startFrames runs the product's edge alone, with a frame of about a kilobyte a
// second.
func startFrames(t testing.TB) *server {
	t.Helper()
	return startOwn(t, asFrames)
}

// startBare runs a server that knows nothing but to write as much to everybody.
func startBare(t testing.TB) *server {
	t.Helper()
	return startOwn(t, asBare)
}

// startOwn runs the test's own program as a server.
func startOwn(t testing.TB, as string) *server {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serving+"="+as)
	return started(t, cmd, "small")
}

// startProgram runs the whole program with its demonstration campaigns.
func startProgram(t testing.TB) *server {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "qingyuan")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "qingyuan/cmd/qingyuan")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "serve", "--demo", "--data", filepath.Join(dir, "data"),
		"--addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0")
	s := started(t, cmd, "")
	s.campaign = s.firstOpen(t)
	s.path = "/api/v1/campaigns/" + s.campaign + "/live"
	return s
}

// started waits until the server has told where it listens, and ends it with t.
func started(t testing.TB, cmd *exec.Cmd, id string) *server {
	t.Helper()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(logs)
	s := &server{cmd: cmd, campaign: id, path: "/api/v1/campaigns/" + id + "/live"}
	for s.addr == "" && lines.Scan() {
		var line struct{ Msg, What, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" && line.What == "public" {
			s.addr = line.Addr
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, logs)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		_ = cmd.Wait()
	})
	if s.addr == "" {
		t.Fatal("the server ended before it listened")
	}
	return s
}

// firstOpen waits until the program is ready and chooses its first open campaign.
func (s *server) firstOpen(t testing.TB) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	get := func(path string, out any) bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(out) == nil
	}
	var open string
	waittest.Until(t, "the program to be ready with an open campaign", func() bool {
		var list struct{ Items []struct{ ID, State string } }
		if !get("/readyz", &struct{}{}) || !get("/api/v1/campaigns", &list) {
			return false
		}
		for _, c := range list.Items {
			if c.State == "open" {
				open = c.ID
			}
		}
		return open != ""
	})
	return open
}

// shelf is a catalog of one campaign, with neither quiz nor pledge.
type shelf struct {
	httpapi.Catalog

	def  *campaign.Campaign
	snap *leaderboard.Snapshot
}

func (s *shelf) Campaign(id string) (*campaign.Campaign, error) {
	if id != s.def.ID {
		return nil, campaign.ErrNotFound
	}
	return s.def, nil
}

func (s *shelf) Campaigns() []*campaign.Campaign { return []*campaign.Campaign{s.def} }

func (s *shelf) Snapshot(string) (*leaderboard.Snapshot, error) { return s.snap, nil }

// serveFrames publishes another small frame every second until it is told to
// stop.
func serveFrames() error {
	tree, err := campaign.NewTree([]campaign.Node{{ID: "u", Kind: campaign.Unit, Name: campaign.Text{campaign.DefaultLanguage: "单位"}}})
	if err != nil {
		return err
	}
	now := time.Now()
	s := &shelf{def: &campaign.Campaign{
		ID: "small", Zone: time.UTC, OpensAt: now.Add(-time.Hour), ClosesAt: now.Add(24 * time.Hour), Shards: 1, Tree: tree,
		Title: campaign.Text{campaign.DefaultLanguage: "题"}, Ranking: campaign.RankNone, PublicBreakdown: campaign.BreakdownNone,
		Groups: []campaign.Group{{ID: "public"}},
	}}
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	api := &httpapi.Server{
		Catalog: s, Boards: &leaderboard.Service{Catalog: s, Snapshots: s, Now: time.Now}, Now: time.Now,
		Log: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Limits: httpapi.Limits{Allow: []netip.Prefix{loopback}},
		Live:  httpapi.Live{MaxWatchers: 100_000},
		Ready: func(context.Context) httpapi.Readiness { return httpapi.Readiness{} },
	}
	s.publish(api, 0)
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	app := api.App()
	ended := make(chan error, 1)
	go func() { ended <- app.Listener(ln) }()
	fmt.Fprintf(os.Stderr, `{"msg":"serving","what":"public","addr":%q}`+"\n", ln.Addr())
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := int64(1); ; n++ {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			s.publish(api, n)
		}
	}
}

// publish makes a snapshot whose frame has about a kilobyte.
func (s *shelf) publish(api *httpapi.Server, n int64) {
	now := time.Now()
	tally := map[leaderboard.Cell]int64{{Unit: "u", Metric: leaderboard.Attempts}: 1_000_000 + n}
	var recent []leaderboard.RecentAct
	for range 4 {
		recent = append(recent, leaderboard.RecentAct{Kind: "signed.1", Name: strings.Repeat("张", 8), Unit: "u", At: now})
	}
	s.snap = &leaderboard.Snapshot{
		Campaign: s.def, AsOf: now, Roll: leaderboard.RollUp(s.def.Tree, tally), Recent: recent,
		Today: leaderboard.Window{Attempts: n},
	}
	api.Published(s.snap)
}
