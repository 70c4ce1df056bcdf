package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/wechattest"
)

const knownCampaign = "known-2026"

// command runs one command line in this process.
func command(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(env{ctx: t.Context(), stdout: &out, stderr: &errs}, args)
	return status, out.String(), errs.String()
}

// known serves the campaign with known answers, as a real deployment would: put
// in place by the command, signed in to through WeChat.
func known(t *testing.T) (*server, *wechattest.Server, configs.Config) {
	t.Helper()
	cfg := demo(t)
	cfg.Demo = false
	if status, out, errs := command(t, "campaign", "apply", "--unreviewed", "testdata/known/campaign.yaml", "--data", cfg.Data.Dir); status != exitDone {
		t.Fatalf("campaign apply = %d\n%s%s", status, out, errs)
	}
	we := wechattest.Start(t)
	we.Register("wxapp", "app-secret")
	cfg.WeChat.BaseURL = we.URL()
	cfg.WeChat.MiniPrograms = []configs.App{{AppID: "wxapp", Secret: configs.NewSecret("app-secret")}}
	cfg.Limits.SignInPerMinutePerAddress = 1000
	return start(t, cfg), we, cfg
}

// through signs a person in by a WeChat code.
func (s *server) through(we *wechattest.Server, openid string) api {
	s.t.Helper()
	code := we.Code("wxapp", wechattest.Person{OpenID: openid})
	a := s.api
	a.token = s.want(200, "POST", "/sessions/wechat", map[string]string{"code": code}).text("access_token")
	return a
}

// TestKnownAnswersGiveExactScores takes the quiz of a bank whose answers the
// test knows, and signs in through WeChat.
func TestKnownAnswersGiveExactScores(t *testing.T) {
	t.Parallel()
	s, we, _ := known(t)
	right := map[string]bool{"对的甲": true, "对的乙": true, "对的丙": true, "错误": true}
	key := map[string][]string{ // stem to the right texts
		"第一题的正确选项是哪一个？": {"对的甲"}, "第二题的正确选项是哪一个？": {"对的乙"},
		"第三题的正确选项有哪些？": {"对的甲", "对的丙"}, "第四题的说法是错误的。": {"错误"},
	}
	for name, c := range map[string]struct {
		choose  func(stem, option string) bool
		score   float64
		correct float64
		passed  bool
	}{
		"everything right":     {func(_, o string) bool { return right[o] }, 100, 4, true},
		"nothing":              {func(_, _ string) bool { return false }, 0, 0, false},
		"only the judge":       {func(_, o string) bool { return o == "错误" }, 30, 1, false},
		"the singles":          {func(stem, o string) bool { return len(key[stem]) == 1 && o != "错误" && right[o] }, 40, 2, false},
		"half of the multiple": {func(_, o string) bool { return o == "对的丙" }, 0, 0, false},
		"all but one single":   {func(stem, o string) bool { return stem != "第一题的正确选项是哪一个？" && right[o] }, 80, 3, true},
	} {
		p := s.through(we, "openid-"+strings.ReplaceAll(name, " ", "-"))
		p.enrol(knownCampaign)
		paper := p.want(201, "POST", "/campaigns/"+knownCampaign+"/attempts", nil)
		wantNoKey(t, paper)
		r := p.want(200, "POST", "/campaigns/"+knownCampaign+"/attempts/"+paper.text("attempt")+"/submission", choose(paper, c.choose))
		if r.num("score") != c.score || r.num("correct") != c.correct || r["passed"] != c.passed || r.num("max_score") != 100 {
			t.Errorf("%s: score %v, correct %v, passed %v; want %v, %v, %v", name, r["score"], r["correct"], r["passed"], c.score, c.correct, c.passed)
		}
	}
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 6, "participants": 6, "attempts": 6, "passed": 2})
}

// wantNoKey checks invariant 8 on a paper: nothing of the explanations is in it.
func wantNoKey(t *testing.T, paper result) {
	t.Helper()
	raw, err := json.Marshal(paper)
	if err != nil || bytes.Contains(raw, []byte("泄漏检验")) {
		t.Errorf("the paper tells too much (%v): %s", err, raw)
	}
}

func choose(paper result, want func(stem, option string) bool) map[string]any {
	answers := map[string][]string{}
	for _, q := range paper.list("questions") {
		for _, o := range q.list("options") {
			if want(q.text("stem"), o.text("text")) {
				answers[q.text("id")] = append(answers[q.text("id")], o.text("id"))
			}
		}
	}
	return map[string]any{"answers": answers}
}

