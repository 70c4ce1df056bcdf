// Command bench tells how close the server comes to what the machine allows.
//
// It runs the built server beside a ceiling program: a bare Fiber that calls the
// very script of a submission, captured from a real one, on a Redis that is set up
// in the same way. Both are driven in turn, in many short pairs, and only ratios
// within a pair are compared, because absolute figures drift on a shared machine.
// `make bench` runs it; docs/PERFORMANCE.md explains what it found.
//
// It is a program of its own, because a product needs no benchmark in it, and
// because go test cannot run two servers, a load and three Redis servers as
// processes of their own, whose processor time is told apart.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// options is what a run is told.
type options struct {
	server string        // the built program
	other  string        // another build of it, to be compared with instead of the ceiling; empty for none
	sizes  string        // compare campaigns of so many people, and not with the ceiling
	root   string        // the source tree, for the demonstration's campaign file
	pairs  int           // interleaved pairs of everything
	people int           // who act in a pair; each act needs a fresh one
	conns  int           // connections of the load
	limit  time.Duration // of the whole run
	slow   time.Duration // of each sync of the slow disk
	joined int           // connections of joined commands in the ceiling, at most
	alone  bool          // measure the transports alone, without the server
	pprof  string        // folder for profiles of the server; empty for none
	only   string        // measure only rows whose name has this in it
	role   string        // set for the ceiling's own process
	dir    string        // folder of the ceiling's Redis servers
}

func main() {
	var o options
	flag.StringVar(&o.server, "server", "bin/qingyuan", "the built server")
	flag.StringVar(&o.other, "against", "", "compare with this other build of the server, turn by turn, and not with the ceiling")
	flag.StringVar(&o.sizes, "sizes", "", "compare campaigns of the fewest and of the most of so many people, as 10000,1000000, turn by turn, and not with the ceiling")
	flag.StringVar(&o.root, "root", ".", "the source tree")
	flag.IntVar(&o.pairs, "pairs", 7, "interleaved pairs")
	flag.IntVar(&o.people, "people", 3000, "people, and so requests, of a turn")
	flag.IntVar(&o.conns, "conns", 128, "connections of the load")
	flag.DurationVar(&o.limit, "limit", 9*time.Minute, "end the pairs when so much time has gone")
	flag.DurationVar(&o.slow, "slow", 2*time.Millisecond, "time of each sync of the slow disk")
	flag.IntVar(&o.joined, "joined", 16, "most connections of joined commands in the ceiling; the server has its own")
	flag.BoolVar(&o.alone, "transports", false, "compare the two ways to Redis alone, without the server")
	flag.StringVar(&o.pprof, "pprof", "", "keep profiles of processor time and of allocations in the server's turns in this folder")
	flag.StringVar(&o.only, "only", "", "measure only what has one of these words, between commas, in its name; what it needs is done, too")
	flag.StringVar(&o.role, "role", "", "used by the program itself")
	flag.StringVar(&o.dir, "dir", "", "used by the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := runPairs
	if o.role == roleCeiling {
		run = serveCeiling
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // stop only gives signals back.
	}
}

// runPairs starts both programs, drives them in turn and reports.
func runPairs(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "qyb") // short: sockets lie below it
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if o.pprof != "" {
		if err := os.MkdirAll(o.pprof, 0o750); err != nil {
			return fmt.Errorf("make the folder of the profiles: %w", err)
		}
	}
	began := time.Now()
	header(o)
	if o.sizes != "" {
		return compareSizes(ctx, filepath.Join(dir, "s"), o)
	}
	if o.other != "" {
		return compareBuilds(ctx, filepath.Join(dir, "s"), o, began)
	}
	c, err := startCeiling(ctx, filepath.Join(dir, "c"), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	r := newRun(o, c)
	if !o.alone {
		if r.server, err = startServer(ctx, o.server, filepath.Join(dir, "s"), o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.server.stop()) }()
	}
	if err := r.pairs(ctx, began); err != nil {
		return err
	}
	return r.report(os.Stdout)
}

// pairs runs as many as were asked for and fit.
func (r *run) pairs(ctx context.Context, began time.Time) error {
	for i := range r.options.pairs {
		if err := r.once(ctx, i); err != nil {
			return fmt.Errorf("pair %d: %w", i, err)
		}
		fmt.Printf("pair %d of %d after %s\n", i+1, r.options.pairs, time.Since(began).Round(time.Second))
		if time.Since(began) > r.limit*time.Duration(i+1)/time.Duration(i+2) {
			fmt.Printf("another pair would not fit into %s\n", r.limit)
			break
		}
	}
	return nil
}

func header(o options) {
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("%s, %s/%s, %d processors, load before %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), strings.TrimSpace(string(load)))
	fmt.Printf("up to %d pairs of turns of %d requests over %d connections\n", o.pairs, o.people, o.conns)
}
