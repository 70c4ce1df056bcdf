package wechat

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzRead(f *testing.F) {
	f.Add(200, []byte(`{"openid":"o","unionid":"u","session_key":"k"}`))
	f.Add(200, []byte(`{"errcode":40029,"errmsg":"invalid code, rid: 65f0a1b2-3c4d"}`))
	f.Add(502, []byte(`<html>`))
	f.Add(200, []byte("\xef\xbb\xbf{}"))
	k := call{name: "test", app: App{ID: "wx", Secret: "s3cr3t-0123456789"}, code: "c0de-0123456789", query: url.Values{}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		who, err := k.read(status, body)
		if err == nil && (!plausible(who.OpenID, maxID) || status != 200) {
			t.Errorf("took %d %q", status, body)
		}
		if err == nil {
			return
		}
		text := asFault(err).Error()
		if strings.Contains(text, k.app.Secret) || strings.Contains(text, k.code) || strings.ContainsAny(text, "\r\n") {
			t.Errorf("error %q", text)
		}
	})
}
