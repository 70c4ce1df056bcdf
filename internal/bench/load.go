package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// turn is what one turn of the load came to.
type turn struct {
	requests int
	took     time.Duration
	p50, p99 time.Duration
	// server and redis are the processor time that a request took, generator that
	// of the load itself.
	server, redis, generator time.Duration
	// parts is what the server's time went to in the turn and after it, of each
	// request; nil where nobody looked, or the turn took longer than who did.
	parts shares
}

func (t turn) rate() float64 { return float64(t.requests) / t.took.Seconds() }

// deadline bounds a turn: a server that hangs must not hang the benchmark.
const deadline = time.Minute

// drive sends every request once, over conns kept connections that each wait for
// their answer, and returns the bodies where keep is set. Any answer but 200 and
// 201 fails the turn: what is refused costs nothing.
func drive(ctx context.Context, addr string, requests [][]byte, conns int, keep bool) (turn, [][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	open := make([]net.Conn, min(conns, len(requests)))
	defer func() {
		for _, c := range open {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	for i := range open {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return turn{}, nil, fmt.Errorf("connect the load: %w", err)
		}
		_ = c.SetDeadline(time.Now().Add(deadline))
		open[i] = c
	}
	var bodies [][]byte
	if keep {
		bodies = make([][]byte, len(requests))
	}
	waits := make([]time.Duration, len(requests))
	errs := make([]error, len(open))
	var next atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for i, c := range open {
		all.Go(func() {
			r := bufio.NewReaderSize(c, 16<<10)
			for {
				n := int(next.Add(1)) - 1
				if n >= len(requests) || ctx.Err() != nil {
					return
				}
				sent := time.Now()
				body, err := exchange(c, r, requests[n], keep)
				if err != nil {
					errs[i] = fmt.Errorf("request %d: %w", n, err)
					cancel()
					return
				}
				waits[n] = time.Since(sent)
				if keep {
					bodies[n] = body
				}
			}
		})
	}
	all.Wait()
	t := turn{requests: len(requests), took: time.Since(began)}
	slices.SortFunc(waits, cmp.Compare[time.Duration])
	t.p50, t.p99 = waits[len(waits)/2], waits[len(waits)*99/100]
	if err := errors.Join(errs...); err != nil {
		return t, nil, err
	}
	return t, bodies, ctx.Err()
}

// exchange sends one request and reads its answer.
func exchange(c io.Writer, r *bufio.Reader, request []byte, keep bool) ([]byte, error) {
	if _, err := c.Write(request); err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	good := bytes.HasPrefix(line, []byte("HTTP/1.1 200")) || bytes.HasPrefix(line, []byte("HTTP/1.1 201"))
	status := string(bytes.TrimSpace(line[:min(len(line), 12)]))
	length := -1
	for {
		line, err = r.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("read the head: %w", err)
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return nil, fmt.Errorf("length of the answer: %w", err)
			}
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("%s without a length", status)
	}
	if good && !keep {
		_, err = r.Discard(length)
		return nil, err
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if !good {
		return nil, fmt.Errorf("%s: %s", status, body)
	}
	return body, nil
}

// request writes one as a phone would send it.
func request(method, path, token string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench.invalid\r\nUser-Agent: bench\r\nAccept: application/json\r\n", method, path)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}
