package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"qingyuan/campaign"
	"qingyuan/internal/approval"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
	"qingyuan/prize"
)

// What needs a second person.
const (
	KindRefuse = "prize.refuse"
	KindReopen = "prize.reopen"
)

// Decision is what is asked for: not to give a prize, or to give it after all.
type Decision struct {
	Win string `json:"win"`
	// Told is what the winner is told.
	Told string `json:"told,omitempty"`
}

// Kinds are what needs a second person: nobody takes a prize away alone.
func (s *Service) Kinds() []approval.Kind {
	reach := func(ctx context.Context, by operator.Actor, a operator.Action, c *campaign.Campaign, params json.RawMessage) error {
		if c == nil {
			return campaign.ErrNotFound
		}
		w, _, err := s.decided(ctx, c.ID, params)
		if err == nil && !by.Within(a, c, w.Unit) {
			err = fault.ErrNotFound
		}
		return err
	}
	return append(s.drawKinds(), []approval.Kind{
		{Name: KindRefuse, Reach: reach, Run: func(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
			return s.refuse(ctx, a)
		}},
		{Name: KindReopen, Reach: reach, Run: func(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
			return s.reopen(ctx, a)
		}},
	}...)
}

// decided reads what is asked for, and the win that it is about.
func (s *Service) decided(ctx context.Context, campaignID string, params json.RawMessage) (prize.Win, Decision, error) {
	var d Decision
	if err := json.Unmarshal(params, &d); err != nil {
		return prize.Win{}, d, fault.InvalidField("params", "无法读取")
	}
	id, err := prize.ParseWinID(d.Win)
	if err != nil {
		return prize.Win{}, d, err
	}
	w, err := s.Store.Win(ctx, campaignID, id)
	return w, d, err
}

// CheckTold refuses what a winner cannot be told.
func CheckTold(told string) error {
	if strings.TrimSpace(told) == "" || utf8.RuneCountInString(told) > maxTold || strings.ContainsFunc(told, unicode.IsControl) {
		return fault.InvalidField("told", "请填写告知中奖者的原因，至多 200 字")
	}
	return nil
}

const maxTold = 200

// refuse takes a prize back that nobody was sent. What the winner is told is written
// down first; a repeat changes nothing.
func (s *Service) refuse(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
	w, d, err := s.decided(ctx, a.Campaign, a.Params)
	if err != nil {
		return nil, err
	}
	if w.State == prize.Refused {
		return nil, nil
	}
	if !w.State.May(prize.Refused) {
		return nil, prize.ErrState
	}
	if err := s.take(ctx, a.Campaign, w); err != nil {
		return nil, err
	}
	at := s.Now().Truncate(time.Millisecond)
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO prize_refusals (campaign, prize, item, told, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (campaign, prize, item) DO UPDATE SET told = excluded.told, at = excluded.at`,
			a.Campaign, w.Prize, w.Item, d.Told, at.UnixMilli())
		return err
	})
	if err == nil {
		_, _, err = s.Store.Move(ctx, a.Campaign, w.WinID, w.State, prize.Refused, at)
	}
	return nil, err
}

// reopen gives a prize after all, such as after an appeal: its winner may claim it anew,
// with the whole time.
func (s *Service) reopen(ctx context.Context, a approval.Approval) (json.RawMessage, error) {
	w, _, err := s.decided(ctx, a.Campaign, a.Params)
	if err != nil || w.State == prize.Won {
		return nil, err
	}
	if err := s.release(ctx, a.Campaign, w.WinID); err != nil {
		return nil, err
	}
	_, _, err = s.Store.Move(ctx, a.Campaign, w.WinID, prize.Refused, prize.Won, s.Now().Truncate(time.Millisecond))
	return nil, err
}

// told is what the winner of a refused prize is told.
func (s *Service) told(ctx context.Context, campaignID string, id prize.WinID) (told string, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT told FROM prize_refusals WHERE campaign = $1 AND prize = $2 AND item = $3`,
		campaignID, id.Prize, id.Item).Scan(&told)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("why %s in %s is not given: %w", id, campaignID, err)
	}
	return told, nil
}

