package prizes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// What of a winner is shown to whoever reviews, beside the rules that notice acts.
const (
	// FlagInsider is somebody of the people who run the campaign. Nobody can dismiss it.
	FlagInsider = "insider"
	// FlagRisk is somebody whom WeChat holds to be risky, FlagAsking somebody of whom it
	// has not told yet.
	FlagRisk   = "wechat_risk"
	FlagAsking = "wechat_asking"
)

const (
	// asksFor is how long WeChat is asked again while it does not answer: it knows nobody
	// who was not there within two hours.
	asksFor = 2 * time.Hour
	// askPatience bounds how long a claim waits for WeChat. The claim was accepted by then.
	askPatience = 3 * time.Second
	// asksAtOnce is how many are asked about in one go.
	asksAtOnce = 100
)

// askRisk asks WeChat about somebody who claims a prize, where the rules say so and the
// notice that they have agreed to tells of it. The claim never fails by it: what WeChat
// does not answer now is asked again for two hours, and nothing is given meanwhile.
func (s *Service) askRisk(ctx context.Context, o prize.Offer, w *prize.Win, from netip.Addr) error {
	if o.Plan.RiskFrom == 0 || s.Risk == nil || !from.IsValid() {
		return nil
	}
	id := o.Campaign.ID
	agreed, err := s.Agreed(ctx, id, w.Participant)
	if err != nil {
		return err
	}
	if agreed != o.Campaign.Consent.Version {
		return nil
	}
	now := s.Now()
	fresh := false
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO prize_risks (campaign, prize, item, participant, state, sealed, at) VALUES ($1, $2, $3, $4, 'asking', $5, $6)
			ON CONFLICT (campaign, prize, item) DO NOTHING`,
			id, w.Prize, w.Item, w.Participant, s.Box.Seal([]byte(from.Unmap().String()), aad("risk", id, w.WinID)), now.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		fresh = n == 1
		return err
	})
	if err != nil {
		return fmt.Errorf("note that the risk of a winner in %s is asked: %w", id, err)
	}
	if !fresh {
		return nil // it was asked, or is being asked
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return s.ask(ctx, asked{id, w.WinID, w.Participant, from, now})
}

// asked is somebody about whom WeChat is asked, for a win.
type asked struct {
	campaign    string
	win         prize.WinID
	participant string
	from        netip.Addr
	at          time.Time
}

// ask asks once and writes down the answer. An outage is no error: Run asks again, until
// nobody can answer any more.
func (s *Service) ask(ctx context.Context, a asked) error {
	rank, told, err := s.Risk(ctx, a.participant, a.from)
	state := "told"
	switch {
	case err != nil && s.Now().Sub(a.at) < asksFor:
		return nil // later
	case err != nil || !told:
		state, rank = "untold", 0
	}
	ctx = context.WithoutCancel(ctx) // the answer is there, whoever has left
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_risks SET state = $1, rank = $2, sealed = NULL WHERE campaign = $3 AND prize = $4 AND item = $5 AND state = 'asking'`,
			state, rank, a.campaign, a.win.Prize, a.win.Item)
		return err
	})
	if err != nil {
		return fmt.Errorf("note the risk of a winner in %s: %w", a.campaign, err)
	}
	return nil
}

// AskAgain asks about those of whom WeChat has not told yet, the longest waiting first,
// but for those whose claim may be asking just now.
func (s *Service) AskAgain(ctx context.Context) error {
	if s.Risk == nil {
		return nil
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, prize, item, participant, sealed, at FROM prize_risks WHERE state = 'asking' AND at <= $1 ORDER BY at LIMIT $2`,
		s.Now().Add(-askPatience).UnixMilli(), asksAtOnce)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (a asked, err error) {
		var sealed []byte
		var at int64
		if err := r.Scan(&a.campaign, &a.win.Prize, &a.win.Item, &a.participant, &sealed, &at); err != nil {
			return a, err
		}
		a.at = time.UnixMilli(at)
		if raw, err := s.Box.Open(sealed, aad("risk", a.campaign, a.win)); err == nil {
			a.from, _ = netip.ParseAddr(string(raw)) // without one WeChat tells nothing
		}
		return a, nil
	})
	if err != nil {
		return fmt.Errorf("read whose risk is asked: %w", err)
	}
	var errs []error
	for _, a := range all {
		if ctx.Err() != nil {
			break
		}
		errs = append(errs, s.ask(ctx, a))
	}
	return errors.Join(errs...)
}

// risky adds to flags those whom WeChat holds to be risky, and those of whom it has not
// told yet.
func (s *Service) risky(ctx context.Context, o prize.Offer, flags map[string][]string) error {
	if o.Plan.RiskFrom == 0 {
		return nil
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT participant, state FROM prize_risks WHERE campaign = $1 AND (state = 'asking' OR state = 'told' AND rank >= $2)`,
		o.Campaign.ID, o.Plan.RiskFrom)
	type noticed struct{ participant, state string }
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (n noticed, err error) { return n, r.Scan(&n.participant, &n.state) })
	if err != nil {
		return fmt.Errorf("read who is risky in %s: %w", o.Campaign.ID, err)
	}
	for _, n := range all {
		flag := FlagRisk
		if n.state == "asking" {
			flag = FlagAsking
		}
		flags[n.participant] = append(flags[n.participant], flag)
	}
	return nil
}
