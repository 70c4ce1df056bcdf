package session_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/wechattest"
)

// TestNothingPersonalShows signs people in, well and badly, and then looks for
// them in everything that is kept, logged or answered. Every secret thing in
// these tests begins with "canary".
func TestNothingPersonalShows(t *testing.T) {
	d := deploy(t)
	s := d.instance(t)
	ctx := t.Context()
	var shown strings.Builder
	note := func(what any, err error) { _, _ = fmt.Fprintf(&shown, "%+v %v %+v\n", what, err, err) }

	who := wechattest.Person{OpenID: "canary-openid", UnionID: "canary-unionid"}
	note(s.SignInWeChat(ctx, program, d.wx.Code(program, wechattest.Person{OpenID: "canary-openid"})))
	note(s.SignInWeb(ctx, d.wx.Code(official, wechattest.Person{OpenID: "canary-page", UnionID: "canary-unionid"})))
	note(s.SignInWeChat(ctx, program, d.wx.Code(program, who))) // moves a door, which is logged
	p := sandbox(t, s, "canary-name")
	note(p, nil)
	for _, answer := range []wechattest.Answer{
		wechattest.Refuse(40029, "invalid code canary-code-wx-program-3"),
		wechattest.Refuse(40125, "invalid appsecret "+appKey),
		wechattest.Body(502, "canary-openid"),
		wechattest.Hangup(),
	} {
		d.wx.Next(answer)
		note(s.SignInWeChat(ctx, program, d.wx.Code(program, who)))
	}
	note(s.SignInWeChat(ctx, program, "canary-unknown-code"))
	note(s.SignInWeChat(ctx, "canary-app", "canary-unknown-code"))
	note(s.Refresh(ctx, "canary."+p.RefreshToken))
	note(s.Check("canary."+p.AccessToken, "access"))
	note(nil, gate(t, d).Admit(ctx, netip.MustParseAddr("192.0.2.77")))
	keys := deriveKeys(t, secrets())
	_, _ = fmt.Fprintf(&shown, "%v %+v %#v %s\n", keys, keys, keys, keys.LogValue())
	dump(ctx, t, d.db, &shown)
	d.redis.Kill(t)
	note(s.SignInWeChat(ctx, program, d.wx.Code(program, who)))
	note(s.SignInSandbox(ctx, "canary-name"))
	note(s.Refresh(ctx, p.RefreshToken))
	note(nil, gate(t, d).Admit(ctx, netip.MustParseAddr("192.0.2.77")))
	d.redis.Restart(t)
	shown.WriteString(d.log.String())

	if !strings.Contains(d.log.String(), "two participants are one person") {
		t.Error("the door did not move: this test does not look where it should")
	}
	text := shown.String()
	for _, secret := range []string{"canary", "192.0.2.77", wechattest.SessionKey, string(master)} {
		for form, in := range map[string]string{
			"as it is": secret, "in hex": hex.EncodeToString([]byte(secret)),
			"in base64": base64.RawStdEncoding.EncodeToString([]byte(secret)[:len(secret)/3*3]),
		} {
			if i := strings.Index(text, in); i >= 0 {
				t.Errorf("%q shows %s: …%s…", secret, form, text[max(0, i-100):min(len(text), i+50)])
			}
		}
	}
}

// dump writes all keys and values of db: 17 of the doors before anybody came, and
// those of who did.
func dump(ctx context.Context, t *testing.T, db *redis.Client, to *strings.Builder) {
	t.Helper()
	keys, err := db.Keys(ctx, "*").Result()
	if err != nil || len(keys) < 17+8 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for _, key := range keys {
		_, _ = fmt.Fprintln(to, key)
		switch kind := db.Type(ctx, key).Val(); kind {
		case "hash":
			_, _ = fmt.Fprintln(to, db.HGetAll(ctx, key).Val())
		case "string":
			_, _ = fmt.Fprintln(to, db.Get(ctx, key).Val())
		case "zset":
			_, _ = fmt.Fprintln(to, db.ZRange(ctx, key, 0, -1).Val())
		case "stream":
			_, _ = fmt.Fprintln(to, db.XRange(ctx, key, "-", "+").Val())
		default:
			t.Errorf("%s is a %s", key, kind)
		}
	}
}
