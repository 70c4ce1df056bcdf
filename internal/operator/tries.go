package operator

import (
	"context"
	"database/sql"
	"net/netip"
	"time"
)

// How often somebody may be wrong. An office shares one address: its bound only
// keeps one address from trying many logins.
const (
	triesPerLogin   = 5
	triesPerNetwork = 50
	triesWindow     = 15 * time.Minute
)

// try counts a try to sign in before the password is looked at, so that many at once
// are no more guesses than one after the other. Logins that nobody has are counted
// alike: being locked tells nothing. It returns ErrLocked with how long to wait.
func (s *Service) try(ctx context.Context, login string, addr netip.Addr) error {
	now := s.o.Now()
	var wait time.Duration
	err := s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := forget(ctx, tx, now); err != nil {
			return err
		}
		var err error
		if wait, err = count(ctx, tx, s.loginKey(login), triesPerLogin, now); err != nil || wait > 0 || !addr.IsValid() {
			return err
		}
		wait, err = count(ctx, tx, s.networkKey(addr), triesPerNetwork, now)
		return err
	})
	if err != nil {
		return err
	}
	if wait > 0 {
		return ErrLocked.WithRetry(wait)
	}
	return nil
}

// count adds a try to one of the two counts, or tells how long it is locked. The last
// try that is granted locks what comes after it; a success takes the lock away.
func count(ctx context.Context, tx *sql.Tx, who string, most int, now time.Time) (time.Duration, error) {
	if _, err := tx.ExecContext(ctx, `INSERT INTO operator_tries (who, since, tries, locked) VALUES ($1, $2, 0, 0)
		ON CONFLICT (who) DO UPDATE SET tries = operator_tries.tries`, who, now.UnixMilli()); err != nil {
		return 0, err // the row is ours until the transaction ends
	}
	var since, locked int64
	var tries int
	if err := tx.QueryRowContext(ctx, `SELECT since, tries, locked FROM operator_tries WHERE who = $1`, who).
		Scan(&since, &tries, &locked); err != nil {
		return 0, err
	}
	if left := at(locked).Sub(now); locked > 0 && left > 0 {
		return left, nil
	}
	if locked > 0 || now.Sub(at(since)) >= triesWindow {
		since, tries, locked = now.UnixMilli(), 0, 0
	}
	if tries++; tries >= most {
		locked = now.Add(triesWindow).UnixMilli()
	}
	_, err := tx.ExecContext(ctx, `UPDATE operator_tries SET since = $1, tries = $2, locked = $3 WHERE who = $4`, since, tries, locked, who)
	return 0, err
}

// forget drops counts that say nothing any more, so that guesses do not fill the
// database.
func forget(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM operator_tries WHERE since < $1 AND locked < $2`,
		now.Add(-triesWindow).UnixMilli(), now.UnixMilli())
	return err
}

// forgive takes back the tries of somebody who was right, and one of their network.
func (s *Service) forgive(ctx context.Context, tx *sql.Tx, login string, addr netip.Addr) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM operator_tries WHERE who = $1`, s.loginKey(login)); err != nil {
		return err
	}
	if !addr.IsValid() {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE operator_tries SET tries = tries - 1, locked = 0 WHERE who = $1 AND tries > 0`, s.networkKey(addr))
	return err
}

// unlock takes the lock of a login away.
func (s *Service) unlock(ctx context.Context, tx *sql.Tx, login string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM operator_tries WHERE who = $1`, s.loginKey(login))
	return err
}

func (s *Service) loginKey(login string) string { return "l" + s.keyed("login", login) }

// networkKey counts an IPv6 address by its network: its owner chooses the rest.
func (s *Service) networkKey(addr netip.Addr) string {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	return "n" + s.keyed("network", addr.String())
}
