package simulate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorder keeps what a run tells of its progress.
type recorder struct {
	phase  string
	of     int
	steps  atomic.Int64
	phases []string
}

func (r *recorder) Begin(phase string, steps int) { r.phase, r.of = phase, steps; r.steps.Store(0) }
func (r *recorder) Step()                         { r.steps.Add(1) }
func (r *recorder) End() {
	r.phases = append(r.phases, fmt.Sprintf("%s %d/%d", r.phase, r.steps.Load(), r.of))
}

func TestProgressIsTold(t *testing.T) {
	t.Parallel()
	c, _ := testConfig(newFake(t, faults{}), 20)
	c.Abandon = 0
	var p recorder
	if _, err := Run(t.Context(), c, &p); err != nil {
		t.Fatal(err)
	}
	want := []string{"participants 20/20", "counts 0/1", "receipts 20/20"}
	if diff := cmp.Diff(want, p.phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

func TestProgressIsSilentWithoutATerminal(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := NewProgress(f)
	p.Begin("participants", 2)
	p.Step()
	p.End()
	if raw, err := os.ReadFile(name); err != nil || len(raw) > 0 {
		t.Errorf("a file was written %q, %v", raw, err)
	}
	if _, ok := NewProgress(&bytes.Buffer{}).(silent); !ok {
		t.Error("a buffer passes for a terminal")
	}
}

func TestBarDraws(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &bar{w: &b}
	for _, phase := range []string{"participants", "receipts"} {
		p.Begin(phase, 2)
		p.Step()
		p.Step()
		p.End()
	}
	p.Begin("nobody", 0)
	p.End()
	for _, want := range []string{"participants", "receipts", "2/2", "100%"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the bar lacks %q:\n%q", want, b.String())
		}
	}
}
