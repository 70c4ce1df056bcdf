package main

import (
	"fmt"
	"testing"
	"time"

	"qingyuan/internal/redistest"
)

// TestWaitingRoomOverTwoServers brings a crowd to two servers that let four a second
// in together, and restarts one of them meanwhile. Everybody comes in, in the order
// of the numbers and no faster than the rate.
func TestWaitingRoomOverTwoServers(t *testing.T) {
	t.Parallel()
	const crowd, perSecond = 24, 4
	cfg := on(t, redistest.Start(t, redistest.Durable(), redistest.TCP()).Addr(), "k")
	cfg.Queue.AdmitPerSecond = perSecond
	servers := []*server{start(t, cfg), start(t, another(t, cfg))}
	early := servers[0].as("early")
	ask := func(i int, ticket string) result {
		return servers[i%2].want(200, "POST", "/queue", map[string]string{"ticket": ticket})
	}
	began := time.Now()
	tickets := make([]string, crowd)
	last, before := 0.0, began
	for i := range tickets {
		asked := time.Now()
		r := ask(i, "")
		tickets[i] = r.text("ticket")
		if position := r.num("position"); r["admitted"] != true {
			// The line may have moved since the last one was told.
			if moved := 1 + perSecond*time.Since(before).Seconds(); position <= last-moved {
				t.Errorf("number %d stands at %v, behind one at %v", i, position, last)
			}
			last = position
		}
		before = asked
	}
	if last < crowd/4 {
		t.Fatalf("the last of %d stands at %v: too few to prove anything", crowd, last)
	}
	pusher := servers[1].want(429, "POST", "/sessions/sandbox", map[string]string{"name": "pusher"})
	if pusher.text("code") != "queue.required" || pusher.num("retry_after_ms") <= 0 {
		t.Errorf("whoever pushes in is told %v", pusher)
	}
	early.want(200, "GET", "/campaigns/"+demoCampaign+"/me", nil) // who is in stays in
	if err := servers[1].stop(); err != nil {
		t.Error(err)
	}
	servers[1] = start(t, another(t, cfg))
	servers[0].eventually("everybody to be let in", func() bool {
		in := 0
		for i := crowd - 1; i >= 0; i-- { // backwards: whoever stands before was let in earlier
			admitted := ask(i, tickets[i])["admitted"] == true
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
		return in == crowd
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
