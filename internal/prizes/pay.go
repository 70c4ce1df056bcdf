package prizes

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/failpoint"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Payer pays red packets. A payment is known by its number: to order the same number again
// is to ask how it stands, and pays nothing twice. Any error but the two of this package
// leaves the outcome open.
type Payer interface {
	// Order orders a payment, or tells how the one of the number stands. ErrUnpayable is an
	// order that is refused as it is.
	Order(ctx context.Context, p Payment) (Paid, error)
	// Look tells how an ordered payment stands, ErrNoPayment where there is none.
	Look(ctx context.Context, number string) (Paid, error)
	// Confirm is what a winner needs beside the package, to confirm in WeChat.
	Confirm() (merchant, app string)
}

// Payment is an order.
type Payment struct {
	Number, Participant string
	Fen                 int64
	// Activity and Reward are the names of campaign and prize.
	Activity, Reward string
}

// PayState is how far a payment has come.
type PayState string

// The states of a payment. PayDone and PayFailed are final.
const (
	PayOrdered PayState = "ordered" // the outcome is open
	PayWaiting PayState = "waiting" // its winner has to confirm it
	PayDone    PayState = "done"
	PayFailed  PayState = "failed"
	// byOffice is a win that no service pays: it was sent or refused by hand.
	byOffice PayState = "office"
)

// Paid is how a payment stands.
type Paid struct {
	State PayState
	// Ref is the payer's number, Package what its winner confirms with while it is waiting,
	// Reason why it failed.
	Ref, Package, Reason string
}

// Errors of payers.
var (
	ErrUnpayable = errors.New("the payment is refused as it is")
	ErrNoPayment = errors.New("there is no payment of this number")
	// ErrPaying is a prize that is being paid by the service: it cannot be given or refused
	// by hand meanwhile.
	ErrPaying = fault.New(fault.Conflict, "prize.paying", "该红包正在通过微信支付发放，不能另行处理")
)

const (
	// mostAttempts is how often a payment that has failed is begun anew, such as after a
	// winner who did not confirm in time. Then the office pays by hand.
	mostAttempts = 5
	// payPatience bounds how long a claim waits for the payer.
	payPatience = 5 * time.Second
	// paysAtOnce is how many payments are looked at in one go.
	paysAtOnce = 50
)

// payment is a row of prize_payments.
type payment struct {
	campaign    string
	win         prize.WinID
	participant string
	attempt     int
	fen         int64
	Paid
}

// number names an attempt to pay a win: 32 letters and digits that tell nothing.
func (p *payment) number() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d", p.campaign, p.win, p.attempt))
	return "QY" + hex.EncodeToString(sum[:15])
}

const paymentColumns = `campaign, prize, item, participant, attempt, fen, state, ref, package, reason`

func scanPayment(row interface{ Scan(dest ...any) error }) (p payment, err error) {
	err = row.Scan(&p.campaign, &p.win.Prize, &p.win.Item, &p.participant, &p.attempt, &p.fen, &p.State, &p.Ref, &p.Package, &p.Reason)
	return p, err
}

// paymentOf reads how a win is paid; the zero payment where nobody has begun.
func (s *Service) paymentOf(ctx context.Context, campaignID string, id prize.WinID) (payment, error) {
	p, err := scanPayment(s.DB.QueryRowContext(ctx, `SELECT `+paymentColumns+` FROM prize_payments WHERE campaign = $1 AND prize = $2 AND item = $3`,
		campaignID, id.Prize, id.Item))
	if errors.Is(err, sql.ErrNoRows) {
		return payment{}, nil
	}
	if err != nil {
		return payment{}, fmt.Errorf("read how %s in %s is paid: %w", id, campaignID, err)
	}
	return p, nil
}

// pay begins to pay a red packet that was claimed and that nobody has to look at, or asks
// how it stands. The claim never fails by it: what the payer does not answer is asked again.
func (s *Service) pay(ctx context.Context, o prize.Offer, p *prize.Prize, w prize.Win) error {
	if s.Payer == nil || p.Kind != prize.RedPacket || w.State != prize.Claimed {
		return nil
	}
	if err := s.reviewed(ctx, o, w); err != nil {
		if errors.Is(err, ErrReview) {
			err = nil
		}
		return err
	}
	was, err := s.paymentOf(ctx, o.Campaign.ID, w.WinID)
	if err != nil {
		return err
	}
	switch was.State {
	case PayDone, byOffice:
		return nil
	case "", PayFailed:
		if was.attempt >= mostAttempts {
			return nil
		}
		_, net := p.Withheld()
		if taken, err := s.begin(ctx, o.Campaign.ID, w, was, net); err != nil || !taken {
			return err
		}
		if was, err = s.paymentOf(ctx, o.Campaign.ID, w.WinID); err != nil {
			return err
		}
	case PayOrdered, PayWaiting:
	}
	ctx, cancel := context.WithTimeout(ctx, payPatience)
	defer cancel()
	return s.order(ctx, was)
}

