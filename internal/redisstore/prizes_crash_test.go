package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/prize"
)

// TestNoMoreWinsThanPrizes: a thousand claims on twenty prizes, many at once, through
// several servers that give up in the middle, while Redis is killed. Whatever was
// acknowledged stays, nothing is won twice, and what is left and what was won make the
// stock.
func TestNoMoreWinsThanPrizes(t *testing.T) {
	t.Parallel()
	const claims, stock, kinds, hands = 1000, 2, 10, 50
	s := redistest.Start(t, redistest.Durable(), redistest.Set("appendfsync", "no")) // processes are killed, the machine is not
	r := rigOn(t, clientsOf(t, s), definition(t, "c", 4))
	c := crowd{rig: r, told: map[int]prize.Chance{}}
	kill := make(chan struct{}, claims)
	for _, one := range r.servers {
		c.stores = append(c.stores, NewPrizes(one.campaigns, one.world.define))
	}
	var wg sync.WaitGroup
	for range hands {
		wg.Go(func() {
			for n := int(c.next.Add(1)); n <= claims; n = int(c.next.Add(1)) {
				if n%(claims/4) == 0 && n < claims {
					kill <- struct{}{}
				}
				c.claim(t.Context(), n, fmt.Sprint("prize-", n%kinds), stock)
			}
		})
	}
	for range 3 {
		<-kill
		c.down.Lock()
		s.Kill(t)
		s.Restart(t)
		c.down.Unlock()
	}
	wg.Wait()
	c.judge(stock, kinds)
}

// crowd remembers what everybody was told.
type crowd struct {
	*rig

	stores []*Prizes
	next   atomic.Int64
	down   sync.RWMutex // held while Redis is away: who begins waits, who is under way fails
	mu     sync.Mutex
	told   map[int]prize.Chance
}

// claim spends the only chance of person n until somebody says what became of it. Now and
// then the server goes away in between.
func (c *crowd) claim(ctx context.Context, n int, id string, stock int) {
	for try := 0; ctx.Err() == nil; try++ {
		c.down.RLock()
		c.down.RUnlock() //nolint:staticcheck // Waiting is all there is to do.
		one, cancel := context.WithTimeout(ctx, 2*time.Second)
		if n%7 == 0 && try == 0 {
			cancel() // at once: nobody knows whether it was sent
		}
		t := prize.Try{
			Number: 1, At: noon, Day: dayOf("", noon), Chances: prize.Chances{InAll: 1}, Unit: "u1", Group: "public", Rolled: id, Limit: stock,
		}
		got, outcome, err := c.stores[(n+try)%len(c.stores)].Spend(one, prize.Person{Campaign: "c", Participant: fmt.Sprint("person-", n)}, t)
		cancel()
		switch {
		case errors.Is(err, fault.ErrUnavailable) || one.Err() != nil && err != nil:
			continue
		case err != nil || outcome != prize.Spent && outcome != prize.Repeat:
			c.Errorf("claim %d: %s, %v", n, outcome, err)
			return
		}
		c.mu.Lock()
		c.told[n] = got
		c.mu.Unlock()
		return
	}
}

// judge compares what everybody was told with what lies there and with the facts.
func (c *crowd) judge(stock, kinds int) {
	c.Helper()
	ctx, store := c.Context(), c.stores[0]
	granted, err := store.Granted(ctx, "c")
	if err != nil {
		c.Fatal(err)
	}
	for id, n := range granted {
		if n != stock {
			c.Errorf("%d of %s were won, and there are %d", n, id, stock)
		}
	}
	owners, wins := map[prize.WinID]string{}, 0
	for _, f := range c.allFacts() {
		if body, ok := f.Body.(event.Won); ok {
			id := prize.WinID{Prize: body.Prize, Item: body.Item}
			if owners[id] != "" {
				c.Errorf("%s was won by %s and by %s", id, owners[id], f.Participant)
			}
			owners[id] = f.Participant
		}
	}
	for n, told := range c.told {
		who := fmt.Sprint("person-", n)
		now, err := store.Chances(ctx, prize.Person{Campaign: "c", Participant: who}, 1, 1)
		if err != nil || len(now) != 1 || now[0] != told {
			c.Errorf("%s was told %+v, and now it is %+v, %v", who, told, now, err)
		}
		if told.Item == 0 {
			continue
		}
		wins++
		if id := (prize.WinID{Prize: told.Rolled, Item: told.Item}); owners[id] != who {
			c.Errorf("%s was told that they have won %s, and it is %q who has", who, id, owners[id])
		}
	}
	if len(granted) != kinds || wins != stock*kinds || len(owners) != wins {
		c.Errorf("%d prizes, %d wins told and %d in the facts, want %d", len(granted), wins, len(owners), stock*kinds)
	}
}
