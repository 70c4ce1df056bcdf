package challenge

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/catalog"
	"qingyuan/internal/correction"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

const columns = `id, campaign, question, fingerprint, bank, state, decision, rule, answer, version, why, reason, login, created,
	decider, decided, correction`

func scan(row interface{ Scan(dest ...any) error }) (*Challenge, error) {
	var c Challenge
	var created, decided int64
	err := row.Scan(&c.ID, &c.Campaign, &c.Question, &c.Fingerprint, &c.Bank, &c.State, &c.Decision, &c.Rule, &c.Key, &c.Version,
		&c.Why, &c.Reason, &c.Login, &created, &c.Decider, &decided, &c.Correction)
	c.CreatedAt = time.UnixMilli(created).UTC()
	if decided != 0 {
		c.DecidedAt = time.UnixMilli(decided).UTC()
	}
	return &c, err
}

func some(ctx context.Context, q sqldb.Reader, where string, args ...any) ([]*Challenge, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+columns+` FROM challenges WHERE `+where, args...)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (*Challenge, error) { return scan(r) })
	if err != nil {
		return nil, fmt.Errorf("read challenges: %w", err)
	}
	return all, nil
}

func one(ctx context.Context, q sqldb.Reader, where string, args ...any) (*Challenge, error) {
	all, err := some(ctx, q, where, args...)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all[0], nil
}

// List returns the challenges of a campaign that the actor may see, the newest first.
func (s *Service) List(ctx context.Context, who operator.Actor, campaignID string, offset, limit int64) ([]*Challenge, error) {
	if err := s.office(who, campaignID); err != nil {
		return nil, err
	}
	return some(ctx, s.DB, `campaign = $1 ORDER BY created DESC, id DESC LIMIT $2 OFFSET $3`, campaignID, limit, offset)
}

// Find returns a challenge that the actor may see.
func (s *Service) Find(ctx context.Context, who operator.Actor, campaignID, id string) (*Challenge, error) {
	if err := s.office(who, campaignID); err != nil {
		return nil, err
	}
	return one(ctx, s.DB, `id = $1 AND campaign = $2`, id, campaignID)
}

// Draft is a question that is to be taken up.
type Draft struct {
	Campaign, Question string
	// Fingerprint chooses among versions of the question; "" is that which is drawn now.
	Fingerprint string
	Why         string
}

// Take takes up a question. Nothing happens to it yet.
func (s *Service) Take(ctx context.Context, who operator.Actor, d Draft) (*Challenge, error) {
	if err := s.may(who, d.Campaign); err != nil {
		return nil, err
	}
	why, err := campaign.Prose("why", d.Why, 1, longestReason)
	if err != nil {
		return nil, err
	}
	bank, q, err := s.find(ctx, d.Campaign, d.Question, d.Fingerprint)
	if err != nil {
		return nil, err
	}
	c := &Challenge{
		ID: strings.ToLower(rand.Text()[:10]), Campaign: d.Campaign, Question: q.ID, Fingerprint: q.Fingerprint(), Bank: bank,
		State: Open, Why: why, Login: who.Login, CreatedAt: s.now(),
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := s.alone(ctx, tx, c); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO challenges (id, campaign, question, fingerprint, bank, state, why, login, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			c.ID, c.Campaign, c.Question, c.Fingerprint, c.Bank, string(c.State), c.Why, c.Login, c.CreatedAt.UnixMilli())
		if err != nil {
			return err
		}
		return s.remember(ctx, tx, who, c, c.Why, map[string]any{"do": "take"})
	})
	if err != nil {
		return nil, fmt.Errorf("take up question %s of %s: %w", c.Question, c.Campaign, err)
	}
	return c, nil
}

func (s *Service) now() time.Time { return s.Now().Truncate(time.Millisecond).UTC() }

// may refuses whoever may not correct the whole campaign.
func (s *Service) may(who operator.Actor, campaignID string) error {
	c, err := s.campaign(campaignID)
	if err != nil {
		return err
	}
	if !who.Within(operator.CorrectResults, c, "") {
		return ErrNotFound
	}
	return nil
}

