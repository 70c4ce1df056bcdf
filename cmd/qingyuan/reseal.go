package main

import (
	"context"
	"fmt"
	"time"

	"qingyuan/internal/ledger"
)

// resealCmd seals personal data with the current key.
type resealCmd struct{ configFlags }

// Run implements the command. Keys may be taken out of the configuration once
// nothing is left that only they open.
func (r resealCmd) Run(e env) error {
	return r.onWorkbench(e, func(w *workbench) error { return reseal(e, w) })
}

func reseal(e env, w *workbench) error {
	keys, err := sessionKeys(w.cfg)
	if err != nil {
		return err
	}
	if err := w.drainAll(e.ctx); err != nil {
		return err
	}
	boxes := ledger.Boxes{Campaigns: w.services.secrecy.box, Doors: keys.DoorsBox()}
	done, err := w.ledger.Reseal(e.ctx, boxes, func(ledger.Resealed) {})
	if err != nil {
		return err
	}
	if err := resealOthers(e.ctx, w, &done); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.stdout, "%d personal records looked at, %d sealed with the current key\n", done.Seen, done.Changed); err != nil {
		return err
	}
	office, err := newOffice(w.cfg, w.db, w.catalog.Campaign, w.log, time.Now)
	if err != nil {
		return err
	}
	factors, err := office.accounts.Reseal(e.ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(e.stdout, "%d second factors of operators looked at, %d sealed with the current key\n", factors.Seen, factors.Changed); err != nil {
		return err
	}
	if factors.Closed > 0 {
		return fmt.Errorf("%d second factors of operators open with no configured key: is one missing in secrets.seal_keys?", factors.Closed)
	}
	if done.Closed > 0 {
		return fmt.Errorf("%d personal records open with no configured key: is one missing in secrets.seal_keys?", done.Closed)
	}
	return nil
}

// resealOthers does it outside the ledger: rosters, and what participants wrote to the
// office.
func resealOthers(ctx context.Context, w *workbench, done *ledger.Resealed) error {
	appeals, err := newCorrections(w.services, &backOffice{}, w.db, w.catalog, time.Now).Reseal(ctx)
	if err != nil {
		return err
	}
	messages, err := newInbox(w.cfg, w.db, w.services.secrecy, w.catalog.Campaign, time.Now).Reseal(ctx)
	if err != nil {
		return err
	}
	reports, err := newChallenges(w.services, &backOffice{}, w.db, w.catalog, time.Now).Reseal(ctx)
	if err != nil {
		return err
	}
	rosters, err := newRosters(w.cfg, w.db, time.Now)
	if err != nil {
		return err
	}
	transfers, err := newTransfers(w.services, w.db, w.catalog, rosters, w.log, time.Now).Reseal(ctx)
	if err != nil {
		return err
	}
	won, err := newPrizeDesk(w.cfg, w.services, w.db, w.catalog, w.log, time.Now).Reseal(ctx)
	if err != nil {
		return err
	}
	people, err := rosters.Reseal(ctx)
	if err != nil {
		return err
	}
	done.Seen += appeals + messages + reports + transfers + won + people.Seen
	done.Changed += appeals + messages + reports + transfers + won + people.Changed
	done.Closed += people.Closed
	return nil
}
