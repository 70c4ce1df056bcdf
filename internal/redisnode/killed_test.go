package redisnode_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"qingyuan/internal/redisnode"
)

// TestKilledBeforeItWasReady starts a server that somebody kills in its first
// moments, twice: the third one serves. One that is killed every time is an error
// in the end.
func TestKilledBeforeItWasReady(t *testing.T) {
	t.Parallel()
	installed, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("%v: `make test` installs it, or on Debian: apt-get install redis-server", err)
	}
	for times, served := range map[int]bool{2: true, 1000: false} {
		dir := t.TempDir()
		script := fmt.Sprintf("#!/bin/sh\necho >>%[1]s/starts\n[ $(wc -l <%[1]s/starts) -gt %[2]d ] || kill -9 $$\nexec %[3]s \"$@\"\n", dir, times, installed)
		binary := filepath.Join(dir, "server")
		if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		n, err := redisnode.Start(t.Context(), redisnode.Options{Dir: filepath.Join(dir, "data"), Binary: binary})
		if (err == nil) != served {
			t.Errorf("killed %d times: %v, want it served: %t", times, err, served)
		}
		if err == nil {
			if err := n.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
}
