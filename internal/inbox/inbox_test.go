package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/inbox"
	"qingyuan/internal/operator"
	"qingyuan/internal/seal"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func town(t *testing.T) *campaign.Campaign {
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
	return &campaign.Campaign{ID: "c", Tree: tree, Zone: time.FixedZone("CST", 8*3600)}
}

func box(t *testing.T, current string) *seal.Box {
	t.Helper()
	b, err := seal.New(seal.Keys{Current: current, Secrets: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32), "2": bytes.Repeat([]byte{8}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rig is an inbox whose clock stands an hour before midnight of the campaign.
type rig struct {
	*inbox.Service
	*testing.T

	db *sqldb.DB
	at time.Time
}

func newRig(t *testing.T, db *sqldb.DB) *rig {
	t.Helper()
	c := town(t)
	r := &rig{T: t, db: db, at: time.Date(2026, 6, 26, 15, 0, 0, 0, time.UTC)}
	r.Service = &inbox.Service{DB: db, Box: box(t, "1"), Key: [32]byte{3}, Now: func() time.Time { return r.at }, Campaign: func(id string) (*campaign.Campaign, error) {
		if id != c.ID {
			return nil, campaign.ErrNotFound
		}
		return c, nil
	}}
	return r
}

func (r *rig) write(who, unit, text string) (*inbox.Message, bool) {
	r.Helper()
	m, fresh, err := r.Receive(r.Context(), inbox.Message{
		Campaign: "c", Participant: who, Unit: unit, Group: "under14", Kind: inbox.Complaint, Text: text, Contact: "13800000000",
	})
	if err != nil {
		r.Fatal(err)
	}
	return m, fresh
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func clerk(scope string) operator.Actor {
	return operator.Actor{ID: "id", Login: "clerk", TwoFactor: true, Grants: []operator.Grant{{Role: operator.CampaignOperator, Campaign: "c", Scope: scope}}}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		first, fresh := r.write("p1", "u1", "  题目有误 ")
		if !fresh || first.Text != "题目有误" || first.State != inbox.Received {
			t.Errorf("first %+v", first)
		}
		again, fresh := r.write("p1", "u2", "题目有误")
		if fresh || again.ID != first.ID || again.Unit != "u1" || again.Contact != first.Contact {
			t.Errorf("again %+v", again)
		}
		if other, fresh := r.write("p2", "u1", "题目有误"); !fresh || other.ID == first.ID {
			t.Errorf("of somebody else %+v", other)
		}
		for i := range inbox.PerDay - 1 {
			r.write("p1", "u1", fmt.Sprint("又一条", i))
		}
		_, _, err := r.Receive(t.Context(), inbox.Message{Campaign: "c", Participant: "p1", Kind: inbox.Question, Text: "还有"})
		if f := fault.From(err); !errors.Is(err, inbox.ErrTooMany) || f.RetryAfter != time.Hour {
			t.Errorf("one too many: %v, again after %v", err, f.RetryAfter)
		}
		if again, fresh := r.write("p1", "u1", "题目有误"); fresh || again.ID != first.ID {
			t.Error("a repeat on a full day is refused")
		}
		r.at = r.at.Add(time.Hour)
		if next, fresh := r.write("p1", "u1", "题目有误"); !fresh || next.ID == first.ID {
			t.Error("the next day is the same day")
		}
		own, err := r.Own(t.Context(), "c", "p1")
		if err != nil || len(own) != inbox.PerDay+1 || own[inbox.PerDay].ID != first.ID {
			t.Errorf("own %v, %v", own, err)
		}
	})
}

func TestRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, sqltest.SQLite(t))
	good := inbox.Message{Campaign: "c", Participant: "p", Kind: inbox.Question, Text: "问"}
	for name, change := range map[string]func(*inbox.Message){
		"no kind":      func(m *inbox.Message) { m.Kind = "praise" },
		"no text":      func(m *inbox.Message) { m.Text = " \n" },
		"a long text":  func(m *inbox.Message) { m.Text = strings.Repeat("长", 2001) },
		"zero":         func(m *inbox.Message) { m.Text = "a\x00b" },
		"no UTF-8":     func(m *inbox.Message) { m.Text = "\xff" },
		"long contact": func(m *inbox.Message) { m.Contact = strings.Repeat("1", 101) },
	} {
		m := good
		change(&m)
		if _, _, err := r.Receive(t.Context(), m); fault.From(err).Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	good.Campaign = "gone"
	if _, _, err := r.Receive(t.Context(), good); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("an unknown campaign: %v", err)
	}
}

// TestManyAtOnce brings more than a day takes at the same moment, each twice.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				m := inbox.Message{Campaign: "c", Participant: "p", Kind: inbox.Question, Text: fmt.Sprint("问", i/2)}
				if _, _, err := r.Receive(context.Background(), m); err != nil && !errors.Is(err, inbox.ErrTooMany) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		own, err := r.Own(t.Context(), "c", "p")
		texts := map[string]bool{}
		for _, m := range own {
			texts[m.Text] = true
		}
		if err != nil || len(own) != inbox.PerDay || len(texts) != inbox.PerDay {
			t.Errorf("%d are kept, %d different, %v", len(own), len(texts), err)
		}
	})
}

