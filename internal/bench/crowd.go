package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/redisstore"
	"qingyuan/quiz"
)

// captured is a real call of the submission's script, in which another person can
// be named.
type captured struct {
	SHA  string
	Keys []string
	Args [][]byte // some are no text
}

// first is whom the captured call is about. Nothing else in it looks like that.
const first = "person0000000"

func personName(n int) string { return fmt.Sprintf("person%07d", n) }

// as returns keys and arguments for another person.
func (s captured) as(person string) ([]string, []any) {
	keys, args := make([]string, len(s.Keys)), make([]any, len(s.Args))
	for i, k := range s.Keys {
		keys[i] = strings.Replace(k, first, person, 1)
	}
	for i, a := range s.Args {
		args[i] = a
		if string(a) == first {
			args[i] = person
		}
	}
	return keys, args
}

// crowd is the people of one Redis of the ceiling.
type crowd struct {
	db *redis.Client
	// key and fields are the hash of the first person, with an open attempt;
	// open is the set of those who have one.
	key, open string
	fields    []any
	deadline  float64
	made      int
}

// captureScript remembers the last script that a client was asked for.
type captureScript struct {
	mu   sync.Mutex
	last captured
}

// DialHook implements redis.Hook.
func (*captureScript) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (*captureScript) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// ProcessHook implements redis.Hook.
func (h *captureScript) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if args := cmd.Args(); cmd.Name() == "evalsha" {
			h.mu.Lock()
			h.last = capture(args)
			h.mu.Unlock()
		}
		return next(ctx, cmd)
	}
}

func capture(args []any) captured {
	text := make([]string, len(args))
	for i, a := range args {
		if b, ok := a.([]byte); ok {
			a = string(b)
		}
		text[i] = fmt.Sprint(a)
	}
	n, _ := strconv.Atoi(text[2])
	c := captured{SHA: text[1], Keys: text[3 : 3+n]}
	for _, a := range text[3+n:] {
		c.Args = append(c.Args, []byte(a))
	}
	return c
}

// plainBox stands in for sealing: the ceiling's personal data is nobody's.
type plainBox struct{}

// Seal implements redisstore.Sealer.
func (plainBox) Seal(plaintext, _ []byte) []byte { return plaintext }

// Open implements redisstore.Sealer.
func (plainBox) Open(sealed, _ []byte) ([]byte, error) { return sealed, nil }

// newCrowd opens a campaign, lets the first person enrol and open an attempt, keeps
// how they look, and captures how they hand in. What was captured on one Redis fits
// every other whose crowd was made of the same now.
func newCrowd(ctx context.Context, db *redis.Client, now time.Time) (*crowd, captured, error) {
	fail := func(err error) (*crowd, captured, error) { return nil, captured{}, err }
	hook := &captureScript{}
	db.AddHook(hook)
	def, err := campaignOf(now)
	if err != nil {
		return fail(err)
	}
	all := redisstore.NewCampaigns(db)
	if err := all.Open(ctx, def, redisstore.Known{}, now); err != nil {
		return fail(err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	e := campaign.Enrolment{Unit: "u1", Group: "public", DisplayName: "张*", NoticeVersion: "1", At: now}
	if _, err := redisstore.NewEnrolments(all, plainBox{}, key).Enrol(ctx, def.ID, first, e, campaign.Personal{Name: "张三"}); err != nil {
		return fail(err)
	}
	who := quiz.Person{Campaign: def.ID, Participant: first}
	store := redisstore.NewQuiz(all, func(string) (*campaign.Campaign, error) { return def, nil }, func() time.Time { return now })
	a, _, outcome, err := store.Start(ctx, who, paper(now), quiz.Limits{Day: now.UTC().Format(time.DateOnly)})
	if err != nil || outcome != quiz.Started {
		return fail(fmt.Errorf("open an attempt: %s, %w", outcome, err))
	}
	c := &crowd{db: db, deadline: float64(a.Deadline.UnixMilli())}
	if err := c.look(ctx, hook.last.Keys); err != nil {
		return fail(err)
	}
	if _, err := store.Submit(ctx, who, finished(a, now), true); err != nil {
		return fail(err)
	}
	return c, hook.last, nil
}

// look keeps the hash of the first person and finds the set of open attempts,
// among the keys that the start was given.
func (c *crowd) look(ctx context.Context, keys []string) error {
	for _, key := range keys {
		switch kind := c.db.Type(ctx, key).Val(); {
		case kind == "hash" && strings.Contains(key, first):
			fields, err := c.db.HGetAll(ctx, key).Result()
			if err != nil {
				return fmt.Errorf("read the first person: %w", err)
			}
			c.key = key
			for k, v := range fields {
				c.fields = append(c.fields, k, v)
			}
		case kind == "zset":
			c.open = key
		}
	}
	if c.key == "" || c.open == "" {
		return fmt.Errorf("no person and no open attempts among %v", keys)
	}
	return nil
}

// more makes n people with an open attempt each and returns their names.
func (c *crowd) more(ctx context.Context, n int) ([]string, error) {
	const atOnce = 500
	names := make([]string, 0, n)
	for len(names) < n {
		p := c.db.Pipeline()
		for range min(atOnce, n-len(names)) {
			c.made++
			name := personName(c.made)
			names = append(names, name)
			p.HSet(ctx, strings.Replace(c.key, first, name, 1), c.fields...)
			p.ZAdd(ctx, c.open, redis.Z{Score: c.deadline, Member: name})
		}
		if _, err := p.Exec(ctx); err != nil {
			return nil, fmt.Errorf("make people: %w", err)
		}
	}
	return names, nil
}

// campaignOf is like a small city's.
func campaignOf(now time.Time) (*campaign.Campaign, error) {
	name := campaign.Text{"zh-CN": "一"}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "d1", Kind: campaign.Region, Name: name}, {ID: "u1", Parent: "d1", Kind: campaign.Unit, Name: name},
	})
	if err != nil {
		return nil, err
	}
	return &campaign.Campaign{
		ID: "bench", Zone: time.UTC, OpensAt: now.Add(-time.Hour), ClosesAt: now.AddDate(0, 0, 20), Shards: 1, Tree: tree,
		Ranking: campaign.TopN, TopN: 100, Groups: []campaign.Group{{ID: "public"}}, Consent: campaign.Consent{Version: "1"},
	}, nil
}

// paper is one of twenty questions.
func paper(now time.Time) quiz.Attempt {
	a := quiz.Attempt{
		Window: quiz.Window{StartedAt: now, Deadline: now.Add(15 * time.Minute)}, State: quiz.StateOpen,
		Paper: quiz.Paper{Bank: "0123456789ab", Seed: 1},
	}
	for i := range 20 {
		a.Paper.Items = append(a.Paper.Items, quiz.Item{Question: 3 * i, Points: 5})
	}
	return a
}

func finished(a quiz.Attempt, now time.Time) quiz.Attempt {
	choices := make(quiz.Choices, len(a.Paper.Items))
	for i := range choices {
		choices[i] = 1
	}
	a.State, a.ClosedBy = quiz.StateSubmitted, quiz.ByParticipant
	a.Result = quiz.Result{
		Mark: quiz.Mark{Score: 45, MaxScore: 100, Correct: 9, Questions: 20}, Used: time.Minute,
		SubmittedAt: now.Add(time.Minute), Choices: choices,
	}
	return a
}
