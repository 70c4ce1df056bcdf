package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"qingyuan/internal/redistest"
)

// TestWaitingRoomOverTwoServers brings a crowd to two servers that let ten a second
// in together, and restarts one of them meanwhile. Everybody comes in, in the order
// of the numbers and no faster than the rate.
func TestWaitingRoomOverTwoServers(t *testing.T) {
	t.Parallel()
	const crowd, perSecond = 40, 10
	cfg := on(t, redistest.Start(t, redistest.Durable(), redistest.TCP()).Addr(), "k")
	cfg.Queue.AdmitPerSecond = perSecond
	servers := []*server{start(t, cfg), start(t, another(t, cfg))}
	early := servers[0].as("early")
	ask := func(i int, ticket string) result {
		return servers[i%2].want(200, "POST", "/queue", map[string]string{"ticket": ticket})
	}
	began := time.Now()
	tickets := make([]string, crowd)
	last := 0.0
	for i := range tickets {
		r := ask(i, "")
		tickets[i] = r.text("ticket")
		if position := r.num("position"); r["admitted"] != true {
			if position <= last {
				t.Errorf("number %d stands at %v, behind one at %v", i, position, last)
			}
			last = position
		}
	}
	if last < crowd/2 {
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

// TestSwitch turns the boards of one campaign off and on while everything else is
// served.
func TestSwitch(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	turn := func(want int, args ...string) string {
		t.Helper()
		status, out, errs := command(t, append(append([]string{"switch"}, args...), "--data", cfg.Data.Dir)...)
		if status != want {
			t.Fatalf("switch %s = %d %s%s, want %d", strings.Join(args, " "), status, out, errs, want)
		}
		return out + errs
	}
	board := func(campaign string) int {
		status, _, err := s.call("GET", "/campaigns/"+campaign+"/boards/regions", nil)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if out := turn(exitDone); !strings.Contains(out, "nothing is switched off") {
		t.Errorf("at first: %s", out)
	}
	turn(exitDone, "boards", "off", "--campaign", demoCampaign)
	s.eventually("the boards to be off", func() bool { return board(demoCampaign) == 503 })
	s.eventually("the frame to leave them out", func() bool {
		return s.want(200, "GET", "/campaigns/"+demoCampaign+"/frame", nil)["boards"] == nil
	})
	s.want(200, "GET", "/campaigns/"+demoCampaign+"/counts", nil)
	s.want(200, "GET", "/campaigns/"+demoCampaign+"/counts/history", nil)
	for _, c := range s.want(200, "GET", "/campaigns", nil).list("items") {
		if id := c.text("id"); id != demoCampaign && board(id) == 503 {
			t.Errorf("the boards of %s went off with them", id)
		}
	}
	if ready := s.want(200, "GET", "/readyz", nil); !strings.Contains(fmt.Sprint(ready["warnings"]), "boards is switched off") {
		t.Errorf("/readyz warns of %v", ready)
	}
	if out := turn(exitDone, "--json"); out != `{"off":[{"campaign":"`+demoCampaign+`","feature":"boards"}]}`+"\n" {
		t.Errorf("listed: %s", out)
	}
	turn(exitUsage, "boards", "off", "--campaign", "no-such")
	turn(exitUsage, "boards")
	turn(exitUsage, "quiz", "off")
	turn(exitDone, "boards", "on") // for all, and so for this one
	s.eventually("the boards to be on", func() bool { return board(demoCampaign) == 200 })
}

// TestDrain stops a server behind a load balancer: it says so, serves on for a
// while, and only then closes.
func TestDrain(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	cfg.HTTP.DrainDelay = 2 * time.Second
	s := start(t, cfg)
	p := s.as("late")
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	unready(s, "draining")
	p.enrol(demoCampaign) // whoever still comes is served
	s.want(200, "GET", "/campaigns/"+demoCampaign+"/counts", nil)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < cfg.HTTP.DrainDelay {
		t.Errorf("stopped after %v", took)
	}
	if _, _, err := s.call("GET", "/readyz", nil); err == nil {
		t.Error("a stopped server answers")
	}
}
