package redisstore

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// catalog knows one campaign.
type catalog struct{ only *campaign.Campaign }

func (c catalog) Campaign(id string) (*campaign.Campaign, error) {
	if id != c.only.ID {
		return nil, campaign.ErrNotFound
	}
	return c.only, nil
}

// TestEnrolmentService runs the rules of enrolling on the real store.
func TestEnrolmentService(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	now := noon
	s := campaign.Service{Catalog: catalog{r.def}, Store: r.enrolments, Now: func() time.Time { return now }}
	if _, err := s.Enrolment(t.Context(), r.def.ID, "p"); !errors.Is(err, campaign.ErrNotEnrolled) {
		t.Errorf("before: %v", err)
	}
	request := campaign.Request{Unit: "u1", Group: "public", Name: " 买买提•艾山 ", NoticeVersion: "1"}
	want := campaign.Enrolment{Unit: "u1", Group: "public", DisplayName: "买**", NoticeVersion: "1", At: noon}
	for range 2 {
		got, err := s.Enrol(t.Context(), r.def.ID, "p", request)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Enrol: %v (-want +got):\n%s", err, diff)
		}
		now = now.Add(time.Hour)
	}
	request.PublishName = true
	want.PublishName, want.DisplayName = true, "买买提·艾山"
	got, err := s.Enrol(t.Context(), r.def.ID, "p", request)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Enrol with the name published: %v (-want +got):\n%s", err, diff)
	}
	now = r.def.ClosesAt
	r.unchanged("after the close", func() {
		if again, err := s.Enrol(t.Context(), r.def.ID, "p", request); err != nil || !cmp.Equal(want, again) {
			t.Errorf("a repeat after the close: %+v, %v", again, err)
		}
		request.Unit = "u2"
		if _, err := s.Enrol(t.Context(), r.def.ID, "p", request); !errors.Is(err, campaign.ErrClosed) {
			t.Errorf("a change after the close: %v", err)
		}
		if again, err := s.Enrolment(t.Context(), r.def.ID, "p"); err != nil || !cmp.Equal(want, again) {
			t.Errorf("read after the close: %+v, %v", again, err)
		}
	})
}

// TestEnrolAfterAMerge keeps people to the units of their rosters: whoever came by that of
// a unit which has gone into another enrols there, and nobody else moves.
func TestEnrolAfterAMerge(t *testing.T) {
	t.Parallel()
	r := newRig(t, 2)
	name := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "u1", Kind: campaign.Unit, Name: name("甲"), Was: []string{"gone", "gone-before"}}, {ID: "u2", Kind: campaign.Unit, Name: name("乙")},
	})
	if err != nil {
		t.Fatal(err)
	}
	def := *r.def
	def.Tree = tree
	s := campaign.Service{Catalog: catalog{&def}, Store: r.enrolments, Rosters: r.campaigns, Now: func() time.Time { return noon }}
	for _, tt := range []struct {
		who, bound, unit string
		want             error
	}{
		{"merged", "gone", "u1", nil},
		{"merged twice", "gone-before", "u1", nil},
		{"merged, elsewhere", "gone", "u2", campaign.ErrRosterUnit},
		{"of another roster", "u2", "u1", campaign.ErrRosterUnit},
		{"of this roster", "u1", "u1", nil},
		{"of none", "", "u1", nil},
	} {
		if tt.bound != "" {
			if err := r.campaigns.Bind(t.Context(), def.ID, tt.who, tt.bound); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Enrol(t.Context(), def.ID, tt.who, campaign.Request{Unit: tt.unit, Group: "public", Name: "张三", NoticeVersion: "1"})
		if !errors.Is(err, tt.want) || err == nil && got.Unit != tt.unit {
			t.Errorf("%s: %+v, %v, want %v", tt.who, got, err, tt.want)
		}
	}
	// Once bound anew they stay, also when the unit is asked for that is gone.
	if _, err := s.Enrol(t.Context(), def.ID, "merged", campaign.Request{Unit: "u2", Group: "public", Name: "张三", NoticeVersion: "1"}); !errors.Is(err, campaign.ErrRosterUnit) {
		t.Errorf("a change of units: %v", err)
	}
}

// everything lets so many people do everything.
func (r *rig) everything(people int) {
	r.Helper()
	for i := range people {
		p := fmt.Sprintf("person-%04d", i)
		r.enrol(p, []string{"u1", "u2", "u3", "u4", campaign.Unassigned}[i%5], "public")
		if i%3 > 0 {
			r.submit(p, i%100, time.Minute, noon.Add(time.Duration(i)*time.Second))
		}
		if i%3 > 1 {
			r.sign(p, noon.Add(time.Duration(i)*time.Second))
			r.start(p, noon.Add(time.Hour))
		}
	}
}

