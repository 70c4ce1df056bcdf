package challenge

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
)

// Kind is what a participant says is wrong with a question.
type Kind string

// The kinds.
const (
	WrongKey Kind = "wrong_key" // told with the review, or by what the law says
	Outdated Kind = "outdated"
	Unclear  Kind = "unclear"
	Other    Kind = "other"
)

// Known tells whether there is such a kind.
func (k Kind) Known() bool { return k == WrongKey || k == Outdated || k == Unclear || k == Other }

// Report is what a participant says of a question on a paper of theirs.
type Report struct {
	ID, Campaign, Participant string
	// Unit is that of the participant's enrolment when they reported.
	Unit   string
	Number int // of the attempt
	Place  int // on the paper, from 0
	Kind   Kind
	// Text is "" where nothing was written, and once it was erased.
	Text      string
	CreatedAt time.Time
	// Question, Fingerprint and Bank say which question it is, and of which version.
	Question, Fingerprint, Bank string
}

// PerDay is how many questions one participant may report in one campaign and local
// day: a whole paper.
const PerDay = 20

// longestText is how much may be written, in characters.
const longestText = 500

// ErrTooMany is one report more than PerDay.
var ErrTooMany = fault.New(fault.Limited, "challenge.too_many", "每天最多反馈 20 道题目，请明天再来")

// About fills in which question a report is about.
func (r *Report) About(c quiz.Contested) {
	r.Number, r.Place, r.Bank = c.Number, c.Place, c.Bank
	r.Question, r.Fingerprint = c.Question.ID, c.Question.Fingerprint()
}

func (r *Report) check() (err error) {
	if !r.Kind.Known() {
		return fault.InvalidField("kind", "应为 wrong_key、outdated、unclear 或 other")
	}
	r.Text, err = campaign.Prose("text", r.Text, 0, longestText)
	return err
}

// Receive takes a report and returns it as it is kept. The same question of the same
// attempt again gives the first report back, with fresh false. More than PerDay are
// ErrTooMany.
func (s *Service) Receive(ctx context.Context, r Report) (kept *Report, fresh bool, err error) {
	if err := r.check(); err != nil {
		return nil, false, err
	}
	c, err := s.campaign(r.Campaign)
	if err != nil {
		return nil, false, err
	}
	now := s.Now()
	r.ID, r.CreatedAt = ulid.Make().String(), now.Truncate(time.Millisecond).UTC()
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		fresh, err = s.place(ctx, tx, &r, c.Day(now))
		return err
	})
	if errors.Is(err, ErrTooMany) {
		return nil, false, ErrTooMany.WithRetry(c.NextDay(now).Sub(now))
	}
	if err != nil {
		return nil, false, fmt.Errorf("take a report in %s: %w", r.Campaign, err)
	}
	if fresh {
		return &r, true, nil
	}
	all, err := s.reports(ctx, `campaign = $1 AND participant = $2 AND number = $3 AND place = $4`, r.Campaign, r.Participant, r.Number, r.Place)
	if err == nil && len(all) == 0 {
		err = fault.ErrUnavailable.Because(errors.New("the report was erased meanwhile"))
	}
	if err != nil {
		return nil, false, err
	}
	return all[0], false, nil
}

// place writes a report, and tells whether it did: not where there is one already. Two
// at the same moment may be one more than a day takes; no harm is in that.
func (s *Service) place(ctx context.Context, tx *sql.Tx, r *Report, day string) (bool, error) {
	var today, same int
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN day = $3 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN number = $4 AND place = $5 THEN 1 ELSE 0 END), 0)
		FROM question_reports WHERE campaign = $1 AND participant = $2`, r.Campaign, r.Participant, day, r.Number, r.Place).Scan(&today, &same)
	if err != nil || same > 0 {
		return false, err
	}
	if today >= PerDay {
		return false, ErrTooMany
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO question_reports
		(id, campaign, unit, participant, number, question, fingerprint, bank, place, kind, day, text, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		r.ID, r.Campaign, r.Unit, r.Participant, r.Number, r.Question, r.Fingerprint, r.Bank, r.Place, string(r.Kind), day,
		s.Box.Text(r.Text, aad(r.ID)), r.CreatedAt.UnixMilli())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// aad binds what is sealed to its report.
func aad(id string) []byte { return []byte("question report|" + id) }

const reportColumns = `id, campaign, unit, participant, number, question, fingerprint, bank, place, kind, text, created`

// reports returns those that a condition names, in its order.
func (s *Service) reports(ctx context.Context, where string, args ...any) ([]*Report, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT `+reportColumns+` FROM question_reports WHERE `+where, args...)
	all, err := sqldb.Collect(rows, err, s.scanReport)
	if err != nil {
		return nil, fmt.Errorf("read reports of questions: %w", err)
	}
	return all, nil
}

