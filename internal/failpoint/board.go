package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// action is what happens at one visit of one place.
type action struct {
	name string
	does string // "kill" or "error"
	at   int    // the number of the visit, from 1
}

// board counts the visits of this process.
type board struct {
	mu      sync.Mutex
	visits  map[string]int
	actions []action
}

// load reads the environment once. A mistake there panics: a test that kills
// nothing proves nothing.
var load = sync.OnceValue(func() *board {
	actions, err := parse(os.Getenv(Env)) //nolint:forbidigo // An armed build is run by tests, past package configs.
	if err != nil {
		panic(Env + ": " + err.Error())
	}
	return &board{visits: map[string]int{}, actions: actions}
})

// Hit marks a place. It kills the process, returns ErrInjected or does nothing,
// as the environment says, where the process has failpoints.
func Hit(name string) error {
	if obeyed == nil {
		return nil
	}
	return obeyed().hit(name)
}

// Arm gives this process failpoints, whatever its build. It is for a test binary that runs
// the program in a process of its own, and comes before the first Hit.
func Arm() { obeyed = load }

func (b *board) hit(name string) error {
	switch b.next(name) {
	case "kill":
		return syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	case "error":
		return fmt.Errorf("%w %s", ErrInjected, name)
	default:
		return nil
	}
}

func (b *board) next(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.visits[name]++
	for _, a := range b.actions {
		if a.name == name && a.at == b.visits[name] {
			return a.does
		}
	}
	return ""
}

func parse(text string) ([]action, error) {
	var all []action
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, rest, _ := strings.Cut(part, "=")
		does, at, _ := strings.Cut(rest, "@")
		n, err := strconv.Atoi(at)
		if name == "" || does != "kill" && does != "error" || err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not name=kill@N or name=error@N", part)
		}
		all = append(all, action{name: name, does: does, at: n})
	}
	return all, nil
}
