package wechatpay_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/internal/wechatpay"
	"qingyuan/internal/wechattest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Unix(1_782_489_600, 0)

// fake is a WeChat Pay and a client of it.
type fake struct {
	*wechattest.Pay

	client *wechatpay.Client
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{Pay: wechattest.StartPay(t, func() time.Time { return noon })}
	key, public := f.Keys()
	var err error
	f.client, err = wechatpay.New(wechatpay.Options{
		Merchant: wechattest.Merchant, Serial: wechattest.Serial, Key: key, PublicKeyID: wechattest.PublicKeyID, PublicKey: public,
		AppID: wechattest.PayApp, Scene: wechattest.Scene, BaseURL: f.URL(), Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.Close)
	return f
}

func order(number string) wechatpay.Transfer {
	return wechatpay.Transfer{Number: number, OpenID: "canary-openid", Fen: 500, Activity: "禁毒答题", Reward: "5元红包"}
}

// TestTransfers: an order that is given again is the same transfer, and its ways are told.
func TestTransfers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	if _, err := f.client.Look(t.Context(), "QY1"); !errors.Is(err, wechatpay.ErrNone) {
		t.Errorf("before it was ordered: %v", err)
	}
	for range 3 {
		b, err := f.client.Order(t.Context(), order("QY1"))
		if err != nil || b.State != wechatpay.Waiting || b.Package == "" || b.Ref != "13300000" {
			t.Errorf("ordered: %+v, %v", b, err)
		}
	}
	if all, _ := f.Bills(); len(all) != 1 {
		t.Errorf("one number is %d transfers", len(all))
	}
	for said, want := range map[string]wechatpay.State{
		"ACCEPTED": wechatpay.Underway, "TRANSFERING": wechatpay.Underway, "SUCCESS": wechatpay.Done, "FAIL": wechatpay.Failed, "CANCELLED": wechatpay.Failed, //nolint:misspell // As they write it.
	} {
		f.Say(said)
		if b, err := f.client.Look(t.Context(), "QY1"); err != nil || b.State != want {
			t.Errorf("%s: %+v, %v", said, b, err)
		}
	}
	f.Say("SOMETHING_NEW")
	if b, err := f.client.Look(t.Context(), "QY1"); err == nil {
		t.Errorf("a state that is not known: %+v", b)
	}
}

// TestAnswersThatAreNone: what WeChat Pay has not signed, or what broke off, leaves the
// outcome open; what it refuses is told apart; no error tells who was to be paid.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	unsigned := func(http.ResponseWriter, *int, *[]byte) bool { return true }
	for name, c := range map[string]struct {
		order wechatpay.Transfer
		bend  func(http.ResponseWriter, *int, *[]byte) bool
		want  error // nil leaves it open
	}{
		"unsigned": {order("A1"), unsigned, nil},
		"signed long ago": {order("A1"), func(w http.ResponseWriter, _ *int, body *[]byte) bool {
			wechattest.SignPay(w.Header(), *body, noon.Add(-time.Hour))
			return true
		}, nil},
		"altered": {order("A1"), func(w http.ResponseWriter, _ *int, body *[]byte) bool {
			wechattest.SignPay(w.Header(), *body, noon)
			*body = []byte(strings.Replace(string(*body), "WAIT_USER_CONFIRM", "SUCCESS", 1))
			return true
		}, nil},
		"hung up":          {order("A1"), func(http.ResponseWriter, *int, *[]byte) bool { panic(http.ErrAbortHandler) }, nil},
		"busy":             {order("A1"), func(_ http.ResponseWriter, status *int, _ *[]byte) bool { *status = 500; return false }, nil},
		"too often":        {order("A1"), func(_ http.ResponseWriter, status *int, _ *[]byte) bool { *status = 429; return false }, nil},
		"refused unsigned": {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 6000, Reward: "x"}, unsigned, nil},
		"not enough":       {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 6000, Reward: "x"}, nil, wechatpay.ErrRefused},
		"without a remark": {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: 500}, nil, wechatpay.ErrRefused},
		"too much":         {wechatpay.Transfer{Number: "A1", OpenID: "canary-openid", Fen: wechatpay.MostFen + 1, Reward: "x"}, nil, wechatpay.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.Bend = c.bend
			_, err := f.client.Order(t.Context(), c.order)
			if err == nil || errors.Is(err, wechatpay.ErrRefused) != (c.want != nil) || errors.Is(err, wechatpay.ErrNone) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%v %+v", err, err), "canary") {
				t.Errorf("the error tells who: %v", err)
			}
		})
	}
	if _, err := wechatpay.New(wechatpay.Options{}); err == nil || !strings.Contains(err.Error(), "merchant") {
		t.Errorf("without anything: %v", err)
	}
}