// alone refuses a question that was taken up and is not done with: neither dismissed nor,
// where attempts were marked again, undone.
func (s *Service) alone(ctx context.Context, tx *sql.Tx, c *Challenge) error {
	others, err := some(ctx, tx, `campaign = $1 AND question = $2 AND id <> $3 AND state <> 'dismissed'`, c.Campaign, c.Question, c.ID)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Fingerprint != c.Fingerprint {
			continue // with another key it is another question
		}
		if o.Correction == "" {
			return ErrExists
		}
		b, err := s.Corrections.Batch(ctx, o.Correction)
		if err != nil {
			return err
		}
		if b.State != correction.Undone {
			return ErrExists
		}
	}
	return nil
}

func (s *Service) remember(ctx context.Context, tx *sql.Tx, who operator.Actor, c *Challenge, reason string, more map[string]any) error {
	r := who.Record(s.Now(), operator.CorrectResults, c.Campaign, "challenge:"+c.ID)
	r.Reason = reason
	var err error
	if r.After, err = after(c, more); err != nil {
		return fmt.Errorf("encode the audit of challenge %s: %w", c.ID, err)
	}
	return audit.AppendTx(ctx, tx, r)
}

// Judgement is what an office decides of a question.
type Judgement struct {
	Decision Decision
	// Key is what is right by now; only where the question is corrected.
	Key quiz.Choice
	// Rule is "" where the attempts so far are left as they are.
	Rule quiz.Rule
	// Reason is told to the participants.
	Reason string
}

// check refuses a judgement that makes no sense for the question.
func (j *Judgement) check(c *Challenge, q *quiz.Question) (err error) {
	if j.Reason, err = campaign.Prose("reason", j.Reason, 1, longestReason); err != nil {
		return err
	}
	switch {
	case !j.Decision.Known():
		return fault.InvalidField("decision", "应为 withdraw 或 correct")
	case j.Decision == Withdraw && j.Key != 0:
		return fault.InvalidField("key", "撤下题目时不填答案")
	case j.Decision == Withdraw && j.Rule == quiz.AcceptBoth:
		return fault.InvalidField("rule", "两种答案都算对时，请选择更正并填写新答案")
	case j.Decision == Correct && (j.Key == 0 || j.Key == q.Key):
		return fault.InvalidField("key", "请填写与原答案不同的新答案")
	case j.Rule != "" && !j.Rule.Known():
		return fault.InvalidField("rule", "应为 give_all、accept_both 或 drop，留空则不重新评分")
	}
	r := quiz.Ruling{Challenge: c.ID, Question: q.ID, Rule: j.Rule, Key: j.Key}
	if r.Rule == "" {
		r.Rule = quiz.GiveAll // only the key is looked at
	}
	if err := r.Check(q); err != nil {
		return fault.InvalidField("key", "与题型或选项不符").Because(err)
	}
	return nil
}

// Decide takes the question out of drawing at once, writes a new key into the bank of its
// office, and begins the list of the attempts that are to be marked again.
func (s *Service) Decide(ctx context.Context, who operator.Actor, c *Challenge, j Judgement) (*Challenge, error) {
	if err := s.may(who, c.Campaign); err != nil {
		return nil, err
	}
	q, err := s.Question(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := j.check(c, q); err != nil {
		return nil, err
	}
	if err := s.supplied(ctx, c); err != nil {
		return nil, err
	}
	ref, err := s.Catalog.BankRef(ctx, c.Campaign)
	if err != nil {
		return nil, err
	}
	next := *c
	next.State, next.Decision, next.Key, next.Rule, next.Reason = Decided, j.Decision, j.Key, j.Rule, j.Reason
	next.Decider, next.DecidedAt = who.Login, s.now()
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error { return s.decide(ctx, tx, who, &next, ref, q) })
	if err != nil {
		return nil, fmt.Errorf("decide on question %s of %s: %w", c.Question, c.Campaign, err)
	}
	return one(ctx, s.DB, `id = $1`, c.ID)
}