func (s *Service) scanReport(rows *sql.Rows) (*Report, error) {
	var r Report
	var text []byte
	var created int64
	err := rows.Scan(&r.ID, &r.Campaign, &r.Unit, &r.Participant, &r.Number, &r.Question, &r.Fingerprint, &r.Bank, &r.Place, &r.Kind, &text, &created)
	if err != nil {
		return nil, err
	}
	r.CreatedAt = time.UnixMilli(created).UTC()
	if r.Text, err = s.Box.OpenText(text, aad(r.ID)); err != nil {
		return nil, fmt.Errorf("open report %s: %w", r.ID, err)
	}
	return &r, nil
}

// OwnReports returns what a participant has reported in a campaign, the newest first.
func (s *Service) OwnReports(ctx context.Context, campaignID, participant string) ([]*Report, error) {
	return s.reports(ctx, `campaign = $1 AND participant = $2 ORDER BY id DESC`, campaignID, participant)
}

// Gathered is what was reported of one question.
type Gathered struct {
	Question, Fingerprint string
	// Bank is the newest version of which it was reported.
	Bank    string
	Reports int64
	Persons int64
	Kinds   map[Kind]int64
	// Texts is how many wrote something.
	Texts       int64
	First, Last time.Time
	// Challenge is the newest decision on the question, nil where nobody took it up.
	Challenge *Challenge
	// Text is the question as it was reported; nil where the ledger does not hold its
	// version yet.
	Text *quiz.Question
}

// Gathered returns what was reported in a campaign, question by question: the most
// reported first. Whoever sees it may correct the whole campaign.
func (s *Service) Gathered(ctx context.Context, who operator.Actor, campaignID string) ([]Gathered, error) {
	if err := s.office(who, campaignID); err != nil {
		return nil, err
	}
	rows, err := s.DB.QueryContext(ctx, `SELECT fingerprint, MAX(question), MAX(bank), kind, COUNT(*), COUNT(DISTINCT participant),
			SUM(CASE WHEN text IS NULL THEN 0 ELSE 1 END), MIN(created), MAX(created)
		FROM question_reports WHERE campaign = $1 GROUP BY fingerprint, kind ORDER BY fingerprint, kind`, campaignID)
	type line struct {
		Gathered

		kind Kind
	}
	lines, err := sqldb.Collect(rows, err, func(r *sql.Rows) (l line, err error) {
		var first, last int64
		err = r.Scan(&l.Fingerprint, &l.Question, &l.Bank, &l.kind, &l.Reports, &l.Persons, &l.Texts, &first, &last)
		l.First, l.Last = time.UnixMilli(first).UTC(), time.UnixMilli(last).UTC()
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("gather what was reported in %s: %w", campaignID, err)
	}
	var out []Gathered
	for _, l := range lines {
		if n := len(out); n == 0 || out[n-1].Fingerprint != l.Fingerprint {
			l.Kinds = map[Kind]int64{l.kind: l.Reports} //nolint:exhaustive // The others follow.
			out = append(out, l.Gathered)
			continue
		}
		out[len(out)-1].add(&l.Gathered, l.kind)
	}
	if err := s.persons(ctx, campaignID, out); err != nil {
		return nil, err
	}
	return s.described(ctx, campaignID, out)
}

// add joins another kind of report on the same question.
func (g *Gathered) add(o *Gathered, kind Kind) {
	g.Kinds[kind] += o.Reports
	g.Reports += o.Reports
	g.Texts += o.Texts
	if o.First.Before(g.First) {
		g.First = o.First
	}
	if o.Last.After(g.Last) {
		g.Last = o.Last
	}
}

// persons counts who reported each question: one may have reported it as several kinds.
func (s *Service) persons(ctx context.Context, campaignID string, all []Gathered) error {
	rows, err := s.DB.QueryContext(ctx, `SELECT fingerprint, COUNT(DISTINCT participant) FROM question_reports WHERE campaign = $1
		GROUP BY fingerprint`, campaignID)
	counts := map[string]int64{}
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var mark string
		var n int64
		err := r.Scan(&mark, &n)
		counts[mark] = n
		return err
	})
	if err != nil {
		return fmt.Errorf("count who reported in %s: %w", campaignID, err)
	}
	for i := range all {
		all[i].Persons = counts[all[i].Fingerprint]
	}
	return nil
}

