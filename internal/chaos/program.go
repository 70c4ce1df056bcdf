//go:build chaos

package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"qingyuan/internal/porttest"
)

// patience bounds every wait for the program.
const patience = 60 * time.Second

// ErrExited says that the program has ended while something was expected of it.
var ErrExited = errors.New("the program has ended")

// Options says how to run the program.
type Options struct {
	// Name is part of the paths of data and log.
	Name string
	// Data is the data folder; empty makes one.
	Data string
	// Args follow those of serve.
	Args []string
	// Env is added to the environment and lasts over restarts.
	Env []string
	// Prefix is put before the command, such as faketime and its arguments.
	Prefix []string
	// Database is the URL of a PostgreSQL that Env names as well; empty for the
	// SQLite file in the data folder.
	Database string
}

// Program is the real program in a process of its own, on a data folder and an
// address that stay the same over restarts. It is used by one goroutine.
type Program struct {
	// URL is where it serves, Data its data folder.
	URL, Data string
	// Env is the additional environment of the next Start.
	Env []string

	o      Options
	ops    string
	log    string
	life   *life
	client *http.Client
}

// life is one process of the program.
type life struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// New prepares the program without starting it. It ends with the test; its log
// stays when the test fails.
func New(t testing.TB, o Options) *Program {
	t.Helper()
	dir := Folder(t, o.Name)
	if o.Data == "" {
		o.Data = filepath.Join(dir, "d")
	}
	p := &Program{o: o, Data: o.Data, Env: o.Env, log: filepath.Join(dir, "program.log")}
	p.URL, p.ops = "http://"+porttest.Addr(t), porttest.Addr(t)
	p.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	t.Cleanup(func() {
		p.Kill()
		for _, line := range p.confessions() {
			t.Errorf("the program's log: %s", line)
		}
		if t.Failed() {
			t.Logf("the log is %s; it ends with\n%s", p.log, tail(p.log, 30))
		}
	})
	return p
}

// Launch is New and Start.
func Launch(t testing.TB, o Options) *Program {
	t.Helper()
	p := New(t, o)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// Start runs the program and returns when it is ready. It fails with ErrExited
// when the program ends before.
func (p *Program) Start(ctx context.Context) error {
	if err := p.Spawn(); err != nil {
		return err
	}
	return p.AwaitReady(ctx)
}

// Spawn runs the program and does not wait for it.
func (p *Program) Spawn() error {
	argv := append(append([]string{}, p.o.Prefix...), run.binary, "serve", "--demo", "--data", p.Data,
		"--addr", strings.TrimPrefix(p.URL, "http://"), "--ops-addr", p.ops)
	l, err := spawn(append(argv, p.o.Args...), p.environment(), p.log)
	if err != nil {
		return fmt.Errorf("start the program: %w", err)
	}
	p.life = l
	return nil
}

// With adds a variable to the environment of what do starts.
func (p *Program) With(variable string, do func() error) error {
	before := p.Env
	p.Env = append(slices.Clip(before), variable)
	defer func() { p.Env = before }()
	return do()
}

// environment is ours without what would configure the program by accident. The
// limits per participant are far away: the crowd is quicker than people.
func (p *Program) environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "QINGYUAN_") {
			env = append(env, e)
		}
	}
	env = append(env, "QINGYUAN_LIMITS_PER_PARTICIPANT_RATE=10000", "QINGYUAN_LIMITS_PER_PARTICIPANT_BURST=100000",
		"QINGYUAN_LIMITS_PER_ADDRESS_RATE=1000000", "QINGYUAN_LIMITS_PER_ADDRESS_BURST=1000000")
	return append(env, p.Env...)
}

// AwaitReady waits until /readyz says yes.
func (p *Program) AwaitReady(ctx context.Context) error {
	return poll(ctx, patience, "readiness", func() (bool, error) {
		if !p.Running() {
			return false, fmt.Errorf("%w: %s", ErrExited, tail(p.log, 5))
		}
		return p.Ready(ctx), nil
	})
}

// Ready tells whether /readyz says yes now.
func (p *Program) Ready(ctx context.Context) bool { return p.probe(ctx, "/readyz") }

// Listens tells whether the program answers at all.
func (p *Program) Listens(ctx context.Context) bool { return p.probe(ctx, "/healthz") }

func (p *Program) probe(ctx context.Context, path string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Running tells whether the process lives.
func (p *Program) Running() bool {
	if p.life == nil {
		return false
	}
	select {
	case <-p.life.exited:
		return false
	default:
		return true
	}
}

// PID is the process id of the program, or zero.
func (p *Program) PID() int {
	if !p.Running() {
		return 0
	}
	return p.life.cmd.Process.Pid
}

// Kill ends the program as kill -9 does and waits until it is gone. The private
// Redis goes with it.
func (p *Program) Kill() {
	if p.life == nil {
		return
	}
	_ = p.life.cmd.Process.Kill()
	<-p.life.exited
}

// Stop ends the program in an orderly way.
func (p *Program) Stop() error {
	if !p.Running() {
		return nil
	}
	if err := p.life.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the program: %w", err)
	}
	return p.AwaitExit(patience)
}

// AwaitExit waits until the program has ended by itself, as at a failpoint.
func (p *Program) AwaitExit(limit time.Duration) error {
	if p.life == nil {
		return nil
	}
	select {
	case <-p.life.exited:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("the program still runs after %v", limit)
	}
}

// Command runs another command of the program on the same configuration and
// returns what it wrote and its exit status.
func (p *Program) Command(ctx context.Context, args ...string) (string, int, error) {
	cmd := exec.CommandContext(ctx, run.binary, args...)
	cmd.Env = p.environment()
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}

// confessions are the lines of the log that no fault of ours excuses.
func (p *Program) confessions() []string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		for _, sign := range []string{"WARNING: DATA RACE", "panic:", "fatal error:", `"code":"internal"`} {
			if strings.Contains(line, sign) {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found[:min(len(found), 5)]
}

// Log returns the path of the log.
func (p *Program) Log() string { return p.log }

// spawn forks from a thread that is kept until the process ends: on Linux the
// process is killed when its parent thread dies, and Go ends some threads.
func spawn(argv, env []string, logPath string) (*life, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(argv[0], argv[1:]...) // It ends by Kill, or with this process.
	cmd.Env, cmd.Stdout, cmd.Stderr = env, log, log
	cmd.SysProcAttr = dieWithParent()
	l := &life{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(l.exited)
		}
	}()
	return l, <-started
}

// tail returns the last lines of a file.
func tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// build makes the program once a run, with the failpoints compiled in.
func build(ctx context.Context, to string) error {
	dir, err := root()
	if err != nil {
		return err
	}
	args := []string{"build", "-buildvcs=false", "-tags", "failpoints", "-o", to}
	env := os.Environ()
	if *raceFlag {
		args, env = append(args, "-race"), append(env, "CGO_ENABLED=1")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/qingyuan")...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}
