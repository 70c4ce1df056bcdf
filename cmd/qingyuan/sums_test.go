package main

import (
	"strings"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/wechattest"
)

// TestSumsAddUp serves campaigns that rank sums of points: two attempts of one day
// count both, or the better one, and what is told of the best attempt stays so.
func TestSumsAddUp(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]float64{"sum": 100 + 30, "sum_days": 100} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s, we := summing(t, policy)
			p := s.through(we, "openid-sum")
			p.enrol(knownCampaign)
			for _, right := range []func(stem, option string) bool{
				func(_, o string) bool { return o == "错误" }, // 30 points
				func(_, o string) bool { return strings.HasPrefix(o, "对的") || o == "错误" },
			} {
				paper := p.want(201, "POST", "/campaigns/"+knownCampaign+"/attempts", nil)
				p.want(200, "POST", "/campaigns/"+knownCampaign+"/attempts/"+paper.text("attempt")+"/submission", choose(paper, right))
			}
			mine := p.want(200, "GET", "/campaigns/"+knownCampaign+"/boards/participants/me", nil)
			if mine.num("score") != want || mine.num("rank") != 1 || mine["passed"] != true || mine.num("used_ms") != 0 {
				t.Errorf("my place is %v, want %v points", mine, want)
			}
			if best := p.want(200, "GET", "/campaigns/"+knownCampaign+"/me", nil).object("best"); best.num("score") != 100 {
				t.Errorf("my best attempt is %v", best)
			}
			s.eventually("the board to follow", func() bool {
				items := s.want(200, "GET", "/campaigns/"+knownCampaign+"/boards/participants?scope=known-unit", nil).list("items")
				return len(items) == 1 && items[0].num("score") == want
			})
		})
	}
}

// summing is a campaign of sums, for a fresh server.
func summing(t *testing.T, policy string) (*server, *wechattest.Server) {
	t.Helper()
	cfg := demo(t)
	cfg.Demo = false
	if status, errs := edited(t, cfg.Data.Dir, strings.NewReplacer("  review:", "  policy: "+policy+"\n  review:")); status != exitDone {
		t.Fatalf("campaign apply = %d %s", status, errs)
	}
	we := wechattest.Start(t)
	we.Register("wxapp", "app-secret")
	cfg.WeChat.BaseURL = we.URL()
	cfg.WeChat.MiniPrograms = []configs.App{{AppID: "wxapp", Secret: configs.NewSecret("app-secret")}}
	return start(t, cfg), we
}
