package configs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"qingyuan/prize"
	"qingyuan/quiz"
)

// demoFiles holds the demonstration: three campaigns and the question bank they
// share. They are also the best example of how such files are written.
//
//go:embed demo
var demoFiles embed.FS

// Demo returns the demonstration campaigns: citizens and schools of Jinzhong,
// its civil servants, and the public of Tibet. They are open whatever the date;
// only here is that possible, a file cannot ask for it.
func Demo() ([]Definition, error) { return demo(time.Now()) }

func demo(now time.Time) ([]Definition, error) {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, fmt.Errorf("open the demonstration: %w", err)
	}
	var out []Definition
	var errs []error
	for _, name := range demoNames() {
		l := newLoader(files)
		l.show, l.kept = showDemo, demoBank
		d, err := l.definition(name, now)
		drawSoon(d.Prizes, now)
		out, errs = append(out, d), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("load the demonstration: %w", err)
	}
	return out, nil
}

// demoBank finds the bank that the demonstration campaigns share. It is read once: nearly
// all of the work of reading them is in it.
func demoBank(ref string) (*quiz.Bank, bool, error) {
	if ref != demoBankRef {
		return nil, false, nil
	}
	b, err := readDemoBank()
	return b, true, err
}

// demoBankRef is how the demonstration campaigns refer to their bank.
const demoBankRef = "banks/antidrug"

var readDemoBank = sync.OnceValues(func() (*quiz.Bank, error) {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, fmt.Errorf("open the demonstration: %w", err)
	}
	return LoadBank(files, demoBankRef)
})

// drawSoon moves the freezing of a demonstration's draws to the next full hour: whoever
// tries them sees it happen, whatever the date.
func drawSoon(p *prize.Plan, now time.Time) {
	if p == nil {
		return
	}
	for i := range p.Draws {
		p.Draws[i].EntrantsAt = now.Truncate(time.Hour).Add(time.Hour).In(Zone())
	}
}

func demoNames() []string {
	return []string{"jinzhong-citizens.yaml", "jinzhong-civil.yaml", "tibet-public.yaml"}
}

func showDemo(file string) string { return "configs/demo/" + file }

// Templates returns what new campaigns may be begun from: the demonstration
// campaigns, which show every kind, with the question bank.
func Templates() ([]Bundle, error) {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return nil, fmt.Errorf("open the templates: %w", err)
	}
	var out []Bundle
	for _, name := range demoNames() {
		l := newLoader(&recorder{FS: files, files: map[string][]byte{}})
		l.show = showDemo
		b, err := bundle(l, name)
		if err != nil {
			return nil, fmt.Errorf("load the templates: %w", err)
		}
		out = append(out, b)
	}
	return out, nil
}