// TestKeySpace: a key is of one shard, or of the campaign; and it says nothing of
// a person but the opaque id (invariant 10).
func TestKeySpace(t *testing.T) {
	t.Parallel()
	r := newRig(t, 4)
	r.everything(60)
	r.foldAll()
	r.win("person-0001", "tea")
	known := regexp.MustCompile(`^\w+:(\{antidrug\}:(campaign|names)|\{antidrug:[0-3]\}:` +
		`(meta|open|board|bound|facts|personal|fold|tally|scores|minutes|recent|hour:\d+|p:person-\d{4}|prizes|wins|q:person-\d{4}|` +
		`board:(u:(u[1-4]|unassigned)|r:(city|d1|d2)|g:public|d:2026-06-10)))$`)
	all := contents(t, r.db)
	kinds := map[string]bool{}
	for key := range all {
		if !known.MatchString(key) {
			t.Errorf("an unknown key: %s", key)
		}
		kinds[regexp.MustCompile(`\d+`).ReplaceAllString(key, "#")] = true
	}
	if len(kinds) < 15 {
		t.Errorf("only these kinds of keys were made: %v", slices.Sorted(maps.Keys(kinds)))
	}
	// A shard's keys tell of its own participants only.
	o, err := r.campaigns.of("antidrug")
	if err != nil {
		t.Fatal(err)
	}
	person := regexp.MustCompile(`person-\d{4}`)
	for key, value := range all {
		if strings.Contains(key, fmt.Sprintf("{antidrug:%d}", tillShard)) {
			continue // the prizes of all lie there
		}
		for _, p := range person.FindAllString(key+value, -1) {
			if !strings.Contains(key, fmt.Sprintf("{antidrug:%d}", o.shard(p))) {
				t.Errorf("%s tells of %s, who is of shard %d", key, p, o.shard(p))
			}
		}
	}
}

// TestAParticipantIsSmall: with the settings of the private Redis, everything that
// a participant did stays in one packed hash.
func TestAParticipantIsSmall(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1, redistest.Set("hash-max-listpack-value", "256"), redistest.Set("hash-max-listpack-entries", "512"))
	for _, questions := range []int{5, 10, 20, 25} {
		p := fmt.Sprint("p", questions)
		r.enrol(p, "u1", "public")
		r.sign(p, noon)
		for i := range 30 {
			r.sit(p, questions, noon.Add(time.Duration(i)*time.Hour))
		}
		key := keysOf("antidrug", 0).participant(p)
		if got := r.db.ObjectEncoding(t.Context(), key).Val(); got != "listpack" {
			t.Errorf("thirty papers of %d questions lie in a %s", questions, got)
		}
		if n := r.db.MemoryUsage(t.Context(), key).Val(); n > int64(1000+30*(120+6*questions)) {
			t.Errorf("thirty papers of %d questions take %d bytes", questions, n)
		}
	}
}

// sit takes a paper of so many questions out of a bank of 500.
func (r *rig) sit(participant string, questions int, at time.Time) {
	r.Helper()
	a := quiz.Attempt{
		Window: quiz.Window{StartedAt: at, Deadline: at.Add(10 * time.Minute)}, State: quiz.StateOpen,
		Paper: quiz.Paper{Bank: "0123456789ab", Seed: 1<<64 - 1},
	}
	choices := make(quiz.Choices, questions)
	for i := range questions {
		a.Paper.Items = append(a.Paper.Items, quiz.Item{Question: 499 - 7*i, Points: 4 + i/10})
		choices[i] = quiz.Choice(1 << (i % 4))
	}
	a, _, _, err := r.quiz.Start(r.Context(), r.person(participant), a, quiz.Limits{Day: dayOf("", at)})
	if err != nil {
		r.Fatal(err)
	}
	a = finished(a, 80, at.Add(5*time.Minute))
	a.Result.Choices = choices
	if _, err := r.quiz.Submit(r.Context(), r.person(participant), a, false); err != nil {
		r.Fatal(err)
	}
}