// TestWeChatCodeTwice sends one code twice, as after a lost reply: WeChat is
// asked once and both get the same session.
func TestWeChatCodeTwice(t *testing.T) {
	t.Parallel()
	s, we, _ := known(t)
	code := map[string]string{"code": we.Code("wxapp", wechattest.Person{OpenID: "openid-twice"})}
	first := s.want(200, "POST", "/sessions/wechat", code)
	again := s.want(200, "POST", "/sessions/wechat", code)
	if first.text("refresh_token") != again.text("refresh_token") || len(we.Calls()) != 1 {
		t.Errorf("a code sent twice gave two sessions, or %d calls to WeChat", len(we.Calls()))
	}
	s.want(401, "POST", "/sessions/wechat", map[string]string{"code": "never-given"})
	s.want(404, "POST", "/sessions/sandbox", map[string]string{"name": "anybody"})
}

// TestViewerSeesItsOwnPart makes a token on the command line and looks through it.
func TestViewerSeesItsOwnPart(t *testing.T) {
	t.Parallel()
	s, we, cfg := known(t)
	p := s.through(we, "openid-viewed")
	p.enrol(knownCampaign)
	s.wantCounts(knownCampaign, map[string]float64{"enrolled": 1})
	path := "/campaigns/" + knownCampaign + "/counts/breakdown?parent=140702"
	if got := s.want(403, "GET", path, nil).text("code"); got != "board.not_published" {
		t.Errorf("the public is refused the units with %s", got)
	}
	status, token, errs := command(t, "viewer-token", "--campaign", knownCampaign, "--scope", "140702", "--data", cfg.Data.Dir)
	if status != exitDone {
		t.Fatalf("viewer-token = %d %s", status, errs)
	}
	office := s.api
	office.token = strings.TrimSpace(token)
	rows := office.want(200, "GET", path, nil).list("items")
	if len(rows) != 1 || rows[0].num("enrolled") != 1 || rows[0].num("roster") != 10 {
		t.Errorf("the office sees %v", rows)
	}
	office.want(403, "POST", "/campaigns/"+knownCampaign+"/attempts", nil)
	if status, _, _ := command(t, "viewer-token", "--campaign", knownCampaign, "--scope", "nowhere", "--data", cfg.Data.Dir); status != exitFailed {
		t.Errorf("a token for an unknown scope = %d, want %d", status, exitFailed)
	}
}

// TestCommandLine checks exit statuses: 0 done, 1 failed, 2 used wrongly.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"version"}, exitDone, version},
		{[]string{"--help"}, exitDone, "serve"},
		{[]string{"no-such-command"}, exitUsage, "no-such-command"},
		{[]string{"serve", "--no-such-flag"}, exitUsage, "no-such-flag"},
		{[]string{"check-config", "--demo", "--data", t.TempDir()}, exitDone, demoCampaign},
		{[]string{"check-config", "--config", "testdata/none.yaml"}, exitFailed, "testdata/none.yaml"},
		{[]string{"campaign", "apply", "testdata/known/questions.yaml", "--data", t.TempDir()}, exitFailed, "questions.yaml:"},
		{[]string{"simulate", "--target", "http://192.0.2.1"}, exitUsage, "loopback"},
	} {
		status, out, errs := command(t, c.args...)
		if status != c.status || !strings.Contains(out+errs, c.says) {
			t.Errorf("qingyuan %s = %d\n%s%s\nwant %d and %q", strings.Join(c.args, " "), status, out, errs, c.status, c.says)
		}
	}
}

// TestUnknownCampaignIsNoSuccess asks about a campaign that is not there.
func TestUnknownCampaignIsNoSuccess(t *testing.T) {
	t.Parallel()
	_, _, cfg := known(t)
	for _, args := range [][]string{
		{"roster", "sizes", "--campaign"},
		{"log", "keys", "--campaign"},
		{"audit", "export", "--campaign"},
		{"campaign", "show", "--versions"},
	} {
		ask := func(campaign string) (int, string, string) {
			return command(t, append(slices.Clone(args), campaign, "--data", cfg.Data.Dir)...)
		}
		if status, out, errs := ask(knownCampaign); status != exitDone || out == "" {
			t.Errorf("%v = %d %s", args, status, errs)
		}
		if status, out, errs := ask("nope"); status == exitDone || out != "" || !strings.Contains(errs, "campaign.not_found") {
			t.Errorf("%v of a campaign that is not there = %d %s%s", args, status, out, errs)
		}
	}
}
