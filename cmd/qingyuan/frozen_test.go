package main

import (
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/redisstore"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// office works on the campaign with known answers beside its server, at any time.
type office struct {
	testing.TB
	*services

	bench *workbench
	def   *campaign.Campaign
	ahead atomic.Int64
}

func openOffice(t *testing.T, cfg configs.Config) *office {
	t.Helper()
	w, err := openWorkbench(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	o := &office{TB: t, bench: w}
	now := func() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }
	if o.services, err = newServices(w.cfg, w.redis, w.catalog, slog.New(slog.DiscardHandler), now); err != nil {
		t.Fatal(err)
	}
	if o.def, err = w.catalog.Campaign(knownCampaign); err != nil {
		t.Fatal(err)
	}
	o.open()
	return o
}

func (o *office) open() {
	o.Helper()
	o.must(o.campaigns.Open(o.Context(), o.def, redisstore.Known{}, time.Now()))
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) enrol(who string) {
	o.Helper()
	_, err := o.enrolments.Enrol(o.Context(), knownCampaign, who,
		campaign.Request{Unit: "known-unit", Group: "public", Name: "张三", NoticeVersion: "1"})
	o.must(err)
}

// attempt hands an attempt in with so many right answers.
func (o *office) attempt(who string, right int) {
	o.Helper()
	offer, err := o.bench.catalog.Quiz(knownCampaign)
	o.must(err)
	v, _, err := o.quiz.Start(o.Context(), knownCampaign, who, 0)
	o.must(err)
	c := make(quiz.Choices, len(v.Attempt.Paper.Items))
	for i := range right {
		c[i] = offer.Bank.Questions[v.Attempt.Paper.Items[i].Question].Key
	}
	answers, err := v.Attempt.Paper.Write(offer.Bank, c)
	o.must(err)
	_, err = o.quiz.Submit(o.Context(), knownCampaign, who, v.ID, answers)
	o.must(err)
}

// sight is what can be seen of boards, figures and participants.
type sight struct {
	Tops    map[string][]leaderboard.Entry
	Tallies leaderboard.Tallies
	Homes   map[string]quiz.Home
}

func (o *office) sees(people ...string) sight {
	o.Helper()
	s := sight{Tops: map[string][]leaderboard.Entry{}, Homes: map[string]quiz.Home{}}
	var err error
	for _, scope := range []string{"", "u:known-unit", leaderboard.DayScope(o.def.Day(time.Now()))} {
		for _, v := range []leaderboard.View{leaderboard.Frozen, leaderboard.Now, leaderboard.Everybody} {
			top, of, err := o.boards.Top(o.Context(), knownCampaign, scope, v, 0, 10)
			o.must(err)
			s.Tops[fmt.Sprintf("%s as %d of %d", scope, v, of)] = top
		}
	}
	for _, who := range people {
		s.Homes[who], err = o.quiz.Home(o.Context(), knownCampaign, who)
		o.must(err)
	}
	s.Tallies, err = o.boards.Tallies(o.Context(), knownCampaign)
	o.must(err)
	s.Tallies.Minutes = nil // they go after two hours
	return s
}

// TestInvariant5FrozenCampaign loses the Redis of a campaign whose boards stand
// still, with somebody hidden and an attempt that does not count. A rebuild brings
// back what the public sees and what is; nothing of it differs from the ledger, and
// a drift of one in what the public does not see yet is found.
func TestInvariant5FrozenCampaign(t *testing.T) {
	t.Parallel()
	cfg := demo(t)
	frozen := time.Now().Add(-time.Hour).In(configs.Zone()).Format(time.DateTime)
	if status, errs := edited(t, cfg.Data.Dir, strings.NewReplacer("top_n: 10\n", "top_n: 10\nfreeze_at: "+frozen+"\n")); status != exitDone {
		t.Fatalf("campaign apply = %d %s", status, errs)
	}
	s := start(t, cfg)
	o := openOffice(t, cfg)

	o.ahead.Store(-int64(3 * time.Hour))
	people := []string{"better", "hidden", "corrected", "late"}
	for i, who := range people {
		o.enrol(who)
		if who != "late" {
			o.attempt(who, i+1)
		}
	}
	o.ahead.Store(0)
	for _, who := range people {
		o.attempt(who, 4)
	}
	o.must(o.boards.Hide(t.Context(), knownCampaign, "hidden", true))
	o.must(o.quiz.Store.Correct(t.Context(), quiz.Person{Campaign: knownCampaign, Participant: "corrected"}, 2, quiz.StateInvalidated))
	folded := func() bool {
		tallies, err := o.boards.Tallies(t.Context(), knownCampaign)
		return err == nil && tallies.Lag == 0
	}
	s.eventually("everything to be counted", folded)
	before := o.sees(people...)
	if len(before.Tops[" as 0 of 2"]) != 2 || len(before.Tops[" as 1 of 3"]) != 3 || len(before.Tops[" as 2 of 4"]) != 4 {
		t.Errorf("boards %v", before.Tops)
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir, "--campaign", knownCampaign)

	db := privateRedis(t, cfg.Data.Dir)
	late, err := db.Keys(t.Context(), "*:tally-late").Result()
	if err != nil || len(late) == 0 {
		t.Fatalf("late tallies %v, %v", late, err)
	}
	o.must(db.HIncrBy(t.Context(), late[0], "known-unit|attempts", 1).Err())
	if status, out, _ := command(t, "verify", "--data", cfg.Data.Dir, "--campaign", knownCampaign); status != exitFailed || !strings.Contains(out, "late tally known-unit|attempts") {
		t.Errorf("verify after a drift = %d\n%s", status, out)
	}

	o.must(db.FlushAll(t.Context()).Err())
	unready(s, "shard has lost its state")
	mustRun(t, "rebuild", "--data", cfg.Data.Dir)
	s.awaitReady()
	o.open()
	if diff := cmp.Diff(before, o.sees(people...), cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("after a rebuild (-before +after):\n%s", diff)
	}
	mustRun(t, "verify", "--data", cfg.Data.Dir)
}
