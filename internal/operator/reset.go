package operator

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"
)

// Reset says what of an account is made anew.
type Reset struct {
	// Password gives a password that is shown once and has to be changed.
	Password bool
	// TwoFactor takes the second factor away, for whoever has lost the phone.
	TwoFactor bool
	// Chosen is the password instead, as the console may choose it.
	Chosen string
	Reason string
}

// resetLife is how long whoever was let reset an account may take to do it.
const resetLife = 24 * time.Hour

// Reset makes the password or the second factor of an account anew, unlocks it and
// ends its sessions. It returns the password, where one was asked for.
//
// Of an account that decides over results it takes a second person (ErrSecondPerson),
// unless the second factor stays: whoever resets both could sign in as somebody else.
func (s *Service) Reset(ctx context.Context, by Actor, id string, what Reset) (once string, err error) {
	defer mend(&err)
	r, err := s.manageable(ctx, s.o.DB, by, id)
	if err != nil || s.guarded(by, r, what) {
		return "", orSecondPerson(err)
	}
	hash := ""
	if what.Password {
		if once, hash, err = s.first(ctx, r.Login, what.Chosen); err != nil {
			return "", err
		}
	}
	now := s.o.Now()
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		r, err := s.manageable(ctx, tx, by, id)
		if err != nil || s.guarded(by, r, what) {
			return orSecondPerson(err)
		}
		if err := s.reset(ctx, tx, r, hash, what, now); err != nil {
			return err
		}
		return remember(ctx, tx, by, now, noted{"operator.reset", id, r.Home.Campaign, what.Reason, nil, map[string]any{
			"login": r.Login, "password": what.Password, "two_factor": what.TwoFactor,
		}})
	})
	s.seen.forget()
	if err != nil {
		return "", fmt.Errorf("reset account %s: %w", id, err)
	}
	return once, nil
}

func orSecondPerson(err error) error {
	if err != nil {
		return err
	}
	return ErrSecondPerson
}

func (s *Service) reset(ctx context.Context, tx *sql.Tx, r row, hash string, what Reset, now time.Time) error {
	if what.Password {
		if err := setPassword(ctx, tx, r, hash, true, now.UnixMilli()); err != nil {
			return err
		}
	}
	if what.TwoFactor {
		if err := clearSecret(ctx, tx, r.ID); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE operators SET reset_by = '', reset_until = 0 WHERE id = $1`, r.ID); err != nil {
		return err
	}
	if err := s.unlock(ctx, tx, r.Login); err != nil {
		return err
	}
	return endSessions(ctx, tx, r.ID, "", now)
}

// guarded tells whether a second person has to approve a reset first.
func (s *Service) guarded(by Actor, r row, what Reset) bool {
	if by.IsConsole() || !slices.ContainsFunc(r.Grants, func(g Grant) bool { return g.Role.Deciding() }) {
		return false
	}
	if what.Password && !what.TwoFactor && r.TwoFactor {
		return false
	}
	return r.resetBy != by.ID || !s.o.Now().Before(at(r.resetUntil))
}

// MayReset tells whether the actor might reset an account, were it approved.
func (s *Service) MayReset(ctx context.Context, by Actor, id string) (err error) {
	defer mend(&err)
	_, err = s.manageable(ctx, s.o.DB, by, id)
	return err
}

// LetReset lets one operator reset an account within a day: a second person has
// approved it. The password is made when they do, so that it is kept nowhere.
func (s *Service) LetReset(ctx context.Context, by Actor, id string) (err error) {
	defer mend(&err)
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if _, err := s.manageable(ctx, tx, by, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE operators SET reset_by = $1, reset_until = $2 WHERE id = $3`,
			by.ID, s.o.Now().Add(resetLife).UnixMilli(), id)
		return err
	})
	if err != nil {
		return fmt.Errorf("let account %s be reset: %w", id, err)
	}
	return nil
}
