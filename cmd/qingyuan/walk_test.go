package main

import (
	"testing"
)

const demoCampaign = "jinzhong-2026"

// TestWholeWay walks one person through everything, twice where it matters, and
// once more after a restart.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	s := start(t, cfg)
	path := "/campaigns/" + demoCampaign
	p := s.as("walk")
	p.enrol(demoCampaign)

	version := p.want(200, "GET", path+"/pledge", nil).text("version")
	sign := map[string]any{"version": version, "method": "typed", "name": "张三"}
	signed := p.want(201, "POST", path+"/signatures", sign)
	if again := p.want(200, "POST", path+"/signatures", sign); again.text("serial") != signed.text("serial") {
		t.Errorf("signing twice gave serials %s and %s", signed.text("serial"), again.text("serial"))
	}
	public := s.want(200, "GET", "/signatures/"+signed.text("serial"), nil)
	if public.text("state") != "valid" || public.text("name") != "张*" {
		t.Errorf("the public page of the serial says %v", public)
	}

	paper := p.want(201, "POST", path+"/attempts", map[string]any{})
	if again := p.want(200, "POST", path+"/attempts", nil); again.text("attempt") != paper.text("attempt") {
		t.Error("an open attempt was not given back")
	}
	submit := path + "/attempts/" + paper.text("attempt") + "/submission"
	receipt := p.want(200, "POST", submit, firstOptions(paper))
	again := p.want(200, "POST", submit, firstOptions(paper))
	for _, fixed := range []string{"score", "correct", "used_ms", "submitted_at", "rank"} {
		if receipt[fixed] != again[fixed] {
			t.Errorf("%s of the repeat is %v, first %v", fixed, again[fixed], receipt[fixed])
		}
	}
	p.want(409, "POST", submit, map[string]any{"answers": map[string]any{}})

	me := p.want(200, "GET", path+"/boards/participants/me", nil)
	if me.num("rank") != 1 || me.num("of") != 1 {
		t.Errorf("the only participant stands at %v of %v", me["rank"], me["of"])
	}
	counts := map[string]float64{"enrolled": 1, "participants": 1, "attempts": 1, "signatures": 1}
	s.wantCounts(demoCampaign, counts)

	if err := s.stop(); err != nil {
		t.Fatalf("stop: %v", err)
	}
	s = start(t, cfg)
	p.base = s.base
	after := p.want(200, "GET", path+"/attempts/"+paper.text("attempt"), nil)
	if after.num("score") != receipt.num("score") || after.text("submitted_at") != receipt.text("submitted_at") {
		t.Errorf("after a restart the receipt is %v, was %v", after, receipt)
	}
	s.wantCounts(demoCampaign, counts)
}
