package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

// Withdrawal takes one question of a campaign out of drawing. Papers that have it stay
// as they are.
type Withdrawal struct {
	Campaign string
	// Fingerprint names the question by what it says: see quiz.Question.Fingerprint. A
	// version with another key is another question, and is drawn.
	Fingerprint string
	// Question is its id in the bank, Challenge what withdrew it.
	Question, Challenge string
	At                  time.Time
}

// Withdraw takes a question out of drawing, in a transaction of the caller's. Every
// server draws without it as soon as it follows: see Options.Every. A repeat changes
// nothing.
func (s *Store) Withdraw(ctx context.Context, tx *sql.Tx, w Withdrawal) error {
	if _, err := s.take(ctx, tx); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO catalog_withdrawals (campaign, fingerprint, question, challenge, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (campaign, fingerprint) DO NOTHING`, w.Campaign, w.Fingerprint, w.Question, w.Challenge, w.At.UnixMilli())
	if err != nil {
		return fmt.Errorf("withdraw question %s of campaign %s: %w", w.Question, w.Campaign, err)
	}
	return nil
}

// Withdrawn returns the fingerprints of the questions that are withdrawn from a campaign,
// each with the challenge that did it.
func (s *Store) Withdrawn(ctx context.Context, id string) (map[string]string, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT fingerprint, challenge FROM catalog_withdrawals WHERE campaign = $1`, id)
	out := map[string]string{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var mark, challenge string
		err := r.Scan(&mark, &challenge)
		out[mark] = challenge
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which questions of campaign %s are withdrawn: %w", id, err)
	}
	return out, nil
}

// HoldDrawing implements banks.Drawing.
func (s *Store) HoldDrawing(ctx context.Context, tx *sql.Tx) error {
	_, err := s.take(ctx, tx)
	return err
}

// byBank is what stands for the challenge where a reviewer has withdrawn a question from
// its bank.
func byBank(bank string) string { return BankScheme + bank }

// StopDrawing implements banks.Drawing.
func (s *Store) StopDrawing(ctx context.Context, tx *sql.Tx, bank string, ids []string) error {
	all, err := entries(ctx, tx, currentEntries+` ORDER BY c.id`)
	if err != nil {
		return fmt.Errorf("find who draws from bank %s: %w", bank, err)
	}
	for _, e := range all {
		if err := s.stopIn(ctx, tx, e, bank, ids); err != nil {
			return fmt.Errorf("withdraw questions of bank %s from campaign %s: %w", bank, e.Campaign, err)
		}
	}
	return nil
}

// stopIn takes questions out of what one campaign draws, if it draws from the bank. Of a
// draft nothing is drawn, and it is published with what is signed alone.
func (s *Store) stopIn(ctx context.Context, tx *sql.Tx, e Entry, bank string, ids []string) error {
	if e.Stage != Published {
		return nil
	}
	body, err := text(ctx, tx, e)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(configs.BankRef(body), BankScheme+bank+"/") {
		return nil
	}
	d, err := s.definition(ctx, tx, e)
	if err != nil {
		return err
	}
	marks, err := s.withdrawals(ctx)
	if err != nil {
		return err
	}
	out := map[string]bool{}
	maps.Copy(out, marks[e.Campaign])
	for i := range d.Bank.Questions {
		q := &d.Bank.Questions[i]
		if !slices.Contains(ids, q.ID) {
			continue
		}
		mark := q.Fingerprint()
		out[mark] = true
		w := Withdrawal{Campaign: e.Campaign, Fingerprint: mark, Question: q.ID, Challenge: byBank(bank), At: s.Now()}
		if err := s.Withdraw(ctx, tx, w); err != nil {
			return err
		}
	}
	if d.Campaign.StateAt(s.Now()) == campaign.Closed { // nobody draws any more
		return nil
	}
	return Supply(d, out, s.Now())
}

// ResumeDrawing implements banks.Drawing.
func (s *Store) ResumeDrawing(ctx context.Context, tx *sql.Tx, bank string, fingerprints []string) error {
	for _, mark := range fingerprints {
		_, err := tx.ExecContext(ctx, `DELETE FROM catalog_withdrawals WHERE fingerprint = $1 AND challenge = $2`, mark, byBank(bank))
		if err != nil {
			return fmt.Errorf("let questions of bank %s be drawn again: %w", bank, err)
		}
	}
	return nil
}

// Readmit lets a question be drawn again that a challenge has withdrawn. It tells
// whether it was withdrawn.
func (s *Store) Readmit(ctx context.Context, tx *sql.Tx, w Withdrawal) (was bool, err error) {
	if _, err := s.take(ctx, tx); err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM catalog_withdrawals WHERE campaign = $1 AND fingerprint = $2 AND challenge = $3`,
		w.Campaign, w.Fingerprint, w.Challenge)
	if err != nil {
		return false, fmt.Errorf("readmit question %s of campaign %s: %w", w.Question, w.Campaign, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// fingerprints are those of the questions withdrawn, by campaign.
type fingerprints map[string]map[string]bool

// withdrawals reads what is withdrawn everywhere: a few questions.
func (s *Store) withdrawals(ctx context.Context) (fingerprints, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, fingerprint FROM catalog_withdrawals`)
	out := fingerprints{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var id, mark string
		err := r.Scan(&id, &mark)
		if out[id] == nil {
			out[id] = map[string]bool{}
		}
		out[id][mark] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read which questions are withdrawn: %w", err)
	}
	return out, nil
}