// TestOnACluster runs every script and every pipeline on a server in cluster
// mode, which refuses keys of two slots and keys that were not declared.
func TestOnACluster(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.TCP(), redistest.Set("cluster-enabled", "yes"), redistest.Set("cluster-port", freePort(t)),
		redistest.Set("cluster-announce-ip", "127.0.0.1"))
	one := s.Client(t)
	if err := one.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(one.ClusterInfo(t.Context()).Val(), "cluster_state:ok") {
		if t.Context().Err() != nil {
			t.Fatal("the cluster does not form")
		}
	}
	o := s.Options()
	db := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{s.Addr()}, MaxRetries: -1, ContextTimeoutEnabled: true, MaintNotificationsConfig: o.MaintNotificationsConfig,
	})
	t.Cleanup(func() { _ = db.Close() })
	r := &rig{TB: t, def: definition(t, "antidrug", 4), server: serverOn(t, db)}
	r.server.db = one // with which the test looks for itself
	if err := r.campaigns.Open(t.Context(), r.def, Known{}, noon); err != nil {
		t.Fatal(err)
	}
	r.everything(60)
	r.saveAndExpire("person-0002", "person-0005")
	r.foldAll()
	r.readEverything(60)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// saveAndExpire keeps an answer in one participant's second attempt, and lets
// another's expire.
func (r *rig) saveAndExpire(saves, expires string) {
	r.Helper()
	if _, err := r.quiz.Save(r.Context(), r.person(saves), 2, quiz.Saved{Revision: 1, Choices: quiz.Choices{1}}); err != nil {
		r.Fatal(err)
	}
	a, err := r.quiz.Attempt(r.Context(), r.person(expires), 2)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.quiz.Expire(r.Context(), r.person(expires), a.Expired(nil, a.Deadline)); err != nil {
		r.Fatal(err)
	}
}

// readEverything asks every question once.
func (r *rig) readEverything(people int64) {
	r.Helper()
	ctx, id := r.Context(), r.def.ID
	t, err := r.boards.Tallies(ctx, id)
	if err != nil || t.Public.Cells[cell("u1", "enrolled")] != people/5 {
		r.Errorf("Tallies: %d enrolled in u1, %v", t.Public.Cells[cell("u1", "enrolled")], err)
	}
	top, total, err := r.boards.Top(ctx, id, "", leaderboard.Now, 0, 10)
	if err != nil || total != people*2/3 || len(top) != 10 {
		r.Fatalf("Top: %d of %d, %v", len(top), total, err)
	}
	st, ok, err := r.boards.Standing(ctx, id, "", leaderboard.Now, top[5].Participant, 3)
	if err != nil || !ok || st.Above != 5 {
		r.Errorf("Standing: %+v, %t, %v", st, ok, err)
	}
	if _, err := r.boards.Hours(ctx, id, noon.Unix()/3600-700, noon.Unix()/3600); err != nil {
		r.Errorf("Hours: %v", err)
	}
	if who, err := r.boards.People(ctx, id, []string{"person-0001", "person-0002"}); err != nil || len(who) != 2 {
		r.Errorf("People: %v, %v", who, err)
	}
	if late, err := r.quiz.OverdueAttempts(ctx, id, noon.AddDate(0, 0, 1), 100); err != nil || int64(len(late)) != people/3-1 {
		r.Errorf("OverdueAttempts: %d, %v", len(late), err)
	}
}

// TestFactsSayNoMoreThanTheyMust: the fields of every fact are listed, so that a
// new one is thought about here first (invariant 10).
func TestFactsSayNoMoreThanTheyMust(t *testing.T) {
	t.Parallel()
	r := newRig(t, 1)
	r.everything(10)
	list, err := r.db.XRange(t.Context(), StreamKey("antidrug", 0, event.Facts), "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	fields := map[event.Kind]string{}
	for _, m := range list {
		kind, _ := m.Values["k"].(string)
		fields[event.Kind(kind)] = strings.Join(slices.Sorted(maps.Keys(m.Values)), "")
	}
	want := map[event.Kind]string{"enrolled.1": "dgkptu", "started.1": "dgkptu", "submitted.1": "bdfgkptu", "signed.1": "dfgkptu"}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestPackedEnrolments(t *testing.T) {
	t.Parallel()
	for _, e := range []campaign.Enrolment{
		{}, {DisplayName: "买买提·艾山 Li", PublishName: true, Guardian: true, NoticeVersion: "2026-1"}, {DisplayName: "a|b"},
	} {
		e.At = noon
		got, err := unpackEnrolment(packEnrolment(e, "digest"), moment(noon))
		if e.DisplayName == "" { // it was erased
			e.DisplayName = campaign.MaskName("")
		}
		if diff := cmp.Diff(e, got); err != nil || diff != "" {
			t.Errorf("%+v: %v (-packed +unpacked):\n%s", e, err, diff)
		}
	}
	for _, bad := range [][2]string{{"", "1"}, {"1|0|d|1", "1"}, {"1|0|d|1|name", ""}, {"1|0|d|1|name", "at noon"}} {
		if e, err := unpackEnrolment(bad[0], bad[1]); err == nil {
			t.Errorf("unpackEnrolment(%q, %q) = %+v", bad[0], bad[1], e)
		}
	}
}
