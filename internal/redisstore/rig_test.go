package redisstore

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
	"qingyuan/internal/seal"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// shanghai is the zone of the campaigns here, opens their first moment and noon
// the one at which a test begins.
var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)
	opens    = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	noon     = time.Date(2026, 6, 10, 4, 0, 0, 0, time.UTC)
)

func dayOf(_ string, at time.Time) string { return at.In(shanghai).Format(time.DateOnly) }

// newBox encrypts personal data as in production.
func newBox(t testing.TB) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: "k", Secrets: map[string][]byte{"k": make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// server is what one of several servers holds of the same Redis.
type server struct {
	db         redis.UniversalClient
	campaigns  *Campaigns
	quiz       *Quiz
	enrolments *Enrolments
	signatures *Signatures
	boards     *Boards
	world      *now
}

// now is what a server's stores know of the world: the time, and the campaigns'
// definitions, of which those that no test has told are all the same.
type now struct {
	mu   sync.Mutex
	defs map[string]*campaign.Campaign
	at   time.Time
}

func (n *now) define(id string) (*campaign.Campaign, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.defs[id] == nil {
		other := *n.defs[""]
		other.ID = id
		n.defs[id] = &other
	}
	return n.defs[id], nil
}

func (n *now) know(def *campaign.Campaign) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.defs[def.ID] = def
}

func (n *now) is(at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = at
}

func (n *now) now() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at
}

func newServer(t testing.TB, db redis.UniversalClient, options ...Option) server {
	t.Helper()
	s := serverOn(t, db, options...)
	s.db = db
	return s
}

// serverOn is newServer for a client of any kind.
func serverOn(t testing.TB, db redis.UniversalClient, options ...Option) server {
	t.Helper()
	c := NewCampaigns(db, options...)
	w := &now{defs: map[string]*campaign.Campaign{}, at: noon}
	w.know(definition(t, "", 1))
	return server{
		world: w, campaigns: c, quiz: NewQuiz(c, w.define, w.now), enrolments: NewEnrolments(c, newBox(t), make([]byte, 32)),
		signatures: NewSignatures(c, newBox(t)), boards: NewBoards(c, w.define, w.now),
	}
}

// rig is one campaign on a real Redis, opened by several servers.
type rig struct {
	testing.TB
	server  // the first
	servers []server
	def     *campaign.Campaign
}

const serversOfARig = 3

// definition is a campaign of two districts with two units each.
func definition(t testing.TB, id string, shards int) *campaign.Campaign {
	t.Helper()
	node := func(id, parent string) campaign.Node {
		n := campaign.Node{ID: id, Parent: parent, Kind: campaign.Region, Name: campaign.Text{"zh-CN": "名" + id}}
		if strings.HasPrefix(id, "u") {
			n.Kind = campaign.Unit
		}
		return n
	}
	tree, err := campaign.NewTree([]campaign.Node{
		node("city", ""), node("d1", "city"), node("u1", "d1"), node("u2", "d1"), node("d2", "city"), node("u3", "d2"), node("u4", "d2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{
		ID: id, Zone: shanghai, OpensAt: opens, ClosesAt: opens.AddDate(0, 0, 26), Shards: shards, Tree: tree,
		Ranking: campaign.TopN, TopN: 1000, PublicBreakdown: campaign.BreakdownUnits,
		Groups: []campaign.Group{{ID: "public"}, {ID: "pupils"}}, Consent: campaign.Consent{Version: "1"},
	}
}

// newRig opens a campaign on a Redis of its own.
func newRig(t testing.TB, shards int, options ...redistest.Option) *rig {
	t.Helper()
	return rigOn(t, clientsOf(t, redistest.Start(t, options...)), definition(t, "antidrug", shards))
}

// clientsOf are the clients of several servers.
func clientsOf(t testing.TB, s *redistest.Server) []*redis.Client {
	t.Helper()
	var out []*redis.Client
	for range serversOfARig {
		out = append(out, s.Client(t))
	}
	return out
}

// rigOn opens a campaign on a Redis that others may use as well.
func rigOn[C redis.UniversalClient](t testing.TB, clients []C, def *campaign.Campaign) *rig {
	t.Helper()
	r := &rig{TB: t, def: def}
	for i, db := range clients {
		one := newServer(t, db, transportOf(t, i, db)...)
		one.world.know(def)
		if err := one.campaigns.Open(t.Context(), def, Known{}, noon); err != nil {
			t.Fatal(err)
		}
		r.servers = append(r.servers, one)
	}
	r.server = r.servers[0]
	return r
}

// transportOf joins the commands of every other server, so that each test of a rig
// proves both ways to Redis.
func transportOf(t testing.TB, i int, db redis.UniversalClient) []Option {
	t.Helper()
	if one, ok := db.(*redis.Client); ok && i%2 == 0 {
		return []Option{WithJoined(joinedTo(t, one, 4))}
	}
	return nil
}

// onShards runs a test for one shard and for several.
func onShards(t *testing.T, test func(t *testing.T, shards int)) {
	t.Helper()
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprintf("S=%d", shards), func(t *testing.T) {
			t.Parallel()
			test(t, shards)
		})
	}
}

// suiteOn gives each test of a suite a campaign of its own on one Redis.
func suiteOn(t *testing.T, shards int) func(t *testing.T) *rig {
	t.Helper()
	return suiteWith(t, clientsOf(t, redistest.Start(t)), shards)
}

// suiteWith is suiteOn for a Redis of any kind.
func suiteWith[C redis.UniversalClient](t *testing.T, clients []C, shards int) func(t *testing.T) *rig {
	t.Helper()
	var mu sync.Mutex
	n := 0
	return func(t *testing.T) *rig {
		t.Helper()
		mu.Lock()
		n++
		id := fmt.Sprint("c", n)
		mu.Unlock()
		return rigOn(t, clients, definition(t, id, shards))
	}
}

