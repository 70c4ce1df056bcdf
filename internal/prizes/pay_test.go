package prizes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"qingyuan/internal/prizes"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/prize"
)

// till is a payer in memory. A number is one payment, whatever becomes of its answers.
type till struct {
	bills map[string]*prizes.Paid
	fen   int64 // of everything that was begun and has not failed
	// lose answers an order that was taken with an error, refuse takes none.
	lose, refuse bool
}

// Order implements prizes.Payer.
func (t *till) Order(_ context.Context, p prizes.Payment) (prizes.Paid, error) {
	if t.refuse {
		return prizes.Paid{}, fmt.Errorf("%w: NOT_ENOUGH", prizes.ErrUnpayable)
	}
	b, known := t.bills[p.Number]
	if !known {
		b = &prizes.Paid{State: prizes.PayWaiting, Ref: fmt.Sprint("R", len(t.bills)+1), Package: "package"}
		t.bills[p.Number] = b
		t.fen += p.Fen
	}
	if t.lose {
		return prizes.Paid{}, errors.New("no answer")
	}
	return *b, nil
}

// Look implements prizes.Payer.
func (t *till) Look(_ context.Context, number string) (prizes.Paid, error) {
	b, known := t.bills[number]
	if !known {
		return prizes.Paid{}, prizes.ErrNoPayment
	}
	told := *b
	told.Package = "" // only an order gives it
	return told, nil
}

// Confirm implements prizes.Payer.
func (*till) Confirm() (merchant, app string) { return "1900000001", "wxapp" }

// all sets every payment to a state.
func (t *till) all(state prizes.PayState) {
	for _, b := range t.bills {
		b.State = state
	}
}

// paying is a rig with red packets of 500 fen, a fifth of which is withheld.
func paying(t *testing.T, db *sqldb.DB) (*rig, *till) {
	t.Helper()
	r := newRig(t, db)
	r.plan.Instant = append(r.plan.Instant, prize.Prize{
		ID: "packet", Kind: prize.RedPacket, Name: r.plan.Instant[0].Name, Stock: 5, Value: 500, Odds: 1, Tax: prize.Tax{PaidBy: prize.Winner},
	})
	pay := &till{bills: map[string]*prizes.Paid{}}
	r.Payer, r.Failed = pay, func(error) {}
	return r, pay
}

// TestRedPacketsArePaidOnce: through repeated claims, lost answers and restarts there is
// one payment; once it is confirmed the prize is sent, and the office cannot send it too.
func TestRedPacketsArePaidOnce(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, pay := paying(t, db)
		ctx := t.Context()
		id := r.win("ann", "u1", "packet", 5)
		claim := func() prizes.OwnWin {
			t.Helper()
			w, err := r.Claim(ctx, "c", "ann", id, prizes.Claim{Contact: prizes.Contact{Name: "王芳"}, Consent: "1"})
			if err != nil {
				t.Fatal(err)
			}
			return w
		}
		pay.lose = true
		for range 2 {
			if w := claim(); w.State != prize.Claimed || w.Confirm != nil {
				t.Errorf("without an answer: %+v", w)
			}
		}
		pay.lose = false
		for range 2 {
			if w := claim(); w.Confirm == nil || *w.Confirm != (prizes.Confirm{Merchant: "1900000001", App: "wxapp", Package: "package"}) {
				t.Errorf("to be confirmed: %+v", w.Confirm)
			}
		}
		byHand := []byte("中奖编号,发放凭据\n" + id.String() + ",现金\n")
		if done, err := r.Fulfil(ctx, console(), "c", byHand); err != nil || done.Sent != 0 || len(done.Refused) != 1 {
			t.Errorf("sent by hand while it is being paid: %+v, %v", done, err)
		}
		if err := r.refuse(id); !errors.Is(err, prizes.ErrPaying) {
			t.Errorf("refused while it is being paid: %v", err)
		}
		if err := r.FollowPayments(ctx); err != nil {
			t.Fatal(err)
		}
		if w := claim(); w.Confirm == nil {
			t.Error("a look has taken away what its winner confirms with")
		}
		pay.all(prizes.PayDone)
		for range 2 {
			if err := r.FollowPayments(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if w := claim(); w.State != prize.Sent || w.Confirm != nil {
			t.Errorf("once it was confirmed: %+v", w)
		}
		if len(pay.bills) != 1 || pay.fen != 500 {
			t.Errorf("%d payments of %d fen in all", len(pay.bills), pay.fen)
		}
		var ref string
		if err := db.QueryRowContext(ctx, `SELECT ref FROM prize_claims WHERE prize = 'packet'`).Scan(&ref); err != nil || ref != "R1" {
			t.Errorf("how it was sent: %q, %v", ref, err)
		}
	})
}

// TestPaymentsThatFail: one that its winner did not confirm is begun anew by their claim
// under another number; one that is refused is left to the office.
func TestPaymentsThatFail(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, pay := paying(t, db)
		ctx := t.Context()
		claim := func(who string, id prize.WinID) prizes.OwnWin {
			t.Helper()
			w, err := r.Claim(ctx, "c", who, id, prizes.Claim{Contact: prizes.Contact{Name: "王芳"}, Consent: "1"})
			if err != nil {
				t.Fatal(err)
			}
			return w
		}
		late := r.win("late", "u1", "packet", 5)
		claim("late", late)
		for n := 1; n <= 7; n++ {
			pay.all(prizes.PayFailed)
			if err := r.FollowPayments(ctx); err != nil {
				t.Fatal(err)
			}
			claim("late", late)
			if want := min(n+1, 5); len(pay.bills) != want {
				t.Fatalf("after %d that failed there are %d payments, want %d", n, len(pay.bills), want)
			}
		}
		pay.refuse = true
		poor := r.win("poor", "u1", "packet", 5)
		if w := claim("poor", poor); w.State != prize.Claimed || w.Confirm != nil {
			t.Errorf("refused by the payer: %+v", w)
		}
		table := []byte(fmt.Sprintf("中奖编号,发放凭据\n%s,现金\n%s,现金\n", late, poor))
		for _, sent := range []int{2, 0} {
			if done, err := r.Fulfil(ctx, console(), "c", table); err != nil || done.Sent != sent || len(done.Refused) != 0 {
				t.Errorf("by hand: %+v, %v, want %d sent", done, err, sent)
			}
		}
		pay.refuse = false
		before := len(pay.bills)
		claim("poor", poor)
		if len(pay.bills) != before {
			t.Error("what the office has sent is paid as well")
		}

		back := r.win("back", "u1", "packet", 5)
		if err := r.refuse(back); err != nil {
			t.Fatal(err)
		}
		if err := r.Uphold(ctx, console(), "c", back.String()); err != nil {
			t.Fatal(err)
		}
		if w := claim("back", back); w.Confirm == nil || len(pay.bills) != before+1 {
			t.Errorf("given after all: %+v, %d payments", w, len(pay.bills)-before)
		}
	})
}
