package banks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

func field(name, reason string) fault.Field { return fault.Field{Name: name, Reason: reason} }

// Add writes a new question by hand. Without an id it gets one. A draft may lack what
// the form asks for; what makes no sense is refused.
func (s *Service) Add(ctx context.Context, by operator.Actor, bank string, q quiz.Question, reason string) (v bankbook.Version, err error) {
	defer mend(&err)
	if q.ID != "" && !questionForm.MatchString(q.ID) {
		return v, fault.InvalidField("id", "由字母、数字、点、下划线和连字符组成，至多 64 位")
	}
	if err := s.sensible(ctx, q); err != nil {
		return v, err
	}
	err = s.change(ctx, by, operator.EditBanks, bank, func(tx *sql.Tx, b Bank) error {
		ids, err := s.numbers(ctx, tx, b.ID)
		if err != nil {
			return err
		}
		if q.ID != "" && ids.taken[q.ID] {
			return ErrTaken.WithFields(field("id", q.ID))
		}
		q.ID = ids.pick(q.ID)
		if v, err = bankbook.New(q, 1, person(by), s.now(), ""); err != nil {
			return err
		}
		if err := errors.Join(store(ctx, tx, b.ID, v), ids.keep(ctx, tx, b.ID)); err != nil {
			return err
		}
		return s.remember(ctx, tx, by, b, deed{actEdit, reason, map[string]any{"question": q.ID, "version": v.Number, "digest": v.Digest}})
	})
	if err != nil {
		return v, fmt.Errorf("add a question to bank %s: %w", bank, err)
	}
	return v, nil
}

// sensible refuses what makes no sense, and pictures that nobody would see.
func (s *Service) sensible(ctx context.Context, q quiz.Question) error {
	faults := bankbook.Faults(q)
	gone, err := missing(ctx, s.DB, q)
	if err != nil {
		return err
	}
	if faults = append(faults, gone...); len(faults) > 0 {
		return fault.ErrInvalid.WithFields(faults...)
	}
	return nil
}

// Edit makes the next version of a question. from is the version that the editor has
// seen: where there is a newer one, nothing is changed. The same content again makes
// no version. What was signed stays in force until the new version is signed.
func (s *Service) Edit(ctx context.Context, by operator.Actor, bank string, q quiz.Question, from int64, reason string) (v bankbook.Version, err error) {
	defer mend(&err)
	if err := s.sensible(ctx, q); err != nil {
		return v, err
	}
	err = s.change(ctx, by, operator.EditBanks, bank, func(tx *sql.Tx, b Bank) error {
		h, err := history(ctx, tx, b.ID, q.ID)
		if err != nil {
			return err
		}
		was := h.Latest()
		if v, err = bankbook.New(q, was.Number+1, person(by), s.now(), ""); err != nil {
			return err
		}
		if v.Digest == was.Digest && was.State != bankbook.Withdrawn {
			v = was
			return nil
		}
		if was.Number != from {
			return bankbook.ErrVersion.WithFields(field(q.ID, fmt.Sprintf("现为第 %d 版", was.Number)))
		}
		if err := store(ctx, tx, b.ID, v); err != nil {
			return err
		}
		var fields []string
		for _, c := range bankbook.Difference(was.Question, q) {
			fields = append(fields, c.Field)
		}
		return s.remember(ctx, tx, by, b, deed{
			actEdit, reason,
			map[string]any{"question": q.ID, "version": v.Number, "digest": v.Digest, "fields": fields},
		})
	})
	if err != nil {
		return v, fmt.Errorf("edit question %s of bank %s: %w", q.ID, bank, err)
	}
	return v, nil
}

// numbering gives ids to questions that bring none.
type numbering struct {
	taken map[string]bool
	next  int64
	moved bool
}

// numbers reads which ids of a bank are taken.
func (*Service) numbers(ctx context.Context, q sqldb.Reader, bank string) (*numbering, error) {
	n := &numbering{taken: map[string]bool{}}
	if err := q.QueryRowContext(ctx, `SELECT next FROM question_banks WHERE id = $1`, bank).Scan(&n.next); err != nil {
		return nil, fmt.Errorf("number questions of bank %s: %w", bank, err)
	}
	rows, err := q.QueryContext(ctx, `SELECT id FROM questions WHERE bank = $1`, bank)
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		n.taken[id] = true
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("number questions of bank %s: %w", bank, err)
	}
	return n, nil
}

// pick returns the id that was wished for where it is free, else a new one.
func (n *numbering) pick(wish string) string {
	for wish == "" || n.taken[wish] {
		wish = fmt.Sprintf("q%05d", n.next)
		n.next++
		n.moved = true
	}
	n.taken[wish] = true
	return wish
}

func (n *numbering) keep(ctx context.Context, tx *sql.Tx, bank string) error {
	if !n.moved {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE question_banks SET next = $1 WHERE id = $2`, n.next, bank)
	return err
}
