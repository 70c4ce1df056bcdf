package sqltest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/waittest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEach shows that both kinds are opened, each empty and with its schema.
func TestEach(t *testing.T) {
	t.Parallel()
	seen := make(chan sqldb.Dialect, 4)
	t.Cleanup(func() {
		close(seen)
		count := map[sqldb.Dialect]int{}
		for d := range seen {
			count[d]++
		}
		if count[sqldb.SQLite] != 2 || count[sqldb.PostgreSQL] != 2 {
			t.Errorf("opened %v, want each twice", count)
		}
	})
	for range 2 {
		sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
			seen <- db.Dialect
			var n int
			if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM banks").Scan(&n); err != nil || n != 0 {
				t.Errorf("%d banks, %v; want none, in a table", n, err)
			}
			if _, err := db.ExecContext(t.Context(), "INSERT INTO banks (digest, packed) VALUES ('a', $1)", []byte{1}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServer(t *testing.T) {
	t.Parallel()
	srv := sqltest.StartPostgreSQL(t)
	before := srv.URL()
	db := sqltest.Open(t, before)
	db.SetMaxIdleConns(-1) // a connection that was cut tells only when it is used
	if _, err := db.ExecContext(t.Context(), "INSERT INTO banks (digest, packed) VALUES ('a', $1)", []byte{1}); err != nil {
		t.Fatal(err)
	}
	for name, away := range map[string]func(testing.TB){"Stop": srv.Stop, "Kill": srv.Kill} {
		away(t)
		away(t) // twice is once
		if err := db.PingContext(t.Context()); err == nil {
			t.Errorf("after %s it answers", name)
		}
		srv.Start(t)
		srv.Start(t)
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM banks").Scan(&n); err != nil || n != 1 {
			t.Errorf("after %s: %d rows, %v; want the one that was committed", name, n, err)
		}
	}
	if srv.URL() != before || !strings.Contains(before, srv.Addr()) {
		t.Errorf("the address is %s, was %s", srv.URL(), before)
	}
}

// sharedEnv makes TestSharedServer start the shared server and be killed.
const sharedEnv = "QINGYUAN_TEST_SHARED"

// TestSharedServer kills a test binary that uses the shared server, and wants
// the server and its folder to be gone soon after.
func TestSharedServer(t *testing.T) {
	if os.Getenv(sharedEnv) != "" {
		useAndWait(t)
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSharedServer$")
	cmd.Env = append(os.Environ(), sharedEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dir, err := bufio.NewReader(out).ReadString('\n')
	dir = strings.TrimSpace(dir)
	if err != nil || !strings.HasPrefix(dir, "/") {
		t.Fatalf("the child said %q, %v", dir, err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waittest.Until(t, "the folder to be removed, once the server has ended", func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist)
	})
}

func useAndWait(t *testing.T) {
	t.Helper()
	db := sqltest.PostgreSQL(t)
	var dir string
	if err := db.QueryRowContext(t.Context(), "SELECT current_setting('unix_socket_directories')").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	fmt.Println(dir)
	<-t.Context().Done() // the parent kills us
}

// TestMissingServerFailsAndSaysHowToGetIt does not run in parallel: it changes
// the environment.
func TestMissingServerFailsAndSaysHowToGetIt(t *testing.T) {
	t.Setenv(sqltest.BinEnv, t.TempDir())
	for name, got := range map[string]string{
		"shared": failure(t, sqltest.PostgreSQL),
		"own":    failure(t, sqltest.StartPostgreSQL),
	} {
		if !strings.Contains(got, "make test") {
			t.Errorf("%s: failed with %q, want a word on how to get it", name, got)
		}
	}
}

// TestTargetsAreEmpty shows that nobody has opened what EachTarget gives.
func TestTargetsAreEmpty(t *testing.T) {
	t.Parallel()
	sqltest.EachTarget(t, func(t *testing.T, target string) {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		if u.Scheme == "" {
			if _, err := os.Stat(target); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want no file yet", target, err)
			}
		}
		sqltest.Open(t, target)
	})
}
