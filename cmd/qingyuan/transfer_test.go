package main

import (
	"strings"
	"testing"
)

// TestTransfers goes from the wish of a participant to the counts of their new unit in
// the running program: asked for over HTTP, granted by the receiving unit's operator and
// by a command, in the person's own export, and nothing differs afterwards.
func TestTransfers(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	o := officeCommands{t, cfg}
	s := start(t, cfg)
	people := gathering(t, s)
	p := people[0]
	from := p.unit(demoCampaign, "")
	to, where := unitElsewhere(s)
	detail := s.want(200, "GET", "/campaigns/"+demoCampaign, nil)
	fixed := p.want(409, "PUT", demoPath+"/enrolment", map[string]any{
		"unit": to, "name": "张三", "group": detail.list("groups")[0].text("id"),
		"consent": map[string]any{"notice_version": detail.object("consent_notice").text("version"), "publish_name": false},
	})
	if fixed.text("code") != "enrolment.unit_fixed" || !strings.Contains(fixed.text("message"), "转单位") {
		t.Errorf("who changes their unit is told %v", fixed)
	}
	before := where.attempts(s)
	one := p.want(201, "POST", demoPath+"/transfers", map[string]string{"unit": to, "reason": "搬家"}).text("id")
	clerk := s.officeOf(t, "clerk", printed(o.run(exitDone, "", "operator", "create", "--login", "clerk", "--role", "campaign_operator", "--campaign", demoCampaign)))
	path := "/admin" + demoPath + "/transfers/" + one
	if read := clerk.want(200, "GET", path, nil); read.text("reason") != "搬家" || read.text("to_unit") != to {
		t.Errorf("the clerk reads %v", read)
	}
	clerk.want(200, "POST", path+"/grant", map[string]string{"reason": "已核实"})
	if now := p.want(200, "GET", demoPath+"/me", nil).object("enrolment").text("unit"); now != to {
		t.Errorf("after the grant the participant is in %s, want %s", now, to)
	}
	s.eventually("the counts to follow", func() bool { return where.attempts(s) > before })

	back := p.want(201, "POST", demoPath+"/transfers", map[string]string{"unit": from}).text("id")
	if list := o.run(exitDone, "", "transfer", "list", "--campaign", demoCampaign, "--state", "pending"); !strings.Contains(list, back) || strings.Contains(list, one) {
		t.Errorf("the command lists %s", list)
	}
	o.run(exitDone, "", "transfer", "refuse", "--campaign", demoCampaign, "--reason", "已开学", back)
	again := p.want(201, "POST", demoPath+"/transfers", map[string]string{"unit": from}).text("id")
	if said := o.run(exitDone, "", "transfer", "grant", "--campaign", demoCampaign, again); !strings.Contains(said, "granted") {
		t.Errorf("the command says %s", said)
	}
	s.eventually("the counts to go back", func() bool { return where.attempts(s) == before })
	s.eventually("the export to tell of it", func() bool {
		kept := p.want(200, "GET", "/participants/me", nil).list("campaigns")
		facts, told := 0, 0
		for _, c := range kept {
			for _, f := range c.list("facts") {
				if f.text("kind") == "transferred.1" {
					facts++
				}
			}
			for _, r := range c.list("records") {
				if r.text("kind") == "transfer" {
					told++
				}
			}
		}
		return facts == 2 && told == 3
	})
	o.run(exitDone, "", "verify")
}

// region is one of those that stand beside each other below a parent.
type region struct{ id, parent string }

// unitElsewhere returns a unit in another region than everybody enrols in, and that region.
func unitElsewhere(s *server) (unit string, in region) {
	for parent := ""; ; {
		var regions []string
		for _, n := range s.want(200, "GET", demoPath+"/units?parent="+parent, nil).list("items") {
			if n.text("kind") == "region" {
				regions = append(regions, n.text("id"))
			}
		}
		if len(regions) == 0 {
			s.t.Fatalf("nothing is beside %q", parent)
		}
		for _, id := range regions[1:] {
			if u := s.unit(demoCampaign, id); u != "" {
				return u, region{id, parent}
			}
		}
		parent = regions[0]
	}
}

// attempts are those that count for the region.
func (r region) attempts(s *server) float64 {
	for _, row := range s.want(200, "GET", demoPath+"/counts/breakdown?parent="+r.parent, nil).list("items") {
		if row.text("id") == r.id {
			return row.num("attempts")
		}
	}
	return -1
}
