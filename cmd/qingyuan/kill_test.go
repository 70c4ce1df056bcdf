package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/porttest"
	"qingyuan/internal/simulate"
	"qingyuan/proof"
)

// programName is how this test binary is called where it is the program itself. It runs as
// that in processes of their own: nothing has to be built for them.
const programName = "qingyuan"

// isProgram tells whether this process is one of them.
func isProgram() bool { return filepath.Base(os.Args[0]) == programName }

// copied is this test binary under the program's name, in a folder that goes with the run.
var copied struct {
	once sync.Once
	dir  string
	err  error
}

// binary returns the path of the program, which has the places at which it can be told to
// die. It is a copy: what the program starts of itself must be the program, too.
func binary(t testing.TB) string {
	t.Helper()
	copied.once.Do(func() {
		if copied.dir, copied.err = os.MkdirTemp("", "qyb"); copied.err != nil { //nolint:usetesting // It outlives the test.
			return
		}
		var self string
		if self, copied.err = os.Executable(); copied.err == nil {
			copied.err = copyFile(filepath.Join(copied.dir, programName), self)
		}
	})
	if copied.err != nil {
		t.Fatalf("copy the program: %v", copied.err)
	}
	return filepath.Join(copied.dir, programName)
}

// copyFile copies a file that can be run.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// process is the real program in a process of its own, which can be killed.
type process struct {
	api
	args   []string
	binary string
	log    *bytes.Buffer
	cmd    *exec.Cmd
}

// spawn starts the program on a data folder and a port that stay the same over
// restarts, with more flags where there are any.
func spawn(t testing.TB, binary, data string, more ...string) *process {
	t.Helper()
	addr, ops := porttest.Addr(t), porttest.Addr(t)
	p := &process{
		api: api{t: t, base: "http://" + addr}, binary: binary, log: &bytes.Buffer{},
		args: append([]string{"serve", "--demo", "--data", data, "--addr", addr, "--ops-addr", ops}, more...),
	}
	t.Cleanup(p.kill)
	p.start()
	return p
}

func (p *process) start() {
	p.t.Helper()
	p.begin()
	p.awaitReady()
}

// begin starts the process with more in its environment, and does not wait for it.
func (p *process) begin(more ...string) {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, p.args...)
	p.cmd.Stderr, p.cmd.Env = p.log, append(os.Environ(), more...)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// startToDie starts the process with a place at which it kills itself.
func (p *process) startToDie(point string) {
	p.t.Helper()
	p.begin(failpoint.Env + "=" + point + "=kill@1")
}

// awaitDeath waits until the process has killed itself, and fails when it ends otherwise.
func (p *process) awaitDeath() {
	p.t.Helper()
	limit := time.AfterFunc(patience, func() { _ = p.cmd.Process.Signal(syscall.SIGTERM) })
	defer limit.Stop()
	err := p.cmd.Wait()
	died, ok := errors.AsType[*exec.ExitError](err)
	if ok {
		status, isUnix := died.Sys().(syscall.WaitStatus)
		ok = isUnix && status.Signal() == syscall.SIGKILL
	}
	if p.cmd = nil; !ok {
		p.t.Fatalf("the program did not kill itself: %v\n%s", err, p.log)
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.cmd = nil
}

// halfway tells when a simulation has done so many steps.
type halfway struct {
	mu    sync.Mutex
	left  int
	reach chan struct{}
}

func (h *halfway) Begin(string, int) {}
func (h *halfway) End()              {}

func (h *halfway) Step() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left--
	if h.left == 0 {
		close(h.reach)
	}
}

// TestInvariant3KillInMidSimulation kills the server while people are taking the
// quiz. Everything acknowledged must be there afterwards, and counted once; and whatever
// was accepted before a kill and sealed after it is in the log once.
func TestInvariant3KillInMidSimulation(t *testing.T) {
	t.Parallel()
	data := shortDir(t)
	p := spawn(t, binary(t), data, "--config", saved(t, "config.yaml", []byte("proofs:\n  every: 500ms\n")))
	const people = 300
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Participants, cfg.Workers = p.base, demoCampaign, people, 32
	for range 2 {
		mid := &halfway{left: people / 2, reach: make(chan struct{})}
		killed := make(chan struct{})
		go func() {
			defer close(killed)
			<-mid.reach
			p.kill()
			p.start()
		}()
		report, err := simulate.Run(t.Context(), cfg, mid)
		<-killed
		if err != nil {
			t.Fatal(err)
		}
		requireOK(t, &report)
	}
	counts := p.want(200, "GET", demoPath+"/counts", nil)
	p.awaitSealed(counts.num("attempts"), counts.num("signatures"))
	if out := mustRun(t, "verify", "--data", data); !strings.Contains(out, "worked out again from the ledger: it holds") {
		t.Errorf("verify says %s", out)
	}
	requireSealedOnce(t, data, int(counts.num("attempts")+counts.num("signatures")))
}

