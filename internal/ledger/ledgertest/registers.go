package ledgertest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"qingyuan/internal/ledger"
)

func registerPromises() map[string]func(*desk) {
	return map[string]func(*desk){
		"the first who registers a campaign wins": racingRegisters,
		"campaigns are listed in order":           campaigns,
		"an epoch is raised once":                 racingEpochs,
		"an epoch is never lowered":               epochs,
		"a database belongs to one deployment":    deployment,
		"a hold is in force until it ends":        holds,
	}
}

func opened(campaign string) ledger.Opened {
	return ledger.Opened{
		Campaign: campaign, Shards: 4, Base: 1_782_489_600, Bits: 18, Epoch: 1, Condition: ledger.Open,
	}
}

func racingRegisters(d *desk) {
	const racers = 8
	got := make([]ledger.Opened, racers)
	var wg sync.WaitGroup
	for i := range racers {
		l := d.reopen()
		wg.Go(func() {
			o := opened("c1")
			o.Base += int64(i)
			var err error
			if got[i], err = l.Register(d.Context(), o); err != nil {
				d.Errorf("Register: %v", err)
			}
		})
	}
	wg.Wait()
	kept, ok, err := d.Campaign(d.Context(), "c1")
	d.wants("Campaign", err)
	d.same("known", true, ok)
	for i := range got {
		d.same(fmt.Sprintf("what racer %d was told", i), kept, got[i])
	}
	kept.Base = opened("c1").Base
	d.same("what is kept, but for the base", opened("c1"), kept)
}

func campaigns(d *desk) {
	for _, id := range []string{"b", "~doors", "a-2", "a"} {
		got, err := d.Register(d.Context(), opened(id))
		d.wants("Register", err)
		d.same("kept", opened(id), got)
	}
	got, err := d.reopen().Campaigns(d.Context())
	d.wants("Campaigns", err)
	d.same("campaigns", []ledger.Opened{opened("a"), opened("a-2"), opened("b"), opened("~doors")}, got)
	_, ok, err := d.Campaign(d.Context(), "c")
	d.wants("Campaign", err)
	d.same("known", false, ok)
}

func racingEpochs(d *desk) {
	was, err := d.Register(d.Context(), opened("c1"))
	d.wants("Register", err)
	var wg sync.WaitGroup
	var raised atomic.Int32
	for range 8 {
		l := d.reopen()
		wg.Go(func() {
			ok, err := l.RaiseEpoch(d.Context(), was, was.Epoch+1, ledger.Rebuilding)
			if err != nil {
				d.Errorf("RaiseEpoch: %v", err)
			}
			if ok {
				raised.Add(1)
			}
		})
	}
	wg.Wait()
	d.same("who raised it", int32(1), raised.Load())
	now, _, err := d.Campaign(d.Context(), "c1")
	d.wants("Campaign", err)
	was.Epoch, was.Condition = 2, ledger.Rebuilding
	d.same("what is kept", was, now)
}

func epochs(d *desk) {
	was, err := d.Register(d.Context(), opened("c1"))
	d.wants("Register", err)
	for _, step := range []struct {
		epoch uint64
		c     ledger.Condition
	}{{2, ledger.Rebuilding}, {2, ledger.Open}, {3, ledger.Rebuilding}, {4, ledger.Rebuilding}, {4, ledger.Open}} {
		ok, err := d.RaiseEpoch(d.Context(), was, step.epoch, step.c)
		d.wants("RaiseEpoch", err)
		d.same("raised", true, ok)
		was.Epoch, was.Condition = step.epoch, step.c
	}
	if ok, err := d.RaiseEpoch(d.Context(), was, 3, ledger.Open); ok || err == nil {
		d.Errorf("lowering an epoch = %t, %v; want an error", ok, err)
	}
	for name, wrong := range map[string]ledger.Opened{
		"an older epoch":    {Campaign: "c1", Epoch: 3, Condition: ledger.Open},
		"another condition": {Campaign: "c1", Epoch: 4, Condition: ledger.Rebuilding},
		"nobody's":          {Campaign: "c2", Epoch: 4, Condition: ledger.Open},
	} {
		if ok, err := d.RaiseEpoch(d.Context(), wrong, 9, ledger.Open); ok || err != nil {
			d.Errorf("%s: RaiseEpoch = %t, %v; want it refused", name, ok, err)
		}
	}
	now, _, err := d.Campaign(d.Context(), "c1")
	d.wants("Campaign", err)
	d.same("what is kept", was, now)
}

func deployment(d *desk) {
	claim := func(id, want string) {
		d.Helper()
		got, err := d.Deployment(d.Context(), id)
		d.wants("Deployment", err)
		d.same("deployment", want, got)
	}
	claim("", "")
	claim("first", "first")
	claim("second", "first")
	d.Ledger = d.reopen()
	claim("", "first")
}

func holds(d *desk) {
	now := Noon()
	held := func(want bool) {
		d.Helper()
		got, err := d.Held(d.Context(), now)
		d.wants("Held", err)
		d.same("held", want, got)
	}
	held(false)
	d.wants("Hold", d.Hold(d.Context(), "backup", now.Add(time.Minute)))
	d.wants("Hold", d.Hold(d.Context(), "move", now.Add(time.Hour)))
	held(true)
	now = now.Add(time.Minute)
	held(true) // for the other one
	d.wants("Release", d.Release(d.Context(), "move"))
	d.wants("Release", d.Release(d.Context(), "nobody's"))
	held(false)
	d.wants("Hold", d.Hold(d.Context(), "backup", now.Add(time.Minute)))
	d.Ledger = d.reopen()
	held(true)
	now = now.Add(time.Minute)
	held(false)
}
