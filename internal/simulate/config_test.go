package simulate

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestOnlyLoopbackTargets(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"http://127.0.0.1:8080":   true,
		"http://127.9.9.9":        true,
		"http://localhost:8080/":  true,
		"http://[::1]:8080":       true,
		"http://10.0.0.1:8080":    false,
		"http://0.0.0.0:8080":     false,
		"http://example.org":      false,
		"https://localhost.org":   false,
		"http://127.0.0.1.org":    false,
		"http://2130706433":       false,
		"http://[::ffff:8.8.8.8]": false,
	}
	for target, local := range tests {
		c := Default()
		c.Target = target
		_, err := c.complete()
		if local && err != nil || !local && !errors.Is(err, ErrRemote) {
			t.Errorf("%s: %v", target, err)
		}
		c.AllowRemote = true
		if _, err := c.complete(); err != nil {
			t.Errorf("%s with remote targets allowed: %v", target, err)
		}
	}
}

// A name may resolve to anything, so that the address is looked at as well.
func TestConnectionsStayOnThisMachine(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Target = "http://127.0.0.1:1"
	c, err := c.complete()
	if err != nil {
		t.Fatal(err)
	}
	cl := newClient(c, newMeter())
	defer cl.close()
	if _, err := cl.transport.DialContext(t.Context(), "tcp", "192.0.2.1:80"); !errors.Is(err, ErrRemote) {
		t.Errorf("dialling a remote address: %v, want %v", err, ErrRemote)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	c := Config{
		Target: "ftp://127.0.0.1", Participants: -1, Workers: -1, Rate: math.NaN(), Repeats: 1.1, Wrong: -0.1,
		Abandon: math.NaN(), LostReplies: 2, Patience: -time.Second,
	}
	_, err := c.complete()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{
		"target", "participants", "workers", "rate", "repeats", "wrong", "abandon", "lost replies", "patience",
	} {
		if !strings.Contains(err.Error(), field+":") && !strings.Contains(err.Error(), field+",") {
			t.Errorf("%s is not named in %v", field, err)
		}
	}
	if _, err := Run(t.Context(), c, nil); err == nil {
		t.Error("Run accepted it")
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "127.0.0.1:8080", "http://", "http://u:secret@127.0.0.1", "http://127.0.0.1/?q", "http://%zz"} {
		c := Default()
		c.Target = target
		_, err := c.complete()
		if err == nil {
			t.Errorf("%q was accepted", target)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%v shows the password", err)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	full, err := Config{Target: "http://127.0.0.1/", Participants: 1}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if full.Workers != 64 || full.Patience != time.Minute || full.Settle != 15*time.Second || full.Target != "http://127.0.0.1" {
		t.Errorf("%+v", full)
	}
	if full.Repeats != 0 || full.LostReplies != 0 {
		t.Error("a share of zero was taken for one left out")
	}
	other, err := Config{Target: "http://127.0.0.1", Participants: 1}.complete()
	if err != nil || other.Prefix == full.Prefix || other.Seed == full.Seed {
		t.Errorf("two runs share prefix %q or seed %d (%v)", full.Prefix, full.Seed, err)
	}
}
