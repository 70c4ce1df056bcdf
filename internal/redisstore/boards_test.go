package redisstore

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/leaderboard/boardtest"
	"qingyuan/quiz"
)

func TestBoardStore(t *testing.T) {
	t.Parallel()
	for _, shards := range []int{1, 3, 16} {
		t.Run(fmt.Sprintf("S=%d", shards), func(t *testing.T) {
			t.Parallel()
			boardtest.RunStore(t, boardsOn(t, clientsOf(t, redistest.Start(t)), shards))
		})
	}
}

func TestBoardService(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		boardtest.RunService(t, boardsOn(t, clientsOf(t, redistest.Start(t)), shards))
	})
}

// boardsOn opens each campaign of the suite on one Redis.
func boardsOn[C redis.UniversalClient](t *testing.T, clients []C, shards int) boardtest.Open {
	t.Helper()
	var mu sync.Mutex
	n := 0
	return func(t testing.TB, c *campaign.Campaign) boardtest.Bench {
		t.Helper()
		mu.Lock()
		n++
		c.ID, c.Shards = fmt.Sprint("c", n), shards
		mu.Unlock()
		return benchOn(t, clients, c)
	}
}

func benchOn[C redis.UniversalClient](t testing.TB, clients []C, c *campaign.Campaign) boardtest.Bench {
	t.Helper()
	r := rigOn(t, clients, c)
	b := boardtest.Bench{
		Facts: r,
		Enrol: func(_ testing.TB, participant, unit, group string) { r.enrol(participant, unit, group) },
		Submit: func(_ testing.TB, a boardtest.Attempt) {
			r.submit(a.Participant, a.Score, a.Used, a.At)
		},
		Sign: func(_ testing.TB, participant string, at time.Time) { r.sign(participant, at) },
		Correct: func(t testing.TB, participant string, number int, counts bool) {
			t.Helper()
			to := map[bool]quiz.State{false: quiz.StateInvalidated, true: quiz.StateSubmitted}[counts]
			if err := r.quiz.Correct(t.Context(), r.person(participant), number, to); err != nil {
				t.Fatal(err)
			}
		},
		Clock: func(now time.Time) {
			for _, s := range r.servers {
				s.world.is(now)
			}
		},
		Break: func(t testing.TB, shard int) {
			t.Helper()
			o, err := r.campaigns.of(c.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := clients[0].Set(t.Context(), o.shards[shard].board(), "no board", 0).Err(); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, s := range r.servers {
		b.Stores = append(b.Stores, leaderboard.Store(s.boards))
	}
	return b
}