func (r *rig) enrol(participant, unit, group string) {
	r.Helper()
	e := campaign.Enrolment{Unit: unit, Group: group, DisplayName: "名" + participant, NoticeVersion: "1", At: noon}
	if _, err := r.enrolments.Enrol(r.Context(), r.def.ID, participant, e, campaign.Personal{}); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) person(participant string) quiz.Person {
	return quiz.Person{Campaign: r.def.ID, Participant: participant}
}

// takenUp is an attempt as it begins.
func takenUp(at time.Time) quiz.Attempt {
	return quiz.Attempt{
		Window: quiz.Window{StartedAt: at, Deadline: at.Add(3 * time.Hour)}, State: quiz.StateOpen,
		Paper: quiz.Paper{Bank: "0123456789ab", Seed: 1, Items: []quiz.Item{{Question: 0, Points: 100}}},
	}
}

// start opens an attempt at a moment.
func (r *rig) start(participant string, at time.Time) quiz.Attempt {
	r.Helper()
	a, _, outcome, err := r.quiz.Start(r.Context(), r.person(participant), takenUp(at), quiz.Limits{Day: dayOf("", at)})
	if err != nil || outcome != quiz.Started {
		r.Fatalf("start by %s: %s, %v", participant, outcome, err)
	}
	return a
}

// submit takes a whole attempt that ends at a moment.
func (r *rig) submit(participant string, score int, used time.Duration, at time.Time) {
	r.Helper()
	s, err := r.quiz.Submit(r.Context(), r.person(participant), finished(r.start(participant, at.Add(-used)), score, at), true)
	if err != nil || !s.Fresh {
		r.Fatalf("submit by %s: fresh %t, %v", participant, s.Fresh, err)
	}
}

func finished(a quiz.Attempt, score int, at time.Time) quiz.Attempt {
	a.State, a.ClosedBy = quiz.StateSubmitted, quiz.ByParticipant
	a.Result = quiz.Result{
		Mark: quiz.Mark{Score: score, MaxScore: 100, Questions: len(a.Paper.Items)}, Passed: score >= 60,
		Used: at.Sub(a.StartedAt), SubmittedAt: at, Choices: make(quiz.Choices, len(a.Paper.Items)),
	}
	return a
}

func (r *rig) sign(participant string, at time.Time) {
	r.Helper()
	if _, fresh, err := r.signatures.Sign(r.Context(), r.def.ID, participant, signature(at), campaign.Personal{}); err != nil || !fresh {
		r.Fatalf("sign by %s: fresh %t, %v", participant, fresh, err)
	}
}

func signature(at time.Time) pledge.Signature {
	return pledge.Signature{
		Version: "1", TextSHA256: strings.Repeat("ab", 32), Method: pledge.Typed, SignedAt: at, MaskedName: "张**", State: pledge.Valid,
	}
}

// After implements leaderboard.Facts for a test.
func (r *rig) After(ctx context.Context, id string, shard int, after event.Position, limit int) ([]event.Fact, error) {
	list, err := r.db.XRangeN(ctx, StreamKey(id, shard, event.Facts), "("+after.String(), "+", int64(limit)).Result()
	if err != nil {
		return nil, err
	}
	out := make([]event.Fact, len(list))
	for i, m := range list {
		var e event.Entry
		if e.Position, err = event.ParsePosition(m.ID); err != nil {
			return nil, err
		}
		for k, v := range m.Values {
			e.Fields = append(e.Fields, event.Field{Name: k, Value: fmt.Sprint(v)})
		}
		if out[i], err = event.Decode(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// facts returns all facts of a shard, and fails on a gap: invariant 4.
func (r *rig) facts(shard int) []event.Fact {
	r.Helper()
	list, err := r.After(r.Context(), r.def.ID, shard, event.Position{}, 1<<20)
	if err != nil {
		r.Fatal(err)
	}
	var at event.Position
	for _, f := range list {
		if !f.Follows(at) {
			r.Errorf("invariant 4: fact %s of shard %d comes after %s", f.Position, shard, at)
		}
		at = f.Position
	}
	return list
}

// allFacts returns the facts of all shards.
func (r *rig) allFacts() []event.Fact {
	r.Helper()
	var all []event.Fact
	for shard := range r.def.Shards {
		all = append(all, r.facts(shard)...)
	}
	return all
}

// contents returns everything that Redis holds, in words, by key.
func contents(t testing.TB, db redis.UniversalClient) map[string]string {
	t.Helper()
	ctx, out := t.Context(), map[string]string{}
	keys := db.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		var v any
		var err error
		switch kind := db.Type(ctx, key).Val(); kind {
		case "string":
			v, err = db.Get(ctx, key).Result()
		case "hash":
			v, err = db.HGetAll(ctx, key).Result()
		case "zset":
			v, err = db.ZRangeWithScores(ctx, key, 0, -1).Result()
		case "stream":
			v, err = db.XRange(ctx, key, "-", "+").Result()
		case "list":
			v, err = db.LRange(ctx, key, 0, -1).Result()
		default:
			t.Fatalf("key %s is a %s", key, kind)
		}
		if err != nil {
			t.Fatal(err)
		}
		out[key] = fmt.Sprintf("%+v", v)
	}
	if err := keys.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// unchanged runs what must write nothing.
func (r *rig) unchanged(what string, act func()) {
	r.Helper()
	before := contents(r.TB, r.db)
	act()
	if diff := cmp.Diff(before, contents(r.TB, r.db)); diff != "" {
		r.Errorf("%s wrote (-before +after):\n%s", what, diff)
	}
}
