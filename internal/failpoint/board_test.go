package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestErrorsComeAtTheirVisit(t *testing.T) {
	t.Parallel()
	actions, err := parse("a=error@2, a=error@4,b=error@1,")
	if err != nil {
		t.Fatal(err)
	}
	b := &board{visits: map[string]int{}, actions: actions}
	var got strings.Builder
	for name := range strings.SplitSeq("aaabaac", "") {
		if err := b.hit(name); errors.Is(err, ErrInjected) {
			got.WriteString(strings.ToUpper(name))
		} else {
			got.WriteString(name)
		}
	}
	if want := "aAaBAac"; got.String() != want {
		t.Errorf("visits %s, want %s", got.String(), want)
	}
}

func TestMistakesAreTold(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a", "a=", "a=kill", "a=kill@", "a=kill@0", "a=kill@x", "a=stop@1", "=kill@1", "a=kill@1 b=kill@2"} {
		if got, err := parse(text); err == nil {
			t.Errorf("parse(%q) = %v", text, got)
		}
	}
}

// TestKill runs this test in a second process, which dies at its second visit.
func TestKill(t *testing.T) {
	if os.Getenv(Env) != "" {
		Arm()
		for range 2 {
			_ = Hit("a")
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestKill$")
	cmd.Env = append(os.Environ(), Env+"=a=kill@2")
	out, err := cmd.CombinedOutput()
	died, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatalf("the process did not die: %v\n%s", err, out)
	}
	if s, ok := died.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		t.Errorf("the process ended with %v, want SIGKILL\n%s", died, out)
	}
}
