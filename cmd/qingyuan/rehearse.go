package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/rehearse"
	"qingyuan/internal/simulate"
)

// rehearseCmd plays the evening on which everybody comes at once, and tells what
// to change before it.
type rehearseCmd struct {
	configFlags

	Target      string  `help:"Base URL of a staging server; left out, a server of the rehearsal's own is started on this machine." placeholder:"URL"`
	AllowRemote bool    `help:"Let the target be another machine. A rehearsal adds people to its counts." name:"allow-remote"`
	Expected    int     `help:"People whom the campaign expects on its evening." default:"300000"`
	People      int     `help:"People of the rehearsal; 0: as many as make its peak as steep as the real one." default:"0"`
	PeakMinutes float64 `help:"How long the peak lasts, which has 60 % of the people; the whole takes four times as long." name:"peak-minutes" default:"2"`
	Processes   int     `help:"Processes that simulate; 0: one for every two cores." default:"0"`
	Workers     int     `help:"People under way at once; 0: 8000." default:"0"`
	Lang        string  `help:"Language of the report." enum:"zh,en" default:"zh"`
	JSON        bool    `help:"Print the report with everything that was measured as JSON." name:"json"`
	Output      string  `help:"File for the page, in Markdown, besides what is printed." short:"o" type:"path" placeholder:"FILE"`
}

// peakOfTheEvening is how long the real peak lasts.
const peakOfTheEvening = 5 // minutes

// syncsAlone are enough to know the disk before the rush.
const syncsAlone = 100

// Run implements the command.
func (c rehearseCmd) Run(e env) error {
	if c.PeakMinutes <= 0 || c.Expected < 1 || c.People < 0 {
		return fmt.Errorf("%w: peak-minutes and expected must be above 0, people not below", errUsage)
	}
	cfg, err := c.load(nil)
	if err != nil {
		return err
	}
	m := rehearse.Measured{
		At: time.Now(), Version: version, Own: c.Target == "", Expected: c.Expected, CPUs: runtime.NumCPU(), Samples: []rehearse.Sample{},
	}
	target := c.Target
	watch := watching{proc: rehearse.Machine{Proc: "/proc", People: os.Getpid(), Now: time.Now}}
	if m.Own {
		stage, err := openStage(e.ctx, c.Config, cfg)
		if err != nil {
			return fmt.Errorf("rehearse: %w", err)
		}
		defer stage.close(e.stderr)
		m.Elsewhere = takesNoPart(cfg)
		target, watch.proc.Server = stage.url, stage.server.Process.Pid
		if cfg.Queue.AdmitPerSecond > 0 {
			watch.proc.Pace = stage.pace
		}
		watch.disk = &rehearse.Disk{Dir: stage.dir, Now: time.Now}
		if m.SyncAlone, err = watch.disk.Watch(e.ctx, syncsAlone); err != nil {
			return err
		}
		m.DiskFree, m.DiskTaken = watch.disk.Free(), -watch.disk.Taken()
	}
	m.MemoryBytes, _, _ = watch.proc.Memory() // stays zero where nobody tells
	if err := c.play(e, target, &watch, &m); err != nil {
		return err
	}
	if watch.disk != nil {
		m.DiskTaken += watch.disk.Taken()
	}
	return c.tell(e.stdout, rehearse.NewReport(m))
}

// play lets the people come and measures meanwhile.
func (c rehearseCmd) play(e env, target string, watch *watching, m *rehearse.Measured) error {
	cfg := c.rush(target)
	watch.Progress = simulate.NewProgress(e.stderr)
	report, err := simulate.Run(e.ctx, cfg, watch)
	if errors.Is(err, simulate.ErrRemote) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	if err != nil {
		return fmt.Errorf("rehearse: %w", err)
	}
	m.Load = report
	if watch.samples != nil {
		m.Samples = watch.samples
	}
	m.SyncBusy = watch.syncs
	return nil
}

// rush is the simulation that the flags ask for.
func (c rehearseCmd) rush(target string) simulate.Config {
	cfg := simulate.Default()
	cfg.Target, cfg.AllowRemote, cfg.Shape = target, c.AllowRemote, simulate.Rush
	cfg.Over = time.Duration(c.PeakMinutes * float64(time.Minute) * simulate.RushPerPeak)
	cfg.Workers = c.Workers
	if cfg.Participants = c.People; c.People == 0 {
		cfg.Participants = max(1, int(float64(c.Expected)*c.PeakMinutes/peakOfTheEvening))
	}
	cfg.Fork = forkSimulation
	if cfg.Processes = c.Processes; c.Processes == 0 {
		cfg.Processes = max(1, runtime.NumCPU()/2)
	}
	return cfg
}

// tell writes the report and returns errReported unless nothing broke.
func (c rehearseCmd) tell(w io.Writer, report rehearse.Report) error {
	if c.Output != "" {
		if err := writePage(c.Output, report, c.Lang); err != nil {
			return err
		}
	}
	var err error
	if c.JSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.WritePage(w, c.Lang)
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if report.Verdict == rehearse.Broke {
		return errReported
	}
	return nil
}

func writePage(name string, report rehearse.Report, lang string) (err error) {
	f, err := os.Create(name) //nolint:gosec // The operator names the file.
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return report.WritePage(f, lang)
}

// watching measures the machine while the people come: it is the progress that
// the simulation tells of.
type watching struct {
	simulate.Progress

	proc    rehearse.Machine
	disk    *rehearse.Disk // nil where it is another machine's
	stop    context.CancelFunc
	work    errgroup.Group
	samples []rehearse.Sample
	syncs   rehearse.Syncs
}

// crowdPhase is the phase of a simulation in which people come.
const crowdPhase = "participants"

// Begin implements simulate.Progress.
func (w *watching) Begin(phase string, steps int) {
	w.Progress.Begin(phase, steps)
	if phase != crowdPhase {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.work.Go(func() error {
		w.samples = w.proc.Watch(ctx)
		return nil
	})
	if w.disk != nil {
		w.work.Go(func() (err error) {
			w.syncs, err = w.disk.Watch(ctx, 1<<20)
			return err
		})
	}
}

// End implements simulate.Progress.
func (w *watching) End() {
	w.Progress.End()
	if w.stop == nil {
		return
	}
	w.stop()
	_ = w.work.Wait() // what was not measured is not judged
	w.stop = nil
}