// Texts returns at most limit reports of one question that the actor may read, the
// newest first; before is the id that a page ended with.
func (s *Service) Texts(ctx context.Context, who operator.Actor, campaignID, fingerprint, before string, limit int) ([]*Report, error) {
	if err := s.office(who, campaignID); err != nil {
		return nil, err
	}
	if before == "" {
		before = "~" // behind every id
	}
	return s.reports(ctx, `campaign = $1 AND fingerprint = $2 AND id < $3 ORDER BY id DESC LIMIT $4`, campaignID, fingerprint, before, limit)
}

// ErasePersonal takes away what a participant wrote, everywhere. That they reported a
// question stays.
func (s *Service) ErasePersonal(ctx context.Context, participant string) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE question_reports SET text = NULL WHERE participant = $1`, participant)
		return err
	})
	if err != nil {
		return fmt.Errorf("erase what a participant reported: %w", err)
	}
	return nil
}

// resealAtOnce is how many texts are read at a time.
const resealAtOnce = 500

// Reseal seals every text with the current key, and returns how many reports there are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		page, err := s.reports(ctx, `id > $1 ORDER BY id LIMIT $2`, after, resealAtOnce)
		if err != nil {
			return n, err
		}
		for _, r := range page {
			err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `UPDATE question_reports SET text = $1 WHERE id = $2 AND text IS NOT NULL`, s.Box.Text(r.Text, aad(r.ID)), r.ID)
				return err
			})
			if err != nil {
				return n, fmt.Errorf("seal report %s anew: %w", r.ID, err)
			}
			after = r.ID
			n++
		}
		if len(page) < resealAtOnce {
			return n, nil
		}
	}
}

// office refuses whoever may not correct the whole campaign, or approve that: a question is
// one for everybody.
func (s *Service) office(who operator.Actor, campaignID string) error {
	c, err := s.campaign(campaignID)
	if err == nil && !who.Within(operator.CorrectResults, c, "") && !who.Within(operator.ApproveResults, c, "") {
		err = ErrNotFound
	}
	return err
}

// described adds to each question what it says and what was decided on it.
func (s *Service) described(ctx context.Context, campaignID string, all []Gathered) ([]Gathered, error) {
	challenges, err := some(ctx, s.DB, `campaign = $1 ORDER BY created, id`, campaignID)
	if err != nil {
		return nil, err
	}
	newest := map[string]*Challenge{}
	for _, c := range challenges {
		newest[c.Fingerprint] = c
	}
	for i := range all {
		g := &all[i]
		g.Challenge = newest[g.Fingerprint]
		g.Text, err = s.Question(ctx, &Challenge{Campaign: campaignID, Bank: g.Bank, Fingerprint: g.Fingerprint})
		if err != nil && !errors.Is(err, ErrQuestion) {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b Gathered) int {
		return cmp.Or(cmp.Compare(b.Reports, a.Reports), cmp.Compare(a.Question, b.Question))
	})
	return all, nil
}
