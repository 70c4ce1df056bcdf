//go:build chaos

package chaos

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	camp "qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/redistest"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// attemptsInAll and attemptsADay are the limits of the small campaign.
const (
	attemptsInAll = 3
	attemptsADay  = 2
)

// desk is the services of one server on its own connection to the Redis of all.
type desk struct {
	*stores

	def     *camp.Campaign
	bank    *quiz.Bank
	now     time.Time
	quizzes quiz.Service
	enrols  camp.Service
	pledges pledge.Service
}

func newDesk(t testing.TB, redis *redistest.Server, def *camp.Campaign, bank *quiz.Bank) *desk {
	t.Helper()
	s, err := openStores(t.Context(), redis.Options(), def)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	serials, err := pledge.NewSerials(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{stores: s, def: def, bank: bank, now: def.OpensAt.Add(60 * time.Hour)} // noon of a day
	clock := func() time.Time { return d.now }
	d.quizzes = quiz.Service{Catalog: d, Store: s.quiz, IDKey: make([]byte, 32), Now: clock}
	d.enrols = camp.Service{Catalog: d, Store: s.enrolments, Now: clock}
	d.pledges = pledge.Service{Catalog: d, Store: s.signatures, Serials: serials, Now: clock}
	return d
}

// The catalogs of a desk.
func (d *desk) Campaign(string) (*camp.Campaign, error) { return d.def, nil }

func (d *desk) Quiz(string) (quiz.Offer, error) {
	return quiz.Offer{Campaign: d.def, Bank: d.bank, Rules: &quiz.Rules{
		Strata: []quiz.Stratum{{Count: 2, Points: 50}}, TimeLimit: 10 * time.Minute,
		AttemptsPerDay: attemptsADay, AttemptsInAll: attemptsInAll, PassScore: 50, Review: quiz.ReviewNever,
	}}, nil
}

func (d *desk) Bank(context.Context, string) (*quiz.Bank, error) { return d.bank, nil }

func (d *desk) Pledge(string) (pledge.Offer, error) {
	return pledge.Offer{Campaign: d.def, Prefix: "M", Versions: []pledge.Version{
		{Version: "1", Text: camp.Text{"zh-CN": "承诺"}, Methods: []pledge.Method{pledge.Typed}},
	}}, nil
}

func (d *desk) CampaignByPrefix(string) (string, bool) { return d.def.ID, true }

func smallBank() (*quiz.Bank, error) {
	var questions []quiz.Question
	for i := range 3 {
		questions = append(questions, quiz.Question{
			ID: fmt.Sprint("q", i), Kind: quiz.Single, Audience: []string{"all"}, ValidFrom: "2020-01-01",
			Options: []quiz.Option{{Text: "甲"}, {Text: "乙"}, {Text: "丙"}}, Key: 1,
		})
	}
	return quiz.NewBank("small", questions)
}

// deskDevice is a device that goes to either of two desks.
type deskDevice struct {
	desks []*desk
	turn  int
	who   string
	ids   map[int]string
	shown map[int]quiz.Sheet
}

func (d *deskDevice) papers() []int { return slices.Sorted(maps.Keys(d.shown)) }

func (d *deskDevice) make(ctx context.Context, m move) seen {
	d.turn++
	at := d.desks[d.turn%len(d.desks)]
	out, err := d.ask(ctx, at, m)
	if err == nil {
		return out
	}
	f := fault.From(err)
	if f.Kind == fault.Unavailable {
		return seen{unknown: true}
	}
	switch { // a reading of what is not there
	case m.kind == readSignature && f.Code == "pledge.not_signed", m.kind == readUnit && f.Code == "enrolment.not_found":
		return seen{}
	}
	return seen{code: f.Code}
}

func (d *deskDevice) ask(ctx context.Context, at *desk, m move) (seen, error) {
	id := at.def.ID
	switch m.kind {
	case actEnrol:
		e, err := at.enrols.Enrol(ctx, id, d.who, camp.Request{Unit: m.unit, Group: "public", NoticeVersion: "1", Name: "张小三"})
		return seen{unit: e.Unit}, err
	case actStart:
		r, fresh, err := at.quizzes.Start(ctx, id, d.who, m.number)
		if err == nil && len(r.Sheet.Questions) > 0 {
			d.ids[r.Attempt.Number], d.shown[r.Attempt.Number] = r.ID, r.Sheet
		}
		return seen{number: r.Attempt.Number, fresh: fresh}, err
	case actSubmit:
		_, err := at.quizzes.Submit(ctx, id, d.who, d.ids[m.number], d.answers(m))
		return seen{number: m.number, variant: m.variant}, err
	case actSign:
		_, fresh, err := at.pledges.Sign(ctx, id, d.who, pledge.Request{Version: "1", Method: pledge.Typed, Name: "张小三"})
		return seen{fresh: fresh}, err
	case readHome:
		h, err := at.quizzes.Home(ctx, id, d.who)
		if err != nil {
			return seen{}, err
		}
		return seen{number: attemptsInAll - *h.Left.All, yes: h.OpenID != ""}, nil
	case readSignature:
		_, err := at.pledges.Signature(ctx, id, d.who)
		return seen{yes: true}, err
	default:
		e, err := at.enrols.Enrolment(ctx, id, d.who)
		return seen{unit: e.Unit}, err
	}
}

// answers marks the same option of every question.
func (d *deskDevice) answers(m move) quiz.Answers {
	a := quiz.Answers{}
	for _, q := range d.shown[m.number].Questions {
		a[q.ID] = []string{q.Options[m.variant-1].ID}
	}
	return a
}

// TestLinearizable lets three devices of one person start, hand in, sign, move and
// read at once on two servers, some of them without waiting for the answer, and
// asks for every person whether there is an order in which the rules allow it.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	j := &judged{row: NewRow("double submission and limits: histories in an order by the rules")}
	def, err := smallCampaign("linear")
	if err != nil {
		t.Fatal(err)
	}
	bank, err := smallBank()
	if err != nil {
		t.Fatal(err)
	}
	redis := redistest.Start(t)
	desks := []*desk{newDesk(t, redis, def, bank), newDesk(t, redis, def, bank)}
	seeds := Random(t.Name())
	var g errgroup.Group
	g.SetLimit(4)
	for n := range Rounds("linear", 1200, 20_000) {
		random := seeds.Uint64()
		g.Go(func() error {
			who := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "person-%05d", n))
			var all []device
			for i := range devices {
				all = append(all, &deskDevice{desks: desks, turn: i, who: who, ids: map[int]string{}, shown: map[int]quiz.Sheet{}})
			}
			h := play(t.Context(), all, []string{"u", "v"}, newRandom(random), 0.1)
			j.judge(t, h, attemptsADay)
			return nil
		})
	}
	_ = g.Wait() // judge says what is wrong
	j.conclude(t)
}