func (s *Service) decide(ctx context.Context, tx *sql.Tx, who operator.Actor, c *Challenge, ref string, q *quiz.Question) error {
	w := catalog.Withdrawal{Campaign: c.Campaign, Fingerprint: c.Fingerprint, Question: c.Question, Challenge: c.ID, At: c.DecidedAt}
	if err := s.Catalog.Withdraw(ctx, tx, w); err != nil {
		return err
	}
	if c.Decision == Correct && ref != "" {
		fixed := *q
		fixed.Key = c.Key
		var err error
		if c.Version, err = s.Shelf.Rekey(ctx, tx, who, ref, fixed, c.Reason); err != nil {
			return err
		}
	}
	if c.Rule != "" {
		b, err := s.Corrections.BeginRemark(ctx, tx, who, c.Campaign, c.ID, c.Reason)
		if err != nil {
			return err
		}
		c.Correction = b.ID
	}
	res, err := tx.ExecContext(ctx, `UPDATE challenges SET state = $1, decision = $2, rule = $3, answer = $4, version = $5, reason = $6,
		decider = $7, decided = $8, correction = $9 WHERE id = $10 AND state = 'open'`,
		string(c.State), string(c.Decision), string(c.Rule), int64(c.Key), c.Version, c.Reason, c.Decider, c.DecidedAt.UnixMilli(), c.Correction, c.ID)
	if err := changedOne(res, err); err != nil {
		return err
	}
	return s.remember(ctx, tx, who, c, c.Reason, map[string]any{
		"do": "decide", "decision": c.Decision, "rule": c.Rule, "correction": c.Correction, "version": c.Version,
	})
}

// changedOne is ErrState where a row is not in the state that an update wants.
func changedOne(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrState
	}
	return err
}

// supplied refuses to take a question away without which somebody finds no whole paper.
func (s *Service) supplied(ctx context.Context, c *Challenge) error {
	d, ok := s.Definition(c.Campaign)
	if !ok {
		return ErrNotFound
	}
	out, err := s.Catalog.Withdrawn(ctx, c.Campaign)
	if err != nil {
		return err
	}
	marks := map[string]bool{c.Fingerprint: true}
	for mark := range out {
		marks[mark] = true
	}
	return catalog.Supply(d, marks, s.Now())
}

// Dismiss ends a challenge: the question stands.
func (s *Service) Dismiss(ctx context.Context, who operator.Actor, c *Challenge, why string) (*Challenge, error) {
	why, err := campaign.Prose("reason", why, 1, longestReason)
	if err == nil {
		err = s.may(who, c.Campaign)
	}
	if err != nil {
		return nil, err
	}
	next := *c
	next.State = Dismissed
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE challenges SET state = 'dismissed', reason = $1, decider = $2, decided = $3
			WHERE id = $4 AND state = 'open'`, why, who.Login, s.now().UnixMilli(), c.ID)
		if err := changedOne(res, err); err != nil {
			return err
		}
		return s.remember(ctx, tx, who, &next, why, map[string]any{"do": "dismiss"})
	})
	if err != nil {
		return nil, fmt.Errorf("dismiss challenge %s: %w", c.ID, err)
	}
	return one(ctx, s.DB, `id = $1`, c.ID)
}

// Batch returns the list of a challenge, nil where there is none.
func (s *Service) Batch(ctx context.Context, c *Challenge) (*correction.Batch, error) {
	if c.Correction == "" {
		return nil, nil //nolint:nilnil // A challenge may leave everything as it is.
	}
	return s.Corrections.Batch(ctx, c.Correction)
}

// Preview makes the list anew: more papers may have been handed in since. A list that was
// begun to be worked on stays.
func (s *Service) Preview(ctx context.Context, who operator.Actor, c *Challenge) (*Challenge, error) {
	b, err := s.mine(ctx, who, c)
	if err != nil {
		return nil, err
	}
	switch b.State {
	case correction.Ready, correction.Failed, correction.Collecting:
		if err := s.Corrections.Cancel(ctx, who, b); err != nil {
			return nil, err
		}
	case correction.Discarded:
	case correction.Stopped:
		if b.Counts[correction.Out] > 0 { // it was begun: go on, or undo
			return nil, ErrState
		}
	default:
		return nil, ErrState
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		next, err := s.Corrections.BeginRemark(ctx, tx, who, c.Campaign, c.ID, c.Reason)
		if err != nil {
			return err
		}
		if err := s.Catalog.Overrule(ctx, tx, c.Campaign, c.ID); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE challenges SET correction = $1 WHERE id = $2 AND correction = $3`, next.ID, c.ID, b.ID)
		return changedOne(res, err)
	})
	if err != nil {
		return nil, fmt.Errorf("make the list of challenge %s anew: %w", c.ID, err)
	}
	return one(ctx, s.DB, `id = $1`, c.ID)
}