// contested is what was decided of questions everywhere: a few rows.
type contested struct {
	withdrawn fingerprints
	rulings   []Ruling
}

func (s *Store) contested(ctx context.Context) (contested, error) {
	withdrawn, err := s.withdrawals(ctx)
	if err != nil {
		return contested{}, err
	}
	rulings, err := s.Rulings(ctx, "")
	return contested{withdrawn, rulings}, err
}

// contest takes questions out of what the campaigns of the book draw from, and says what
// was ruled on them.
func (b *Book) contest(c contested) {
	for _, r := range c.rulings {
		b.rulings[r.Campaign] = append(b.rulings[r.Campaign], r.Ruled)
	}
	for id, marks := range c.withdrawn {
		if d, ok := b.byID[id]; ok {
			if w := quiz.NewWithdrawn(d.Bank, marks); w != nil {
				b.withdrawn[id] = w
			}
		}
	}
}

// Supplied is a Gate: without what is withdrawn, a campaign must still have a whole paper
// for everybody.
func (s *Store) Supplied(ctx context.Context, d configs.Definition) error {
	if d.Bank == nil {
		return nil
	}
	all, err := s.withdrawals(ctx)
	if err != nil {
		return err
	}
	return Supply(d, all[d.Campaign.ID], s.Now())
}

// ErrSupply is a bank of which too little is left once questions are withdrawn.
var ErrSupply = fault.New(fault.Conflict, "challenge.bank_too_small", "撤下题目后，题库不足以组成试卷，请先补充题目")

// Supply returns ErrSupply, with the groups and days, where a campaign could not go on
// drawing without the questions of these fingerprints.
func Supply(d configs.Definition, fingerprints map[string]bool, now time.Time) error {
	out := quiz.NewWithdrawn(d.Bank, fingerprints)
	if out == nil {
		return nil
	}
	short := configs.ShortagesWithout(d, out, now)
	if len(short) == 0 {
		return nil
	}
	f := ErrSupply
	for _, one := range short[:min(len(short), maxShortages)] {
		f = f.WithFields(fault.Field{
			Name:   fmt.Sprintf("quiz.strata.%d", one.Stratum),
			Reason: fmt.Sprintf("人群 %s 在 %s 需要 %d 道题，仅余 %d 道", one.Group, one.Day, one.Want, one.Left),
		})
	}
	return f
}

// maxShortages is how many shortages an error names.
const maxShortages = 20

// Ruling is a ruling on a question that is in force in a campaign: attempts that had it
// are marked by it.
type Ruling struct {
	quiz.Ruled

	Campaign string
}

// Rule brings a ruling into force, in a transaction of the caller's, behind those that are.
// A repeat changes nothing.
func (s *Store) Rule(ctx context.Context, tx *sql.Tx, r Ruling) error {
	if _, err := s.take(ctx, tx); err != nil {
		return err
	}
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) FROM catalog_rulings WHERE campaign = $1`, r.Campaign).Scan(&last)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO catalog_rulings (campaign, n, challenge, question, fingerprint, rule, answer, reason)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (campaign, challenge) DO NOTHING`,
			r.Campaign, last+1, r.Challenge, r.Question, r.Fingerprint, string(r.Rule), int64(r.Key), r.Reason)
	}
	if err != nil {
		return fmt.Errorf("rule on question %s of campaign %s: %w", r.Question, r.Campaign, err)
	}
	return nil
}

// Overrule takes a ruling out of force.
func (s *Store) Overrule(ctx context.Context, tx *sql.Tx, id, challenge string) error {
	if _, err := s.take(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM catalog_rulings WHERE campaign = $1 AND challenge = $2`, id, challenge); err != nil {
		return fmt.Errorf("overrule challenge %s of campaign %s: %w", challenge, id, err)
	}
	return nil
}

// Rulings returns those in force in a campaign, in their order; "" is every campaign.
func (s *Store) Rulings(ctx context.Context, id string) ([]Ruling, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT campaign, challenge, question, fingerprint, rule, answer, reason FROM catalog_rulings
		WHERE campaign = $1 OR $1 = '' ORDER BY campaign, n`, id)
	out, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (r Ruling, err error) {
		err = rows.Scan(&r.Campaign, &r.Challenge, &r.Question, &r.Fingerprint, &r.Rule, &r.Key, &r.Reason)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the rulings on questions: %w", err)
	}
	return out, nil
}

// BankRef returns where the bank of a campaign is kept, such as "bank:law/3"; "" where it
// came with its files.
func (s *Store) BankRef(ctx context.Context, id string) (string, error) {
	e, err := s.Entry(ctx, id)
	if errors.Is(err, campaign.ErrNotFound) {
		return "", nil // the demonstration, or one in files
	}
	if err != nil {
		return "", err
	}
	body, err := s.Text(ctx, e)
	if err != nil {
		return "", err
	}
	if ref := configs.BankRef(body); strings.HasPrefix(ref, BankScheme) {
		return ref, nil
	}
	return "", nil
}
