package hiding_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/hiding"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var opens = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)

// rig is a campaign with two units, and boards that keep who is hidden.
type rig struct {
	*hiding.Service
	*testing.T

	c         *campaign.Campaign
	at        time.Time
	mu        sync.Mutex
	hidden    map[string]bool
	withdrawn map[string]bool
	outage    error
	archived  error
	// before is called before the boards change.
	before func(participant string, hidden bool)
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	text := campaign.Text{campaign.DefaultLanguage: "x"}
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "r", Kind: campaign.Region, Name: text},
		{ID: "u1", Kind: campaign.Unit, Name: text, Parent: "r"},
		{ID: "u2", Kind: campaign.Unit, Name: text, Parent: "r"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		T: t, at: opens, hidden: map[string]bool{}, withdrawn: map[string]bool{}, before: func(string, bool) {},
		c: &campaign.Campaign{ID: "c", Tree: tree, OpensAt: opens, ClosesAt: opens.AddDate(0, 0, 20)},
	}
	r.Service = &hiding.Service{
		DB: db, Boards: r, Now: func() time.Time { r.at = r.at.Add(time.Second); return r.at },
		Campaign: func(id string) (*campaign.Campaign, error) {
			if id != r.c.ID {
				return nil, campaign.ErrNotFound
			}
			return r.c, nil
		},
		Writable: func(string) error { return r.archived },
		People: func(_ context.Context, _ string, ids []string) (map[string]hiding.Known, error) {
			out := map[string]hiding.Known{}
			for _, id := range ids {
				if id != "stranger" {
					out[id] = hiding.Known{Name: "王*", Unit: "u" + id[len(id)-1:]}
				}
			}
			return out, nil
		},
		Withdrawn: func(_ context.Context, _, participant string) (bool, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.withdrawn[participant], nil
		},
	}
	return r
}

// Hide implements hiding.Boards.
func (r *rig) Hide(_ context.Context, _, participant string, hidden bool) error {
	r.before(participant, hidden)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outage == nil {
		r.hidden[participant] = hidden
	}
	return r.outage
}

func (r *rig) wantHidden(participant string, want bool) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hidden[participant] != want {
		r.Errorf("hidden(%s) = %t, want %t", participant, !want, want)
	}
}

func office(scope string) operator.Actor {
	return operator.Actor{ID: "o" + scope, Login: "op" + scope, Grants: []operator.Grant{{Role: operator.CampaignOperator, Campaign: "c", Scope: scope}}}
}

func (r *rig) hide(participant string) *hiding.Hiding {
	r.Helper()
	h, fresh, err := r.Service.Hide(r.Context(), office(""), "c", participant, "正在核查")
	if err != nil || !fresh {
		r.Fatalf("hide %s: fresh %t, %v", participant, fresh, err)
	}
	return h
}

func (r *rig) list(who operator.Actor, all bool) []*hiding.Hiding {
	r.Helper()
	out, err := r.List(r.Context(), who, "c", all, "", 50)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// TestHideAndShow goes there and back, twice: repeats change nothing, each hiding is kept
// with who and why, and the audit log has one line for each change.
func TestHideAndShow(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx, who := t.Context(), office("")
		first := r.hide("p1")
		again, fresh, err := r.Service.Hide(ctx, who, "c", "p1", "另一个原因")
		if err != nil || fresh || again.ID != first.ID || again.Reason != "正在核查" || again.Name != "王*" || again.Unit != "u1" || again.Login != "op" {
			t.Errorf("a repeat gives %+v, fresh %t, %v", again, fresh, err)
		}
		r.wantHidden("p1", true)
		for range 2 {
			if err := r.Show(ctx, who, first, "核查无误"); err != nil {
				t.Fatal(err)
			}
			r.wantHidden("p1", false)
		}
		second := r.hide("p1")
		if now, all := r.list(who, false), r.list(who, true); len(now) != 1 || now[0].ID != second.ID || !now[0].ShownAt.IsZero() ||
			len(all) != 2 || all[1].ID != first.ID || all[1].ShownReason != "核查无误" || all[1].ShownLogin != "op" || all[1].ShownAt.IsZero() {
			t.Errorf("now %+v, all %+v", now, all)
		}
		// The first has ended; to end it again does not end the second.
		if err := r.Show(ctx, who, first, "再来一次"); err != nil {
			t.Fatal(err)
		}
		r.wantHidden("p1", true)

		lines := 0
		err = audit.New(db).Back(ctx, audit.Filter{}, 0, func(e audit.Entry) (bool, error) {
			if lines++; e.Object != "participant:p1" || e.Action != string(operator.CorrectResults) || e.Reason == "" {
				t.Errorf("an entry is %+v", e)
			}
			return true, nil
		})
		if err != nil || lines != 3 {
			t.Errorf("the log has %d lines, %v", lines, err)
		}
	})
}

