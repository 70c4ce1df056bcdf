package growth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/seal"
	"qingyuan/internal/stream"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// town is one campaign of a size on a Redis of its own, with the services that
// serve it.
type town struct {
	testing.TB

	size   int
	people atomic.Int64 // who have come so far
	redis  *redistest.Server
	db     *redis.Client
	def    *campaign.Campaign
	bank   *quiz.Bank
	rules  quiz.Rules

	enrolments campaign.Service
	quizzes    quiz.Service
	pledges    pledge.Service
	boards     leaderboard.Service
	publisher  *leaderboard.Publisher
	folder     *leaderboard.Folder
	facts      *stream.Shared
}

// atOnce is how many people are under way at once.
const atOnce = 128

// newTown opens an empty campaign on a new Redis that keeps an append-only file.
// It syncs every second, and not before every answer as in production: it is
// processor time that is compared here, and a disk would only add its noise.
func newTown(t testing.TB, size int) *town {
	t.Helper()
	w := &town{
		TB: t, size: size, redis: redistest.Start(t, redistest.Packed(), redistest.Set("appendonly", "yes"), redistest.Set("appendfsync", "everysec")),
		bank: newBank(t), rules: quiz.Rules{
			Strata: []quiz.Stratum{{Count: 20, Points: 5}}, TimeLimit: time.Hour, Grace: 5 * time.Second,
			AttemptsPerDay: 3, PassScore: 60, Marking: quiz.AllOrNothing, Review: quiz.ReviewNever,
		},
	}
	w.def = definition(t)
	w.serve()
	return w
}

// joinedMost is how many connections acts and small reads travel over together, as many as
// a server has.
const joinedMost = 16

// serve makes clients and services as a server does that starts, with acts and small
// reads on joined connections.
func (w *town) serve() {
	w.Helper()
	o := w.redis.Options()
	o.PoolSize = atOnce
	w.db = redis.NewClient(o)
	db := w.db
	w.Cleanup(func() { _ = db.Close() })
	joined := redisstore.NewJoined(w.db, joinedMost)
	w.Cleanup(func() { _ = joined.Close() })
	campaigns := redisstore.NewCampaigns(w.db, redisstore.WithJoined(joined))
	must(w, campaigns.Open(w.Context(), w.def, redisstore.Known{}, time.Now()))
	box, err := seal.New(seal.Keys{Current: "k", Secrets: map[string][]byte{"k": make([]byte, 32)}})
	must(w, err)
	serials, err := pledge.NewSerials(make([]byte, 32))
	must(w, err)
	store := redisstore.NewBoards(campaigns, w.Campaign, time.Now)
	w.enrolments = campaign.Service{Catalog: w, Store: redisstore.NewEnrolments(campaigns, box, make([]byte, 32)), Now: time.Now}
	w.quizzes = quiz.Service{Catalog: w, Store: redisstore.NewQuiz(campaigns, w.Campaign, time.Now), IDKey: make([]byte, 32), Now: time.Now}
	w.pledges = pledge.Service{Catalog: w, Store: redisstore.NewSignatures(campaigns, box), Serials: serials, Now: time.Now}
	failed := func(err error) { w.Errorf("%d people: %v", w.size, err) }
	w.publisher = &leaderboard.Publisher{
		Store: store, Campaigns: func() []*campaign.Campaign { return []*campaign.Campaign{w.def} }, Now: time.Now,
		Published: func(*leaderboard.Snapshot) {}, Failed: func(_ string, err error) { failed(err) },
	}
	streams := redisstore.NewJoined(w.db, 2)
	w.Cleanup(func() { _ = streams.Close() })
	w.facts = &stream.Shared{Reader: &stream.Reader{
		DB: w.db, Key: redisstore.StreamKey, Mark: redisstore.MarkKey, Range: streams.Range,
	}}
	w.folder = &leaderboard.Folder{
		Store: store, Facts: w.facts.Turn("fold"), Now: time.Now,
		Campaign: func() (*campaign.Campaign, error) { return w.def, nil },
		Folded:   func(int, time.Duration) {}, Failed: failed,
	}
	w.boards = leaderboard.Service{Catalog: w, Store: store, Snapshots: w.publisher, Now: time.Now}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// units is how many units the campaign has, in as many regions as fit.
const (
	units   = 100
	regions = 10
)

func definition(t testing.TB) *campaign.Campaign {
	t.Helper()
	node := func(id, parent string, kind campaign.NodeKind) campaign.Node {
		return campaign.Node{ID: id, Parent: parent, Kind: kind, Name: campaign.Text{campaign.DefaultLanguage: "名" + id}}
	}
	nodes := []campaign.Node{node("city", "", campaign.Region)}
	for i := range regions {
		nodes = append(nodes, node(fmt.Sprint("r", i), "city", campaign.Region))
	}
	for i := range units {
		nodes = append(nodes, node(unit(i), fmt.Sprint("r", i%regions), campaign.Unit))
	}
	tree, err := campaign.NewTree(nodes)
	must(t, err)
	return &campaign.Campaign{
		ID: "growth", Zone: time.UTC, OpensAt: time.Now().Add(-time.Hour), ClosesAt: time.Now().AddDate(0, 0, 20), Shards: 1, Tree: tree,
		Title:   campaign.Text{campaign.DefaultLanguage: "题"},
		Ranking: campaign.TopN, TopN: 1000, PublicBreakdown: campaign.BreakdownUnits,
		Groups: []campaign.Group{{ID: "public"}}, Consent: campaign.Consent{Version: "1"},
	}
}

func unit(i int) string { return fmt.Sprint("u", i%units) }

func newBank(t testing.TB) *quiz.Bank {
	t.Helper()
	questions := make([]quiz.Question, 200)
	for i := range questions {
		questions[i] = quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Topic: "t", Audience: []string{quiz.AllAudiences}, Difficulty: 1, Stem: fmt.Sprint("题", i),
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}, {Text: "丁"}}, Key: 1 << (i % 4),
			Explanation: "解", Basis: "法", ValidFrom: "2020-01-01",
		}
	}
	b, err := quiz.NewBank("b", questions)
	must(t, err)
	return b
}