// Fulfilled is what an import of sent prizes came to.
type Fulfilled struct {
	Rows int `json:"rows"`
	Sent int `json:"sent"`
	Same int `json:"same"`
	// Refused are the rows that changed nothing, with the reason.
	Refused []fault.Field `json:"refused"`
}

// Fulfil takes in a table of prizes that were sent: the column of wins, and that of how
// they were sent, as an export has them. A row without the latter says nothing. Repeats
// change nothing.
func (s *Service) Fulfil(ctx context.Context, who operator.Actor, campaignID string, raw []byte) (Fulfilled, error) {
	out := Fulfilled{Refused: []fault.Field{}}
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return out, err
	}
	rows, err := readSent(raw)
	if err != nil {
		return out, err
	}
	for _, r := range rows {
		out.Rows++
		fresh, err := s.sent(ctx, who, o, r)
		switch {
		case err == nil && fresh:
			out.Sent++
		case err == nil:
			out.Same++
		case fault.From(err).Kind == fault.Unavailable || fault.From(err).Kind == fault.Internal:
			return out, err
		default:
			out.Refused = append(out.Refused, fault.Field{Name: fmt.Sprintf("rows.%d", r.number), Reason: fault.From(err).Text})
		}
	}
	after, err := json.Marshal(map[string]int{"rows": out.Rows, "sent": out.Sent, "same": out.Same, "refused": len(out.Refused)})
	if err != nil {
		return out, err
	}
	record := who.Record(s.Now(), operator.ReadParticipants, campaignID, "prize:fulfilment")
	record.After = after
	return out, audit.New(s.DB).Append(ctx, record)
}

// sentRow says that a prize was sent.
type sentRow struct {
	number   int
	win, ref string
}

// readSent reads the two columns of a table.
func readSent(raw []byte) ([]sentRow, error) {
	r, err := sheet.Open(raw, sheet.Limits{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was read in memory
	var out []sentRow
	win, ref := -1, -1
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			if win < 0 {
				return nil, fault.InvalidField("file", "缺少表头：须有“"+titleWin+"”和“"+titleRef+"”两列")
			}
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if win < 0 {
			win, ref = slices.Index(line.Cells, titleWin), slices.Index(line.Cells, titleRef)
			if win >= 0 && ref < 0 {
				return nil, fault.InvalidField("file", "缺少“"+titleRef+"”列")
			}
			continue
		}
		if max(win, ref) < len(line.Cells) && line.Cells[win] != "" && line.Cells[ref] != "" {
			out = append(out, sentRow{line.Number, sheet.Plain(line.Cells[win]), sheet.Plain(line.Cells[ref])})
		}
	}
}

// sent notes that a prize was sent, and how.
func (s *Service) sent(ctx context.Context, who operator.Actor, o prize.Offer, r sentRow) (fresh bool, err error) {
	id, err := prize.ParseWinID(r.win)
	if err != nil {
		return false, err
	}
	w, err := s.Store.Win(ctx, o.Campaign.ID, id)
	if err != nil {
		return false, err
	}
	if !who.Within(operator.ReadParticipants, o.Campaign, w.Unit) {
		return false, prize.ErrNoWin
	}
	if w.State == prize.Claimed {
		if err := s.reviewed(ctx, o, w); err != nil {
			return false, err
		}
		if err := s.take(ctx, o.Campaign.ID, w); err != nil {
			return false, err
		}
	}
	if utf8.RuneCountInString(r.ref) > maxTold || strings.ContainsFunc(r.ref, unicode.IsControl) {
		return false, fault.InvalidField("ref", "至多 200 字")
	}
	if _, fresh, err = s.Store.Move(ctx, o.Campaign.ID, id, prize.Claimed, prize.Sent, s.Now().Truncate(time.Millisecond)); err != nil {
		return false, err
	}
	return fresh, s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE prize_claims SET ref = $1 WHERE campaign = $2 AND prize = $3 AND item = $4`,
			r.ref, o.Campaign.ID, id.Prize, id.Item)
		return err
	})
}
