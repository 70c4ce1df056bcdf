package porttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// askedFrom has TestAnotherProcess print what it is given, from a port on, and keep it
// until its input ends.
const askedFrom = "QINGYUAN_TEST_PORTS_FROM"

const several = 40

// TestAddr: nobody listens there, and each is given once.
func TestAddr(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range several {
		addr := Addr(t)
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
		if seen[addr] {
			t.Errorf("%s is given twice", addr)
		}
		seen[addr] = true
	}
}

// TestTakenPorts: where somebody listens who knows nothing of the book, or all are taken.
func TestTakenPorts(t *testing.T) {
	t.Parallel()
	b := from(t, last-8*several) // where the other tests do not come: a second book of one process minds only who listens
	taken, err := b.port()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address(taken))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	b.next = taken
	if port, err := b.port(); err != nil || port <= taken {
		t.Errorf("given %d, %v where %d is taken", port, err, taken)
	}
	if port, err := from(t, last+1).port(); err == nil {
		t.Errorf("given %d behind the last", port)
	}
}

// from is a book that begins at a port. It shares the file: closing another one would let
// go of all that this process has.
func from(t *testing.T, port int) *book {
	t.Helper()
	Addr(t)
	return &book{file: ours.file, next: port}
}

// TestAnotherProcess gives nothing that another process still has, and what it had once it
// has ended.
func TestAnotherProcess(t *testing.T) {
	const begin = last - 4*several // where the other tests do not come
	b := from(t, begin)
	if os.Getenv(askedFrom) != "" {
		fmt.Println(ask(t, b))
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAnotherProcess$")
	cmd.Env = append(os.Environ(), askedFrom+"=1")
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	theirs := strings.Fields(strings.Trim(line, "[]\n"))
	if err != nil || len(theirs) != several {
		t.Fatalf("the other was given %q, %v", line, err)
	}
	has := map[string]bool{}
	for _, port := range theirs {
		has[port] = true
	}
	for _, port := range ask(t, b) {
		if has[strconv.Itoa(port)] {
			t.Errorf("%d is the other's", port)
		}
	}
	_ = end.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	b.next = begin
	if again := ask(t, b); !has[strconv.Itoa(again[0])] {
		t.Errorf("given %d, want the first that the other had", again[0])
	}
}

func ask(t *testing.T, b *book) []int {
	t.Helper()
	var out []int
	for range several {
		port, err := b.port()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, port)
	}
	return out
}
