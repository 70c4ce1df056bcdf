package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// otherBuild is what the rows of compareBuilds are over.
const otherBuild = "the other build"

// compareBuilds drives two builds of the server in turn, each with a Redis and a ledger of
// its own, and reports how one compares with the other.
func compareBuilds(ctx context.Context, dir string, o options, began time.Time) (err error) {
	r := newRun(o, nil)
	other := &run{options: o}
	for _, one := range []struct {
		of      *run
		program string
		dir     string
	}{{r, o.server, "a"}, {other, o.other, "b"}} {
		if one.of.server, err = startServer(ctx, one.program, filepath.Join(dir, one.dir), o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, one.of.server.stop()) }()
	}
	r.once = func(ctx context.Context, n int) error { return r.pairServers(ctx, n, other, otherBuild) }
	if err := r.pairs(ctx, began); err != nil {
		return err
	}
	return r.reportBuilds(os.Stdout)
}

// pairServers runs every kind once with each of two servers. name is what the other's are
// called.
func (r *run) pairServers(ctx context.Context, n int, other *run, name string) error {
	mine, err := r.enter(ctx)
	if err != nil {
		return fmt.Errorf("let people in: %w", err)
	}
	others, err := other.enter(ctx)
	if err != nil {
		return fmt.Errorf("let people into %s: %w", name, err)
	}
	theirs := other.acts(others)
	for i, act := range r.acts(mine) {
		theirs[i].name = name
		if err := r.compareWanted(ctx, n, []kind{act, theirs[i]}); err != nil {
			return err
		}
	}
	return nil
}

// reportBuilds writes the ratios: of throughput, and of processor time.
func (r *run) reportBuilds(w *os.File) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nthis build over the other\trequests/s\tquartiles\tµs server\tquartiles\tµs Redis\tquartiles\tµs server\tthe other's\tµs Redis\tthe other's\tp99\t")
	for _, w := range r.rows {
		fmt.Fprintf(t, "%s", w.name)
		for _, measure := range []func(a, b turn) float64{
			rates,
			func(a, b turn) float64 { return float64(a.server) / float64(b.server) },
			func(a, b turn) float64 { return float64(a.redis) / float64(max(b.redis, 1)) },
		} {
			low, mid, high := quartiles(w.ratios(measure))
			fmt.Fprintf(t, "\t%.2f\t%.2f–%.2f", mid, low, high)
		}
		for _, of := range []func(turn) time.Duration{
			func(t turn) time.Duration { return t.server }, func(t turn) time.Duration { return t.redis },
		} {
			fmt.Fprintf(t, "\t%.1f\t%.1f", middle(w.a, micros(of)), middle(w.b, micros(of)))
		}
		_, tail, _ := quartiles(w.ratios(tails))
		fmt.Fprintf(t, "\t%.2f\t\n", tail)
	}
	return t.Flush()
}