func TestHandling(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, ctx := newRig(t, db), t.Context()
		first, _ := r.write("p1", "u1", "一")
		second, _ := r.write("p2", "u2", "二")
		none, _ := r.write("p3", "", "三")
		for scope, want := range map[string]int{"u1": 1, "u2": 1, "r": 2, "": 3} {
			if all, err := r.List(ctx, clerk(scope), "c", "", "", 10); err != nil || len(all) != want {
				t.Errorf("%q lists %d, %v", scope, len(all), err)
			}
		}
		if page, err := r.List(ctx, clerk(""), "c", inbox.Received, none.ID, 1); err != nil || len(page) != 1 || page[0].ID != second.ID {
			t.Errorf("the second page %v, %v", page, err)
		}
		if _, err := r.Find(ctx, clerk("u2"), "c", first.ID); !errors.Is(err, inbox.ErrNotFound) {
			t.Errorf("another unit finds %v", err)
		}
		m, err := r.Find(ctx, clerk("u1"), "c", first.ID)
		r.must(err)
		stale := *m
		r.must(r.Review(ctx, clerk("u1"), m))
		r.must(r.Review(ctx, clerk("u1"), m))
		if err := r.Answer(ctx, clerk("u1"), &stale, "抢先"); !errors.Is(err, inbox.ErrState) {
			t.Errorf("an answer to what another has taken up: %v", err)
		}
		r.must(r.Answer(ctx, clerk("u1"), m, " 已更正 "))
		if err := r.Close(ctx, clerk("u1"), m, "重复"); !errors.Is(err, inbox.ErrState) {
			t.Errorf("closed after the answer: %v", err)
		}
		r.must(r.Close(ctx, clerk("u2"), second, "重复"))
		own, err := r.Own(ctx, "c", "p1")
		if err != nil || own[0].State != inbox.Answered || own[0].Answer != "已更正" || !own[0].DecidedAt.Equal(r.at) {
			t.Errorf("told %+v, %v", own[0], err)
		}
		var steps int
		r.must(db.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE object = $1`, "feedback:"+first.ID).Scan(&steps))
		if steps != 2 {
			t.Errorf("the log holds %d steps", steps)
		}
	})
}

// TestErasureAndKeys seals anew with the next key, and then leaves nothing to be read.
func TestErasureAndKeys(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, ctx := newRig(t, db), t.Context()
		m, _ := r.write("p1", "u1", "我叫王芳")
		open, _ := r.write("p1", "u1", "还有")
		other, _ := r.write("p2", "u1", "别人的")
		r.must(r.Answer(ctx, clerk(""), m, "王芳您好"))
		r.Service.Box = box(t, "2")
		if n, err := r.Reseal(ctx); n != 3 || err != nil {
			t.Fatalf("sealed anew: %d, %v", n, err)
		}
		var sealed []byte
		r.must(db.QueryRowContext(ctx, `SELECT answer FROM feedback WHERE id = $1`, m.ID).Scan(&sealed))
		if !box(t, "2").Current(sealed) || bytes.Contains(sealed, []byte("王芳")) {
			t.Error("the answer is not sealed with the current key")
		}
		r.must(r.ErasePersonal(ctx, "p1"))
		r.must(r.ErasePersonal(ctx, "p1"))
		own, err := r.Own(ctx, "c", "p1")
		r.must(err)
		for _, m := range own {
			if m.Text+m.Contact+m.Answer != "" || !m.Decided() || m.DecidedAt.IsZero() {
				t.Errorf("erased: %+v", m)
			}
		}
		var marks int
		r.must(db.QueryRowContext(ctx, `SELECT COUNT(*) FROM feedback WHERE participant = 'p1' AND (text IS NOT NULL OR contact IS NOT NULL OR answer IS NOT NULL)`).Scan(&marks))
		if marks != 0 {
			t.Errorf("%d hold something", marks)
		}
		if err := r.Answer(ctx, clerk(""), open, "迟了"); !errors.Is(err, inbox.ErrState) {
			t.Errorf("an answer to nobody: %v", err)
		}
		if kept, err := r.Find(ctx, clerk(""), "c", other.ID); err != nil || kept.Text != "别人的" {
			t.Errorf("of somebody else: %+v, %v", kept, err)
		}
	})
}

// TestHolder tells a participant what they wrote, and forgets a campaign's messages in
// steps: none is readable, all are there, and what was open is closed.
func TestHolder(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, ctx := newRig(t, db), t.Context()
		m, _ := r.write("p1", "u1", "我叫王芳")
		r.write("p1", "u1", "还有")
		r.write("p2", "u1", "别人的")
		r.must(r.Answer(ctx, clerk(""), m, "王芳您好"))
		h := r.Holder()
		told, err := h.Tell(ctx, "p1")
		r.must(err)
		if len(told) != 2 || !strings.HasPrefix(told[0].Text, "我叫王芳") || told[0].Answer != "王芳您好" || told[0].State != "answered" || told[0].Campaign != "c" {
			t.Errorf("told %+v", told)
		}
		for _, want := range []int64{2, 1, 0} {
			if n, err := h.Forget(ctx, "c", 2); n != want || err != nil {
				t.Errorf("forgot %d, %v, want %d", n, err, want)
			}
		}
		if n, err := h.Left(ctx, "c"); n != 0 || err != nil {
			t.Errorf("left %d, %v", n, err)
		}
		all, err := r.List(ctx, clerk(""), "c", "", "", 10)
		r.must(err)
		if len(all) != 3 {
			t.Errorf("%d messages", len(all))
		}
		for _, m := range all {
			if m.Text+m.Answer != "" || !m.Decided() || m.DecidedAt.IsZero() {
				t.Errorf("forgotten: %+v", m)
			}
		}
		r.write("p2", "u1", "别人的") // a repeat is not known any more, and is a message of its own
	})
}
