//go:build chaos

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	camp "qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/redisstore"
	"qingyuan/leaderboard"
)

// frostCampaign is the demonstration's, but its boards stand still for a while.
const frostCampaign = "frost-2026"

// TestKillWhileBoardsStandStill kills server and Redis before the boards of a
// campaign stand still, while they do, and while they thaw. All the time people take
// part, and an office takes some of them off the boards and puts them back. In the end
// the boards are what the ledger says, with people hidden and with nobody hidden.
func TestKillWhileBoardsStandStill(t *testing.T) {
	t.Parallel()
	const kind = "frost"
	f := &frost{random: Random(kind + " faults"), data: filepath.Join(Folder(t, kind), "d")}
	began := time.Now()
	program := Launch(t, Options{Name: kind, Data: f.data})
	// Long enough for some kills before and some while: each takes a start, and the rest of
	// what is prepared hardly more.
	start := time.Since(began)
	lead, lasting := max(10*time.Second, 5*start), max(15*time.Second, 5*start)
	if Long() {
		lead, lasting = time.Minute, 5*time.Minute
	}
	f.apply(t, program, lead, lasting)
	f.Stage = StageOf(t, "boards stand still, people are hidden: kill -9", program, CrowdOptions{HangUp: 0.02, Campaign: frostCampaign})
	o := f.office(t)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.work(ctx) }()
	f.Crowd.Go(t.Context())
	f.faults(t, Rounds(kind, 9, 300))
	stop()
	<-done
	if err := f.Crowd.Rest(t.Context()); err != nil {
		t.Errorf("the crowd: %v", err)
	}
	if t.Failed() {
		return
	}
	f.end(t, o)
}

// frost is the stage of the test.
type frost struct {
	*Stage

	random *rand.Rand
	data   string
	def    *camp.Campaign
}

