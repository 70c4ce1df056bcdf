package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// This file measures what a request costs as a campaign grows: the whole of it, from the
// connection to Redis and behind it, where package growth measures the services alone.

// What growth may cost: a submission to the larger campaign is worth this share of one to
// the smaller, and everything else takes at most so much more processor time.
const (
	submissionWorth = 0.92
	othersAtMost    = 1.3
)

// parseSizes reads how many people are in campaigns, and returns the fewest and the most.
func parseSizes(text string) (small, large int, err error) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 {
			return 0, 0, fmt.Errorf("-sizes: %q is no number of people", part)
		}
		all = append(all, n)
	}
	if small, large = slices.Min(all), slices.Max(all); small == large {
		return 0, 0, fmt.Errorf("-sizes: two different numbers of people are wanted, as in 10000,1000000, and not %q", text)
	}
	return small, large, nil
}

// compareSizes lets people go the whole way in two campaigns until they are of their sizes,
// each with a server, a Redis and a ledger of its own, and then drives the two in turn.
func compareSizes(ctx context.Context, dir string, o options) (err error) {
	small, large, err := parseSizes(o.sizes)
	if err != nil {
		return err
	}
	r, other := newRun(o, nil), &run{options: o}
	for _, one := range []struct {
		of   *run
		size int
		dir  string
	}{{other, small, "a"}, {r, large, "b"}} {
		if one.of.server, err = startServer(ctx, o.server, filepath.Join(dir, one.dir), o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, one.of.server.stop()) }()
		began := time.Now()
		if err := one.of.fill(ctx, one.size); err != nil {
			return fmt.Errorf("fill a campaign with %d people: %w", one.size, err)
		}
		fmt.Printf("%d people went the whole way in %s\n", one.size, time.Since(began).Round(time.Second))
	}
	r.once = func(ctx context.Context, n int) error { return r.pairServers(ctx, n, other, strconv.Itoa(small)) }
	if err := r.pairs(ctx, time.Now()); err != nil {
		return err
	}
	return r.reportSizes(os.Stdout, small, large)
}

const (
	// wave is how many people come before the load waits until they are counted and stored.
	wave = 20_000
	// asked is how many of all are remembered, to be asked for by chance.
	asked = 100_000
)

// fill lets people go the whole way, and remembers some of them by chance: whoever has just
// handed in is in every cache.
func (r *run) fill(ctx context.Context, size int) error {
	for r.signIns < size {
		before := r.signIns
		came, err := r.enterSome(ctx, min(wave, size-before))
		if err != nil {
			return err
		}
		for _, k := range []kind{r.starts(came), r.submits(came), r.signs(came)} {
			if err := r.do(ctx, k); err != nil {
				return err
			}
		}
		if err := r.server.quiet(ctx); err != nil {
			return err
		}
		for i := range came { // each is as likely to be remembered as those before
			came[i].answers = nil
			if len(r.crowd) < asked {
				r.crowd = append(r.crowd, came[i])
			} else if at := rand.IntN(before + i + 1); at < asked {
				r.crowd[at] = came[i]
			}
		}
	}
	return nil
}

// do runs a turn that nobody measures.
func (r *run) do(ctx context.Context, k kind) error {
	requests, err := k.prepare(ctx)
	if err != nil {
		return err
	}
	_, bodies, err := drive(ctx, k.addr(), requests, r.conns, k.took != nil)
	if err == nil && k.took != nil {
		err = k.took(bodies)
	}
	return err
}

// anybody are those who are asked for in a turn of reads: people of the campaign by chance,
// or those who came, several times, where nobody else is remembered.
func (r *run) anybody(came []person) []person {
	out := slices.Repeat(came, ownLooks)
	if r.crowd == nil {
		return out
	}
	for i := range out {
		out[i] = r.crowd[rand.IntN(len(r.crowd))]
	}
	return out
}

// looks are reads by people who have just made another request, as whoever opens the app
// does: to check a token for the first time costs the same in a campaign of any size, and
// the server remembers fewer of them than there are people. The other request is of
// another campaign, and leaves what Redis knows of them here where it lies.
func (r *run) looks(path string, people []person) kind {
	k := r.reads(path, people)
	if r.crowd == nil { // they came just now
		return k
	}
	make1 := k.prepare
	k.prepare = func(ctx context.Context) ([][]byte, error) {
		elsewhere := r.asking("/api/v1/campaigns/"+otherCampaign+"/me", people)
		if _, _, err := drive(ctx, r.server.addr, elsewhere, r.conns, false); err != nil {
			return nil, fmt.Errorf("let people look at another campaign: %w", err)
		}
		return make1(ctx)
	}
	return k
}

// reportSizes compares processor time, of the server and its Redis together.
func (r *run) reportSizes(w io.Writer, small, large int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\nµs of server + Redis\tamong %d\tamong %d\ttimes\tquartiles\ttarget\t\t\n", small, large)
	all := func(t turn) time.Duration { return t.server + t.redis }
	for _, w := range r.rows {
		low, mid, high := quartiles(w.ratios(func(a, b turn) float64 { return float64(all(a)) / float64(all(b)) }))
		target, most := fmt.Sprintf("≤ %.2f", othersAtMost), othersAtMost
		if w.name == submitting {
			target, most = fmt.Sprintf("worth ≥ %.2f", submissionWorth), 1/submissionWorth
		}
		verdict := "met"
		if mid > most {
			verdict = "MISSED"
		}
		part := func(turns []turn) string {
			return fmt.Sprintf("%.1f + %.1f", middle(turns, micros(func(t turn) time.Duration { return t.server })),
				middle(turns, micros(func(t turn) time.Duration { return t.redis })))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.2f\t%.2f–%.2f\t%s\t%s\t\n", w.name, part(w.b), part(w.a), mid, low, high, target, verdict)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	// What a request costs is one thing, what the server does meanwhile for the people who
	// are there another: to compare a million of them with the ledger again takes minutes.
	for _, one := range []struct {
		size int
		of   func(*row) []turn
	}{{small, func(w *row) []turn { return w.b }}, {large, func(w *row) []turn { return w.a }}} {
		if err := tellParts(w, fmt.Sprintf("of the server's µs among %d", one.size), r.rows, one.of); err != nil {
			return err
		}
	}
	return nil
}
