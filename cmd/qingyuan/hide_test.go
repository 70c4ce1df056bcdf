package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHiding takes somebody off the public boards of the running program over HTTP and puts
// them back by a command: others close the gap and open it again to the byte, the person has
// their score throughout and no place meanwhile, and nothing differs from the ledger. Who
// takes their consent back is not shown again.
func TestHiding(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	people := gathering(t, s)
	clerk := s.officeOf(t, "clerk", printed(o.run(exitDone, "", "operator", "create", "--login", "clerk", "--role", "campaign_operator", "--campaign", demoCampaign)))
	board := func() []result { return s.want(200, "GET", demoPath+"/boards/participants", nil).list("items") }
	s.eventually("everybody to stand on the board", func() bool { return len(board()) == len(people) })
	before := board()
	everybody := clerk.want(200, "GET", "/admin"+demoPath+"/boards/participants", nil).list("items")
	if len(everybody) != len(people) || everybody[0].num("score") != before[0].num("score") {
		t.Fatalf("the clerk sees %v, the public %v", everybody, before)
	}
	first := everybody[0].text("participant")
	n := slices.IndexFunc([]string{"first", "second", "third"}, func(name string) bool {
		return s.want(200, "POST", "/sessions/sandbox", map[string]string{"name": name}).object("participant").text("id") == first
	})
	if n < 0 {
		t.Fatalf("nobody is %s", first)
	}
	leader := people[n]
	mine := leader.want(200, "GET", demoPath+"/boards/participants/me", nil)

	hidden := clerk.want(201, "POST", "/admin"+demoPath+"/hidings", map[string]string{"participant": first, "reason": "成绩正在核查"})
	clerk.want(200, "POST", "/admin"+demoPath+"/hidings", map[string]string{"participant": first, "reason": "成绩正在核查"})
	s.eventually("the others to close the gap", func() bool { return len(board()) == len(people)-1 })
	if now := board(); now[0].num("rank") != 1 || now[0].num("score") != before[1].num("score") {
		t.Errorf("without the first the board begins with %v; the second was %v", now[0], before[1])
	}
	own := leader.want(200, "GET", demoPath+"/boards/participants/me", nil)
	if own["hidden"] != true || own["rank"] != nil || own.num("score") != mine.num("score") {
		t.Errorf("who is hidden sees %v", own)
	}
	s.eventually("the clerk to see who is hidden", func() bool {
		all := clerk.want(200, "GET", "/admin"+demoPath+"/boards/participants", nil).list("items")
		return len(all) == len(people) && all[0]["hidden"] == true
	})
	if said := o.run(exitDone, "", "hide", "list", "--campaign", demoCampaign); !strings.Contains(said, hidden.text("id")) || !strings.Contains(said, first) {
		t.Errorf("the command lists %s", said)
	}
	o.run(exitDone, "", "verify")

	o.run(exitDone, "", "hide", "end", "--campaign", demoCampaign, "--reason", "核查无误", hidden.text("id"))
	s.eventually("the board to be as it was", func() bool { return cmp.Equal(board(), before) })
	if again := leader.want(200, "GET", demoPath+"/boards/participants/me", nil); !cmp.Equal(again, mine) {
		t.Errorf("back again they see %s", cmp.Diff(mine, again))
	}
	if kept := leader.want(200, "GET", "/participants/me", nil).list("campaigns"); !hasRecord(kept, "hiding") {
		t.Errorf("their own export says nothing of it: %v", kept)
	}

	o.run(exitDone, "", "hide", "begin", "--campaign", demoCampaign, "--reason", "再次核查", first)
	id := clerk.want(200, "GET", "/admin"+demoPath+"/hidings", nil).list("items")[0].text("id")
	leader.want(204, "POST", demoPath+"/consent/withdrawal", nil)
	clerk.want(409, "POST", "/admin"+demoPath+"/hidings/"+id+"/show", map[string]string{"reason": "核查无误"})
	o.run(exitDone, "", "verify")
}

func hasRecord(campaigns []result, kind string) bool {
	for _, c := range campaigns {
		for _, r := range c.list("records") {
			if r.text("kind") == kind {
				return true
			}
		}
	}
	return false
}
