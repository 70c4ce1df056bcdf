package banks

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

// Summary is a bank with its counts.
type Summary struct {
	Bank

	// Questions is how many there are, InForce how many may be drawn, ByState how many
	// newest versions stand where.
	Questions, InForce int
	ByState            map[bankbook.State]int
	// Published is the newest publication, 0 for none.
	Published int64
}

// Banks lists the banks that the actor may read, by id.
func (s *Service) Banks(ctx context.Context, by operator.Actor) (out []Summary, err error) {
	defer mend(&err)
	rows, err := s.DB.QueryContext(ctx, `SELECT `+bankColumns+` FROM question_banks ORDER BY id`)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (Bank, error) { return scanBank(r) })
	if err != nil {
		return nil, fmt.Errorf("list banks: %w", err)
	}
	for _, b := range all {
		if s.covers(by, operator.ReadBanks, b.Office) {
			out = append(out, Summary{Bank: b})
		}
	}
	for i := range out {
		if err := s.count(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Summary returns one bank that the actor may read, with its counts.
func (s *Service) Summary(ctx context.Context, by operator.Actor, id string) (out Summary, err error) {
	defer mend(&err)
	if out.Bank, err = s.bank(ctx, s.DB, by, operator.ReadBanks, id); err != nil {
		return out, err
	}
	return out, s.count(ctx, &out)
}

func (s *Service) count(ctx context.Context, b *Summary) error {
	b.ByState = make(map[bankbook.State]int)
	rows, err := s.DB.QueryContext(ctx, `SELECT v.state, COUNT(*), SUM(CASE WHEN q.in_force > 0 THEN 1 ELSE 0 END)
		FROM questions q JOIN question_versions v ON v.bank = q.bank AND v.question = q.id AND v.version = q.latest
		WHERE q.bank = $1 GROUP BY v.state`, b.ID)
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var state bankbook.State
		var n, inForce int
		err := r.Scan(&state, &n, &inForce)
		b.ByState[state] = n
		b.Questions += n
		b.InForce += inForce
		return err
	})
	if err == nil {
		err = s.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM question_publications WHERE bank = $1`, b.ID).Scan(&b.Published)
	}
	if err != nil {
		return fmt.Errorf("count bank %s: %w", b.ID, err)
	}
	return nil
}

// Filter chooses questions by their newest versions. An empty field chooses all.
type Filter struct {
	State bankbook.State
	Kind  quiz.Kind
	Topic string
	// Text is looked for in id, stem, options and legal basis.
	Text string
	// After is the id that the page before ended with; Limit is how many are wanted.
	After string
	Limit int
}

// Entry is a question in a list.
type Entry struct {
	bankbook.Version

	// InForce is the version that may be drawn, 0 for none.
	InForce int64
}

// maxPage is how long a page may be.
const maxPage = 50

// Questions lists the questions of a bank by id, at their newest versions. next is
// what After has to be for the next page, "" at the end.
func (s *Service) Questions(ctx context.Context, by operator.Actor, bank string, f Filter) (out []Entry, next string, err error) {
	defer mend(&err)
	b, err := s.bank(ctx, s.DB, by, operator.ReadBanks, bank)
	if err != nil {
		return nil, "", err
	}
	if f.Limit < 1 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	where, args := f.conditions(b.ID)
	rows, err := s.DB.QueryContext(ctx, `SELECT `+versionColumns+`, q.in_force FROM questions q
		JOIN question_versions v ON v.bank = q.bank AND v.question = q.id AND v.version = q.latest
		WHERE `+where+fmt.Sprintf(` ORDER BY q.id LIMIT %d`, f.Limit+1), args...)
	out, err = sqldb.Collect(rows, err, func(r *sql.Rows) (e Entry, err error) {
		e.Version, err = scanVersion(r, &e.InForce)
		return e, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list questions of bank %s: %w", bank, err)
	}
	if len(out) > f.Limit {
		out = out[:f.Limit]
		next = out[f.Limit-1].Question.ID
	}
	return out, next, nil
}

func (f Filter) conditions(bank string) (string, []any) {
	where, args := []string{"q.bank = $1"}, []any{bank}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.State != "" {
		add("v.state = $%d", string(f.State))
	}
	if f.Kind != "" {
		add("v.kind = $%d", string(f.Kind))
	}
	if f.Topic != "" {
		add("v.topic = $%d", f.Topic)
	}
	if f.Text != "" {
		pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(f.Text))
		add(`v.words LIKE $%d ESCAPE '\'`, "%"+pattern+"%")
	}
	if f.After != "" {
		add("q.id > $%d", f.After)
	}
	return strings.Join(where, " AND "), args
}

// Question returns every version of a question, oldest first.
func (s *Service) Question(ctx context.Context, by operator.Actor, bank, id string) (_ bankbook.History, err error) {
	defer mend(&err)
	b, err := s.bank(ctx, s.DB, by, operator.ReadBanks, bank)
	if err != nil {
		return nil, err
	}
	return history(ctx, s.DB, b.ID, id)
}

// Expiring lists the questions in force whose last day comes within a month, the
// earliest first. Nothing has to be done for them not to be drawn after it.
func (s *Service) Expiring(ctx context.Context, by operator.Actor, bank string) (_ []bankbook.Version, err error) {
	defer mend(&err)
	b, err := s.bank(ctx, s.DB, by, operator.ReadBanks, bank)
	if err != nil {
		return nil, err
	}
	all, err := histories(ctx, s.DB, `v.bank = $1 AND v.version = (SELECT in_force FROM questions x WHERE x.bank = v.bank AND x.id = v.question) AND v.valid_to <> ''`, b.ID)
	if err != nil {
		return nil, err
	}
	return bankbook.Expiring(all, s.today())
}
