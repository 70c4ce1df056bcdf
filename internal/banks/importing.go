package banks

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// Import is a file that is to be taken into a bank.
type Import struct {
	File bankfile.File
	// Answers is a second file with the keys, nil for none.
	Answers *bankfile.File
	// Defaults are said of every question that does not say it itself.
	Defaults bankbook.Defaults
	// DryRun tells what would be done and does nothing.
	DryRun bool
	Reason string

	// told hears how many of how many questions are written; nil is nobody. kept runs in
	// the transaction of the questions, last.
	told func(done, total int)
	kept func(ctx context.Context, tx *sql.Tx, out *Imported) error
}

// Imported is what became of a file.
type Imported struct {
	bankfile.Report

	// IDs are those of the imported questions, in their order. A dry run has none.
	IDs []string
	// Amended are the ids of the questions of which the imported ones are the next
	// version, in their order; "" for a new question.
	Amended []string
}

// Revised is how many of the imported questions are next versions of some that were there.
func (i *Imported) Revised() (n int) {
	for _, id := range i.Amended {
		if id != "" {
			n++
		}
	}
	return n
}

// Import takes the questions of a file into a bank as drafts. What is there already
// with the same key is skipped, so that the same file twice changes nothing; where the
// file says something else of it, such as an explanation, that is its next version.
// With another key it is refused and both are named.
func (s *Service) Import(ctx context.Context, by operator.Actor, bank string, i Import) (out Imported, err error) {
	defer mend(&err)
	if err := checkDefaults(i.Defaults); err != nil {
		return out, err
	}
	if i.DryRun {
		there, _, err := s.there(ctx, by, bank)
		if err == nil {
			out, _, err = compare(ctx, s.DB, there, i)
		}
		return out, err
	}
	for range importTries {
		if out, err = s.importBeside(ctx, by, bank, i); !errors.Is(err, errMoved) {
			break
		}
	}
	if errors.Is(err, errMoved) {
		out, err = s.importHolding(ctx, by, bank, i)
	}
	if err != nil {
		return Imported{}, fmt.Errorf("import into bank %s: %w", bank, err)
	}
	return out, nil
}

// importTries is how often a file is compared without holding the bank, where others
// change it meanwhile.
const importTries = 3

var errMoved = errors.New("the bank was changed while the file was read")

// importBeside compares the file before it holds the bank, so that nobody waits for the
// reading of a large file, and stores nothing where the bank has changed since.
func (s *Service) importBeside(ctx context.Context, by operator.Actor, bank string, i Import) (Imported, error) {
	there, seen, err := s.there(ctx, by, bank)
	if err != nil {
		return Imported{}, err
	}
	out, fresh, err := compare(ctx, s.DB, there, i)
	if err != nil {
		return out, err
	}
	err = s.change(ctx, by, operator.EditBanks, bank, func(tx *sql.Tx, b Bank) error {
		if now, err := changes(ctx, tx, b.ID); err != nil || now != seen+1 { // with this one
			return cmp.Or(err, errMoved)
		}
		return s.importInto(ctx, tx, b, i, taking{by, fresh, i.told}, &out)
	})
	return out, err
}

// importHolding compares the file while nobody else can change the bank: it comes to an
// end however much is done there.
func (s *Service) importHolding(ctx context.Context, by operator.Actor, bank string, i Import) (out Imported, err error) {
	err = s.change(ctx, by, operator.EditBanks, bank, func(tx *sql.Tx, b Bank) error {
		there, err := histories(ctx, tx, `v.bank = $1`, b.ID)
		if err != nil {
			return err
		}
		var fresh []bankbook.Version
		if out, fresh, err = compare(ctx, tx, there, i); err != nil {
			return err
		}
		return s.importInto(ctx, tx, b, i, taking{by, fresh, i.told}, &out)
	})
	return out, err
}

// importInto stores what a comparison found, with what the audit log says of it.
func (s *Service) importInto(ctx context.Context, tx *sql.Tx, b Bank, i Import, t taking, out *Imported) error {
	if err := s.take(ctx, tx, b, t, out); err != nil {
		return err
	}
	err := s.remember(ctx, tx, t.by, b, deed{actImport, i.Reason, map[string]any{
		"file": filepath.Base(i.File.Name), "format": out.Format, "found": out.Found(),
		"imported": len(out.Report.Imported), "revised": out.Revised(), "refused": len(out.Refused), "skipped": len(out.Skipped),
	}})
	if err != nil || i.kept == nil {
		return err
	}
	return i.kept(ctx, tx, out)
}

// there reads what a bank holds, and how often it has changed.
func (s *Service) there(ctx context.Context, by operator.Actor, bank string) (there []bankbook.History, seen int64, err error) {
	err = s.DB.Snapshot(ctx, func(tx *sql.Tx) error {
		b, err := s.bank(ctx, tx, by, operator.EditBanks, bank)
		if err != nil {
			return err
		}
		if seen, err = changes(ctx, tx, b.ID); err != nil {
			return err
		}
		there, err = histories(ctx, tx, `v.bank = $1`, b.ID)
		return err
	})
	return there, seen, err
}

// compare reads the file against what a bank holds.
func compare(ctx context.Context, q sqldb.Reader, there []bankbook.History, i Import) (Imported, []bankbook.Version, error) {
	out, fresh, err := read(ctx, there, i)
	if err == nil {
		fresh, err = shown(ctx, q, &out, fresh)
	}
	return out, fresh, err
}

