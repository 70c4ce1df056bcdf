package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingyuan/internal/redistest"
)

// TestWaitingRoomOverTwoServers brings a crowd to two servers that let two a second
// in together, and restarts one of them meanwhile. Everybody comes in, in the order
// of the numbers and no faster than the rate.
func TestWaitingRoomOverTwoServers(t *testing.T) {
	t.Parallel()
	const crowd, perSecond = 18, 2
	cfg := on(t, redistest.Start(t, redistest.Durable(), redistest.TCP()).Addr(), "k")
	cfg.Queue.AdmitPerSecond = perSecond
	servers := []*server{start(t, cfg), start(t, another(t, cfg))}
	early := servers[0].as("early")
	ask := func(i int, ticket string) result {
		return servers[i%2].want(200, "POST", "/queue", map[string]string{"ticket": ticket})
	}
	began := time.Now()
	var tickets []string
	// A machine that is slow with them lets some in meanwhile: others come, until a third of
	// a crowd has to wait, and waits still when somebody has pushed in.
	for waiting := false; !waiting; {
		came, wait := crowdOf(t, servers, crowd)
		tickets = append(tickets, came...)
		status, pusher, err := servers[1].breathing("POST", "/sessions/sandbox", map[string]string{"name": "pusher"})
		if waiting = err == nil && wait >= crowd/3 && ask(len(tickets)-1, tickets[len(tickets)-1])["admitted"] != true; !waiting {
			continue
		}
		if status != 429 || pusher.text("code") != "queue.required" || pusher.num("retry_after_ms") <= 0 {
			t.Errorf("whoever pushes in is told %d %v", status, pusher)
		}
	}
	early.want(200, "GET", "/campaigns/"+demoCampaign+"/me", nil) // who is in stays in
	if err := servers[1].stop(); err != nil {
		t.Error(err)
	}
	servers[1] = start(t, another(t, cfg))
	servers[0].eventually("everybody to be let in", func() bool {
		in := 0
		for i, ticket := range slices.Backward(tickets) { // whoever stands before was let in earlier
			admitted := ask(i, ticket)["admitted"] == true
			if in > 0 && !admitted {
				t.Errorf("number %d waits, and a later one was let in", i)
			}
			if admitted {
				in++
			}
		}
		if most := perSecond * (1 + time.Since(began).Seconds()); float64(in) > most+1 {
			t.Errorf("%d were let in after %v, at most %.1f may be", in, time.Since(began), most)
		}
		return in == len(tickets)
	})
	for i, ticket := range tickets {
		for range 2 { // the first answer is lost
			servers[i%2].want(200, "POST", "/sessions/sandbox", map[string]string{"name": fmt.Sprint("guest", i), "ticket": ticket})
		}
	}
	if ready := servers[0].want(200, "GET", "/readyz", nil); ready["warnings"] != nil {
		t.Errorf("a rush is no reason to warn: %v", ready)
	}
}

// crowdOf lets so many people come at once, and returns their tickets in the order of their
// numbers and how many of them have to wait.
func crowdOf(t *testing.T, servers []*server, n int) (tickets []string, waiting int) {
	t.Helper()
	tickets = make([]string, n)
	var wait atomic.Int64
	var all sync.WaitGroup
	for i := range tickets {
		all.Go(func() {
			status, r, err := servers[i%2].breathing("POST", "/queue", map[string]string{"ticket": ""})
			if err != nil || status != 200 {
				t.Errorf("number %d: %d %v, %v", i, status, r, err)
				return
			}
			tickets[i] = r.text("ticket")
			if r["admitted"] != true {
				wait.Add(1)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	// A ticket begins with its number, most significant byte first, in base 64.
	slices.SortFunc(tickets, func(a, b string) int { return bytes.Compare(numberOf(t, a), numberOf(t, b)) })
	return tickets, int(wait.Load())
}

// numberOf is the number of a ticket.
func numberOf(t *testing.T, ticket string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil || len(b) < 8 {
		t.Fatalf("ticket %q: %v", ticket, err)
	}
	return b[:8]
}

// TestLineYieldsToThoseInside runs a server that takes every request for a slow one. It
// lets in fewer people than it was told to, and whoever is on duty sees it.
func TestLineYieldsToThoseInside(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	cfg.Queue.AdmitPerSecond, cfg.Queue.SlowAfter = 1000, time.Nanosecond
	s := start(t, cfg)
	o := officeCommands{t, cfg}
	duty := s.officeOf(t, "duty", printed(o.run(exitDone, "", "operator", "create", "--login", "duty", "--role", "system")))
	inside := s.as("inside")
	s.eventually("the line to be slowed", func() bool {
		for range 30 { // enough for a judgement
			inside.want(200, "GET", demoPath+"/me", nil)
		}
		for _, f := range duty.want(200, "GET", "/admin/duty", nil).list("figures") {
			if f.text("id") == "queue.slowed" {
				return f.num("value") >= 15 && f.text("hint") != ""
			}
		}
		return false
	})
}
