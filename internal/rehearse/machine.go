package rehearse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Machine reads what a Linux machine tells of itself.
type Machine struct {
	// Proc is the folder that the kernel tells in: /proc.
	Proc string
	// Server is the process of the server; 0 for one that is not ours. Its Redis
	// is a child of it.
	Server int
	// People are the processes that simulate, this one's children among them.
	People int
	// Pace asks the server at which part of its rate the line moves, 0 for no answer; nil
	// where nobody can be asked.
	Pace func(context.Context) float64
	Now  func() time.Time
}

// ticks are the parts of a second in which Linux counts processor time for
// programs, whatever the kernel uses itself.
const ticks = 100

// reading is what was counted up to a moment.
type reading struct {
	at                           time.Time
	busy, server, redis, people  float64 // seconds of processor time
	free, serverBytes, redisByte int64
}

// Watch samples once a second until ctx ends, and returns the samples. On a
// machine that tells nothing there are none.
func (m Machine) Watch(ctx context.Context) []Sample {
	began := m.Now()
	last, err := m.read()
	if err != nil {
		return nil
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var out []Sample
	for {
		select {
		case <-ctx.Done():
			return out
		case <-tick.C:
		}
		now, err := m.read()
		if err != nil {
			return out
		}
		sample := now.since(last, began)
		if m.Pace != nil {
			sample.Pace = m.Pace(ctx)
		}
		out = append(out, sample)
		last = now
	}
}

func (r reading) since(last reading, began time.Time) Sample {
	took := r.at.Sub(last.at).Seconds()
	if took <= 0 {
		took = 1
	}
	return Sample{
		Second: r.at.Sub(began).Seconds(),
		Busy:   (r.busy - last.busy) / took, Server: max(0, r.server-last.server) / took,
		Redis: max(0, r.redis-last.redis) / took, People: max(0, r.people-last.people) / took,
		FreeBytes: r.free, ServerBytes: r.serverBytes, RedisBytes: r.redisByte,
	}
}

func (m Machine) read() (reading, error) {
	r := reading{at: m.Now()}
	var err error
	if r.busy, err = m.busy(); err != nil {
		return r, err
	}
	if _, r.free, err = m.Memory(); err != nil {
		return r, err
	}
	all, err := m.processes()
	if err != nil {
		return r, err
	}
	for _, p := range all {
		switch {
		case m.Server != 0 && p.id == m.Server:
			r.server += p.cpu
			r.serverBytes += p.bytes
		case m.Server != 0 && p.parent == m.Server:
			r.redis += p.cpu
			r.redisByte += p.bytes
		case p.id == m.People || p.parent == m.People:
			r.people += p.cpu
		}
	}
	return r, nil
}

// busy returns the processor time of the whole machine that was not idle.
func (m Machine) busy() (float64, error) {
	text, err := os.ReadFile(filepath.Join(m.Proc, "stat"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, errors.New("no line of all processors in /proc/stat")
	}
	sum := 0.0
	for i, f := range fields[1:8] { // user nice system idle iowait irq softirq
		if v, err := strconv.ParseFloat(f, 64); err == nil && i != 3 && i != 4 {
			sum += v
		}
	}
	return sum / ticks, nil
}

// Memory returns how much there is and how much could still be taken.
func (m Machine) Memory() (total, free int64, err error) {
	text, err := os.ReadFile(filepath.Join(m.Proc, "meminfo"))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseInt(f[1], 10, 64)
		switch f[0] {
		case "MemTotal:":
			total = kb << 10
		case "MemAvailable:":
			free = kb << 10
		}
	}
	return total, free, nil
}

type process struct {
	id, parent int
	cpu        float64
	bytes      int64
}

// processes lists those that concern a rehearsal.
func (m Machine) processes() ([]process, error) {
	names, err := filepath.Glob(filepath.Join(m.Proc, "[0-9]*", "stat"))
	if err != nil {
		return nil, err
	}
	var out []process
	for _, name := range names {
		text, err := os.ReadFile(name) //nolint:gosec // The name comes from the kernel.
		if err != nil {
			continue // it has ended
		}
		p, err := parseProcess(text)
		if err != nil {
			continue
		}
		if ours := []int{m.Server, m.People}; slices.Contains(ours, p.id) || p.parent != 0 && slices.Contains(ours, p.parent) {
			out = append(out, p)
		}
	}
	return out, nil
}

// parseProcess reads /proc/ID/stat. The name, in brackets, may hold anything.
func parseProcess(text []byte) (process, error) {
	id, _, _ := bytes.Cut(text, []byte(" "))
	end := bytes.LastIndexByte(text, ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 22 {
		return process{}, fmt.Errorf("a process of %d fields", len(fields))
	}
	number := func(i int) int64 { // by the counting of the manual, from 1
		v, _ := strconv.ParseInt(fields[i-3], 10, 64)
		return v
	}
	own, err := strconv.Atoi(string(id))
	return process{
		id: own, parent: int(number(4)), cpu: float64(number(14)+number(15)) / ticks,
		bytes: number(24) * int64(os.Getpagesize()),
	}, err
}
