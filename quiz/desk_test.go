package quiz_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/quiz"
)

// shanghai is the zone of the campaign here, whatever the server's is.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

func clock(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05.999", s, shanghai)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// desk is one campaign's quiz on a real store, with a clock that a test turns.
type desk struct {
	*testing.T
	quiz.Service
	campaign *campaign.Campaign
	rules    *quiz.Rules
	now      time.Time
	db       *redis.Client
	stores   *redisstore.Campaigns
	shelf    shelf
	rulings  []quiz.Ruled
}

// shelf holds the newest bank and every older version.
type shelf struct {
	newest *quiz.Bank
	all    map[string]*quiz.Bank
}

func (s *shelf) put(b *quiz.Bank) { s.newest, s.all[b.Digest] = b, b }

// The catalog of the desk.
func (d *desk) Quiz(id string) (quiz.Offer, error) {
	if id != d.campaign.ID {
		return quiz.Offer{}, campaign.ErrNotFound
	}
	return quiz.Offer{Campaign: d.campaign, Rules: d.rules, Bank: d.shelf.newest, Rulings: d.rulings}, nil
}

func (d *desk) Bank(_ context.Context, digest string) (*quiz.Bank, error) {
	if b, ok := d.shelf.all[digest]; ok {
		return b, nil
	}
	return nil, errors.New("no such bank version")
}

// hash stands for the encryption of personal data, of which a quiz has none.
type hash struct{}

func (hash) Seal(plaintext, _ []byte) []byte {
	sum := sha256.Sum256(plaintext)
	return sum[:]
}

// newDesk opens a campaign from 1 June 09:00 to 27 June 00:00 at noon of the
// 10th: five questions worth 20 points each, ten minutes, five seconds of grace,
// three attempts a day. p1, p2 and p3 are enrolled.
func newDesk(t *testing.T, changes ...func(*campaign.Campaign, *quiz.Rules)) *desk {
	t.Helper()
	d := &desk{
		T: t, now: clock(t, "2026-06-10 12:00:00"), db: redistest.Start(t).Client(t),
		campaign: &campaign.Campaign{
			ID: "antidrug", Tree: new(campaign.Tree), Zone: shanghai, Ranking: campaign.TopN, TopN: 100, Shards: 2,
			OpensAt: clock(t, "2026-06-01 09:00:00"), ClosesAt: clock(t, "2026-06-27 00:00:00"),
			Groups: []campaign.Group{{ID: "public"}, {ID: "pupils", Audience: "student"}},
		},
		rules: &quiz.Rules{
			Strata:    []quiz.Stratum{{Count: 5, Points: 20}},
			TimeLimit: 10 * time.Minute, Grace: 5 * time.Second, AttemptsPerDay: 3,
			PassScore: 60, Marking: quiz.AllOrNothing, Review: quiz.ReviewNever,
		},
		shelf: shelf{all: map[string]*quiz.Bank{}},
	}
	for _, change := range changes {
		change(d.campaign, d.rules)
	}
	d.shelf.put(fiveQuestions(t, "题"))
	d.open()
	d.Service = quiz.Service{
		Catalog: d, IDKey: []byte("a key of thirty-two bytes or more"), Now: func() time.Time { return d.now },
		Papers: newPapers(t), Pools: newPools(t),
		Store: redisstore.NewQuiz(d.stores, func(string) (*campaign.Campaign, error) { return d.campaign, nil }, func() time.Time { return d.now }),
	}
	for _, p := range []string{"p1", "p2", "p3"} {
		d.enrol(p, "public")
	}
	return d
}

// fiveQuestions is a bank of exactly one paper; stem makes it another version.
func fiveQuestions(t *testing.T, stem string) *quiz.Bank {
	t.Helper()
	named := func(q *quiz.Question) { q.Stem = stem + q.ID }
	return bankOf(t, question("q1", named), question("q2", multiple(0, 2), named), question("q3", judge(1), named),
		question("q4", named), question("q5", multiple(1, 2, 3), named))
}

func (d *desk) open() {
	d.Helper()
	d.stores = redisstore.NewCampaigns(d.db)
	if err := d.stores.Open(d.Context(), d.campaign, redisstore.Known{}, d.now); err != nil {
		d.Fatal(err)
	}
}

func (d *desk) enrol(participant, group string) {
	d.Helper()
	s := redisstore.NewEnrolments(d.stores, hash{}, make([]byte, 32))
	e := campaign.Enrolment{Unit: campaign.Unassigned, Group: group, At: d.now}
	if _, err := s.Enrol(d.Context(), d.campaign.ID, participant, e, campaign.Personal{}); err != nil {
		d.Fatal(err)
	}
}

// at turns the clock.
func (d *desk) at(s string) { d.Helper(); d.now = clock(d.T, s) }

func (d *desk) pass(by time.Duration) { d.now = d.now.Add(by) }

// start opens an attempt of p1.
func (d *desk) start() quiz.Receipt { d.Helper(); return d.startOf("p1") }

func (d *desk) startOf(participant string) quiz.Receipt {
	d.Helper()
	r, fresh, err := d.Start(d.Context(), d.campaign.ID, participant, 0)
	if err != nil || !fresh {
		d.Fatalf("start by %s: %+v, fresh %t, %v", participant, r, fresh, err)
	}
	return r
}

func (d *desk) submit(participant, id string, a quiz.Answers) (quiz.Receipt, error) {
	return d.Submit(d.Context(), d.campaign.ID, participant, id, a)
}

// done hands p1's attempt in and returns the receipt.
func (d *desk) done(v quiz.Receipt, right int) quiz.Receipt {
	d.Helper()
	r, err := d.submit("p1", v.ID, d.answers(v, right))
	if err != nil {
		d.Fatal(err)
	}
	return r
}

// answers are faultless for the first right questions, and wrong for one more;
// the rest is left out.
func (d *desk) answers(v quiz.Receipt, right int) quiz.Answers {
	d.Helper()
	bank := d.shelf.all[v.Attempt.Paper.Bank]
	choices := make(quiz.Choices, len(v.Attempt.Paper.Items))
	for i := range min(right+1, len(choices)) {
		q := bank.Questions[v.Attempt.Paper.Items[i].Question]
		if choices[i] = q.Key; i == right {
			choices[i] = wrong(q)
		}
	}
	a, err := v.Attempt.Paper.Write(bank, choices)
	if err != nil {
		d.Fatal(err)
	}
	return a
}

// wrong is the first single option that is not the key.
func wrong(q quiz.Question) quiz.Choice {
	i := slices.IndexFunc(q.Options, func(o quiz.Option) bool { return key(slices.Index(q.Options, o)) != q.Key })
	return key(i)
}

func (d *desk) save(v quiz.Receipt, revision int64, a quiz.Answers) (quiz.Saved, error) {
	kept, _, err := d.Save(d.Context(), d.campaign.ID, "p1", v.ID, revision, a)
	return kept, err
}

// attempt reads p1's attempt.
func (d *desk) attempt(id string) quiz.Receipt {
	d.Helper()
	r, err := d.Attempt(d.Context(), d.campaign.ID, "p1", id)
	if err != nil {
		d.Fatal(err)
	}
	return r
}

func (d *desk) home(participant string) quiz.Home {
	d.Helper()
	h, err := d.Home(d.Context(), d.campaign.ID, participant)
	if err != nil {
		d.Fatal(err)
	}
	return h
}

// remark gives p1's attempt other marks, as another server does that works a ruling off.
func (d *desk) remark(v quiz.Receipt, to act.Marks) {
	d.Helper()
	c := redisstore.NewCorrections(d.stores, func(string) (*campaign.Campaign, error) { return d.campaign, nil }, func() time.Time { return d.now })
	turn, was := act.Turn{Batch: "ruling", Number: 1}, v.Attempt.Result
	if err := c.Begin(d.Context(), d.campaign.ID, turn); err != nil {
		d.Fatal(err)
	}
	from := act.Marks{Score: was.Score, MaxScore: was.MaxScore, Correct: was.Correct, Passed: was.Passed}
	r := act.Remark{Act: act.Act{Participant: "p1", Number: v.Attempt.Number}, From: from, To: to}
	if _, err := c.Remark(d.Context(), d.campaign.ID, turn, r); err != nil {
		d.Fatal(err)
	}
}

// facts counts the facts of a kind on all shards.
func (d *desk) facts(kind string) int {
	d.Helper()
	n := 0
	for shard := range d.campaign.Shards {
		list, err := d.db.XRange(d.Context(), redisstore.StreamKey(d.campaign.ID, shard, event.Facts), "-", "+").Result()
		if err != nil {
			d.Fatal(err)
		}
		for _, m := range list {
			if m.Values["k"] == kind {
				n++
			}
		}
	}
	return n
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}