// changes counts the changes of a bank.
func changes(ctx context.Context, q sqldb.Reader, bank string) (n int64, err error) {
	if err = q.QueryRowContext(ctx, `SELECT change FROM question_banks WHERE id = $1`, bank).Scan(&n); err != nil {
		err = fmt.Errorf("look whether bank %s changed: %w", bank, err)
	}
	return n, err
}

func checkDefaults(d bankbook.Defaults) error {
	if d.Difficulty < 0 || d.Difficulty > 3 {
		return fault.InvalidField("defaults.difficulty", "难度为 1 易、2 中、3 难")
	}
	return nil
}

// read compares the file with what the bank holds. The versions are those of the
// imported questions, without authors.
func read(ctx context.Context, there []bankbook.History, i Import) (Imported, []bankbook.Version, error) {
	o := bankfile.Options{Answers: i.Answers, Amends: func(at int, q *bankfile.Question) bool {
		return bankbook.Amends(there[at], *q, i.Defaults)
	}}
	for _, h := range there {
		o.Existing = append(o.Existing, bankfile.FromBank(h.Latest().Question))
	}
	r, err := bankfile.Read(ctx, i.File, o)
	if f, ok := errors.AsType[*bankfile.FileError](err); ok {
		return Imported{}, nil, ErrFile.Because(err).WithFields(field(f.Code, f.Reason))
	}
	if err != nil {
		return Imported{}, nil, err
	}
	out := Imported{Report: r}
	out.Report.Imported = nil
	var fresh []bankbook.Version
	for _, found := range r.Imported {
		v := versionOf(there, found, i.Defaults)
		if faults := bankbook.Faults(v.Question); len(faults) > 0 {
			out.Refused = append(out.Refused, refusal(found, faults[0]))
			continue
		}
		out.Report.Imported = append(out.Report.Imported, found)
		fresh = append(fresh, v)
	}
	return out, fresh, nil
}

// versionOf is what a question of a file becomes: the first version of a new question,
// which gets its id where it is stored, or the next one of a question that is there.
func versionOf(there []bankbook.History, found bankfile.Question, d bankbook.Defaults) bankbook.Version {
	if found.Amends == 0 {
		return bankbook.Version{Number: 1, Question: bankbook.Imported(found, "", d)}
	}
	h := there[found.Amends-1]
	return bankbook.Version{Number: h.Latest().Number + 1, Question: bankbook.Amended(h, found, d)}
}

// shown refuses questions with pictures that were not taken in: nobody would see them.
func shown(ctx context.Context, q sqldb.Reader, out *Imported, fresh []bankbook.Version) ([]bankbook.Version, error) {
	var found []bankfile.Question
	var kept []bankbook.Version
	for n := range fresh {
		faults, err := missing(ctx, q, fresh[n].Question)
		if err != nil {
			return nil, err
		}
		if len(faults) > 0 {
			out.Refused = append(out.Refused, refusal(out.Report.Imported[n], faults[0]))
			continue
		}
		found, kept = append(found, out.Report.Imported[n]), append(kept, fresh[n])
	}
	out.Report.Imported, out.Amended = found, nil
	for n := range kept {
		out.Amended = append(out.Amended, kept[n].Question.ID)
	}
	return kept, nil
}

// missing are the pictures of a question that this deployment should have and has not.
func missing(ctx context.Context, q sqldb.Reader, question quiz.Question) ([]fault.Field, error) {
	urls := make([]string, len(question.Media))
	for i, m := range question.Media {
		urls[i] = m.URL
	}
	gone, err := pictures.Missing(ctx, q, urls)
	if err != nil {
		return nil, err
	}
	var out []fault.Field
	for i, url := range urls {
		if gone[url] {
			out = append(out, field(fmt.Sprintf("media.%d", i), "没有图片 "+url+"，请先上传"))
		}
	}
	return out, nil
}

// refusal is why a question that could be read does not fit into a bank.
func refusal(q bankfile.Question, f fault.Field) bankfile.Refusal {
	return bankfile.Refusal{
		File: q.File, Line: q.Line, LineTo: max(q.Line, q.LineTo), Sheet: q.Sheet, Title: q.Title(), Type: string(q.Kind),
		Code: "field_invalid", Reason: f.Name + "：" + f.Reason,
	}
}

// ownID is an id that a file may give: a bare number says only where it stood.
var ownID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]{0,63}$`)

// taking is what is stored of a file, by whom, and who is told meanwhile.
type taking struct {
	by    operator.Actor
	fresh []bankbook.Version
	told  func(done, total int)
}

// wished is the id that a file gives to a question, "" for none.
func wished(number string) string {
	if ownID.MatchString(number) {
		return number
	}
	return ""
}

// take stores the questions as first versions, or as the next ones.
func (s *Service) take(ctx context.Context, tx *sql.Tx, b Bank, t taking, out *Imported) error {
	ids, err := s.numbers(ctx, tx, b.ID)
	if err != nil {
		return err
	}
	for n, v := range t.fresh {
		found := out.Report.Imported[n]
		q := v.Question
		if q.ID == "" {
			q.ID = ids.pick(wished(found.Number))
		}
		v, err := bankbook.New(q, v.Number, person(t.by), s.now(), fmt.Sprintf("%s:%d", filepath.Base(found.File), found.Line))
		if err != nil {
			return err
		}
		if err := store(ctx, tx, b.ID, v); err != nil {
			return err
		}
		out.IDs = append(out.IDs, q.ID)
		if t.told != nil {
			t.told(n+1, len(t.fresh))
		}
	}
	return ids.keep(ctx, tx, b.ID)
}