// TestRefusals leave the boards alone, and nothing in the list.
func TestRefusals(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		for name, one := range map[string]struct {
			who                   operator.Actor
			campaign, participant string
			reason                string
			want                  error
		}{
			"nobody":        {office(""), "c", "stranger", "x", hiding.ErrNobody},
			"another's":     {office("u2"), "c", "p1", "x", hiding.ErrNobody},
			"no campaign":   {office(""), "d", "p1", "x", campaign.ErrNotFound},
			"no reason":     {office(""), "c", "p1", " ", fault.ErrInvalid},
			"a long reason": {office(""), "c", "p1", strings.Repeat("长", 501), fault.ErrInvalid},
			"not a role's":  {operator.Actor{ID: "v", Login: "v", Grants: []operator.Grant{{Role: operator.OfficeViewer}}}, "c", "p1", "x", hiding.ErrNobody},
		} {
			if _, _, err := r.Service.Hide(ctx, one.who, one.campaign, one.participant, one.reason); !errors.Is(err, one.want) {
				t.Errorf("%s: %v, want %v", name, err, one.want)
			}
		}
		h := r.hide("p1")
		if _, err := r.Find(ctx, office("u2"), "c", h.ID); !errors.Is(err, hiding.ErrNotFound) {
			t.Errorf("another office finds it: %v", err)
		}
		if _, err := r.Find(ctx, office("u1"), "d", h.ID); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("another campaign has it: %v", err)
		}
		if got, err := r.Find(ctx, office("u1"), "c", h.ID); err != nil || got.Name != "王*" {
			t.Errorf("its own office finds %+v, %v", got, err)
		}
		if err := r.Show(ctx, office(""), h, ""); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("shown without a reason: %v", err)
		}
		r.archived = errors.New("archived")
		if err := r.Show(ctx, office(""), h, "x"); !errors.Is(err, r.archived) {
			t.Errorf("shown in what only stands to be read: %v", err)
		}
		if _, _, err := r.Service.Hide(ctx, office(""), "c", "p2", "x"); !errors.Is(err, r.archived) {
			t.Errorf("hidden in what only stands to be read: %v", err)
		}
		r.wantHidden("p1", true)
		if seen := r.list(office("u2"), true); len(seen) != 0 {
			t.Errorf("another office lists %+v", seen)
		}
		if seen := r.list(office("u1"), true); len(seen) != 1 {
			t.Errorf("its own office lists %+v", seen)
		}
	})
}

// TestOutage is a Redis that does not answer: what was decided stands, and a repeat lets
// the boards follow.
func TestOutage(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx, who := t.Context(), office("")
		r.outage = fault.ErrUnavailable
		if _, _, err := r.Service.Hide(ctx, who, "c", "p1", "核查"); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("hidden without a board: %v", err)
		}
		r.outage = nil
		h, fresh, err := r.Service.Hide(ctx, who, "c", "p1", "核查")
		if err != nil || fresh {
			t.Errorf("the repeat: fresh %t, %v", fresh, err)
		}
		r.wantHidden("p1", true)
		r.outage = fault.ErrUnavailable
		if err := r.Show(ctx, who, h, "无误"); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("shown without a board: %v", err)
		}
		r.outage = nil
		if err := r.Show(ctx, who, h, "无误"); err != nil {
			t.Error(err)
		}
		r.wantHidden("p1", false)
		r.outage = campaign.ErrRequired
		if _, _, err := r.Service.Hide(ctx, who, "c", "p2", "核查"); !errors.Is(err, hiding.ErrNobody) {
			t.Errorf("somebody whom the boards do not know: %v", err)
		}
	})
}

// TestWithdrawnStaysHidden is that nobody is shown again who took their consent back,
// before or while an office shows them.
func TestWithdrawnStaysHidden(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx, who := t.Context(), office("")
		h, other := r.hide("p1"), r.hide("q1")
		r.withdrawn["p1"] = true
		if err := r.Show(ctx, who, h, "无误"); !errors.Is(err, hiding.ErrConsent) {
			t.Errorf("shown: %v", err)
		}
		r.before = func(participant string, hidden bool) {
			if !hidden {
				r.mu.Lock()
				r.withdrawn[participant] = true
				r.mu.Unlock()
			}
		}
		if err := r.Show(ctx, who, other, "无误"); err != nil {
			t.Error(err)
		}
		r.wantHidden("p1", true)
		r.wantHidden("q1", true)
	})
}

// TestTwoAtOnce is an office that hides while another shows: the boards end as was
// written down last.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		h := r.hide("p1")
		once := sync.Once{}
		r.before = func(_ string, hidden bool) {
			if hidden {
				return
			}
			once.Do(func() { // between the decision to show and the boards
				if _, fresh, err := r.Service.Hide(t.Context(), office(""), "c", "p1", "又有举报"); err != nil || !fresh {
					t.Errorf("hidden in between: fresh %t, %v", fresh, err)
				}
			})
		}
		if err := r.Show(t.Context(), office(""), h, "无误"); err != nil {
			t.Error(err)
		}
		r.wantHidden("p1", true)
	})
}

// TestHolder is what a person is told, and what is left of it once it is forgotten.
func TestHolder(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		h := r.hide("p1")
		if err := r.Show(ctx, office(""), h, "无误"); err != nil {
			t.Fatal(err)
		}
		r.hide("p1")
		r.hide("p2")
		holder := r.Holder()
		told, err := holder.Tell(ctx, "p1")
		if err != nil || len(told) != 2 || told[0].State != "shown" || told[1].State != "hidden" || told[1].Answer != "正在核查" || told[1].Campaign != "c" {
			t.Errorf("told %+v, %v", told, err)
		}
		if n, err := holder.Left(ctx, "c"); n != 3 || err != nil {
			t.Errorf("left %d, %v", n, err)
		}
		if err := holder.Erase(ctx, "p1"); err != nil {
			t.Fatal(err)
		}
		if n, err := holder.Forget(ctx, "c", 10); n != 1 || err != nil {
			t.Errorf("forgotten %d, %v; p2 was left", n, err)
		}
		all := r.list(office(""), true)
		for _, h := range all {
			if h.Reason != "" || h.ShownReason != "" {
				t.Errorf("%+v still tells why", h)
			}
		}
		if len(all) != 3 {
			t.Errorf("%d hidings are left, want 3", len(all))
		}
		r.wantHidden("p1", true)
	})
}