// The catalogs of the services.

func (w *town) Campaign(string) (*campaign.Campaign, error) { return w.def, nil }

func (w *town) Quiz(string) (quiz.Offer, error) {
	return quiz.Offer{Campaign: w.def, Rules: &w.rules, Bank: w.bank}, nil
}

func (w *town) Bank(context.Context, string) (*quiz.Bank, error) { return w.bank, nil }

func (w *town) Pledge(string) (pledge.Offer, error) {
	return pledge.Offer{Campaign: w.def, Prefix: "QY", Versions: []pledge.Version{
		{Version: "1", Text: campaign.Text{campaign.DefaultLanguage: "承诺"}, Methods: []pledge.Method{pledge.Typed}},
	}}, nil
}

func (w *town) CampaignByPrefix(string) (string, bool) { return w.def.ID, true }

// somebody is an id that says nothing about when they came.
func somebody(i int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(i)))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// sitting is a paper that is about to be handed in.
type sitting struct {
	who, attempt string
	answers      quiz.Answers
}

// begin lets person i enrol and start a paper.
func (w *town) begin(ctx context.Context, i int) (sitting, error) {
	who := somebody(i)
	_, err := w.enrolments.Enrol(ctx, w.def.ID, who, campaign.Request{
		Unit: unit(i), Group: "public", Name: "张小三", NoticeVersion: "1",
	})
	if err != nil {
		return sitting{}, err
	}
	r, _, err := w.quizzes.Start(ctx, w.def.ID, who, 1)
	if err != nil {
		return sitting{}, err
	}
	rng := rand.New(rand.NewPCG(1, uint64(i)))
	skill := rng.Float64()
	s := sitting{who: who, attempt: r.ID, answers: quiz.Answers{}}
	for n, q := range r.Sheet.Questions {
		chosen := q.Options[rng.IntN(len(q.Options))]
		key := w.bank.Questions[r.Attempt.Paper.Items[n].Question].Key
		for _, o := range q.Options {
			if rng.Float64() < skill && w.right(r.Attempt.Paper.Items[n].Question, key, o.Text) {
				chosen = o
			}
		}
		s.answers[q.ID] = []string{chosen.ID}
	}
	return s, nil
}

