package rehearse

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kernel writes what a kernel would tell.
func kernel(t *testing.T, files map[string]string) string {
	t.Helper()
	proc := t.TempDir()
	for name, text := range files {
		name = filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return proc
}

// processStat is the line of a process with a parent, processor time in hundredths
// of a second and memory in pages.
func processStat(id, name, parent, user, system, pages string) string {
	return id + " (" + name + ") S " + parent + strings.Repeat(" 0", 9) + " " + user + " " + system +
		strings.Repeat(" 0", 8) + " " + pages + strings.Repeat(" 0", 20) + "\n"
}

func TestMachineKnowsWhoTookWhat(t *testing.T) {
	t.Parallel()
	proc := kernel(t, map[string]string{
		"stat":    "cpu  1000 0 500 9000 300 100 50 0 0 0\ncpu0 1 2 3\n",
		"meminfo": "MemTotal:       1000 kB\nMemFree: 100 kB\nMemAvailable:    400 kB\n",
		"10/stat": processStat("10", "qingyuan", "1", "100", "50", "7"),    // this one, which simulates
		"11/stat": processStat("11", "qingyuan", "10", "200", "100", "11"), // its server
		"12/stat": processStat("12", "a b) (c", "11", "40", "10", "13"),    // the server's redis
		"13/stat": processStat("13", "qingyuan", "10", "500", "0", "17"),   // helps to simulate
		"14/stat": processStat("14", "other", "1", "9000", "0", "19"),      // none of ours
		"15/stat": "gone",
	})
	m := Machine{Proc: proc, Server: 11, People: 10, Now: time.Now}
	r, err := m.read()
	if err != nil {
		t.Fatal(err)
	}
	page := int64(os.Getpagesize())
	if r.busy != 16.5 || r.server != 3 || r.redis != 0.5 || r.people != 6.5 {
		t.Errorf("busy %.1f, server %.1f, redis %.1f, people %.1f s", r.busy, r.server, r.redis, r.people)
	}
	if r.free != 400<<10 || r.serverBytes != 11*page || r.redisByte != 13*page {
		t.Errorf("free %d, server %d, redis %d bytes", r.free, r.serverBytes, r.redisByte)
	}
	if total, _, err := m.Memory(); err != nil || total != 1000<<10 {
		t.Errorf("%d bytes of memory, %v", total, err)
	}
}

func TestSampleIsAShareOfASecond(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_780_000_000, 0)
	last := reading{at: began, busy: 10, server: 5, redis: 2, people: 9}
	now := reading{at: began.Add(2 * time.Second), busy: 13, server: 6, redis: 1, people: 9.5, free: 7}
	got := now.since(last, began)
	want := Sample{Second: 2, Busy: 1.5, Server: 0.5, Redis: 0, People: 0.25, FreeBytes: 7} // a redis that went takes nothing back
	if got != want {
		t.Errorf("sample %+v, want %+v", got, want)
	}
}

// The machine that the tests run on has something to tell, where it is Linux.
func TestWatchOfThisMachine(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		if s := (Machine{Proc: "/proc", Now: time.Now}).Watch(t.Context()); s != nil {
			t.Errorf("samples %v from nowhere", s)
		}
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
	defer cancel()
	samples := Machine{Proc: "/proc", People: os.Getpid(), Now: time.Now}.Watch(ctx)
	if len(samples) == 0 || samples[0].FreeBytes <= 0 || samples[0].Busy < 0 {
		t.Errorf("samples %+v", samples)
	}
}

func TestDiskIsMeasured(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "data"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	d := Disk{Dir: dir, Now: time.Now}
	s, err := d.Watch(t.Context(), 3)
	if err != nil || s.Count != 3 || s.P99MS < s.P50MS || s.MaxMS < s.P99MS {
		t.Errorf("syncs %+v, %v", s, err)
	}
	if d.Taken() != 1000 {
		t.Errorf("%d bytes are taken, want 1000: the measurement leaves nothing", d.Taken())
	}
	if d.Free() <= 0 {
		t.Errorf("%d bytes free", d.Free())
	}
	if _, err := (Disk{Dir: filepath.Join(dir, "none"), Now: time.Now}).Watch(t.Context(), 1); err == nil {
		t.Error("no error without a folder")
	}
}
