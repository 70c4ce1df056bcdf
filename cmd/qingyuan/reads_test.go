package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// What a pair of BenchmarkReadsBesideWrites is made of.
const (
	peakWriters      = 4
	readersPerWriter = 50
	// writeEvery is the time between two submissions of one writer, and readEvery
	// between two reads of one reader, give or take a quarter: three times as often
	// as phones are asked to.
	writeEvery = 40 * time.Millisecond
	readEvery  = time.Second
	// writesInPhase is how many submissions one writer makes in each half of a pair.
	writesInPhase = 150
)

// handIn is a paper that waits to be submitted.
type handIn struct {
	path, token string
	body        []byte
}

// BenchmarkReadsBesideWrites times submissions alone and beside fifty readers for
// each writer, in turn, on the real program in a process of its own. The readers are
// another process, of the least priority: phones take nothing from a server but what it
// does for them. Every iteration is one pair; it ends by itself:
//
//	go test ./cmd/qingyuan -run '^$' -bench ReadsBesideWrites -benchtime 8x -v
func BenchmarkReadsBesideWrites(b *testing.B) {
	load := newPeak(b, spawn(b, binary(b), shortDir(b)).api)
	var alone, beside, ratios []float64
	var table strings.Builder // in one piece: a benchmark's log is cut short after ten
	for pair := range b.N {
		papers := [2][]handIn{load.prepare(b, fmt.Sprint("a", pair)), load.prepare(b, fmt.Sprint("b", pair))}
		var p99 [2]float64
		for i := range 2 {
			reading := (i + pair) % 2 // who goes first changes from pair to pair
			stop := func() {}
			if reading == 1 {
				stop = load.read(b)
			}
			took := load.write(b, papers[i])
			stop()
			p99[reading] = quantile(took, 0.99)
			fmt.Fprintf(&table, "\npair %d, %3d readers: p50 %6.1f ms, p99 %6.1f ms of %d submissions", pair+1,
				reading*peakWriters*readersPerWriter, quantile(took, 0.50), p99[reading], len(took))
		}
		alone, beside, ratios = append(alone, p99[0]), append(beside, p99[1]), append(ratios, p99[1]/p99[0])
	}
	b.Log(table.String())
	b.ReportMetric(quantile(alone, 0.5), "p99-alone-ms")
	b.ReportMetric(quantile(beside, 0.5), "p99-beside-ms")
	b.ReportMetric(quantile(ratios, 0.5), "ratio")
	b.ReportMetric(float64(load.reads)/load.reading.Seconds(), "reads/s")
	b.ReportMetric(0, "ns/op")
}

// peak is a crowd at one server.
type peak struct {
	api

	client    *http.Client
	enrolment []byte
	reads     int
	reading   time.Duration
}

// newPeak prepares what everybody sends.
func newPeak(b *testing.B, a api) *peak {
	b.Helper()
	detail := a.want(200, "GET", "/campaigns/"+demoCampaign, nil)
	enrolment, err := json.Marshal(map[string]any{
		"unit": a.unit(demoCampaign, ""), "name": "张三", "group": detail.list("groups")[0].text("id"),
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	})
	if err != nil {
		b.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * peakWriters}
	b.Cleanup(transport.CloseIdleConnections)
	return &peak{api: a, enrolment: enrolment, client: &http.Client{Transport: transport, Timeout: patience}}
}

// send sends one request, and fails for any answer but a good one.
func (l *peak) send(method string, h handIn) (out result, err error) {
	req, err := http.NewRequestWithContext(l.t.Context(), method, l.base+"/api/v1"+h.path, bytes.NewReader(h.body))
	if err != nil {
		return nil, err
	}
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	if len(h.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s = %d %s", method, h.path, resp.StatusCode, raw)
	}
	err = json.Unmarshal(raw, &out)
	return out, err
}

