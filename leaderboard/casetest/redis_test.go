package casetest_test

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/stream"
	"qingyuan/leaderboard/casetest"
	"qingyuan/quiz"
)

// hash stands for the encryption of personal data, of which boards have none.
type hash struct{}

func (hash) Seal(plaintext, _ []byte) []byte {
	sum := sha256.Sum256(plaintext)
	return sum[:]
}

// stage is one campaign on a real Redis, with a clock that the case turns.
type stage struct {
	c          *campaign.Campaign
	db         *redis.Client
	quiz       *redisstore.Quiz
	enrolments *redisstore.Enrolments
	now        time.Time
}

// onRedis opens the campaigns of all cases on one Redis.
func onRedis(t *testing.T) casetest.Open {
	t.Helper()
	db := redistest.Start(t).Client(t)
	var mu sync.Mutex
	n := 0
	return func(t testing.TB, c *campaign.Campaign) casetest.Bench {
		t.Helper()
		mu.Lock()
		n++
		c.ID = fmt.Sprint("case", n)
		mu.Unlock()
		s := &stage{c: c, db: db, now: c.OpensAt}
		stores := redisstore.NewCampaigns(db)
		if err := stores.Open(t.Context(), c, redisstore.Known{}, s.now); err != nil {
			t.Fatal(err)
		}
		define := func(string) (*campaign.Campaign, error) { return c, nil }
		clock := func() time.Time { return s.now }
		s.quiz = redisstore.NewQuiz(stores, define, clock)
		s.enrolments = redisstore.NewEnrolments(stores, hash{}, make([]byte, 32))
		return casetest.Bench{
			Store: redisstore.NewBoards(stores, define, clock), Facts: &stream.Reader{DB: db, Key: redisstore.StreamKey}, Enrol: s.enrol, Submit: s.submit, Correct: s.correct,
			Clock: func(now time.Time) { s.now = now },
			Shard: func(participant string) int {
				return int(xxhash.Sum64String(participant) % uint64(c.Shards))
			},
		}
	}
}

func (s *stage) enrol(t testing.TB, participant, unit string) {
	t.Helper()
	e := campaign.Enrolment{Unit: unit, Group: "public", DisplayName: participant, NoticeVersion: "1", At: s.now}
	if _, err := s.enrolments.Enrol(t.Context(), s.c.ID, participant, e, campaign.Personal{}); err != nil {
		t.Fatal(err)
	}
}

func (s *stage) person(participant string) quiz.Person {
	return quiz.Person{Campaign: s.c.ID, Participant: participant}
}

func (s *stage) submit(t testing.TB, participant string, a casetest.Attempt, allowed int) bool {
	t.Helper()
	start := a.At.Add(-a.Used)
	opened, _, outcome, err := s.quiz.Start(t.Context(), s.person(participant), quiz.Attempt{
		Window: quiz.Window{StartedAt: start, Deadline: a.At.Add(time.Hour)}, State: quiz.StateOpen,
		Paper: quiz.Paper{Bank: "0123456789ab", Seed: 1, Items: []quiz.Item{{Question: 0, Points: 100}}},
	}, quiz.Limits{Day: s.c.Day(start), All: allowed})
	if err != nil || outcome != quiz.Started && outcome != quiz.AllLimit {
		t.Fatalf("start by %s: %s, %v", participant, outcome, err)
	}
	if outcome == quiz.AllLimit {
		return false
	}
	opened.State, opened.ClosedBy = quiz.StateSubmitted, quiz.ByParticipant
	opened.Result = quiz.Result{
		Mark: quiz.Mark{Score: a.Score, MaxScore: 100, Questions: 1}, Passed: a.Score >= 60,
		Used: a.Used, SubmittedAt: a.At, Choices: make(quiz.Choices, 1),
	}
	done, err := s.quiz.Submit(t.Context(), s.person(participant), opened, true)
	if err != nil || !done.Fresh {
		t.Fatalf("submit by %s: fresh %t, %v", participant, done.Fresh, err)
	}
	return true
}

func (s *stage) correct(t testing.TB, participant string, number int, counts bool) {
	t.Helper()
	to := quiz.StateInvalidated
	if counts {
		to = quiz.StateSubmitted
	}
	if err := s.quiz.Correct(t.Context(), s.person(participant), number, to); err != nil {
		t.Fatal(err)
	}
}
