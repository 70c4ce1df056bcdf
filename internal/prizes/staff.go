package prizes

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
)

// Staff are the people who run campaigns, by what their accounts say of them. Whoever is
// known so wins nothing in any campaign of the deployment. Nothing that was said is taken
// back, neither with a right nor with the account: nobody becomes an entrant by losing
// either a moment before the freeze.
type Staff struct {
	DB    *sqldb.DB
	Marks Marks
	// Accounts lists those who have a right in a campaign.
	Accounts func(ctx context.Context, campaignID string) ([]operator.Account, error)
	Now      func() time.Time
}

// Known is by what somebody is known among those who take part.
type Known struct {
	Phones []string
	People []RosterLine
}

// RosterLine is a line of a campaign's roster.
type RosterLine struct {
	Campaign string
	Line
}

// maxKnown bounds by how much one person is known: nobody has more numbers, and nobody bars
// strangers by the hundred.
const maxKnown = 10

// staffMark is by what one is known, once nothing can be read of it any more.
type staffMark struct{ kind, campaign, mark string }

// Told is by how much an account's holder is known.
type Told struct {
	Phones int `json:"phones"`
	People int `json:"people"`
}

// prepare checks what somebody is to be known by.
func (s *Staff) prepare(ctx context.Context, k Known) ([]staffMark, error) {
	if len(k.Phones)+len(k.People) > maxKnown {
		return nil, errTooMuch
	}
	phones, wrong := s.Marks.phones("", k.Phones)
	var out []staffMark
	for _, m := range phones {
		out = append(out, staffMark{byPhone, "", m})
	}
	for i, p := range k.People {
		m, err := s.Marks.Door(ctx, p.Campaign, p.Unit, p.Number)
		if err != nil {
			return nil, err
		}
		if m == "" {
			wrong = append(wrong, noLine(i))
		}
		out = append(out, staffMark{byLine, p.Campaign, m})
	}
	if len(wrong) > 0 {
		return nil, fault.ErrInvalid.WithFields(wrong...)
	}
	return out, nil
}

var errTooMuch = fault.InvalidField("phones", fmt.Sprintf("一个账号的手机号码和名册中的人合计至多 %d 项", maxKnown))

// put writes down by what the holder of an account is known, and that it was said. What is
// there already changes nothing.
func (s *Staff) put(ctx context.Context, tx *sql.Tx, who operator.Actor, account string, marks []staffMark, reason string) error {
	now, added := s.Now(), 0
	for _, m := range marks {
		n, err := affected(tx.ExecContext(ctx, `INSERT INTO prize_staff (operator, kind, campaign, mark, at, login) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			account, m.kind, m.campaign, m.mark, now.UnixMilli(), who.Login))
		if err != nil {
			return err
		}
		added += n
	}
	if added == 0 {
		return nil
	}
	var all int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM prize_staff WHERE operator = $1`, account).Scan(&all); err != nil {
		return err
	}
	if all > maxKnown {
		return errTooMuch
	}
	r := who.Record(now, "operator.mark", "", "operator:"+account)
	r.Reason = reason
	var err error
	if r.After, err = json.Marshal(map[string]int{"added": added}); err != nil {
		return err
	}
	return audit.AppendTx(ctx, tx, r)
}

// Also marks an account in the moment in which it is made; nil for nothing.
func (s *Staff) Also(ctx context.Context, who operator.Actor, k Known, reason string) (operator.Also, error) {
	marks, err := s.prepare(ctx, k)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	return func(ctx context.Context, tx *sql.Tx, id string) error {
		return s.put(ctx, tx, who, id, marks, reason)
	}, nil
}

// Mark marks an account, and returns by how much its holder is known then.
func (s *Staff) Mark(ctx context.Context, who operator.Actor, account string, k Known, reason string) (Told, error) {
	marks, err := s.prepare(ctx, k)
	if err != nil {
		return Told{}, err
	}
	if len(marks) == 0 {
		return Told{}, fault.InvalidField("phones", "请填写手机号码或名册中的人")
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		return s.put(ctx, tx, who, account, marks, reason)
	})
	if err != nil {
		return Told{}, fmt.Errorf("mark account %s: %w", account, err)
	}
	return s.Told(ctx, account)
}

// Told returns by how much the holder of an account is known.
func (s *Staff) Told(ctx context.Context, account string) (t Told, err error) {
	err = s.DB.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN kind = 'phone' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN kind = 'line' THEN 1 ELSE 0 END), 0)
		FROM prize_staff WHERE operator = $1`, account).Scan(&t.Phones, &t.People)
	if err != nil {
		return t, fmt.Errorf("read by what account %s is known: %w", account, err)
	}
	return t, nil
}

// Unknown lists the accounts with a right in a campaign whose holders would enter its draws
// like anybody else: there is no line of its rosters to know them by, and no phone number
// either, or nobody is asked for one.
func (s *Staff) Unknown(ctx context.Context, c *campaign.Campaign) ([]operator.Account, error) {
	all, err := s.Accounts(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT DISTINCT operator FROM prize_staff WHERE kind = 'line' AND campaign = $1 OR kind = 'phone' AND $2 = 1`, c.ID, asksPhone(c))
	known, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("read which accounts are known in %s: %w", c.ID, err)
	}
	return slices.DeleteFunc(all, func(a operator.Account) bool { return slices.Contains(known, a.ID) }), nil
}

// asksPhone is 1 where people are asked for their phone number.
func asksPhone(c *campaign.Campaign) int {
	if c.Asks("phone") {
		return 1
	}
	return 0
}

// by reads the marks of one kind that hold in a campaign, and who has said them.
func (s *Staff) by(ctx context.Context, campaignID, kind string) (map[string]string, error) {
	if kind == byPhone {
		campaignID = ""
	}
	return marksOf(ctx, s.DB, `SELECT mark, login FROM prize_staff WHERE campaign = $1 AND kind = $2`, campaignID, kind)
}
