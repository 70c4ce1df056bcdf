package banks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"qingyuan/internal/operator"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

// Rekey makes the next version of a question that was contested, with another key, in a
// transaction of the caller's, and sends it to the reviewers where its form is complete:
// who decides on a challenge signs nothing. ref is what the campaign draws from, such as
// "bank:law/3". It returns the number of the version, 0 where the bank has no such
// question or is not one that the actor may read. A key that the newest version has
// already makes none.
func (s *Service) Rekey(ctx context.Context, tx *sql.Tx, by operator.Actor, ref string, q quiz.Question, reason string) (_ int64, err error) {
	defer mend(&err)
	bank, _, ok := strings.Cut(strings.TrimPrefix(ref, Scheme), "/")
	if !ok || !strings.HasPrefix(ref, Scheme) {
		return 0, nil
	}
	if _, err := tx.ExecContext(ctx, `UPDATE question_banks SET change = change + 1 WHERE id = $1`, bank); err != nil {
		return 0, fmt.Errorf("hold bank %s: %w", bank, err)
	}
	b, err := s.bank(ctx, tx, by, operator.ReadBanks, bank)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	h, err := history(ctx, tx, b.ID, q.ID)
	if errors.Is(err, bankbook.ErrQuestion) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	was := h.Latest()
	if was.Question.Same(&q) && was.State != bankbook.Withdrawn {
		return was.Number, nil
	}
	v, err := bankbook.New(q, was.Number+1, person(by), s.now(), "")
	if err != nil {
		return 0, err
	}
	if ready, err := v.Submit(); err == nil {
		v = ready
	}
	if err := store(ctx, tx, b.ID, v); err != nil {
		return 0, err
	}
	return v.Number, s.remember(ctx, tx, by, b, deed{
		actEdit, reason, map[string]any{"question": q.ID, "version": v.Number, "digest": v.Digest, "fields": []string{"key"}},
	})
}
