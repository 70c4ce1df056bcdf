package banks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
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
}

// Imported is what became of a file.
type Imported struct {
	bankfile.Report

	// IDs are those of the imported questions, in their order. A dry run has none.
	IDs []string
}

// Import takes the questions of a file into a bank as drafts. What is there already
// with the same key is skipped, so that the same file twice changes nothing; with
// another key it is refused and both are named.
func (s *Service) Import(ctx context.Context, by operator.Actor, bank string, i Import) (out Imported, err error) {
	defer mend(&err)
	if err := checkDefaults(i.Defaults); err != nil {
		return out, err
	}
	if i.DryRun {
		b, err := s.bank(ctx, s.DB, by, operator.EditBanks, bank)
		if err != nil {
			return out, err
		}
		out, _, err = s.read(ctx, s.DB, b, i)
		return out, err
	}
	err = s.change(ctx, by, operator.EditBanks, bank, func(tx *sql.Tx, b Bank) error {
		var fresh []bankbook.Version
		if out, fresh, err = s.read(ctx, tx, b, i); err != nil {
			return err
		}
		if err := s.take(ctx, tx, by, b, fresh, &out); err != nil {
			return err
		}
		return s.remember(ctx, tx, by, b, deed{actImport, i.Reason, map[string]any{
			"file": filepath.Base(i.File.Name), "format": out.Format, "found": out.Found(),
			"imported": len(out.Report.Imported), "refused": len(out.Refused), "skipped": len(out.Skipped),
		}})
	})
	if err != nil {
		return Imported{}, fmt.Errorf("import into bank %s: %w", bank, err)
	}
	return out, nil
}

func checkDefaults(d bankbook.Defaults) error {
	if d.Difficulty < 0 || d.Difficulty > 3 {
		return fault.InvalidField("defaults.difficulty", "难度为 1 易、2 中、3 难")
	}
	return nil
}

// read compares the file with what the bank holds. The versions are those of the
// imported questions, without numbers and authors.
func (s *Service) read(ctx context.Context, q asker, b Bank, i Import) (Imported, []bankbook.Version, error) {
	there, err := histories(ctx, q, `v.bank = $1 AND v.version = (SELECT latest FROM questions x WHERE x.bank = v.bank AND x.id = v.question)`, b.ID)
	if err != nil {
		return Imported{}, nil, err
	}
	o := bankfile.Options{Answers: i.Answers}
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
		question := bankbook.Imported(found, "", i.Defaults)
		if faults := bankbook.Faults(question); len(faults) > 0 {
			out.Refused = append(out.Refused, refusal(found, faults[0]))
			continue
		}
		out.Report.Imported = append(out.Report.Imported, found)
		fresh = append(fresh, bankbook.Version{Question: question})
	}
	return out, fresh, nil
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

// take stores the questions as first versions.
func (s *Service) take(ctx context.Context, tx *sql.Tx, by operator.Actor, b Bank, fresh []bankbook.Version, out *Imported) error {
	ids, err := s.numbers(ctx, tx, b.ID)
	if err != nil {
		return err
	}
	for n, v := range fresh {
		found := out.Report.Imported[n]
		q := v.Question
		wish := found.Number
		if !ownID.MatchString(wish) {
			wish = ""
		}
		q.ID = ids.pick(wish)
		v, err := bankbook.New(q, 1, person(by), s.now(), fmt.Sprintf("%s:%d", filepath.Base(found.File), found.Line))
		if err != nil {
			return err
		}
		if err := store(ctx, tx, b.ID, v); err != nil {
			return err
		}
		out.IDs = append(out.IDs, q.ID)
	}
	return ids.keep(ctx, tx, b.ID)
}
