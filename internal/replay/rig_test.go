package replay_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/seal"
	"qingyuan/internal/session"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/stream"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// newBox encrypts personal data as in production.
func newBox(t testing.TB) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: "k", Secrets: map[string][]byte{"k": make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var digestKey = make([]byte, 32)

// rig is one campaign on a real Redis, served by the real services and archived
// into a real database. It is a ledger.Source and the catalog of the services.
type rig struct {
	testing.TB
	*stream.Reader

	db      redis.UniversalClient
	sql     *sqldb.DB
	ledger  *ledger.Ledger
	def     *campaign.Campaign
	bank    *quiz.Bank
	rules   quiz.Rules
	box     *seal.Box
	options []redisstore.Option // of what writes
	rest    int                 // of who compares
	// ahead is how far the clock of the services is before the real one.
	ahead atomic.Int64

	campaigns *redisstore.Campaigns
	boards    *redisstore.Boards
	banks     *redisstore.Banks
	doors     *redisstore.Sessions
	enrols    campaign.Service
	quizzes   quiz.Service
	pledges   pledge.Service
	// differences are those that verifying has found.
	differences []replay.Difference
}

// disclose reads a record as the program does.
func (r *rig) disclose(campaignID, participant string, rec event.Record) (state.Disclosed, error) {
	p, err := redisstore.OpenRecord(r.box, campaignID, participant, rec.Sealed)
	if err != nil {
		return state.Disclosed{}, err
	}
	digest, err := redisstore.Digest(digestKey, p.Personal)
	return state.Disclosed{
		Personal: p.Personal, PublishName: p.Publish, Notice: p.Notice, Commitment: p.Commitment, Digest: digest,
	}, err
}

func newRig(t testing.TB, shards int) *rig {
	t.Helper()
	return newRigOn(t, redistest.Start(t).Client(t), sqltest.SQLite(t), definition(t, "antidrug", shards))
}

func newRigOn(t testing.TB, client redis.UniversalClient, db *sqldb.DB, def *campaign.Campaign) *rig {
	t.Helper()
	r := &rig{
		TB: t, db: client, sql: db, ledger: ledger.New(db), def: def,
		bank: bankOf(t, 4), rules: quizRules, box: newBox(t),
	}
	r.Reader = &stream.Reader{DB: r.db, Key: redisstore.StreamKey, Mark: redisstore.MarkKey}
	r.serve()
	return r
}

// serve is a server that starts: it opens the campaign, and the ledger hears of
// it.
func (r *rig) serve() {
	r.Helper()
	c := redisstore.NewCampaigns(r.db, r.options...)
	for id, open := range map[string]func(redisstore.Known) error{
		r.def.ID:                 func(k redisstore.Known) error { return c.Open(r.Context(), r.def, k, r.now()) },
		redisstore.DoorsCampaign: func(k redisstore.Known) error { return c.OpenDoors(r.Context(), k) },
	} {
		if err := open(r.known(id)); err != nil {
			r.Fatal(err)
		}
		o, err := c.Opened(id)
		if err != nil {
			r.Fatal(err)
		}
		_, err = r.ledger.Register(r.Context(), ledger.Opened{
			Campaign: id, Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch, Condition: ledger.Open,
		})
		if err != nil {
			r.Fatal(err)
		}
	}
	serials, err := pledge.NewSerials(make([]byte, 32))
	if err != nil {
		r.Fatal(err)
	}
	r.campaigns, r.boards, r.banks, r.doors = c, redisstore.NewBoards(c, r.Campaign, r.now), redisstore.NewBanks(r.db), redisstore.NewSessions(c, r.now)
	r.enrols = campaign.Service{Catalog: r, Store: redisstore.NewEnrolments(c, r.box, digestKey), Now: r.now}
	r.quizzes = quiz.Service{Catalog: r, Store: redisstore.NewQuiz(c, r.Campaign, r.now), IDKey: make([]byte, 32), Now: r.now}
	r.pledges = pledge.Service{Catalog: r, Store: redisstore.NewSignatures(c, r.box), Serials: serials, Now: r.now}
	if err := r.banks.PutBank(r.Context(), r.bank); err != nil {
		r.Fatal(err)
	}
}

// known is what the ledger knows of a campaign.
func (r *rig) known(id string) redisstore.Known {
	r.Helper()
	o, exists, err := r.ledger.Campaign(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	cursors, err := r.ledger.Cursors(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	return redisstore.Known{
		Exists: exists, Opened: redisstore.Opened{Shards: o.Shards, Base: o.Base, Bits: o.Bits, Epoch: o.Epoch},
		Heads: func(shard int) (facts, personal event.Position) {
			h := cursors[ledger.Shard{Campaign: id, Number: shard}]
			return h.Facts, h.Personal
		},
	}
}

// now is noon of a day of the campaign when the test begins.
func (r *rig) now() time.Time { return noon.Add(time.Duration(r.ahead.Load())) }

// watch is the clock of verifying and rebuilding: the real one, unless they must
// know whether a freeze is over.
func (r *rig) watch() func() time.Time {
	if r.def.Freeze.At.IsZero() {
		return time.Now
	}
	return r.now
}

func (r *rig) pass(d time.Duration) { r.ahead.Add(int64(d)) }

// The catalogs of the services.
func (r *rig) Campaign(string) (*campaign.Campaign, error) { return r.def, nil }

func (r *rig) Quiz(string) (quiz.Offer, error) {
	return quiz.Offer{Campaign: r.def, Bank: r.bank, Rules: &r.rules}, nil
}

func (r *rig) Pledge(string) (pledge.Offer, error) {
	return pledge.Offer{Campaign: r.def, Prefix: "QY", Versions: []pledge.Version{
		{Version: "1", Text: campaign.Text{"zh-CN": "承诺"}, Methods: []pledge.Method{pledge.Typed}},
	}}, nil
}

func (r *rig) CampaignByPrefix(string) (string, bool) { return r.def.ID, true }

// Bank implements quiz.Catalog.
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

func (r *rig) archiver(s ledger.Shard) *ledger.Archiver {
	return &ledger.Archiver{
		Ledger: r.ledger, Source: source{r}, Shard: s, Now: r.now, Idle: 50 * time.Millisecond,
		Archived: func(event.Stream, int, time.Duration) {}, Dead: func(int) {},
		Failed: func(err error) { r.Logf("archive: %v", err) },
	}
}

func (r *rig) folder() *leaderboard.Folder {
	return &leaderboard.Folder{
		Store: r.boards, Facts: r.Reader, Now: time.Now, Idle: 20 * time.Millisecond,
		Campaign: func() (*campaign.Campaign, error) { return r.def, nil },
		Folded:   func(int, time.Duration) {}, Failed: func(err error) { r.Logf("fold: %v", err) },
	}
}

// settle folds and archives everything.
func (r *rig) settle() {
	r.Helper()
	r.fold()
	r.archive(r.def.ID, r.def.Shards)
	o, err := r.campaigns.Opened(redisstore.DoorsCampaign)
	if err != nil {
		r.Fatal(err)
	}
	r.archive(redisstore.DoorsCampaign, o.Shards)
}

func (r *rig) fold() {
	r.Helper()
	f := r.folder()
	for shard := range r.def.Shards {
		for n := 1; n > 0; {
			var err error
			if n, err = f.Step(r.Context(), shard); err != nil {
				r.Fatal(err)
			}
		}
	}
}

func (r *rig) archive(id string, shards int) {
	r.Helper()
	for shard := range shards {
		a := r.archiver(ledger.Shard{Campaign: id, Number: shard})
		if err := a.Drain(r.Context()); err != nil {
			r.Fatal(err)
		}
		if err := a.Trim(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
}

func (r *rig) verifier() *replay.Verifier {
	return &replay.Verifier{
		Ledger: r.ledger, Live: redisstore.NewMirror(r.db), Streams: r.Reader, Open: r.disclose, Now: r.watch(),
		Patience: 10 * time.Second, Rest: r.rest,
		Found: func(d replay.Difference) { r.differences = append(r.differences, d) },
	}
}

func (r *rig) rebuilder() *replay.Rebuilder {
	return &replay.Rebuilder{
		Ledger: r.ledger, Redis: redisstore.NewRefill(r.db, r.options...), Open: r.disclose, Now: r.watch(),
		Drain: func(ctx context.Context, s ledger.Shard) error { return r.archiver(s).Drain(ctx) },
	}
}

// verifyCampaign compares the campaign, and returns what differs in words.
func (r *rig) verifyCampaign() (replay.Report, []string) {
	r.Helper()
	r.differences = nil
	report, err := r.verifier().Campaign(r.Context(), r.def, &r.rules)
	return must(r, report, err), r.inWords(&report)
}

// verifyDoors compares the doors, and returns what differs in words.
func (r *rig) verifyDoors() (replay.Report, []string) {
	r.Helper()
	r.differences = nil
	report, err := r.verifier().Doors(r.Context())
	return must(r, report, err), r.inWords(&report)
}

func (r *rig) inWords(report *replay.Report) []string {
	var out []string
	for _, d := range r.differences {
		out = append(out, fmt.Sprintf("%s%s: %s: %s, not %s", d.Participant, d.Cell, d.Field, d.Got, d.Want))
	}
	for _, s := range report.Incomplete {
		out = append(out, "incomplete: "+s)
	}
	if int64(len(r.differences)) != report.Differences || report.Clean() != (len(out) == 0) {
		r.Errorf("%d differences were told, the report has %d and is clean: %t", len(r.differences), report.Differences, report.Clean())
	}
	return out
}

// clean verifies and fails on a difference.
func (r *rig) clean() replay.Report {
	r.Helper()
	report, differs := r.verifyCampaign()
	doors, shut := r.verifyDoors()
	for _, d := range slices.Concat(differs, shut) {
		r.Errorf("verify finds a difference: %s", d)
	}
	report.Doors = doors.Doors
	return report
}

// rebuild rebuilds campaign and doors, and serves them again.
func (r *rig) rebuild() replay.Rebuilt {
	r.Helper()
	_, err := r.rebuilder().Doors(r.Context())
	must(r.TB, 0, err)
	return r.rebuildCampaign()
}

func (r *rig) rebuildCampaign() replay.Rebuilt {
	r.Helper()
	out, err := r.rebuilder().Campaign(r.Context(), r.def)
	must(r.TB, 0, err)
	r.serve()
	return out
}

// Acts of a participant.

func person(i int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("person-%05d", i)))
}

func must[T any](t testing.TB, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (r *rig) enrol(id, unit string, change ...func(*campaign.Request)) {
	r.Helper()
	q := campaign.Request{Unit: unit, Group: "public", Name: "张小三", NoticeVersion: "1"}
	for _, c := range change {
		c(&q)
	}
	_, err := r.enrols.Enrol(r.Context(), r.def.ID, id, q)
	must(r, 0, err)
}

func (r *rig) start(id string) quiz.Receipt {
	r.Helper()
	v, _, err := r.quizzes.Start(r.Context(), r.def.ID, id, 0)
	return must(r, v, err)
}

// answers are right for the first questions and left out for the rest.
func (r *rig) answers(p *quiz.Paper, right int) quiz.Answers {
	r.Helper()
	c := make(quiz.Choices, len(p.Items))
	for i := range right {
		c[i] = r.bank.Questions[p.Items[i].Question].Key
	}
	a, err := p.Write(r.bank, c)
	return must(r, a, err)
}

func (r *rig) hand(id string, v quiz.Receipt, right int) {
	r.Helper()
	_, err := r.quizzes.Submit(r.Context(), r.def.ID, id, v.ID, r.answers(&v.Attempt.Paper, right))
	must(r, 0, err)
}

func (r *rig) save(id string, v quiz.Receipt, right int) {
	r.Helper()
	_, _, err := r.quizzes.Save(r.Context(), r.def.ID, id, v.ID, 1, r.answers(&v.Attempt.Paper, right))
	must(r, 0, err)
}

func (r *rig) sign(id string) {
	r.Helper()
	_, _, err := r.pledges.Sign(r.Context(), r.def.ID, id, pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
	must(r, 0, err)
}

func (r *rig) correct(id string, number int, to quiz.State) {
	r.Helper()
	must(r, 0, r.quizzes.Store.Correct(r.Context(), quiz.Person{Campaign: r.def.ID, Participant: id}, number, to))
}

func (r *rig) hide(id string, hidden bool) {
	r.Helper()
	must(r, 0, r.boards.Hide(r.Context(), r.def.ID, id, hidden))
}

// transfer lets somebody belong to another unit.
func (r *rig) transfer(id, unit, request string) {
	r.Helper()
	e, err := r.enrols.Store.Enrolment(r.Context(), r.def.ID, id)
	must(r, 0, err)
	_, err = r.corrections().Transfer(r.Context(), r.def.ID, act.Transfer{
		Participant: id, Request: request, To: act.Place{Unit: unit, Group: e.Group},
	})
	must(r, 0, err)
}

// join counts somebody as another participant, who returns or not.
func (r *rig) join(id, into string, returns bool) {
	r.Helper()
	came, err := r.corrections().Join(r.Context(), r.def.ID, id, into, returns)
	if must(r, 0, err); came != act.Joined {
		r.Fatalf("%s is not joined with %s: %s", id, into, came)
	}
}

// part counts somebody as themselves again.
func (r *rig) part(id string) {
	r.Helper()
	must(r, 0, r.corrections().Part(r.Context(), r.def.ID, id))
}

// remark marks an attempt by rules on the first questions of its paper; by none it is
// marked as at first.
func (r *rig) remark(id string, number int, rules ...quiz.Rule) {
	r.Helper()
	store, who, turn := r.corrections(), act.Act{Participant: id, Number: number}, act.Turn{Batch: "challenge", Number: 1}
	must(r, 0, store.Begin(r.Context(), r.def.ID, turn))
	from, err := store.Marks(r.Context(), r.def.ID, who)
	must(r, 0, err)
	_, err = store.Remark(r.Context(), r.def.ID, turn, r.ruled(who, from, rules...))
	must(r, 0, err)
}

// ruled is how an attempt is marked by rules on the first questions of its paper.
func (r *rig) ruled(who act.Act, from act.Marks, rules ...quiz.Rule) act.Remark {
	r.Helper()
	a, err := r.quizzes.Store.Attempt(r.Context(), quiz.Person{Campaign: r.def.ID, Participant: who.Participant}, who.Number)
	must(r, 0, err)
	var rulings quiz.Rulings
	for i, rule := range rules {
		rulings = append(rulings, quiz.Ruling{Challenge: "c", Question: r.bank.Questions[a.Paper.Items[i].Question].ID, Rule: rule})
	}
	m, err := a.Paper.GradeRuled(r.bank, r.rules.Marking, a.Result.Choices, rulings)
	must(r, 0, err)
	to := act.Marks{Score: m.Score, MaxScore: m.MaxScore, Correct: m.Correct, Passed: m.Score >= r.rules.PassScore}
	return act.Remark{Act: who, From: from, To: to, Rulings: rulings.Facts()}
}

func (r *rig) corrections() *redisstore.Corrections {
	return redisstore.NewCorrections(r.campaigns, r.Campaign, r.now)
}

func (r *rig) claim(hash, id string) {
	r.Helper()
	_, err := r.doors.ClaimDoor(r.Context(), hash, session.Door{Participant: id, Sealed: []byte("sealed " + hash)})
	must(r, 0, err)
}

// populate lets a few people do everything that there is to do.
func (r *rig) populate() {
	r.Helper()
	units := []string{"u1", "u2", "u3", "u4"}
	for i := range 12 {
		id := person(i)
		r.claim(fmt.Sprint("door-", i), id)
		if i == 11 {
			continue // signed in, and no more
		}
		r.enrol(id, units[i%4], func(q *campaign.Request) { q.PublishName = i%3 == 0 })
		if i == 10 {
			r.enrol(id, "u1")
		}
		if i < 9 {
			v := r.start(id)
			r.pass(time.Duration(20+i) * time.Second)
			r.hand(id, v, i%5)
		}
		if i%2 == 0 {
			r.sign(id)
		}
	}
	r.pass(time.Hour)
	for i := range 6 {
		v := r.start(person(i))
		r.pass(time.Duration(40-i) * time.Second)
		r.hand(person(i), v, (i+2)%5)
	}
	r.pass(24 * time.Hour)
	for i := range 4 {
		v := r.start(person(i))
		if i < 2 {
			r.save(person(i), v, 3)
		}
		r.pass(time.Second)
	}
	r.link("door-3", person(3), person(4))
}

func (r *rig) link(hash, from, to string) {
	r.Helper()
	_, err := r.doors.LinkDoor(r.Context(), hash, from, session.Door{Participant: to})
	must(r, 0, err)
}
