package simulate

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress is told how far a simulation has come. Begin and End come from one
// goroutine, Step from many.
type Progress interface {
	// Begin opens a phase of so many steps.
	Begin(phase string, steps int)
	// Step says that one more step is done.
	Step()
	// End closes the phase.
	End()
}

// NewProgress returns a bar where w is a terminal, and silence anywhere else: a
// log or a script has no use for a bar.
func NewProgress(w io.Writer) Progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return silent{}
	}
	return &bar{w: w}
}

type silent struct{}

func (silent) Begin(string, int) {}
func (silent) Step()             {}
func (silent) End()              {}

// bar draws each phase on a line of its own.
type bar struct {
	w   io.Writer
	mu  sync.Mutex
	now *progressbar.ProgressBar
}

func (b *bar) Begin(phase string, steps int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = progressbar.NewOptions(max(steps, 1),
		progressbar.OptionSetWriter(b.w),
		progressbar.OptionSetDescription(phase),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
	)
}

// Step does without an error: a bar that cannot be drawn must not end a run.
func (b *bar) Step() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.now.Add(1)
}

func (b *bar) End() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.now.Exit() // leaves the bar where it came to, and ends its line
}
