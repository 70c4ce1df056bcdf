package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"qingyuan/configs"
	"qingyuan/internal/wechattest"
)

// TestWayToWeChatAndBack signs a page in by way of WeChat, as a browser does it, and looks
// that neither the code nor a token gets into an address of ours or a log.
func TestWayToWeChatAndBack(t *testing.T) {
	t.Parallel()
	wx := wechattest.Start(t)
	wx.Register("wx-official", "secret-of-the-account")
	cfg := demo(t)
	cfg.WeChat.BaseURL = wx.URL()
	cfg.WeChat.OfficialAccount = configs.App{AppID: "wx-official", Secret: configs.NewSecret("secret-of-the-account")}
	cfg.HTTP.PublicURL = "https://jindu.example"
	logs := &collected{}
	s := launchWith(t, cfg, serving{log: slog.New(slog.NewJSONHandler(logs, nil))})
	s.awaitReady()
	const way = "/api/v1/sessions/wechat-web"

	browser := &http.Client{Transport: client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	type answer struct {
		*http.Response

		text string
	}
	open := func(method, path string, body string, cookie *http.Cookie) answer {
		req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		if cookie != nil {
			req.AddCookie(cookie)
		}
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{resp, string(text)}
	}
	away := open("GET", way+"/start?return=/c/"+demoCampaign, "", nil)
	address, err := url.Parse(away.Header.Get("Location"))
	if err != nil || away.StatusCode != http.StatusFound || address.Query().Get("redirect_uri") != cfg.HTTP.PublicURL+way+"/callback" {
		t.Fatalf("start: %d to %s, %v", away.StatusCode, address, err)
	}
	code := wx.Code("wx-official", wechattest.Person{OpenID: "canary-openid"})
	back := open("GET", way+"/callback?code="+code+"&state="+address.Query().Get("state"), "", away.Cookies()[0])
	if to := back.Header.Get("Location"); back.StatusCode != http.StatusFound || to != "/c/"+demoCampaign+"?signin=wechat" {
		t.Fatalf("callback: %d to %s", back.StatusCode, to)
	}
	in := open("POST", way+"/redeem", "{}", back.Cookies()[0])
	if in.StatusCode != http.StatusOK || !strings.Contains(in.text, "access_token") {
		t.Errorf("redeem: %d %s", in.StatusCode, in.text)
	}
	if text := logs.String(); strings.Contains(text, code) || strings.Contains(text, "canary-openid") {
		t.Errorf("the log has the code or the openid: %s", text)
	}
}