// begin takes a win for the payer, unless somebody else has. Of all servers one does.
func (s *Service) begin(ctx context.Context, campaignID string, w prize.Win, was payment, fen int64) (taken bool, err error) {
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO prize_payments (campaign, prize, item, participant, attempt, fen, state, at)
			VALUES ($1, $2, $3, $4, $5, $6, 'ordered', $7)
			ON CONFLICT (campaign, prize, item) DO UPDATE SET attempt = excluded.attempt, fen = excluded.fen, state = 'ordered', ref = '', package = '', reason = '', at = excluded.at
			WHERE prize_payments.state = 'failed' AND prize_payments.attempt = excluded.attempt - 1`,
			campaignID, w.Prize, w.Item, w.Participant, was.attempt+1, fen, s.Now().UnixMilli()))
		taken = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("begin to pay %s in %s: %w", w.WinID, campaignID, err)
	}
	return taken, nil
}

// order orders a payment, or the same again, and writes down how it stands.
func (s *Service) order(ctx context.Context, p payment) error {
	o, of, err := s.plan(p.campaign, p.win.Prize)
	if err != nil {
		return err
	}
	number := p.number()
	paid, err := s.Payer.Order(ctx, Payment{number, p.participant, p.fen, o.Campaign.Title.In(""), of.Name.In("")})
	if errors.Is(err, ErrUnpayable) {
		// Nothing is ordered by this answer; an earlier one may have been.
		reason := err
		if paid, err = s.Payer.Look(ctx, number); errors.Is(err, ErrNoPayment) {
			paid, err = Paid{State: PayFailed, Reason: reason.Error()}, nil
		}
	}
	if err == nil {
		err = failpoint.Hit("prizes.after_order")
	}
	if err != nil {
		s.Failed(fmt.Errorf("pay %s in %s: %w", p.win, p.campaign, err))
		return s.looked(context.WithoutCancel(ctx), p, p.Paid)
	}
	return s.stands(context.WithoutCancel(ctx), p, paid)
}

// stands writes down how a payment stands. What is paid is sent: the fact comes first, and
// may be repeated.
func (s *Service) stands(ctx context.Context, p payment, paid Paid) error {
	if paid.State == PayDone {
		if _, _, err := s.Store.Move(ctx, p.campaign, p.win, prize.Claimed, prize.Sent, s.Now().Truncate(millisecond)); err != nil {
			return fmt.Errorf("note that %s in %s was paid: %w", p.win, p.campaign, err)
		}
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE prize_claims SET ref = $1 WHERE campaign = $2 AND prize = $3 AND item = $4`, paid.Ref, p.campaign, p.win.Prize, p.win.Item)
			return err
		})
		if err != nil {
			return fmt.Errorf("note how %s in %s was paid: %w", p.win, p.campaign, err)
		}
	}
	if paid.State == PayWaiting && paid.Package == "" {
		paid.Package = p.Package
	}
	return s.looked(ctx, p, paid)
}

func (s *Service) looked(ctx context.Context, p payment, paid Paid) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_payments SET state = $1, ref = $2, package = $3, reason = $4, at = $5
			WHERE campaign = $6 AND prize = $7 AND item = $8 AND attempt = $9 AND state IN ('ordered', 'waiting')`,
			string(paid.State), paid.Ref, paid.Package, paid.Reason, s.Now().UnixMilli(), p.campaign, p.win.Prize, p.win.Item, p.attempt)
		return err
	})
	if err != nil {
		return fmt.Errorf("note how the payment of %s in %s stands: %w", p.win, p.campaign, err)
	}
	return nil
}

// FollowPayments asks how payments stand whose outcome is open, those first that were not
// looked at for the longest. One that the payer does not know is ordered again, by the same
// number.
func (s *Service) FollowPayments(ctx context.Context) error {
	if s.Payer == nil {
		return nil
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT `+paymentColumns+` FROM prize_payments WHERE state IN ('ordered', 'waiting') ORDER BY at LIMIT $1`, paysAtOnce)
	open, err := sqldb.Collect(rows, err, func(r *sql.Rows) (payment, error) { return scanPayment(r) })
	if err != nil {
		return fmt.Errorf("read which payments are open: %w", err)
	}
	var errs []error
	for _, p := range open {
		if ctx.Err() != nil {
			break
		}
		paid, err := s.Payer.Look(ctx, p.number())
		switch {
		case errors.Is(err, ErrNoPayment):
			err = s.order(ctx, p)
		case err == nil:
			err = s.stands(ctx, p, paid)
		default:
			err = errors.Join(fmt.Errorf("look how %s in %s is paid: %w", p.win, p.campaign, err), s.looked(ctx, p, p.Paid))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// take takes a red packet away from the payer: it is sent or refused by hand. ErrPaying
// while a payment is open or was made. It may be repeated.
func (s *Service) take(ctx context.Context, campaignID string, w prize.Win) error {
	_, p, err := s.plan(campaignID, w.Prize)
	if err != nil || p.Kind != prize.RedPacket {
		return err
	}
	taken := 0
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		taken, err = affected(tx.ExecContext(ctx, `INSERT INTO prize_payments (campaign, prize, item, participant, attempt, fen, state, at)
			VALUES ($1, $2, $3, $4, 0, 0, 'office', $5)
			ON CONFLICT (campaign, prize, item) DO UPDATE SET state = 'office' WHERE prize_payments.state IN ('failed', 'office')`,
			campaignID, w.Prize, w.Item, w.Participant, s.Now().UnixMilli()))
		return err
	})
	if err != nil {
		return fmt.Errorf("take %s in %s from the payer: %w", w.WinID, campaignID, err)
	}
	if taken == 0 {
		return ErrPaying
	}
	return nil
}

// release lets the payer have a red packet again that was refused and is given after all.
func (s *Service) release(ctx context.Context, campaignID string, id prize.WinID) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_payments SET state = 'failed' WHERE campaign = $1 AND prize = $2 AND item = $3 AND state = 'office'`,
			campaignID, id.Prize, id.Item)
		return err
	})
	if err != nil {
		return fmt.Errorf("give %s in %s to the payer again: %w", id, campaignID, err)
	}
	return nil
}
