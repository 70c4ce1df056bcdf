package sqltest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// BinEnv names the environment variable that chooses the folder of PostgreSQL's
// programs, so that the same tests can be run on another version.
const BinEnv = "QINGYUAN_TEST_POSTGRES"

// maxSocket bounds the folder of a Unix socket: the path may have about 100 bytes.
const maxSocket = 80

// programs finds the folder with initdb and postgres: the one that is asked for,
// one on the PATH, or the newest where Debian and Homebrew put them.
func programs(t testing.TB) string {
	t.Helper()
	for _, dir := range candidates() {
		if isProgram(filepath.Join(dir, "initdb")) && isProgram(filepath.Join(dir, "postgres")) {
			return dir
		}
	}
	t.Fatal("PostgreSQL is missing: the tests need the programs of its server, version 15 or newer; " +
		"`make test` installs them, or on Debian: apt-get install postgresql")
	return ""
}

func candidates() []string {
	if dir := os.Getenv(BinEnv); dir != "" {
		return []string{dir}
	}
	var out []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if at, err := filepath.EvalSymlinks(path); err == nil {
			out = append(out, filepath.Dir(at))
		}
	}
	var apart []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // it fails for bad patterns only
		apart = append(apart, found...)
	}
	slices.SortFunc(apart, func(a, b string) int { return version(b) - version(a) })
	return append(out, apart...)
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// version is the number in /usr/lib/postgresql/15/bin.
func version(dir string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "postgresql@"))
	return n
}

// create makes the server's folder and its first, empty databases. Text is
// ordered as Chinese people would, which is not the order of bytes: a statement
// that needs that one must ask for it, as on many a real server.
func (s *Server) create() error {
	dir, err := s.folder()
	if err != nil {
		return fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s.dir = dir
	cmd := s.command(filepath.Join(s.bin, "initdb"), "--pgdata="+s.data(), "--username="+superuser,
		"--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=zh", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// folder makes a folder whose name stays short, because the path of a socket
// must, and that belongs to the user under whom the server runs.
func (s *Server) folder() (string, error) {
	parent := ""
	if len(os.TempDir()) > maxSocket {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "qypg-")
	if err != nil {
		return "", err
	}
	if as := servant(); as != nil {
		err = os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	return dir, err
}

// command runs one of PostgreSQL's programs, in a process group of its own: a
// Ctrl-C in the terminal must not reach it before the test's clean-up does.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: servant()}
	return cmd
}

// servant is the user who runs the server when we are root, which PostgreSQL
// refuses to be; otherwise nil.
func servant() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return nil
}
