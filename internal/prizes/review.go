package prizes

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/prize"
)

// Reviewed is a win with what was noticed about its winner.
type Reviewed struct {
	prize.Win

	Flags []string
	// Cleared says who has looked, and why it is given all the same; nil before.
	Cleared *Cleared
}

// Cleared is a win that is given although its winner is flagged.
type Cleared struct {
	// By is a login.
	By     string
	At     time.Time
	Reason string
}

// waits tells whether somebody has to look before it is given.
func (w *Reviewed) waits() bool {
	return len(w.Flags) > 0 && (w.Cleared == nil || slices.Contains(w.Flags, FlagInsider))
}

// Wins lists the wins of a campaign that an operator may see, in one state or in any;
// with flagged only those to be reviewed.
func (s *Service) Wins(ctx context.Context, who operator.Actor, campaignID string, state prize.State, flagged bool) ([]Reviewed, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return nil, err
	}
	wins, err := s.Store.Wins(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	look, err := s.looks(ctx, o)
	if err != nil {
		return nil, err
	}
	var out []Reviewed
	for i := range wins {
		w := look.at(wins[i])
		if (state == "" || w.State == state) && (!flagged || w.waits()) && who.Within(operator.ReadFigures, o.Campaign, w.Unit) {
			out = append(out, w)
		}
	}
	return out, nil
}

// looks is what is known for the review of a campaign's wins.
type looks struct {
	flags   map[string][]string // by participant
	cleared map[prize.WinID]*Cleared
}

func (l *looks) at(w prize.Win) Reviewed {
	return Reviewed{w, l.flags[w.Participant], l.cleared[w.WinID]}
}

func (s *Service) looks(ctx context.Context, o prize.Offer) (*looks, error) {
	l := &looks{flags: map[string][]string{}, cleared: map[prize.WinID]*Cleared{}}
	id := o.Campaign.ID
	if s.Flagged != nil {
		flags, err := s.Flagged(ctx, id)
		if err != nil {
			return nil, err
		}
		for p, rules := range flags {
			l.flags[p] = slices.Clone(rules)
		}
	}
	barred, err := s.excluded(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, p := range barred {
		l.flags[p] = append(l.flags[p], FlagInsider)
	}
	if err := s.risky(ctx, o, l.flags); err != nil {
		return nil, err
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT prize, item, login, at, reason FROM prize_cleared WHERE campaign = $1`, id)
	_, err = sqldb.Collect(rows, err, func(r *sql.Rows) (w prize.WinID, err error) {
		var c Cleared
		var at int64
		err = r.Scan(&w.Prize, &w.Item, &c.By, &at, &c.Reason)
		c.At, l.cleared[w] = time.UnixMilli(at), &c
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what was cleared in %s: %w", id, err)
	}
	return l, nil
}

// reviewed fails with ErrReview while somebody has to look at a win before it is given:
// flags of its winner wait for a decision or were confirmed, and nobody has cleared it.
func (s *Service) reviewed(ctx context.Context, o prize.Offer, w prize.Win) error {
	l, err := s.looks(ctx, o)
	if err != nil {
		return err
	}
	if r := l.at(w); r.waits() {
		return ErrReview
	}
	return nil
}

// Clear writes down that somebody has looked at a win whose winner is flagged, and that it
// is given all the same. One of the people who run the campaign gets nothing. A repeat
// changes nothing.
func (s *Service) Clear(ctx context.Context, who operator.Actor, campaignID string, id prize.WinID, reason string) error {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return err
	}
	w, err := s.Store.Win(ctx, campaignID, id)
	switch {
	case err != nil:
		return err
	case !who.Within(operator.CorrectResults, o.Campaign, w.Unit):
		return prize.ErrNoWin
	case w.State != prize.Won && w.State != prize.Claimed:
		return prize.ErrState
	}
	return s.clear(ctx, o, w, who, reason)
}

func (s *Service) clear(ctx context.Context, o prize.Offer, w prize.Win, who operator.Actor, reason string) error {
	l, err := s.looks(ctx, o)
	if err != nil {
		return err
	}
	if slices.Contains(l.flags[w.Participant], FlagInsider) {
		return ErrInsider
	}
	now := s.Now()
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO prize_cleared (campaign, prize, item, at, login, reason) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (campaign, prize, item) DO NOTHING`, o.Campaign.ID, w.Prize, w.Item, now.UnixMilli(), who.Login, reason)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		r := who.Record(now, operator.CorrectResults, o.Campaign.ID, "prize:win:"+w.String())
		r.After, r.Reason = []byte(`{"cleared":true}`), reason
		return audit.AppendTx(ctx, tx, r)
	})
	if err != nil {
		return fmt.Errorf("clear %s in %s: %w", w.WinID, o.Campaign.ID, err)
	}
	return nil
}

// Disputed finds a win of a participant that they may appeal about: it is not given, or
// somebody has to look at it first. since is when it came into that state.
func (s *Service) Disputed(ctx context.Context, campaignID, participant string, id prize.WinID) (prize.Win, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return prize.Win{}, err
	}
	w, err := s.own(ctx, campaignID, participant, id)
	if err != nil || w.State == prize.Refused {
		return w, err
	}
	if w.State == prize.Won || w.State == prize.Claimed {
		if err = s.reviewed(ctx, o, w); errors.Is(err, ErrReview) {
			return w, nil
		}
		if err != nil {
			return w, err
		}
	}
	return w, ErrNothing
}

// Uphold gives a prize after all, once two persons have upheld an appeal about it: one
// that was refused may be claimed anew, with the whole time, and one that somebody had to
// look at is cleared. It may be repeated.
func (s *Service) Uphold(ctx context.Context, who operator.Actor, campaignID, win string) error {
	id, err := prize.ParseWinID(win)
	if err != nil {
		return err
	}
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return err
	}
	w, err := s.Store.Win(ctx, campaignID, id)
	if err != nil {
		return err
	}
	if err := s.clear(ctx, o, w, who, "申诉成立"); err != nil {
		return err
	}
	if w.State != prize.Refused {
		return nil
	}
	if err := s.release(ctx, campaignID, id); err != nil {
		return err
	}
	_, _, err = s.Store.Move(ctx, campaignID, id, prize.Refused, prize.Won, s.Now().Truncate(millisecond))
	return err
}