// prepare lets as many people begin as one half of a pair needs.
func (l *peak) prepare(b *testing.B, prefix string) []handIn {
	b.Helper()
	out := make([]handIn, peakWriters*writesInPhase)
	var wg sync.WaitGroup
	for w := range peakWriters {
		wg.Go(func() {
			for i := w; i < len(out); i += peakWriters {
				var err error
				if out[i], err = l.begin(fmt.Sprint(prefix, "-", i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return out
}

// begin signs somebody in, enrols them and starts their attempt.
func (l *peak) begin(name string) (handIn, error) {
	const c = "/campaigns/" + demoCampaign
	in, err := l.send(http.MethodPost, handIn{path: "/sessions/sandbox", body: []byte(`{"name":"` + name + `"}`)})
	if err != nil {
		return handIn{}, err
	}
	token := in.text("access_token")
	if _, err := l.send(http.MethodPut, handIn{c + "/enrolment", token, l.enrolment}); err != nil {
		return handIn{}, err
	}
	paper, err := l.send(http.MethodPost, handIn{c + "/attempts", token, nil})
	if err != nil {
		return handIn{}, err
	}
	body, err := json.Marshal(firstOptions(paper))
	return handIn{c + "/attempts/" + paper.text("attempt") + "/submission", token, body}, err
}

// write hands the papers in at the writers' pace and returns how long each took, in
// milliseconds.
func (l *peak) write(b *testing.B, papers []handIn) []float64 {
	b.Helper()
	took := make([]float64, len(papers))
	var wg sync.WaitGroup
	for w := range peakWriters {
		wg.Go(func() {
			tick := time.NewTicker(writeEvery)
			defer tick.Stop()
			for i := w; i < len(papers); i += peakWriters {
				<-tick.C
				began := time.Now()
				if _, err := l.send(http.MethodPost, papers[i]); err != nil {
					b.Error(err)
				}
				took[i] = float64(time.Since(began).Microseconds()) / 1000
			}
		})
	}
	wg.Wait()
	return took
}

// read lets the readers read until stop is called.
func (l *peak) read(b *testing.B) (stop func()) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), "nice", "-n", "19", os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), asReaders+"="+l.base), os.Stderr
	end, errEnd := cmd.StdinPipe()
	told, errTold := cmd.StdoutPipe()
	if err := errors.Join(errEnd, errTold, cmd.Start()); err != nil {
		b.Fatal(err)
	}
	var n int
	if _, err := fmt.Fscanln(told, &n); err != nil {
		b.Fatalf("the readers did not begin: %v", err)
	}
	began := time.Now()
	return func() {
		_ = end.Close()
		if _, err := fmt.Fscanln(told, &n); err != nil {
			b.Errorf("the readers did not tell how much they read: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			b.Errorf("the readers: %v", err)
		}
		l.reads += n
		l.reading += time.Since(began)
	}
}

// asReaders makes the test's own program the readers of the server at that address.
const asReaders = "QINGYUAN_TEST_READ"

// readUntilEnd is the readers' own process. It writes a line when they begin, and how
// much they have read when its input ends.
func readUntilEnd(base string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	r := &readers{base: base + "/api/v1/campaigns/" + demoCampaign + "/", client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * peakWriters * readersPerWriter}, Timeout: patience,
	}}
	fmt.Println(0)
	var all errgroup.Group
	for range peakWriters * readersPerWriter {
		all.Go(func() error { return r.one(ctx) })
	}
	err := all.Wait()
	fmt.Println(r.reads.Load())
	return err
}

// readers read the counts, the frame and the board in turn, as phones and screens do
// that know what they saw last.
type readers struct {
	base   string
	client *http.Client
	reads  atomic.Int64
}

// one reads until ctx ends.
func (r *readers) one(ctx context.Context) error {
	known := map[string]string{}
	paths := []string{"counts", "frame", "boards/participants"}
	for turn := rand.IntN(len(paths)); ; turn++ {
		pause := time.NewTimer(readEvery*3/4 + rand.N(readEvery/2))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
		path := paths[turn%len(paths)]
		tag, err := r.look(ctx, path, known[path])
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // It was told to end.
		case err != nil:
			return err
		}
		known[path] = tag
		r.reads.Add(1)
	}
}

// look reads what may have changed since tag.
func (r *readers) look(ctx context.Context, path, tag string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, http.NoBody)
	if err != nil {
		return "", err
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNotModified {
		return "", fmt.Errorf("GET %s = %d", path, resp.StatusCode)
	}
	return resp.Header.Get("ETag"), nil
}

// quantile returns the value below which the share q of the values lies.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
