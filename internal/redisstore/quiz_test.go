package redisstore

import (
	"testing"

	"qingyuan/internal/event"
	"qingyuan/quiz"
	"qingyuan/quiz/quiztest"
)

func TestQuizStore(t *testing.T) {
	t.Parallel()
	onShards(t, func(t *testing.T, shards int) {
		t.Helper()
		runQuiz(t, suiteOn(t, shards))
	})
}

func runQuiz(t *testing.T, open func(t *testing.T) *rig) {
	t.Helper()
	quiztest.RunStore(t, func(t *testing.T) quiztest.Bench {
		t.Helper()
		r := open(t)
		b := quiztest.Bench{
			Campaign: r.def.ID,
			Enrol:    func(_ testing.TB, participant string) { r.enrol(participant, "u1", "public") },
			Facts:    func(testing.TB) []event.Fact { return r.allFacts() },
		}
		for _, s := range r.servers {
			b.Stores = append(b.Stores, quiz.Store(s.quiz))
		}
		return b
	})
}
