package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/prize"
)

// Keys of prizes; see those in services.go.
const (
	labelPrizeSecrets = "prize secrets"
	labelPrizeTickets = "prize tickets"
	labelPrizeCodes   = "prize codes"
)

// prizeService joins instant wins to their store. How many codes of a voucher there are
// is told by whoever hands them out.
func prizeService(cfg configs.Config, c *redisstore.Campaigns, b book, now func() time.Time) *prize.Service {
	master := cfg.Secrets.Master.Key()
	return &prize.Service{
		Catalog: b, Store: redisstore.NewPrizes(c, b.Campaign), Now: now,
		Keys: prize.Keys{Secrets: seal.Derive(master, labelPrizeSecrets), Tickets: seal.Derive(master, labelPrizeTickets)},
	}
}

// newPrizeDesk joins what hands prizes out to the stores.
func newPrizeDesk(cfg configs.Config, s *services, db *sqldb.DB, k *catalog.Keeper, log *slog.Logger, now func() time.Time) *prizes.Service {
	return &prizes.Service{
		DB: db, Box: s.secrecy.box, Hash: seal.Derive(cfg.Secrets.Master.Key(), labelPrizeCodes), Catalog: k, Store: s.prizes.Store,
		Keys: s.prizes.Keys, Entrants: entrants(s, ledger.New(db), now),
		Flagged: newCorrections(s, &backOffice{}, db, k, now).Flagged,
		Plans:   func() []prize.Offer { return plans(k) }, Now: now,
		Failed: func(err error) { log.Warn("prizes", "err", err) },
	}
}

// plans lists the campaigns that have prizes.
func plans(k *catalog.Keeper) []prize.Offer {
	var out []prize.Offer
	for _, c := range k.Campaigns() {
		if o, err := k.Prizes(c.ID); err == nil {
			out = append(out, o)
		}
	}
	return out
}

// hasPrizes tells whether a campaign has prizes.
func hasPrizes(k *catalog.Keeper, id string) bool {
	_, err := k.Prizes(id)
	return !errors.Is(err, prize.ErrNone)
}

// errBehind is a ledger that has not everything that a list is made of yet.
var errBehind = errors.New("the ledger is behind the stream: the entrants are frozen once it is not")

// entrants tells what everybody in a campaign had done by a moment, from the ledger. What
// came in since then is left out, whenever the list is made.
func entrants(s *services, l *ledger.Ledger, now func() time.Time) func(context.Context, *campaign.Campaign, time.Time, func(string, *prize.Acts)) error {
	return func(ctx context.Context, c *campaign.Campaign, by time.Time, each func(string, *prize.Acts)) error {
		o, known, err := l.Campaign(ctx, c.ID)
		if err != nil || !known {
			return err
		}
		layout, err := leaderboard.ParseLayout(strconv.FormatInt(o.Base, 10), strconv.FormatUint(uint64(o.Bits), 10))
		if err != nil {
			return err
		}
		rules := &replay.Rules{Campaign: c, Layout: layout, Now: now}
		for n := range o.Shards {
			shard := ledger.Shard{Campaign: c.ID, Number: n}
			end, err := s.facts.Last(ctx, c.ID, n, event.Facts)
			if err != nil {
				return err
			}
			at, err := l.Cursor(ctx, shard, event.Facts)
			if err != nil {
				return err
			}
			if at.Compare(end) < 0 {
				return errBehind
			}
			for h, err := range l.Histories(ctx, shard, ledger.Heads{Facts: at}) {
				if err != nil {
					return err
				}
				if acts := actsBy(rules, h, by); acts != nil {
					each(h.Participant, acts)
				}
			}
		}
		return nil
	}
}

// actsBy is what somebody had done by a moment, nil for who was not enrolled.
func actsBy(rules *replay.Rules, h ledger.History, by time.Time) *prize.Acts {
	i := slices.IndexFunc(h.Facts, func(f event.Fact) bool { return !f.At.Before(by) })
	if i >= 0 {
		h.Facts = h.Facts[:i]
	}
	h.Records = nil // nobody is named
	if len(h.Facts) == 0 {
		return nil
	}
	p := rules.Replay(h, event.Position{}).Person
	if p.Enrolment.Unit == "" {
		return nil
	}
	return &prize.Acts{
		Unit: p.Enrolment.Unit, Group: p.Enrolment.Group, Signed: p.Signature != nil && p.Signature.State == pledge.Valid,
		Attempts: redisstore.CountingAttempts(rules.Campaign, p.Finished),
	}
}
