package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestExchange(t *testing.T) {
	t.Parallel()
	const more = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
	for name, tc := range map[string]struct{ answer, body, fault string }{
		"an answer":      {answer: "HTTP/1.1 201 Created\r\nServer: x\r\nContent-Length: 2\r\n\r\nok", body: "ok"},
		"a refusal":      {answer: "HTTP/1.1 503 Away\r\nContent-Length: 4\r\n\r\nlate", fault: "503: late"},
		"no length":      {answer: "HTTP/1.1 200 OK\r\n\r\n", fault: "without a length"},
		"a wrong length": {answer: "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", fault: "length of the answer"},
		"half a body":    {answer: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok", fault: "read the body"},
		"nothing":        {fault: "read the answer"},
	} {
		var sent bytes.Buffer
		r := bufio.NewReader(strings.NewReader(tc.answer))
		body, err := exchange(&sent, r, []byte("ask"), true)
		if string(body) != tc.body || (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
			t.Errorf("%s: %q, %v", name, body, err)
		}
		if sent.String() != "ask" {
			t.Errorf("%s: sent %q", name, &sent)
		}
	}
	r := bufio.NewReader(strings.NewReader(strings.Replace(more, "next", "skip", 1) + more))
	for _, want := range []string{"", "next"} { // what is not kept is read all the same
		if body, err := exchange(io.Discard, r, nil, want != ""); err != nil || string(body) != want {
			t.Errorf("%q, %v", body, err)
		}
	}
}

// TestDrive sends each request once, and counts a refusal as a failure of the turn.
func TestDrive(t *testing.T) {
	t.Parallel()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go echoLines(c)
		}
	}()
	requests := [][]byte{[]byte("a\n"), []byte("b\n"), []byte("c\n")}
	one, bodies, err := drive(t.Context(), ln.Addr().String(), requests, 2, true)
	if err != nil || string(bytes.Join(bodies, nil)) != "a\nb\nc\n" {
		t.Fatalf("bodies %q, %v", bodies, err)
	}
	if one.requests != 3 || one.rate() <= 0 || one.p99 < one.p50 {
		t.Errorf("turn %+v", one)
	}
	if _, _, err := drive(t.Context(), ln.Addr().String(), append(requests, []byte("no\n")), 2, false); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a refusal: %v", err)
	}
}

// echoLines answers each line with itself, and "no" with a refusal.
func echoLines(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	for lines := bufio.NewScanner(c); lines.Scan(); {
		status := "200 OK"
		if lines.Text() == "no" {
			status = "503 No"
		}
		if _, err := io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 2\r\n\r\n"+lines.Text()[:1]+"\n"); err != nil {
			return
		}
	}
}

func TestQuartiles(t *testing.T) {
	t.Parallel()
	given := []float64{5, 1, 4, 2, 3}
	if low, mid, high := quartiles(given); low != 2 || mid != 3 || high != 4 {
		t.Errorf("%v %v %v", low, mid, high)
	}
	if given[0] != 5 {
		t.Error("the values were put in order in place")
	}
	if low, mid, high := quartiles([]float64{7}); low != 7 || mid != 7 || high != 7 {
		t.Errorf("%v %v %v", low, mid, high)
	}
}

// TestVerdicts: the median decides, and what was not measured is not met.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	turns := func(ms ...int) []turn {
		var out []turn
		for _, m := range ms {
			out = append(out, turn{requests: 100, took: time.Duration(m) * time.Millisecond, p99: time.Duration(m)})
		}
		return out
	}
	r := &run{rows: []*row{
		{name: "submit", over: "bare", a: turns(10, 10, 90), b: turns(10, 11, 10)},
		{name: "sign the pledge", over: "bare", a: turns(10), b: turns(11)},
		{name: "bare, joined, c=8", over: "bare, c=8", a: turns(9), b: turns(10)},
	}}
	var b strings.Builder
	if err := r.verdicts(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		want := "not measured"
		switch {
		case strings.HasPrefix(line, "submit ÷ bare  "), strings.HasPrefix(line, "p99"):
			want = "met"
		case strings.HasPrefix(line, "sign"):
			want = "MISSED"
		case strings.HasPrefix(line, "target") || strings.TrimSpace(line) == "":
			want = ""
		}
		if !strings.Contains(line, want) {
			t.Errorf("%q, want %s", line, want)
		}
	}
}