// right tells whether an option, known by its text, is the right one.
func (w *town) right(question int, key quiz.Choice, text string) bool {
	for i, o := range w.bank.Questions[question].Options {
		if o.Text == text {
			return key.Has(i)
		}
	}
	return false
}

func (w *town) submit(ctx context.Context, s sitting) error {
	_, err := w.quizzes.Submit(ctx, w.def.ID, s.who, s.attempt, s.answers)
	return err
}

func (w *town) sign(ctx context.Context, who string) error {
	_, _, err := w.pledges.Sign(ctx, w.def.ID, who, pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
	return err
}

// wave is how many people come before their facts are folded and trimmed, as a
// fold and an archiver would do meanwhile.
const wave = 20_000

// fill lets people come until there are as many as the town's size.
func (w *town) fill() {
	w.Helper()
	for from := 0; from < w.size; from += wave {
		to := min(from+wave, w.size)
		w.each(from, to, func(ctx context.Context, i int) error {
			s, err := w.begin(ctx, i)
			if err == nil {
				err = w.submit(ctx, s)
			}
			if err == nil {
				err = w.sign(ctx, s.who)
			}
			return err
		})
		w.settle()
	}
	w.people.Store(int64(w.size))
	w.compact()
	w.publisher.Refresh(w.Context())
}

// each does something with people, many at once.
func (w *town) each(from, to int, do func(context.Context, int) error) {
	w.Helper()
	var next atomic.Int64
	next.Store(int64(from))
	g, ctx := errgroup.WithContext(w.Context())
	for range atOnce {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= to || ctx.Err() != nil {
					return ctx.Err()
				}
				if err := do(ctx, i); err != nil {
					return fmt.Errorf("person %d: %w", i, err)
				}
			}
		})
	}
	must(w, g.Wait())
}

// settle folds what has come and trims the streams.
func (w *town) settle() {
	w.Helper()
	for n := 1; n > 0; {
		var err error
		n, err = w.folder.Step(w.Context(), 0)
		must(w, err)
	}
	for _, s := range []event.Stream{event.Facts, event.Personal} {
		must(w, w.db.XTrimMaxLen(w.Context(), redisstore.StreamKey(w.def.ID, 0, s), 0).Err())
	}
}

// compact rewrites the append-only file, as Redis does by itself whenever it has
// doubled.
func (w *town) compact() {
	w.Helper()
	// One that Redis has begun by itself is as good.
	if err := w.db.BgRewriteAOF(w.Context()).Err(); err != nil && !strings.Contains(err.Error(), "already in progress") {
		w.Fatal(err)
	}
	waittest.Until(w, "Redis to have written its file anew", func() bool {
		info, err := w.db.InfoMap(w.Context(), "persistence").Result()
		must(w, err)
		p := info["Persistence"]
		return p["aof_rewrite_in_progress"] == "0" && p["aof_rewrite_scheduled"] == "0"
	})
}

// bytesEach is what Redis holds for each person.
func (w *town) bytesEach(empty int64) float64 {
	w.Helper()
	return float64(w.used()-empty) / float64(w.people.Load())
}

func (w *town) used() int64 {
	w.Helper()
	info, err := w.db.InfoMap(w.Context(), "memory").Result()
	must(w, err)
	n, err := strconv.ParseInt(info["Memory"]["used_memory_dataset"], 10, 64)
	must(w, err)
	return n
}

// restart stops Redis and starts it on its files, and returns how long it took to
// answer and, on top of that, until the first snapshot was there.
func (w *town) restart() (redis, snapshot time.Duration) {
	w.Helper()
	began := time.Now()
	w.redis.Restart(w)
	redis = time.Since(began)
	began = time.Now()
	w.serve()
	w.publisher.Refresh(w.Context())
	if _, err := w.publisher.Snapshot(w.def.ID); err != nil {
		w.Fatal(err)
	}
	return redis, time.Since(began)
}
