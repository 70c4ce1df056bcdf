package main

import (
	"fmt"
	"strings"
	"testing"

	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
)

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

// TestSwitchBehindNginx asks again and again for what is off: the proxy must not
// take the servers for failing ones, or everything would go off with it.
func TestSwitchBehindNginx(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Durable(), redistest.TCP())
	f := newFleet(t, 2, on(t, redis.Addr(), "k"))
	near := api{t: t, base: proxy(t, f.addrs())}
	store := redisstore.NewSwitches(redis.Client(t))
	paths := map[string]string{
		"boards": "/boards/participants", "breakdown": "/counts/breakdown", "history": "/counts/history", "live": "/live",
	}
	for feature, path := range paths {
		if err := store.SwitchOff(t.Context(), redisstore.Switch{Campaign: redisstore.EveryCampaign, Feature: feature}); err != nil {
			t.Fatal(err)
		}
		for _, s := range f.servers {
			s.eventually(feature+" to be off", func() bool {
				status, _, err := s.call("GET", "/campaigns/"+demoCampaign+path, nil)
				return err == nil && status == 503
			})
		}
	}
	for range 10 {
		for feature, path := range paths {
			if r := near.want(503, "GET", "/campaigns/"+demoCampaign+path, nil); r.num("retry_after_ms") != 30_000 {
				t.Errorf("%s: the proxy answers %v instead of the server", feature, r)
			}
			near.want(200, "GET", "/campaigns/"+demoCampaign+"/counts", nil)
		}
	}
}
