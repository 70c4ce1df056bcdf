package main

import (
	"errors"
	"log/slog"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
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
		Plans: func() []prize.Offer { return plans(k) }, Now: now,
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
