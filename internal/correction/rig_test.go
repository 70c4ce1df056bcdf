package correction_test

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
	"qingyuan/internal/waittest"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

var big = flag.Bool("big", false, "correct 100,000 acts instead of 4,000")

var (
	shanghai = time.FixedZone("CST", 8*60*60)
	noon     = time.Date(2026, 6, 10, 12, 0, 0, 0, shanghai)
)

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
		ID: id, Zone: shanghai, OpensAt: noon.AddDate(0, 0, -9), ClosesAt: noon.AddDate(0, 0, 16), Shards: shards, Tree: tree,
		Ranking: campaign.TopN, TopN: 1000, Policy: campaign.PolicyBest, PublicBreakdown: campaign.BreakdownUnits,
		Groups: []campaign.Group{{ID: "public"}}, Consent: campaign.Consent{Version: "1"},
	}
}

func bankOf(t testing.TB) *quiz.Bank {
	t.Helper()
	var list []quiz.Question
	for i := range 6 {
		list = append(list, quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Audience: []string{"all"}, ValidFrom: "2020-01-01",
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: 1 << (i % 3),
		})
	}
	b, err := quiz.NewBank("demo", list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newBox encrypts personal data as in production.
func newBox(t testing.TB) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: "k", Secrets: map[string][]byte{"k": make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rig is a campaign on a real Redis, with its ledger, the services of participants and
// the office's corrections. It is the catalog of all.
type rig struct {
	testing.TB
	*stream.Reader

	db     redis.UniversalClient
	sql    *sqldb.DB
	ledger *ledger.Ledger
	def    *campaign.Campaign
	bank   *quiz.Bank
	rules  quiz.Rules
	ruled  []quiz.Ruled
	box    *seal.Box
	ahead  atomic.Int64

	options   []redisstore.Option // of the stores; nil joins commands where there is one server
	campaigns *redisstore.Campaigns
	boards    *redisstore.Boards
	banks     *redisstore.Banks
	enrols    campaign.Service
	quizzes   quiz.Service
	pledges   pledge.Service

	jobs      *jobs.Queue
	approvals *approval.Service
	service   *correction.Service
	stopJobs  func()
}

// disclose reads a record as the program does.
func (r *rig) disclose(id, participant string, rec event.Record) (state.Disclosed, error) {
	p, err := redisstore.OpenRecord(r.box, id, participant, rec.Sealed)
	if err != nil {
		return state.Disclosed{}, err
	}
	digest, err := redisstore.Digest(make([]byte, 32), p.Personal)
	return state.Disclosed{Personal: p.Personal, PublishName: p.Publish, Notice: p.Notice, Commitment: p.Commitment, Digest: digest}, err
}

func rulesOf() quiz.Rules {
	return quiz.Rules{
		Strata: []quiz.Stratum{{Count: 4, Points: 25}}, TimeLimit: 10 * time.Minute, Grace: 5 * time.Second,
		PassScore: 50, Marking: quiz.AllOrNothing, Review: quiz.ReviewNever,
	}
}

func newRig(t testing.TB, db *sqldb.DB, def *campaign.Campaign) *rig {
	t.Helper()
	return newRigOn(t, redistest.Start(t).Client(t), db, def)
}

func newRigOn(t testing.TB, server redis.UniversalClient, db *sqldb.DB, def *campaign.Campaign, options ...redisstore.Option) *rig {
	t.Helper()
	r := &rig{
		options: options,
		TB:      t, db: server, sql: db, ledger: ledger.New(db), def: def, bank: bankOf(t), box: newBox(t),
		rules: rulesOf(),
	}
	r.Reader = &stream.Reader{DB: r.db, Key: redisstore.StreamKey, Mark: redisstore.MarkKey}
	r.serve()
	r.open()
	return r
}

// serve is a server that starts.
func (r *rig) serve() {
	r.Helper()
	options := r.options
	if one, ok := r.db.(*redis.Client); ok && options == nil {
		options = append(options, redisstore.WithJoined(redisstore.NewJoined(one, 8)))
	}
	c := redisstore.NewCampaigns(r.db, options...)
	known := must(r, r.known(), nil)
	must(r, 0, c.Open(r.Context(), r.def, known, r.now()))
	o, err := c.Opened(r.def.ID)
	must(r, o, err)
	_, err = r.ledger.Register(r.Context(), ledger.Opened{
		Campaign: r.def.ID, Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch, Condition: ledger.Open,
	})
	must(r, 0, err)
	serials, err := pledge.NewSerials(make([]byte, 32))
	must(r, 0, err)
	r.campaigns, r.boards, r.banks = c, redisstore.NewBoards(c, r.Campaign, r.now), redisstore.NewBanks(r.db)
	r.enrols = campaign.Service{Catalog: r, Store: redisstore.NewEnrolments(c, r.box, make([]byte, 32)), Now: r.now}
	r.quizzes = quiz.Service{Catalog: r, Store: redisstore.NewQuiz(c, r.Campaign, r.now), IDKey: make([]byte, 32), Now: r.now}
	r.pledges = pledge.Service{Catalog: r, Store: redisstore.NewSignatures(c, r.box), Serials: serials, Now: r.now}
	must(r, 0, r.banks.PutBank(r.Context(), r.bank))
	if r.service != nil {
		r.correct()
	}
}

// correct lets the service correct what this server serves.
func (r *rig) correct() {
	store := redisstore.NewCorrections(r.campaigns, r.Campaign, r.now)
	r.service.Acts, r.service.Joins = store, store
}

// open opens the office.
func (r *rig) open() {
	r.Helper()
	r.jobs = &jobs.Queue{DB: r.sql, Now: time.Now, Log: slog.New(slog.DiscardHandler), Every: 25 * time.Millisecond}
	r.approvals = approval.New(approval.Options{
		DB: r.sql, Campaign: r.Campaign, Now: time.Now, Failed: func(a approval.Approval, err error) { r.Logf("approval %s: %v", a.Kind, err) },
	})
	r.service = r.newService()
	r.service.Register(r.jobs)
	for _, k := range r.service.Kinds() {
		r.approvals.Register(k)
	}
	r.stopJobs = r.runJobs(r.jobs)
}

func (r *rig) newService() *correction.Service {
	acts := redisstore.NewCorrections(r.campaigns, r.Campaign, r.now)
	return &correction.Service{
		DB: r.sql, Ledger: r.ledger, Acts: acts, Joins: acts, Banks: r, Catalog: r,
		Jobs: r.jobs, Approvals: r.approvals, Now: time.Now, Pace: 1, Box: r.box,
		Name: func(id, participant string, rec event.Record) (string, error) {
			d, err := r.disclose(id, participant, rec)
			return d.Name, err
		},
	}
}

// runJobs lets a queue work until the test ends, or what it returns is called.
func (r *rig) runJobs(q *jobs.Queue) func() {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	stop := sync.OnceFunc(func() { cancel(); <-done })
	r.Cleanup(stop)
	return stop
}

func (r *rig) known() redisstore.Known {
	r.Helper()
	o, exists, err := r.ledger.Campaign(r.Context(), r.def.ID)
	must(r, 0, err)
	cursors, err := r.ledger.Cursors(r.Context())
	must(r, 0, err)
	return redisstore.Known{
		Exists: exists, Opened: redisstore.Opened{Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch},
		Heads: func(shard int) (facts, personal event.Position) {
			h := cursors[ledger.Shard{Campaign: r.def.ID, Number: shard}]
			return h.Facts, h.Personal
		},
	}
}

func (r *rig) now() time.Time       { return noon.Add(time.Duration(r.ahead.Load())) }
func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// The catalogs of the services.
func (r *rig) Campaign(string) (*campaign.Campaign, error) { return r.def, nil }

func (r *rig) Quiz(string) (quiz.Offer, error) {
	return quiz.Offer{Campaign: r.def, Bank: r.bank, Rules: &r.rules, Rulings: r.ruled}, nil
}

func (r *rig) Pledge(string) (pledge.Offer, error) {
	return pledge.Offer{Campaign: r.def, Prefix: "QY", Versions: []pledge.Version{
		{Version: "1", Text: campaign.Text{"zh-CN": "承诺"}, Methods: []pledge.Method{pledge.Typed}},
	}}, nil
}

func (r *rig) CampaignByPrefix(string) (string, bool)           { return r.def.ID, true }
func (r *rig) Bank(context.Context, string) (*quiz.Bank, error) { return r.bank, nil }

// source implements ledger.Source.
type source struct{ *rig }

func (source) Confirm(context.Context, string, int) error { return nil }

func (s source) FoldCursor(ctx context.Context, id string, shard int) (event.Position, error) {
	return s.boards.Cursor(ctx, id, shard)
}

func (s source) Bank(ctx context.Context, digest string) ([]byte, error) {
	packed, err := s.banks.Packed(ctx, digest)
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return packed, err
}

// settle folds and archives everything.
func (r *rig) settle() {
	r.Helper()
	f := &leaderboard.Folder{
		Store: r.boards, Facts: r.Reader, Now: time.Now, Campaign: func() (*campaign.Campaign, error) { return r.def, nil },
		Folded: func(int, time.Duration) {}, Failed: func(error) {},
	}
	for shard := range r.def.Shards {
		for n := 1; n > 0; {
			var err error
			if n, err = f.Step(r.Context(), shard); err != nil {
				r.Fatal(err)
			}
		}
		must(r, 0, r.archiver(ledger.Shard{Campaign: r.def.ID, Number: shard}).Drain(r.Context()))
	}
}

func (r *rig) archiver(s ledger.Shard) *ledger.Archiver {
	return &ledger.Archiver{
		Ledger: r.ledger, Source: source{r}, Shard: s, Now: r.now, Archived: func(event.Stream, int, time.Duration) {},
		Dead: func(int) {}, Failed: func(err error) { r.Errorf("archive: %v", err) },
	}
}

// clean verifies and fails on a difference.
func (r *rig) clean() {
	r.Helper()
	v := &replay.Verifier{
		Ledger: r.ledger, Live: redisstore.NewMirror(r.db), Streams: r.Reader, Open: r.disclose, Now: r.now,
		Patience: 10 * time.Second, Found: func(d replay.Difference) { r.Errorf("verify finds %+v", d) },
	}
	report, err := v.Campaign(r.Context(), r.def, &r.rules)
	if must(r, report, err); !report.Clean() {
		r.Fatalf("not clean: %+v", report)
	}
}

// rebuild fills Redis from the ledger, and serves it.
func (r *rig) rebuild() {
	r.Helper()
	b := &replay.Rebuilder{
		Ledger: r.ledger, Redis: redisstore.NewRefill(r.db), Open: r.disclose, Now: r.now,
		Drain: func(ctx context.Context, s ledger.Shard) error { return r.archiver(s).Drain(ctx) },
	}
	_, err := b.Campaign(r.Context(), r.def)
	must(r, 0, err)
	r.serve()
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func person(i int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "person-%05d", i))
}

var units = []string{"u1", "u2", "u3", "u4"}

// live lets one person enrol, hand in so many attempts and perhaps sign.
func (r *rig) live(ctx context.Context, i, attempts int, sign bool) error {
	id := person(i)
	_, err := r.enrols.Enrol(ctx, r.def.ID, id, campaign.Request{Unit: units[i%4], Group: "public", Name: "张小三", NoticeVersion: "1"})
	if err != nil {
		return err
	}
	for n := range attempts {
		if err := r.sit(ctx, id, (i+n)%5); err != nil {
			return err
		}
	}
	if sign {
		_, _, err = r.pledges.Sign(ctx, r.def.ID, id, pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
	}
	return err
}

// sit hands in an attempt with so many right answers.
func (r *rig) sit(ctx context.Context, id string, right int) error {
	v, _, err := r.quizzes.Start(ctx, r.def.ID, id, 0)
	if err != nil {
		return err
	}
	r.pass(17 * time.Millisecond)
	c := make(quiz.Choices, len(v.Attempt.Paper.Items))
	for i, item := range v.Attempt.Paper.Items {
		key := r.bank.Questions[item.Question].Key
		if c[i] = key; i >= right {
			c[i] = 1 << ((item.Question + 1) % 3)
		}
	}
	answers, err := v.Attempt.Paper.Write(r.bank, c)
	if err != nil {
		return err
	}
	_, err = r.quizzes.Submit(ctx, r.def.ID, id, v.ID, answers)
	return err
}

// populate lets people act at once.
func (r *rig) populate(people, attempts int) {
	r.Helper()
	g, ctx := errgroup.WithContext(r.Context())
	g.SetLimit(64)
	for i := range people {
		g.Go(func() error { return r.live(ctx, i, attempts, i%2 == 0) })
	}
	must(r, 0, g.Wait())
	r.settle()
}

// image is everything that Redis holds of the campaign but the streams and where their
// readers are: fields by key.
func (r *rig) image() map[string]map[string]string {
	r.Helper()
	ctx, out := r.Context(), map[string]map[string]string{}
	for _, key := range r.keys() {
		if strings.HasSuffix(key, ":meta") || strings.HasSuffix(key, ":fold") || strings.HasSuffix(key, ":mark") || strings.HasSuffix(key, "}:campaign") {
			continue
		}
		fields := map[string]string{}
		switch kind := r.db.Type(ctx, key).Val(); kind {
		case "hash":
			fields = r.db.HGetAll(ctx, key).Val()
			if !strings.Contains(key, ":p:") {
				maps.DeleteFunc(fields, func(_, v string) bool { return v == "0" })
			}
		case "zset":
			for _, z := range r.db.ZRangeWithScores(ctx, key, 0, -1).Val() {
				fields[fmt.Sprint(z.Member)] = fmt.Sprintf("%.0f", z.Score)
			}
		case "set":
			for _, m := range r.db.SMembers(ctx, key).Val() {
				fields[m] = ""
			}
		case "list":
			fields["list"] = strings.Join(r.db.LRange(ctx, key, 0, -1).Val(), "\n")
		case "string":
			fields["string"] = r.db.Get(ctx, key).Val()
		}
		if len(fields) > 0 {
			out[key] = fields
		}
	}
	return out
}

// keys are those of all nodes.
func (r *rig) keys() []string {
	r.Helper()
	var out []string
	var mu sync.Mutex
	scan := func(ctx context.Context, node *redis.Client) error {
		iter := node.Scan(ctx, 0, "*", 1000).Iterator()
		mu.Lock()
		defer mu.Unlock()
		for iter.Next(ctx) {
			out = append(out, iter.Val())
		}
		return iter.Err()
	}
	switch db := r.db.(type) {
	case *redis.Client:
		must(r, 0, scan(r.Context(), db))
	case *redis.ClusterClient:
		must(r, 0, db.ForEachMaster(r.Context(), scan))
	}
	return out
}

// Operators.

func grants(scope string) []operator.Grant {
	return []operator.Grant{{Role: operator.CampaignOperator, Scope: scope}}
}

func clerk(scope string) operator.Actor {
	return operator.Actor{ID: "op-clerk" + scope, Login: "clerk" + scope, Grants: grants(scope), TwoFactor: true}
}

func head() operator.Actor {
	return operator.Actor{ID: "op-head", Login: "head", Grants: grants(""), TwoFactor: true}
}

// create makes a batch and waits until its list is frozen.
func (r *rig) create(who operator.Actor, c correction.Conditions) *correction.Batch {
	r.Helper()
	b, err := r.service.Create(r.Context(), who, correction.Draft{Campaign: r.def.ID, Conditions: c, Reason: "经核实为批量刷分"})
	must(r, b, err)
	return r.await(b.ID, correction.Ready, correction.Failed)
}

// await waits until a batch is in one of the states.
func (r *rig) await(id string, states ...correction.State) *correction.Batch {
	r.Helper()
	return r.watchUntil(id, func(b *correction.Batch) bool { return slices.Contains(states, b.State) })
}

// watchUntil waits for a batch to be as wanted.
func (r *rig) watchUntil(id string, ok func(*correction.Batch) bool) (b *correction.Batch) {
	r.Helper()
	defer func() {
		if r.Failed() {
			r.Logf("the batch is %+v", b)
		}
	}()
	waittest.Until(r, "a batch to be as wanted", func() bool {
		var err error
		b, err = r.service.Find(r.Context(), head(), r.def.ID, id)
		must(r, b, err)
		return ok(b)
	})
	return b
}

// approve lets the head decide on what was asked for.
func (r *rig) approve(id string, err error) {
	r.Helper()
	must(r, 0, err)
	_, err = r.approvals.Approve(r.Context(), head(), id, "同意")
	must(r, 0, err)
	_, err = r.approvals.Step(r.Context())
	must(r, 0, err)
}

// run lets a batch be approved and worked on to its end.
func (r *rig) run(b *correction.Batch) *correction.Batch {
	r.Helper()
	r.approve(r.service.AskRun(r.Context(), clerk(b.Node), b))
	return r.await(b.ID, correction.Done, correction.Stopped)
}

// undo lets a batch be undone to its end.
func (r *rig) undo(b *correction.Batch) *correction.Batch {
	r.Helper()
	r.approve(r.service.AskUndo(r.Context(), clerk(b.Node), b, "核实有误"))
	return r.await(b.ID, correction.Undone, correction.UndoHalted)
}

func newSmallRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, sqltest.SQLite(t), definition(t, "antidrug", 2))
}