// requireSealedOnce wants so many acts to be in the ledger, and each to have one leaf of its
// own, with no leaf beside them.
func requireSealedOnce(t *testing.T, data string, acts int) {
	t.Helper()
	cfg := configs.Default()
	cfg.Demo, cfg.Data.Dir = true, data
	w := bench(t, cfg)
	accepted := map[string]bool{}
	for _, act := range column(t, w.db, `SELECT f.participant || ' ' || f.kind || ' ' || CAST(f.body AS TEXT) FROM facts f JOIN shards s ON s.id = f.shard
		WHERE s.campaign = '`+demoCampaign+`' AND f.kind IN ('submitted.1', 'signed.1')`) {
		who, rest, _ := strings.Cut(act, " ")
		kind, body, _ := strings.Cut(rest, " ")
		name := proof.SignatureAct
		if event.Kind(kind) == event.KindSubmitted {
			var a event.Submitted
			if err := json.Unmarshal([]byte(body), &a); err != nil {
				t.Fatal(err)
			}
			name = proof.AttemptAct(a.Number)
		}
		accepted[who+" "+string(name)] = true
	}
	leaf := map[string]string{}
	for _, link := range column(t, w.db, `SELECT idx || '=' || participant || ' ' || act FROM proof_links WHERE campaign = '`+demoCampaign+`'`) {
		index, act, _ := strings.Cut(link, "=")
		if other := leaf[index]; other != "" || !accepted[act] {
			t.Errorf("leaf %s is of %s, and of %q; in the ledger %t", index, act, other, accepted[act])
		}
		leaf[index] = act
		delete(accepted, act)
	}
	if len(accepted) > 0 || len(leaf) != acts {
		t.Errorf("%d acts have no leaf; %d leaves of %d acts", len(accepted), len(leaf), acts)
	}
	for i := range acts {
		if leaf[strconv.Itoa(i)] == "" {
			t.Errorf("nothing leads to leaf %d of %d", i, acts)
		}
	}
}

// TestInvariant3KillRedisInMidSimulation kills the private Redis under load: the
// server brings it back, and nothing acknowledged is missing.
func TestInvariant3KillRedisInMidSimulation(t *testing.T) {
	t.Parallel()
	data := shortDir(t)
	p := spawn(t, binary(t), data)
	const people = 300
	cfg := simulate.Default()
	cfg.Target, cfg.Campaign, cfg.Participants, cfg.Workers = p.base, demoCampaign, people, 32
	mid := &halfway{left: people / 2, reach: make(chan struct{})}
	killed := make(chan int, 1)
	go func() {
		<-mid.reach
		redis := redisesOn(t, data)
		for _, pid := range redis {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		killed <- len(redis)
	}()
	report, err := simulate.Run(t.Context(), cfg, mid)
	if err != nil {
		t.Fatal(err)
	}
	if n := <-killed; n != 1 {
		t.Fatalf("killed %d redis-servers, want the one", n)
	}
	requireOK(t, &report)
}

// requireOK fails with the report's table unless it found nothing wrong.
func requireOK(t *testing.T, report *simulate.Report) {
	t.Helper()
	if !report.OK() {
		var table bytes.Buffer
		_ = report.WriteTable(&table)
		t.Fatal(table.String())
	}
}

// TestOneServerPerFolder starts a second server on a data folder in use: it must
// give up with a reason, and the first must not notice.
func TestOneServerPerFolder(t *testing.T) {
	t.Parallel()
	bin, data := binary(t), shortDir(t)
	p := spawn(t, bin, data)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	second := exec.CommandContext(ctx, bin, "serve", "--demo", "--data", data, "--addr", "127.0.0.1:0", "--ops-addr", "127.0.0.1:0")
	out, err := second.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("another server uses this data folder")) {
		t.Errorf("a second server on the folder ended with %v and said:\n%s", err, out)
	}
	p.want(200, "GET", "/readyz", nil)
	if redis := redisesOn(t, data); len(redis) != 1 {
		t.Errorf("redis-servers %v run on the folder, want one", redis)
	}
	p.kill()
	p.eventually("the private Redis to go with its server", func() bool { return len(redisesOn(t, data)) == 0 })
}

// redisesOn lists the processes whose current folder is the data folder's Redis:
// redis-server changes into it.
func redisesOn(t *testing.T, data string) []int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, l := range links {
		if dir, err := filepath.EvalSymlinks(l); err == nil && dir == filepath.Join(data, "redis") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(l)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