// apply publishes the campaign beside the program, and waits until it is served.
func (f *frost) apply(t *testing.T, program *Program, lead, lasting time.Duration) {
	t.Helper()
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(f.data, "desk")
	if err := os.CopyFS(files, os.DirFS(filepath.Join(dir, "configs", "demo"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(files, "jinzhong-citizens.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().In(configs.Zone())
	at := func(d time.Duration) string { return now.Add(d).Format(time.DateTime) }
	for key, value := range map[string]string{
		"id": frostCampaign, "opens_at": at(-24 * time.Hour), "closes_at": at(240 * time.Hour), "  prefix": "FR26",
		"top_n": "100\nfreeze_at: " + at(lead) + "\nunfreeze_at: " + at(lead+lasting),
	} {
		text = regexp.MustCompile(`(?m)^`+key+`: .*$`).ReplaceAll(text, []byte(key+": "+value))
	}
	const name = "frost.yaml"
	if err := os.WriteFile(filepath.Join(files, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := configs.LoadDefinition(os.DirFS(files), name)
	if err != nil {
		t.Fatal(err)
	}
	f.def = d.Campaign
	out, status, err := program.Command(t.Context(), "campaign", "apply", "--unreviewed", "--data", f.data, filepath.Join(files, name))
	if err != nil || status != 0 {
		t.Fatalf("campaign apply = %d, %v: %s", status, err, out)
	}
	if err := poll(t.Context(), patience, "the campaign to be served", func() (bool, error) {
		return program.probe(t.Context(), "/api/v1/campaigns/"+frostCampaign+"/counts"), nil
	}); err != nil {
		t.Fatal(err)
	}
}

// faults kills now the server and now Redis, at least so often, and until the boards
// have moved again for a while.
func (f *frost) faults(t *testing.T, atLeast int) {
	t.Helper()
	thawing := f.def.Freeze.Until.Add(5 * time.Second)
	phases := map[string]int{}
	for n := 0; (n < atLeast || time.Now().Before(thawing) || phases["after"] == 0) && !Stopped(); n++ {
		phases[f.phase()]++
		if err := f.kill(t.Context(), n); err != nil {
			t.Errorf("the fault could not be made: %v", err)
			return
		}
		f.Row.Round(1)
	}
	f.Row.Note("kills before, while and after the boards stood still: %d, %d, %d", phases["before"], phases["while"], phases["after"])
	if !Stopped() && (phases["while"] == 0 || phases["after"] == 0) {
		t.Errorf("kills: %v; want some while the boards stand still and some after it", phases)
	}
}

func (f *frost) phase() string {
	switch now := time.Now(); {
	case f.def.Freeze.Active(now):
		return "while"
	case f.def.Freeze.Over(now):
		return "after"
	default:
		return "before"
	}
}

func (f *frost) kill(ctx context.Context, n int) error {
	Sleep(ctx, Between(f.random, 20*time.Millisecond, 600*time.Millisecond))
	if n%3 == 1 {
		if err := f.Program.KillRedis(ctx); err != nil {
			return err
		}
		return f.Back(ctx)
	}
	f.Program.Kill()
	return f.Restart(ctx)
}

// end waits until the boards have thawed, and compares everything, first with people
// hidden.
func (f *frost) end(t *testing.T, o *boardOffice) {
	t.Helper()
	ctx := t.Context()
	err := poll(ctx, patience, "the boards to thaw", func() (bool, error) {
		left, err := o.db.Keys(ctx, "*}:thaw").Result()
		return err == nil && len(left) == 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.settle(ctx, t)
	f.Row.Note("%d people taken off the boards and put back %d times, %d hidden in the end", len(o.hidden), o.orders, o.count())
	if o.orders == 0 || o.count() == 0 {
		t.Errorf("%d orders, %d people hidden: the test proves nothing", o.orders, o.count())
	}
	o.compare(ctx, t)
	f.Verify(ctx)
	o.showAll(ctx, t)
	o.compare(ctx, t)
	f.Everything(ctx)
}

// boardOffice takes people off the boards and puts them back, beside the server and
// through a store of its own.
type boardOffice struct {
	db     *redis.Client
	all    *redisstore.Campaigns
	boards *redisstore.Boards
	def    *camp.Campaign
	random *rand.Rand

	hidden map[string]bool // what was ordered last of whom, and is done
	orders int
	// open is an order whose outcome nobody knows.
	open *order
}

// order is one that the office gave.
type order struct {
	who  string
	hide bool
}

func (f *frost) office(t *testing.T) *boardOffice {
	t.Helper()
	db := redis.NewClient(&redis.Options{
		MaxRetries: -1, ReadTimeout: 2 * time.Second,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return f.Program.dialRedis(ctx) },
	})
	t.Cleanup(func() { _ = db.Close() })
	all := redisstore.NewCampaigns(db)
	define := func(string) (*camp.Campaign, error) { return f.def, nil }
	o := &boardOffice{
		db: db, all: all, boards: redisstore.NewBoards(all, define, time.Now), def: f.def,
		random: Random("the office's people"), hidden: map[string]bool{},
	}
	if err := all.Open(t.Context(), f.def, redisstore.Known{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return o
}

// work gives orders until ctx ends. One that fails is given again, because nobody
// knows whether it was carried out.
func (o *boardOffice) work(ctx context.Context) {
	for ctx.Err() == nil {
		if o.open == nil {
			o.open = o.choose(ctx)
		}
		if o.open == nil || o.carryOut(ctx) != nil {
			Sleep(ctx, 50*time.Millisecond)
			continue
		}
		Sleep(ctx, Between(o.random, 0, 20*time.Millisecond))
	}
}

// choose takes somebody by chance: mostly somebody new, and sometimes somebody who is
// hidden.
func (o *boardOffice) choose(ctx context.Context) *order {
	_, total, err := o.boards.Top(ctx, o.def.ID, "", leaderboard.Everybody, 0, 1)
	if err != nil || total == 0 {
		return nil
	}
	one, _, err := o.boards.Top(ctx, o.def.ID, "", leaderboard.Everybody, o.random.Int64N(total), 1)
	if err != nil || len(one) == 0 {
		return nil
	}
	who := one[0].Participant
	if known := o.people(); len(known) > 0 && o.random.IntN(2) == 0 {
		who = known[o.random.IntN(len(known))]
	}
	return &order{who: who, hide: !o.hidden[who]}
}

func (o *boardOffice) people() []string {
	var all []string
	for who := range o.hidden {
		all = append(all, who)
	}
	slices.Sort(all)
	return all
}

// count is how many are hidden.
func (o *boardOffice) count() int {
	n := 0
	for _, hidden := range o.hidden {
		if hidden {
			n++
		}
	}
	return n
}

func (o *boardOffice) carryOut(ctx context.Context) error {
	if err := o.boards.Hide(ctx, o.def.ID, o.open.who, o.open.hide); err != nil {
		return err
	}
	o.hidden[o.open.who] = o.open.hide
	o.orders++
	o.open = nil
	return nil
}

// settle carries out the order that is open.
func (o *boardOffice) settle(ctx context.Context, t *testing.T) {
	t.Helper()
	err := poll(ctx, patience, "the office's last order", func() (bool, error) {
		return o.open == nil || o.carryOut(ctx) == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *boardOffice) showAll(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, who := range o.people() {
		if o.hidden[who] {
			o.open = &order{who: who}
			o.settle(ctx, t)
		}
	}
}

// compare looks at the main board: who is hidden stands on it for the operators alone,
// and everybody else for everybody.
func (o *boardOffice) compare(ctx context.Context, t *testing.T) {
	t.Helper()
	people := o.people()
	for _, v := range []struct {
		leaderboard.View
		hides bool
	}{{leaderboard.Frozen, true}, {leaderboard.Now, true}, {leaderboard.Everybody, false}} {
		ranks, err := o.boards.Ranks(ctx, o.def.ID, "", v.View, people)
		if err != nil {
			t.Fatal(err)
		}
		var wrong []string
		for _, who := range people {
			if _, stands := ranks[who]; stands == (v.hides && o.hidden[who]) {
				wrong = append(wrong, fmt.Sprintf("%s stands: %t", who, stands))
			}
		}
		if len(wrong) > 0 {
			t.Errorf("view %d is wrong of %d of %d people: %v", v.View, len(wrong), len(people), wrong[:min(3, len(wrong))])
		}
	}
}
