package redisstore

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
	"qingyuan/quiz"
)

// BenchmarkParticipantBytes fills a Redis, set as the private one is, with 100,000
// participants as they really are: enrolled in a unit, one attempt of twenty
// questions from a bank of four hundred, one signature. It reports how many bytes
// each of them takes, the hash and its key alone (MEMORY USAGE) and with the entry
// on the main board (used_memory), after the streams were trimmed.
//
//	go test ./internal/redisstore -run '^$' -bench ParticipantBytes -benchtime 1x
func BenchmarkParticipantBytes(b *testing.B) {
	const people = 100_000
	s := redistest.Start(b, redistest.Packed())
	for b.Loop() {
		clients := clientsOf(b, s)
		if err := clients[0].FlushAll(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
		r := rigOn(b, clients, definition(b, "antidrug-2026", 1))
		before := usedMemory(b, clients[0])
		var workers sync.WaitGroup
		const atOnce = 32
		for w := range atOnce {
			workers.Go(func() {
				for i := w; i < people; i += atOnce {
					r.realistic(i)
				}
			})
		}
		workers.Wait()
		for _, stream := range []event.Stream{event.Facts, event.Personal} {
			if err := clients[0].XTrimMaxLen(b.Context(), StreamKey(r.def.ID, 0, stream), 0).Err(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(usedMemory(b, clients[0])-before)/people, "B/participant")
		b.ReportMetric(r.hashBytes(people), "B/hash")
		b.ReportMetric(0, "ns/op")
	}
}

// hashBytes is the mean of a sample.
func (r *rig) hashBytes(people int) float64 {
	const sample = 200
	total := int64(0)
	for i := range sample {
		n, err := r.db.MemoryUsage(r.Context(), keysOf(r.def.ID, 0).participant(realisticID(i*people/sample))).Result()
		if err != nil {
			r.Fatal(err)
		}
		total += n
	}
	return float64(total) / sample
}

func realisticID(i int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("person-%05d", i)))
}

// realistic is somebody who did everything once.
func (r *rig) realistic(i int) {
	ctx, rng := r.Context(), rand.New(rand.NewPCG(uint64(i), 1))
	id, at := realisticID(i), noon.Add(time.Duration(i)*37*time.Millisecond)
	e := campaign.Enrolment{
		Unit: "140781-" + strconv.Itoa(i%90), Group: "public", DisplayName: "孙**", NoticeVersion: "2026-05", At: at,
	}
	if _, err := r.enrolments.Enrol(ctx, r.def.ID, id, e, campaign.Personal{Name: "孙小六"}); err != nil {
		r.Error(err)
		return
	}
	bank := hex.EncodeToString([]byte(strings.Repeat("d", 32)))
	paper := quiz.Paper{Bank: bank, Seed: rng.Uint64()}
	choices := make(quiz.Choices, 20)
	for n := range choices {
		paper.Items = append(paper.Items, quiz.Item{Question: rng.IntN(400), Points: 5})
		choices[n] = 1 << rng.IntN(4)
	}
	a := quiz.Attempt{Window: quiz.Window{StartedAt: at, Deadline: at.Add(10 * time.Minute)}, State: quiz.StateOpen, Paper: paper}
	a, _, _, err := r.quiz.Start(ctx, r.person(id), a, quiz.Limits{Day: dayOf("", at)})
	if err != nil {
		r.Error(err)
		return
	}
	a = finished(a, 5*rng.IntN(21), at.Add(time.Duration(60_000+rng.IntN(400_000))*time.Millisecond))
	a.Result.Choices, a.Result.Correct = choices, a.Result.Score/5
	if _, err := r.quiz.Submit(ctx, r.person(id), a, true); err != nil {
		r.Error(err)
		return
	}
	if _, _, err := r.signatures.Sign(ctx, r.def.ID, id, signature(a.Result.SubmittedAt), campaign.Personal{Name: "孙小六"}); err != nil {
		r.Error(err)
	}
}

func usedMemory(t testing.TB, db redis.UniversalClient) int64 {
	t.Helper()
	info, err := db.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(parseInfo(info)["used_memory"], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
