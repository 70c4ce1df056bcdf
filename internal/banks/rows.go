package banks

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"qingyuan/internal/operator"
	"qingyuan/internal/sqldb"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

type scanner interface{ Scan(places ...any) error }

const bankColumns = `id, name, campaign, scope, created_at`

func scanBank(row scanner) (Bank, error) {
	var b Bank
	var created int64
	err := row.Scan(&b.ID, &b.Name, &b.Office.Campaign, &b.Office.Scope, &created)
	b.CreatedAt = time.UnixMilli(created).UTC()
	return b, err
}

// bank reads a bank that the actor may do the action with. Any other is not found,
// unless the actor may read it: then the action is forbidden.
func (s *Service) bank(ctx context.Context, q sqldb.Reader, by operator.Actor, a operator.Action, id string) (Bank, error) {
	b, err := scanBank(q.QueryRowContext(ctx, `SELECT `+bankColumns+` FROM question_banks WHERE id = $1`, id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Bank{}, ErrNotFound
	case err != nil:
		return Bank{}, fmt.Errorf("read bank %s: %w", id, err)
	case s.covers(by, a, b.Office):
		return b, nil
	case s.covers(by, operator.ReadBanks, b.Office):
		return Bank{}, operator.ErrForbidden
	}
	return Bank{}, ErrNotFound
}

// change runs fn on a bank that nobody else changes meanwhile.
func (s *Service) change(ctx context.Context, by operator.Actor, a operator.Action, id string, fn func(tx *sql.Tx, b Bank) error) error {
	return s.changeHeld(ctx, nil, by, a, id, fn)
}

// changeHeld is change behind something else that has to be held first.
func (s *Service) changeHeld(
	ctx context.Context, hold func(context.Context, *sql.Tx) error, by operator.Actor, a operator.Action, id string, fn func(tx *sql.Tx, b Bank) error,
) error {
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if hold != nil {
			if err := hold(ctx, tx); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE question_banks SET change = change + 1 WHERE id = $1`, id); err != nil {
			return fmt.Errorf("hold bank %s: %w", id, err)
		}
		b, err := s.bank(ctx, tx, by, a, id)
		if err != nil {
			return err
		}
		return fn(tx, b)
	})
}

const versionColumns = `v.question, v.version, v.digest, v.body, v.state, v.editor, v.editor_login, v.edited_at, v.origin,
	v.reviewer, v.reviewer_login, v.decided_at, v.reason`

func scanVersion(row scanner, more ...any) (bankbook.Version, error) {
	var v bankbook.Version
	var id, body string
	var edited, decided int64
	err := row.Scan(append([]any{
		&id, &v.Number, &v.Digest, &body, &v.State, &v.Editor.ID, &v.Editor.Login, &edited, &v.Origin,
		&v.Reviewer.ID, &v.Reviewer.Login, &decided, &v.Reason,
	}, more...)...)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal([]byte(body), &v.Question); err != nil {
		return v, fmt.Errorf("read version %d of question %s: %w", v.Number, id, err)
	}
	v.Question.ID = id
	v.EditedAt = time.UnixMilli(edited).UTC()
	if decided > 0 {
		v.DecidedAt = time.UnixMilli(decided).UTC()
	}
	return v, nil
}

// histories reads the versions that a condition chooses, question by question.
func histories(ctx context.Context, q sqldb.Reader, where string, args ...any) ([]bankbook.History, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+versionColumns+` FROM question_versions v WHERE `+where+` ORDER BY v.question, v.version`, args...)
	var out []bankbook.History
	err = sqldb.Each(rows, err, func(r *sql.Rows) error {
		v, err := scanVersion(r)
		if n := len(out); n > 0 && out[n-1].Latest().Question.ID == v.Question.ID {
			out[n-1] = append(out[n-1], v)
		} else {
			out = append(out, bankbook.History{v})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read questions: %w", err)
	}
	return out, nil
}

// history reads one question.
func history(ctx context.Context, q sqldb.Reader, bank, id string) (bankbook.History, error) {
	all, err := histories(ctx, q, `v.bank = $1 AND v.question = $2`, bank, id)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, bankbook.ErrQuestion.WithFields(field(id, "没有这道题"))
	}
	return all[0], nil
}

// store writes a new version, and the question where it is the first.
func store(ctx context.Context, tx *sql.Tx, bank string, v bankbook.Version) error {
	q := v.Question
	id := q.ID
	q.ID = ""
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("store question %s: %w", id, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO questions (bank, id, latest, in_force) VALUES ($1, $2, $3, 0)
		ON CONFLICT (bank, id) DO UPDATE SET latest = excluded.latest`, bank, id, v.Number)
	if err != nil {
		return fmt.Errorf("store question %s: %w", id, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO question_versions (bank, question, version, digest, body, kind, topic, valid_to, words,
		state, editor, editor_login, edited_at, origin, reviewer, reviewer_login, decided_at, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, '', '', 0, '')`,
		bank, id, v.Number, v.Digest, string(body), string(q.Kind), q.Topic, q.ValidTo, searched(id, q),
		string(v.State), v.Editor.ID, v.Editor.Login, v.EditedAt.UnixMilli(), v.Origin)
	if err != nil {
		return fmt.Errorf("store version %d of question %s: %w", v.Number, id, err)
	}
	return nil
}

// searched is the text that a search looks through.
func searched(id string, q quiz.Question) string {
	words := []string{id, q.Stem, q.Basis}
	for _, o := range q.Options {
		words = append(words, o.Text)
	}
	return strings.ToLower(strings.Join(words, "\n"))
}

// settle writes what became of a version, and which one is in force.
func settle(ctx context.Context, tx *sql.Tx, bank string, h bankbook.History, v bankbook.Version) error {
	decided := int64(0)
	if !v.DecidedAt.IsZero() {
		decided = v.DecidedAt.UnixMilli()
	}
	id := v.Question.ID
	_, err := tx.ExecContext(ctx, `UPDATE question_versions SET state = $1, reviewer = $2, reviewer_login = $3, decided_at = $4, reason = $5
		WHERE bank = $6 AND question = $7 AND version = $8`,
		string(v.State), v.Reviewer.ID, v.Reviewer.Login, decided, v.Reason, bank, id, v.Number)
	if err != nil {
		return fmt.Errorf("settle version %d of question %s: %w", v.Number, id, err)
	}
	for i := range h {
		if h[i].Number == v.Number {
			h[i] = v
		}
	}
	inForce := int64(0)
	if f, ok := h.InForce(); ok {
		inForce = f.Number
	}
	if _, err = tx.ExecContext(ctx, `UPDATE questions SET in_force = $1 WHERE bank = $2 AND id = $3`, inForce, bank, id); err != nil {
		return fmt.Errorf("settle question %s: %w", id, err)
	}
	return nil
}
