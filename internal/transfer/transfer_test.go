package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/internal/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var opens = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)

func town(t *testing.T) *campaign.Campaign {
	t.Helper()
	text := campaign.Text{campaign.DefaultLanguage: "x"}
	unit := func(id, parent string, retired bool) campaign.Node {
		return campaign.Node{ID: id, Kind: campaign.Unit, Name: text, Parent: parent, Retired: retired}
	}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: text},
		{ID: "s", Kind: campaign.Region, Name: text},
		unit("u1", "r", false),
		unit("u2", "r", false),
		unit("u3", "s", false),
		unit("old", "s", true),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{
		ID: "c", Tree: tree, Zone: time.FixedZone("CST", 8*3600), OpensAt: opens, ClosesAt: opens.AddDate(0, 0, 20),
	}
}

func box(t *testing.T, current string) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: current, Secrets: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32), "2": bytes.Repeat([]byte{8}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rig is the requests of a campaign, with a store that keeps where people belong.
type rig struct {
	*transfer.Service
	*testing.T

	db     *sqldb.DB
	c      *campaign.Campaign
	at     time.Time
	mu     sync.Mutex
	unit   map[string]string
	by     map[string]int // how often each request was carried out
	outage error
	joined map[string]bool // who is counted as another participant
	// before is called before anybody is moved.
	before func()
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	r := &rig{T: t, db: db, c: town(t), at: opens.Add(36 * time.Hour), unit: map[string]string{}, by: map[string]int{}, joined: map[string]bool{}, before: func() {}}
	r.Service = &transfer.Service{
		DB: db, Box: box(t, "1"), Now: func() time.Time { return r.at }, Mover: r,
		Campaign: func(id string) (*campaign.Campaign, error) {
			if id != r.c.ID {
				return nil, campaign.ErrNotFound
			}
			return r.c, nil
		},
		Enrolment: func(_ context.Context, _, who string) (campaign.Enrolment, error) {
			if who == "stranger" {
				return campaign.Enrolment{}, campaign.ErrNotEnrolled
			}
			return campaign.Enrolment{Unit: r.belongs(who), Group: "public"}, nil
		},
		Bound: func(_ context.Context, _, unit, who string) (bool, error) {
			return who == "listed" && unit == "u1", nil
		},
		Failed: func(err error) { t.Error(err) },
	}
	return r
}

func (r *rig) belongs(who string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u, ok := r.unit[who]; ok {
		return u
	}
	return "u1"
}

// Transfer implements transfer.Mover.
func (r *rig) Transfer(_ context.Context, _ string, t act.Transfer) (bool, error) {
	r.before()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outage != nil {
		return false, r.outage
	}
	if r.joined[t.Participant] {
		return false, act.ErrElsewhere
	}
	r.by[t.Request]++
	r.unit[t.Participant] = t.To.Unit
	return true, nil
}

// Membership implements transfer.Mover.
func (r *rig) Membership(_ context.Context, _, who string) (act.Membership, error) {
	m := act.Membership{Enrolled: true}
	if r.joined[who] {
		m.Into = "another"
	}
	return m, nil
}

func (r *rig) ask(who, unit string) *transfer.Request {
	r.Helper()
	q, _, err := r.Ask(r.Context(), "c", who, unit, "我叫王芳")
	if err != nil {
		r.Fatal(err)
	}
	return q
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) wants(what string, err, want error) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Errorf("%s: %v, want %v", what, err, want)
	}
}

func clerk(scope string) operator.Actor {
	return operator.Actor{ID: "id", Login: "clerk", TwoFactor: true, Grants: []operator.Grant{{Role: operator.CampaignOperator, Campaign: "c", Scope: scope}}}
}

func each(t *testing.T, test func(r *rig)) {
	t.Helper()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) { test(newRig(t, db)) })
}