// mine returns the list of a challenge for somebody who may work on it.
func (s *Service) mine(ctx context.Context, who operator.Actor, c *Challenge) (*correction.Batch, error) {
	if err := s.may(who, c.Campaign); err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, c)
	if err == nil && b == nil {
		err = ErrState
	}
	return b, err
}

// AskRun asks a second person to let the attempts be marked again, and returns the id of
// the approval.
func (s *Service) AskRun(ctx context.Context, who operator.Actor, c *Challenge) (string, error) {
	b, err := s.mine(ctx, who, c)
	if err != nil {
		return "", err
	}
	if e := b.Summary.Effect; e != nil && e.Open > 0 {
		return "", correction.ErrPapersOpen
	}
	return s.Corrections.AskRun(ctx, who, b)
}

// AskUndo asks a second person to give every attempt its marks back.
func (s *Service) AskUndo(ctx context.Context, who operator.Actor, c *Challenge, why string) (string, error) {
	b, err := s.mine(ctx, who, c)
	if err != nil {
		return "", err
	}
	return s.Corrections.AskUndo(ctx, who, b, why)
}

// GoOn goes on with the marking, or its undo, after a stop.
func (s *Service) GoOn(ctx context.Context, who operator.Actor, c *Challenge) error {
	b, err := s.mine(ctx, who, c)
	if err != nil {
		return err
	}
	return s.Corrections.GoOn(ctx, who, b)
}

// Cancel stops the marking, or its undo, where it is; what was done stays done.
func (s *Service) Cancel(ctx context.Context, who operator.Actor, c *Challenge) error {
	b, err := s.mine(ctx, who, c)
	if err != nil {
		return err
	}
	return s.Corrections.Cancel(ctx, who, b)
}

// Readmit lets the question be drawn again as it was, once nothing is marked by the
// decision any more.
func (s *Service) Readmit(ctx context.Context, who operator.Actor, c *Challenge, why string) (*Challenge, error) {
	why, err := campaign.Prose("reason", why, 1, longestReason)
	if err == nil {
		err = s.may(who, c.Campaign)
	}
	if err != nil {
		return nil, err
	}
	b, err := s.Batch(ctx, c)
	if err != nil {
		return nil, err
	}
	idle := b == nil || b.State == correction.Undone || b.State == correction.Discarded || b.State == correction.Failed
	if c.State != Decided || !idle {
		return nil, ErrState
	}
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		was, err := s.Catalog.Readmit(ctx, tx, catalog.Withdrawal{
			Campaign: c.Campaign, Fingerprint: c.Fingerprint, Question: c.Question, Challenge: c.ID,
		})
		if err == nil && !was {
			err = ErrState
		}
		if err != nil {
			return err
		}
		next := *c
		next.State = Dismissed
		res, err := tx.ExecContext(ctx, `UPDATE challenges SET state = 'dismissed' WHERE id = $1 AND state = 'decided'`, c.ID)
		return errors.Join(changedOne(res, err), s.remember(ctx, tx, who, &next, why, map[string]any{"do": "readmit"}))
	})
	if err != nil {
		return nil, fmt.Errorf("readmit question %s: %w", c.Question, err)
	}
	return one(ctx, s.DB, `id = $1`, c.ID)
}
