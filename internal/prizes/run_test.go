package prizes_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/prizes"
	"qingyuan/internal/sqltest"
	"qingyuan/prize"
)

// asked is a store that only tells how often it was asked who has won.
type asked struct {
	prize.Store

	times int
}

// Wins implements prize.Store.
func (a *asked) Wins(context.Context, string) ([]prize.Win, error) {
	a.times++
	return nil, nil
}

// TestRoundsAreAsOftenAsTheyAreSet: what nobody claims is looked for as often as it is
// configured, and once a minute where nothing is.
func TestRoundsAreAsOftenAsTheyAreSet(t *testing.T) {
	t.Parallel()
	for every, want := range map[time.Duration]int{10 * time.Second: 13, 0: 3} {
		synctest.Test(t, func(t *testing.T) {
			store := &asked{}
			offer := prize.Offer{Campaign: &campaign.Campaign{ID: "c", ClosesAt: time.Now().AddDate(0, 1, 0)}, Plan: &prize.Plan{}}
			s := &prizes.Service{
				DB: sqltest.SQLite(t), Store: store, Every: every, Now: time.Now,
				Plans: func() []prize.Offer { return []prize.Offer{offer} }, Failed: func(err error) { t.Error(err) },
			}
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute+time.Second/2)
			defer stop()
			s.Run(ctx)
			if store.times != want {
				t.Errorf("looked %d times in two minutes, want %d where %v is set", store.times, want, every)
			}
		})
	}
}
