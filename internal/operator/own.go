package operator

import (
	"context"
	"database/sql"
	"fmt"
)

// What people do with their own account. Each asks for the password again: whoever
// sits down at an open screen shall not keep what they find.

// proved reads one's own account once its password was shown, which counts as a try.
func (s *Service) proved(ctx context.Context, by Actor, password string) (row, error) {
	r, err := find(ctx, s.o.DB, "id", by.ID)
	if err != nil {
		return row{}, err
	}
	if len(password) > mostPassword {
		return row{}, ErrWrongPassword
	}
	if err := s.try(ctx, r.Login, by.Addr); err != nil {
		return row{}, err
	}
	ok, _, err := s.hasher.matches(ctx, password, r.password)
	if err != nil {
		return row{}, err
	}
	if !ok {
		return row{}, ErrWrongPassword
	}
	return r, s.o.DB.WithTx(ctx, func(tx *sql.Tx) error { return s.forgive(ctx, tx, r.Login, by.Addr) })
}

// own runs a change of one's own account, whose row is read anew.
func (s *Service) own(ctx context.Context, by Actor, action string, fn func(tx *sql.Tx, r row) error) error {
	now := s.o.Now()
	err := s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		r, err := find(ctx, tx, "id", by.ID)
		if err != nil {
			return err
		}
		if err := fn(tx, r); err != nil {
			return err
		}
		return remember(ctx, tx, by, now, noted{action: action, id: by.ID, after: map[string]any{"login": r.Login}})
	})
	s.seen.forget()
	if err != nil {
		return fmt.Errorf("%s of %s: %w", action, by.ID, err)
	}
	return nil
}

// Rename changes what one is called.
func (s *Service) Rename(ctx context.Context, by Actor, name string) (_ Account, err error) {
	defer mend(&err)
	if err := checkName(name); err != nil {
		return Account{}, err
	}
	var r row
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if r, err = find(ctx, tx, "id", by.ID); err != nil {
			return err
		}
		before := shown(r)
		r.Name = name
		if _, err := tx.ExecContext(ctx, `UPDATE operators SET name = $1 WHERE id = $2`, name, by.ID); err != nil {
			return err
		}
		return remember(ctx, tx, by, s.o.Now(), noted{"operator.change", r.ID, "", "", before, shown(r)})
	})
	s.seen.forget()
	return r.Account, err
}

// ChangePassword replaces one's password and ends one's other sessions.
func (s *Service) ChangePassword(ctx context.Context, by Actor, old, password string) (err error) {
	defer mend(&err)
	r, err := s.proved(ctx, by, old)
	if err != nil {
		return err
	}
	if err := checkPassword(r.Login, password); err != nil {
		return err
	}
	if err := s.checkHistory(ctx, r, password); err != nil {
		return err
	}
	hash, err := s.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	return s.own(ctx, by, "operator.password", func(tx *sql.Tx, now row) error {
		if now.password != r.password {
			return ErrWrongPassword // somebody was faster
		}
		if err := setPassword(ctx, tx, r, hash, false, s.o.Now().UnixMilli()); err != nil {
			return err
		}
		return endSessions(ctx, tx, by.ID, by.Session, s.o.Now())
	})
}

// EnrolSecret begins to set a second factor up. It counts once a code has confirmed
// it; until then it may be begun anew.
func (s *Service) EnrolSecret(ctx context.Context, by Actor, password string) (_ Secret, err error) {
	defer mend(&err)
	if err := s.secretIs(ctx, by, func(r row) bool { return !r.TwoFactor }); err != nil {
		return Secret{}, err
	}
	r, err := s.proved(ctx, by, password)
	if err != nil {
		return Secret{}, err
	}
	secret, err := newSecret(r.Login)
	if err != nil {
		return Secret{}, err
	}
	sealed := s.o.Box.Seal([]byte(secret.Text), secretPlace(r.ID))
	err = s.own(ctx, by, "operator.totp_begin", func(tx *sql.Tx, r row) error {
		if r.TwoFactor {
			return ErrSecretThere
		}
		_, err := tx.ExecContext(ctx, `UPDATE operators SET secret = $1, code_step = 0 WHERE id = $2`, sealed, r.ID)
		return err
	})
	return secret, err
}

// ConfirmSecret takes the first code of a second factor, gives recovery codes, which
// are shown once, and ends one's other sessions. This session now has both factors.
func (s *Service) ConfirmSecret(ctx context.Context, by Actor, code string) (codes []string, err error) {
	defer mend(&err)
	if err := s.secretIs(ctx, by, func(r row) bool { return !r.TwoFactor && len(r.secret) > 0 }); err != nil {
		return nil, err
	}
	if err := s.try(ctx, by.Login, by.Addr); err != nil {
		return nil, err
	}
	err = s.own(ctx, by, "operator.totp", func(tx *sql.Tx, r row) error {
		if r.TwoFactor || len(r.secret) == 0 {
			return ErrSecretThere
		}
		if err := s.takeCode(ctx, tx, r, code, s.o.Now()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE operators SET secret_at = $1 WHERE id = $2`, s.o.Now().UnixMilli(), r.ID); err != nil {
			return err
		}
		if codes, err = newRecovery(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := s.forgive(ctx, tx, r.Login, by.Addr); err != nil {
			return err
		}
		return s.raise(ctx, tx, by, true)
	})
	return codes, err
}

// secretIs refuses what does not fit how far one's second factor is, before it counts
// as a try.
func (s *Service) secretIs(ctx context.Context, by Actor, fits func(row) bool) error {
	r, err := find(ctx, s.o.DB, "id", by.ID)
	if err != nil {
		return err
	}
	if !fits(r) {
		return ErrSecretThere
	}
	return nil
}

// DropSecret takes one's second factor away, such as before a new phone. The session
// has one factor from now on.
func (s *Service) DropSecret(ctx context.Context, by Actor, password, code string) (err error) {
	defer mend(&err)
	if err := s.secretIs(ctx, by, func(r row) bool { return r.TwoFactor }); err != nil {
		return err
	}
	if _, err := s.proved(ctx, by, password); err != nil {
		return err
	}
	if err := s.try(ctx, by.Login, by.Addr); err != nil {
		return err
	}
	return s.own(ctx, by, "operator.totp_drop", func(tx *sql.Tx, r row) error {
		if err := s.takeCode(ctx, tx, r, code, s.o.Now()); err != nil {
			return err
		}
		if err := clearSecret(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := s.forgive(ctx, tx, r.Login, by.Addr); err != nil {
			return err
		}
		return s.raise(ctx, tx, by, false)
	})
}

// raise says with how many factors this session stands, and ends the others.
func (s *Service) raise(ctx context.Context, tx *sql.Tx, by Actor, twoFactor bool) error {
	if _, err := tx.ExecContext(ctx, `UPDATE operator_sessions SET two_factor = $1 WHERE id = $2`, flag(twoFactor), by.Session); err != nil {
		return err
	}
	return endSessions(ctx, tx, by.ID, by.Session, s.o.Now())
}
