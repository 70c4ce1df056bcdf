package main

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prizes"
	"qingyuan/internal/session"
	"qingyuan/internal/wechatpay"
)

// payer pays red packets by WeChat Pay, to whom WeChat knows by the mini-program.
type payer struct {
	client        *wechatpay.Client
	sessions      *session.Service
	doors         *ledger.Ledger
	merchant, app string
}

var _ prizes.Payer = (*payer)(nil)

// newPayer joins red packets to the merchant's account; nil where none is configured.
func newPayer(cfg configs.Config, s *services, l *ledger.Ledger, now func() time.Time) (*payer, error) {
	p := cfg.WeChat.Pay
	if p.Merchant == "" {
		return nil, nil //nolint:nilnil // The office pays by hand.
	}
	key, err := readKey[*rsa.PrivateKey](p.KeyFile, x509.ParsePKCS8PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("wechat.pay.key_file: %w", err)
	}
	public, err := readKey[*rsa.PublicKey](p.PublicKeyFile, x509.ParsePKIXPublicKey)
	if err != nil {
		return nil, fmt.Errorf("wechat.pay.public_key_file: %w", err)
	}
	client, err := wechatpay.New(wechatpay.Options{
		Merchant: p.Merchant, Serial: p.Serial, Key: key, PublicKeyID: p.PublicKeyID, PublicKey: public, AppID: p.AppID, Scene: p.Scene,
		BaseURL: p.BaseURL, Timeout: cfg.WeChat.Timeout, Now: now,
	})
	if err != nil {
		return nil, err
	}
	return &payer{client, s.sessions, l, p.Merchant, p.AppID}, nil
}

// readKey reads a key of a kind out of a PEM file. No error repeats what is in it.
func readKey[K any](name string, parse func([]byte) (any, error)) (key K, err error) {
	raw, err := os.ReadFile(name) //nolint:gosec // G304: the configuration names it.
	if err != nil {
		return key, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return key, errors.New("holds no PEM")
	}
	parsed, err := parse(block.Bytes)
	key, ok := parsed.(K)
	if err != nil || !ok {
		return key, errors.New("holds no RSA key of this kind")
	}
	return key, nil
}

// Order implements prizes.Payer.
func (p *payer) Order(ctx context.Context, o prizes.Payment) (prizes.Paid, error) {
	doors, err := p.doors.DoorsOf(ctx, o.Participant)
	if err != nil {
		return prizes.Paid{}, err
	}
	if len(doors) == 0 { // whoever comes by no door is not there, so that the ledger is behind
		return prizes.Paid{}, fmt.Errorf("the ledger does not know yet by which door %s came", o.Participant)
	}
	visits, err := p.sessions.Visits(ctx, o.Participant, doors, netip.Addr{})
	if err != nil {
		return prizes.Paid{}, err
	}
	for _, v := range visits {
		if v.AppID == p.app {
			return paidOf(p.client.Order(ctx, wechatpay.Transfer{Number: o.Number, OpenID: v.OpenID, Fen: o.Fen, Activity: o.Activity, Reward: o.Reward}))
		}
	}
	return prizes.Paid{}, fmt.Errorf("%w: the winner does not come by the mini-program %s", prizes.ErrUnpayable, p.app)
}

// Look implements prizes.Payer.
func (p *payer) Look(ctx context.Context, number string) (prizes.Paid, error) {
	return paidOf(p.client.Look(ctx, number))
}

// Confirm implements prizes.Payer.
func (p *payer) Confirm() (merchant, app string) { return p.merchant, p.app }

func paidOf(b wechatpay.Bill, err error) (prizes.Paid, error) {
	switch {
	case errors.Is(err, wechatpay.ErrNone):
		return prizes.Paid{}, prizes.ErrNoPayment
	case errors.Is(err, wechatpay.ErrRefused):
		return prizes.Paid{}, fmt.Errorf("%w: %w", prizes.ErrUnpayable, err)
	case err != nil:
		return prizes.Paid{}, err
	}
	state := map[wechatpay.State]prizes.PayState{
		wechatpay.Underway: prizes.PayOrdered, wechatpay.Waiting: prizes.PayWaiting, wechatpay.Done: prizes.PayDone, wechatpay.Failed: prizes.PayFailed,
	}[b.State]
	return prizes.Paid{State: state, Ref: b.Ref, Package: b.Package, Reason: b.Reason}, nil
}
