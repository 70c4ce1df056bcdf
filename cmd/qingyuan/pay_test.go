package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/prizes"
	"qingyuan/internal/wechatpay"
	"qingyuan/internal/wechattest"
)

// TestPayerIsMadeOfFiles: keys are read from the files that WeChat Pay gives, one for the
// other is refused, and no error tells what is in them.
func TestPayerIsMadeOfFiles(t *testing.T) {
	t.Parallel()
	privateFile, publicFile := wechattest.StartPay(t, time.Now).Files(t)
	bare := filepath.Join(t.TempDir(), "bare")
	if err := os.WriteFile(bare, []byte("canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := configs.Default()
	whole.WeChat.Pay = configs.WeChatPay{
		Merchant: "1900000001", Serial: "AB", KeyFile: privateFile, PublicKeyID: "PUB_KEY_ID_1", PublicKeyFile: publicFile, AppID: "wxapp", Scene: "1000",
	}
	if p, err := newPayer(whole, &services{}, nil, time.Now); err != nil {
		t.Error(err)
	} else if merchant, app := p.Confirm(); merchant != "1900000001" || app != "wxapp" {
		t.Errorf("%s confirms in %s", merchant, app)
	}
	if p, err := newPayer(configs.Default(), &services{}, nil, time.Now); p != nil || err != nil {
		t.Errorf("without an account: %v, %v", p, err)
	}
	for name, change := range map[string]func(*configs.WeChatPay){
		"one for the other": func(p *configs.WeChatPay) { p.KeyFile, p.PublicKeyFile = publicFile, privateFile },
		"no PEM":            func(p *configs.WeChatPay) { p.KeyFile = bare },
		"no file":           func(p *configs.WeChatPay) { p.PublicKeyFile = bare + "-none" },
	} {
		cfg := whole
		change(&cfg.WeChat.Pay)
		if p, err := newPayer(cfg, &services{}, nil, time.Now); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "wechat.pay.") {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

// TestBillsArePayments: no state of a transfer is taken for another, and what is refused
// or not there is told apart from what is open.
func TestBillsArePayments(t *testing.T) {
	t.Parallel()
	for from, want := range map[wechatpay.State]prizes.PayState{
		wechatpay.Underway: prizes.PayOrdered, wechatpay.Waiting: prizes.PayWaiting, wechatpay.Done: prizes.PayDone, wechatpay.Failed: prizes.PayFailed,
	} {
		if got, err := paidOf(wechatpay.Bill{Ref: "R", State: from, Package: "p"}, nil); err != nil || got != (prizes.Paid{State: want, Ref: "R", Package: "p"}) {
			t.Errorf("%s: %+v, %v", from, got, err)
		}
	}
	open := errors.New("no answer")
	for _, c := range []struct{ from, want error }{
		{wechatpay.ErrNone, prizes.ErrNoPayment}, {fmt.Errorf("%w: x", wechatpay.ErrRefused), prizes.ErrUnpayable}, {open, open},
	} {
		if _, err := paidOf(wechatpay.Bill{}, c.from); !errors.Is(err, c.want) {
			t.Errorf("%v is %v", c.from, err)
		}
	}
}
