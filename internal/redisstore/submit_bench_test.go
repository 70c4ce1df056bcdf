package redisstore

import (
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"qingyuan/internal/redistest"
	"qingyuan/quiz"
)

// BenchmarkSubmitScript measures how long Redis works on a submission (INFO
// commandstats), in a campaign that ranks the best attempt, has no freeze and
// nobody hidden.
//
//	go test ./internal/redisstore -run '^$' -bench SubmitScript -benchtime 20000x
func BenchmarkSubmitScript(b *testing.B) {
	r := rigOn(b, clientsOf(b, redistest.Start(b)), definition(b, "antidrug-2026", 1))
	begun := make([]quiz.Attempt, b.N)
	spread := func(act func(i int)) {
		var workers sync.WaitGroup
		const atOnce = 16
		for w := range atOnce {
			workers.Go(func() {
				for i := w; i < b.N; i += atOnce {
					act(i)
				}
			})
		}
		workers.Wait()
	}
	spread(func(i int) {
		r.enrol(realisticID(i), "u1", "public")
		begun[i] = r.start(realisticID(i), noon)
	})
	if err := r.db.ConfigResetStat(b.Context()).Err(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	spread(func(i int) {
		a := finished(begun[i], i%101, noon.Add(time.Duration(i+1)*time.Millisecond))
		if _, err := r.quiz.Submit(b.Context(), r.person(realisticID(i)), a, true); err != nil {
			b.Error(err)
		}
	})
	b.StopTimer()
	info, err := r.db.Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	each := regexp.MustCompile(`cmdstat_evalsha:.*usec_per_call=([\d.]+)`).FindStringSubmatch(info)
	usec, err := strconv.ParseFloat(each[1], 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(usec, "redis-µs/op")
}