func faultOf(t *testing.T, err error) *fault.Error {
	t.Helper()
	if err == nil {
		t.Fatal("no fault")
	}
	return fault.From(err)
}

func (r *rig) quizStore() quiz.Store { return r.quizzes.Store }

func (r *rig) quizPerson(i int) quiz.Person {
	return quiz.Person{Campaign: r.def.ID, Participant: person(i)}
}

// mistakes are the wrong answers of an attempt, by question.
func (r *rig) mistakes(a act.Act) map[int]quiz.Choice {
	r.Helper()
	out := map[int]quiz.Choice{}
	if a.Number == act.Signature {
		return out
	}
	stored, err := r.quizStore().Attempt(r.Context(), quiz.Person{Campaign: r.def.ID, Participant: a.Participant}, a.Number)
	must(r, stored, err)
	for i, item := range stored.Paper.Items {
		if c := stored.Result.Choices[i]; c != 0 && c != r.bank.Questions[item.Question].Key {
			out[item.Question] = c
		}
	}
	return out
}

// alike are the others of the first twelve whose first attempt has the same three or
// more mistakes.
func (r *rig) alike(a act.Act) []string {
	r.Helper()
	mine := r.mistakes(a)
	var out []string
	for i := range 12 {
		if person(i) == a.Participant || i == 2 {
			continue
		}
		if len(mine) >= 3 && maps.Equal(mine, r.mistakes(act.Act{Participant: person(i), Number: 1})) {
			out = append(out, person(i))
		}
	}
	return out
}