func TestAsking(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		first, fresh, err := r.Ask(ctx, "c", "p", "u2", " 搬家 ")
		if err != nil || !fresh || first.State != transfer.Pending || first.From != "u1" || first.Why != "搬家" {
			r.Fatalf("first %+v, %t, %v", first, fresh, err)
		}
		again, fresh, err := r.Ask(ctx, "c", "p", "u2", "")
		if err != nil || fresh || again.ID != first.ID {
			r.Errorf("again %+v, %t, %v", again, fresh, err)
		}
		for _, tc := range []struct {
			what, who, unit string
			want            error
		}{
			{"another one", "p", "u3", transfer.ErrPending},
			{"where they are", "q", "u1", transfer.ErrSameUnit},
			{"a region", "q", "r", campaign.ErrUnitUnknown},
			{"nowhere", "q", "", campaign.ErrUnitUnknown},
			{"a unit that is gone", "q", "old", campaign.ErrUnitUnknown},
			{"a stranger", "stranger", "u2", campaign.ErrRequired},
			{"somebody of the roster", "listed", "u2", transfer.ErrRosterBound},
		} {
			_, _, err := r.Ask(ctx, "c", tc.who, tc.unit, "")
			r.wants(tc.what, err, tc.want)
		}
		if _, _, err = r.Ask(ctx, "c", "q", "u2", strings.Repeat("长", 201)); fault.From(err).Kind != fault.Invalid {
			r.Errorf("a long reason: %v", err)
		}
		_, _, err = r.Ask(ctx, "gone", "p", "u2", "")
		r.wants("an unknown campaign", err, campaign.ErrNotFound)
		r.wants("somebody else's", r.Withdraw(ctx, "c", "q", first.ID), transfer.ErrNotFound)
		for n := 1; n < transfer.PerDay; n++ {
			r.must(r.Withdraw(ctx, "c", "p", r.ask("p", "u2").ID))
		}
		r.must(r.Withdraw(ctx, "c", "p", r.ask("p", "u2").ID))
		_, _, err = r.Ask(ctx, "c", "p", "u2", "")
		if f := fault.From(err); !errors.Is(err, transfer.ErrTooMany) || f.RetryAfter <= 0 || f.RetryAfter > 24*time.Hour {
			r.Errorf("one too many: %v", err)
		}
		r.at = r.at.Add(24 * time.Hour)
		r.ask("p", "u2")
		for what, at := range map[string]time.Time{"before the opening": opens.Add(-time.Hour), "after the close": r.c.ClosesAt} {
			r.at = at
			if _, _, err := r.Ask(ctx, "c", "q", "u2", ""); fault.From(err).Kind != fault.Forbidden {
				r.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestDeciding(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		one, two, three := r.ask("p1", "u2"), r.ask("p2", "u2"), r.ask("p3", "u3")
		for scope, want := range map[string]int{"u1": 0, "u2": 2, "r": 2, "u3": 1, "s": 1, "": 3} {
			if all, err := r.List(ctx, clerk(scope), "c", transfer.Pending, "", 10); err != nil || len(all) != want {
				r.Errorf("%q lists %d, %v; want %d", scope, len(all), err, want)
			}
			_, err := r.Find(ctx, clerk(scope), "c", one.ID)
			if mine := scope == "u2" || scope == "r" || scope == ""; mine != (err == nil) || !mine && !errors.Is(err, transfer.ErrNotFound) {
				r.Errorf("%q finds %v", scope, err)
			}
		}
		if page, err := r.List(ctx, clerk(""), "c", "", three.ID, 1); err != nil || len(page) != 1 || page[0].ID != two.ID {
			r.Errorf("the second page %v, %v", page, err)
		}
		stale := *one
		r.must(r.Grant(ctx, clerk("u2"), one, "已核实"))
		r.must(r.Grant(ctx, clerk("u2"), one, ""))
		r.wants("a stale refusal", r.Refuse(ctx, clerk("u2"), &stale, "迟了"), transfer.ErrState)
		r.wants("a withdrawal", r.Withdraw(ctx, "c", "p1", one.ID), transfer.ErrState)
		if r.belongs("p1") != "u2" || r.by[one.ID] != 1 {
			r.Errorf("p1 is in %s after %d moves", r.belongs("p1"), r.by[one.ID])
		}
		if err := r.Refuse(ctx, clerk("u2"), two, " "); fault.From(err).Kind != fault.Invalid {
			r.Errorf("a refusal without a reason: %v", err)
		}
		r.must(r.Refuse(ctx, clerk("u2"), two, "不在名册"))
		own, err := r.Own(ctx, "c", "p2")
		if err != nil || own[0].State != transfer.Refused || own[0].Answer != "不在名册" || own[0].Login != "clerk" || r.by[two.ID] != 0 {
			r.Errorf("refused: %+v, %v", own[0], err)
		}
		r.ask("p2", "u2") // once more
		r.at = r.c.ClosesAt
		r.wants("a grant after the close", r.Grant(ctx, clerk("s"), three, ""), campaign.ErrClosed)
		var steps int
		r.must(r.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE object = $1`, "transfer:"+one.ID).Scan(&steps))
		if steps != 1 {
			r.Errorf("the log holds %d steps", steps)
		}
	})
}

// TestAStopInBetween: what was decided is carried out later, once, and is nothing that
// anybody could take back meanwhile.
func TestAStopInBetween(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		q := r.ask("p", "u2")
		r.outage = errors.New("no Redis")
		r.wants("a grant", r.Grant(ctx, clerk(""), q, ""), r.outage)
		r.wants("a withdrawal", r.Withdraw(ctx, "c", "p", q.ID), transfer.ErrState)
		_, _, err := r.Ask(ctx, "c", "p", "u3", "")
		r.wants("another one", err, transfer.ErrPending)
		r.wants("a look too early", r.GoOn(ctx), r.outage)
		r.outage = nil
		r.must(r.GoOn(ctx))
		r.must(r.GoOn(ctx))
		if own, err := r.Own(ctx, "c", "p"); err != nil || own[0].State != transfer.Granted || r.by[q.ID] != 1 || r.belongs("p") != "u2" {
			r.Errorf("%+v, %v, moved %d times", own[0], err, r.by[q.ID])
		}
	})
}

// TestAtOnce: of many who grant, refuse and withdraw one request at once, one decides.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, q := r.Context(), r.ask("p", "u2")
		var all sync.WaitGroup
		for i := range 9 {
			all.Go(func() {
				mine := *q
				err := []func() error{
					func() error { return r.Grant(ctx, clerk(""), &mine, "") },
					func() error { return r.Refuse(ctx, clerk(""), &mine, "不") },
					func() error { return r.Withdraw(ctx, "c", "p", q.ID) },
				}[i%3]()
				if err != nil && !errors.Is(err, transfer.ErrState) {
					r.Error(err)
				}
			})
		}
		all.Wait()
		own, err := r.Own(ctx, "c", "p")
		r.must(err)
		if moved := r.by[q.ID] == 1; own[0].State == transfer.Pending || moved != (own[0].State == transfer.Granted) || moved != (r.belongs("p") == "u2") {
			r.Errorf("%s, and moved %d times", own[0].State, r.by[q.ID])
		}
	})
}

// TestErasureAndKeys seals anew with the next key, tells what is kept, and then leaves
// nothing to be read.
func TestErasureAndKeys(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		done, open, other := r.ask("p", "u2"), r.ask("q", "u2"), r.ask("x", "u2")
		r.must(r.Grant(ctx, clerk(""), done, "王芳好"))
		var sealed []byte
		r.must(r.db.QueryRowContext(ctx, `SELECT why FROM transfers WHERE id = $1`, open.ID).Scan(&sealed))
		if bytes.Contains(sealed, []byte("王芳")) {
			r.Error("the reason lies open")
		}
		r.Box = box(r.T, "2")
		if n, err := r.Reseal(ctx); n != 3 || err != nil {
			r.Fatalf("sealed anew: %d, %v", n, err)
		}
		r.must(r.db.QueryRowContext(ctx, `SELECT answer FROM transfers WHERE id = $1`, done.ID).Scan(&sealed))
		if !box(r.T, "2").Current(sealed) {
			r.Error("the answer is not sealed with the current key")
		}
		h := r.Holder()
		told, err := h.Tell(ctx, "p")
		if err != nil || len(told) != 1 || told[0].Text != "我叫王芳" || told[0].Answer != "王芳好" || told[0].State != "granted" {
			r.Errorf("told %+v, %v", told, err)
		}
		for _, who := range []string{"p", "q", "q"} {
			r.must(h.Erase(ctx, who))
		}
		for who, want := range map[string]transfer.State{"p": transfer.Granted, "q": transfer.Withdrawn} {
			if own, err := r.Own(ctx, "c", who); err != nil || own[0].Why+own[0].Answer != "" || own[0].State != want {
				r.Errorf("of %s is left %+v, %v", who, own[0], err)
			}
		}
		r.wants("a grant to nobody", r.Grant(ctx, clerk(""), open, ""), transfer.ErrState)
		if n, err := h.Left(ctx, "c"); n != 1 || err != nil {
			r.Errorf("left %d, %v", n, err)
		}
		if n, err := h.Forget(ctx, "c", 10); n != 1 || err != nil {
			r.Errorf("forgotten %d, %v", n, err)
		}
		if own, err := r.Own(ctx, "c", other.Participant); err != nil || own[0].Why != "" || own[0].State != transfer.Withdrawn {
			r.Errorf("forgotten: %+v, %v", own[0], err)
		}
	})
}

// TestWhoIsJoined asks and decides for somebody who is counted as another participant.
func TestWhoIsJoined(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		r.joined["before"] = true
		_, _, err := r.Ask(ctx, "c", "before", "u2", "")
		r.wants("asking", err, transfer.ErrJoined)

		q := r.ask("after", "u2")
		r.joined["after"] = true
		r.wants("granting", r.Grant(ctx, clerk("r"), q, "已核实"), transfer.ErrJoined)
		if q.State != transfer.Pending || r.by[q.ID] != 0 {
			r.Errorf("refused, and %s after %d moves", q.State, r.by[q.ID])
		}
		r.joined["after"] = false
		r.must(r.Grant(ctx, clerk("r"), q, "已核实"))
		if q.State != transfer.Granted || r.belongs("after") != "u2" {
			r.Errorf("once the join has ended it is %s, in %s", q.State, r.belongs("after"))
		}

		late := r.ask("meanwhile", "u2")
		r.before = func() { r.joined["meanwhile"] = true }
		r.wants("joined between decision and counts", r.Grant(ctx, clerk("r"), late, "已核实"), transfer.ErrJoined)
		r.waits("meanwhile", late)
	})
}

// TestWhoIsJoinedAfterAStop goes on with a decision whose participant is counted as another
// one since.
func TestWhoIsJoinedAfterAStop(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := r.Context()
		q := r.ask("wang", "u2")
		r.outage = fault.ErrUnavailable
		r.wants("granting while Redis is away", r.Grant(ctx, clerk("r"), q, "已核实"), fault.ErrUnavailable)
		r.outage, r.joined["wang"] = nil, true
		r.wants("going on", r.GoOn(ctx), transfer.ErrJoined)
		r.waits("wang", q)
		r.must(r.GoOn(ctx))
		r.must(r.Refuse(ctx, clerk("r"), q, "请用另一次报名申请"))
	})
}

// waits sees that a request waits for a decision again, and that the log says why.
func (r *rig) waits(who string, q *transfer.Request) {
	r.Helper()
	own, err := r.Own(r.Context(), "c", who)
	r.must(err)
	if len(own) != 1 || own[0].State != transfer.Pending || own[0].Answer != "" || !own[0].DecidedAt.IsZero() || own[0].Login != "" || r.by[q.ID] != 0 {
		r.Errorf("the request does not wait: %+v", own)
	}
	*q = *own[0]
	var login, reason string
	r.must(r.db.QueryRowContext(r.Context(), `SELECT login, reason FROM audit WHERE object = $1 ORDER BY seq DESC LIMIT 1`, "transfer:"+q.ID).Scan(&login, &reason))
	if login != "clerk" || !strings.Contains(reason, "并入") {
		r.Errorf("the log says %q by %s", reason, login)
	}
}
