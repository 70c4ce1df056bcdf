package operator

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
)

// SignIn is what somebody shows at the door.
type SignIn struct {
	Login, Password string
	// Code is of the second factor, or a recovery code; "" where none is set up.
	Code string
	Addr netip.Addr
}

// Opened is a session that has begun. The token is told here and nowhere else.
type Opened struct {
	Token     string
	ExpiresAt time.Time
	Actor     Actor
	// Account is the operator's own.
	Account Account
}

// onceLife is how long a password that somebody else has made opens the door.
const onceLife = 7 * 24 * time.Hour

// SignIn opens a session. A login that nobody has, a wrong password, a wrong code and
// a disabled account are one answer, and take as long.
func (s *Service) SignIn(ctx context.Context, in SignIn) (_ Opened, err error) {
	defer mend(&err)
	login := fold(in.Login)
	if len(login) > mostText || len(in.Password) > mostPassword || len(in.Code) > mostText {
		return Opened{}, ErrSignInFailed
	}
	if err := s.try(ctx, login, in.Addr); err != nil {
		return Opened{}, err
	}
	r, err := find(ctx, s.o.DB, "login", login)
	if err != nil && !errors.Is(err, ErrUnknown) {
		return Opened{}, fmt.Errorf("sign in: %w", err)
	}
	ok, stale, err := s.hasher.matches(ctx, in.Password, r.password)
	if err != nil {
		return Opened{}, err
	}
	now := s.o.Now()
	if !ok || r.Disabled || r.mustChange && now.Sub(at(r.passwordAt)) > onceLife {
		return Opened{}, s.refuse(ctx, r, in.Addr)
	}
	if r.TwoFactor && in.Code == "" {
		return Opened{}, ErrCodeRequired
	}
	if stale {
		if err := s.stretchAnew(ctx, r, in.Password); err != nil {
			return Opened{}, err
		}
	}
	o, err := s.open(ctx, r, in, now)
	if errors.Is(err, ErrCode) {
		return Opened{}, s.refuse(ctx, r, in.Addr)
	}
	return o, err
}

// refuse writes a failed sign-in down. What was typed is not told: it may have been a
// password in the wrong place.
func (s *Service) refuse(ctx context.Context, r row, addr netip.Addr) error {
	who := Actor{ID: r.ID, Login: r.Login, Addr: addr}
	if who.ID == "" {
		who.ID = "unknown"
	}
	err := s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		return audit.AppendTx(ctx, tx, who.Record(s.o.Now(), "session.refused", "", ""))
	})
	if err != nil {
		return fmt.Errorf("write a refused sign-in down: %w", err)
	}
	return ErrSignInFailed
}

// open takes the code and begins the session, both or neither.
func (s *Service) open(ctx context.Context, r row, in SignIn, now time.Time) (Opened, error) {
	raw, hash := newToken()
	o := Opened{Token: raw, ExpiresAt: now.Add(s.o.Rules.Life), Account: r.Account}
	o.Actor = s.actor(r, newID(now), r.TwoFactor, now)
	o.Actor.Addr = in.Addr
	o.Account.MustChange = o.Actor.MustChange
	err := s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if r.TwoFactor {
			if err := s.takeCode(ctx, tx, r, in.Code, now); err != nil {
				return err
			}
		}
		if err := s.forgive(ctx, tx, r.Login, in.Addr); err != nil {
			return err
		}
		if err := dropOld(ctx, tx, now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO operator_sessions (token, id, operator, begun, seen, addr, two_factor, ended_at)
			VALUES ($1, $2, $3, $4, $4, $5, $6, 0)`, hash[:], o.Actor.Session, r.ID, now.UnixMilli(), addrText(in.Addr), flag(r.TwoFactor)); err != nil {
			return err
		}
		return audit.AppendTx(ctx, tx, o.Actor.Record(now, "session.begin", "", "session:"+o.Actor.Session))
	})
	if err != nil {
		return Opened{}, fmt.Errorf("begin a session: %w", err)
	}
	return o, nil
}

// stretchAnew keeps a password in the way of today.
func (s *Service) stretchAnew(ctx context.Context, r row, password string) error {
	hash, err := s.hasher.make(ctx, password)
	if err != nil {
		return err
	}
	return s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE operators SET password = $1 WHERE id = $2 AND password = $3`, hash, r.ID, r.password)
		return err
	})
}

// sessionsKept is how long sessions that are over are shown.
const sessionsKept = 30 * 24 * time.Hour

func dropOld(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM operator_sessions WHERE seen < $1`, now.Add(-sessionsKept).UnixMilli())
	return err
}

// tokenSize is the randomness of a token, in bytes.
const tokenSize = 32

// newToken makes a token and what is kept of it.
func newToken() (raw string, hash [sha256.Size]byte) {
	b := make([]byte, tokenSize)
	_, _ = rand.Read(b) // it never fails
	raw = base64.RawURLEncoding.EncodeToString(b)
	return raw, sha256.Sum256([]byte(raw))
}

// actor is who a session of an account stands for.
func (s *Service) actor(r row, session string, twoFactor bool, now time.Time) Actor {
	old := s.o.Rules.PasswordAge > 0 && now.Sub(at(r.passwordAt)) > s.o.Rules.PasswordAge
	return Actor{
		ID: r.ID, Login: r.Login, Name: r.Name, Grants: r.Grants, Session: session,
		TwoFactor: twoFactor, MustChange: r.mustChange || old,
	}
}

// Actor returns whom a token belongs to, and ErrSignIn for one that is unknown, ended,
// too old or was idle for too long. Using a session keeps it from being idle.
func (s *Service) Actor(ctx context.Context, token string, addr netip.Addr) (_ Actor, err error) {
	defer mend(&err)
	if len(token) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return Actor{}, ErrSignIn
	}
	hash, now := sha256.Sum256([]byte(token)), s.o.Now()
	a, age, ok := s.seen.find(hash, now)
	if !ok {
		if a, err = s.lookUp(ctx, hash, now); err != nil {
			return Actor{}, err
		}
		s.seen.put(hash, a, now, age)
	}
	a.Addr = addr
	return a, nil
}

// freshen is how often the use of a session is written down.
const freshen = time.Minute

func (s *Service) lookUp(ctx context.Context, hash [sha256.Size]byte, now time.Time) (Actor, error) {
	var id, operatorID string
	var begun, seen, ended int64
	var twoFactor bool
	err := s.o.DB.QueryRowContext(ctx, `SELECT id, operator, begun, seen, two_factor, ended_at FROM operator_sessions WHERE token = $1`, hash[:]).
		Scan(&id, &operatorID, &begun, &seen, &twoFactor, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		return Actor{}, ErrSignIn
	}
	if err != nil {
		return Actor{}, fmt.Errorf("find a session: %w", err)
	}
	if ended > 0 || now.Sub(at(seen)) >= s.o.Rules.Idle || now.Sub(at(begun)) >= s.o.Rules.Life {
		return Actor{}, ErrSignIn
	}
	r, err := find(ctx, s.o.DB, "id", operatorID)
	if err != nil {
		return Actor{}, fmt.Errorf("find whose session it is: %w", err)
	}
	if r.Disabled {
		return Actor{}, ErrSignIn
	}
	if now.Sub(at(seen)) >= freshen {
		if err := s.touch(ctx, id, now); err != nil {
			return Actor{}, err
		}
	}
	return s.actor(r, id, twoFactor, now), nil
}

func (s *Service) touch(ctx context.Context, id string, now time.Time) error {
	return s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE operator_sessions SET seen = $1 WHERE id = $2 AND seen < $1 AND ended_at = 0`, now.UnixMilli(), id)
		return err
	})
}

// SessionInfo is a session as its owner and their administrators see it.
type SessionInfo struct {
	ID, Operator       string
	BegunAt, SeenAt    time.Time
	Addr               string
	TwoFactor, Current bool
}

// Sessions lists the live sessions of an account, the newest first: one's own, or of
// an account that one may manage.
func (s *Service) Sessions(ctx context.Context, by Actor, id string) (_ []SessionInfo, err error) {
	defer mend(&err)
	if _, err := s.visible(ctx, s.o.DB, by, id); err != nil {
		return nil, err
	}
	now := s.o.Now()
	rows, err := s.o.DB.QueryContext(ctx, `SELECT id, operator, begun, seen, addr, two_factor FROM operator_sessions
		WHERE operator = $1 AND ended_at = 0 AND seen > $2 AND begun > $3 ORDER BY begun DESC, id DESC`,
		id, now.Add(-s.o.Rules.Idle).UnixMilli(), now.Add(-s.o.Rules.Life).UnixMilli())
	type line struct {
		SessionInfo

		begun, seen int64
	}
	lines, err := collect(rows, err, func(l *line) []any { return []any{&l.ID, &l.Operator, &l.begun, &l.seen, &l.Addr, &l.TwoFactor} })
	out := make([]SessionInfo, len(lines))
	for i, l := range lines {
		l.BegunAt, l.SeenAt, l.Current = at(l.begun), at(l.seen), l.ID == by.Session
		out[i] = l.SessionInfo
	}
	return out, err
}

// EndSession ends a session: one's own, or of an account that one may manage. One that
// has ended is no error.
func (s *Service) EndSession(ctx context.Context, by Actor, session string) (err error) {
	defer mend(&err)
	now := s.o.Now()
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		var owner string
		err := tx.QueryRowContext(ctx, `SELECT operator FROM operator_sessions WHERE id = $1`, session).Scan(&owner)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.ErrNotFound
		}
		if err != nil {
			return err
		}
		if owner != by.ID {
			if _, err := s.manageable(ctx, tx, by, owner); err != nil {
				return hidden(err)
			}
			if !by.TwoFactor {
				return ErrTwoFactor
			}
		}
		done, err := tx.ExecContext(ctx, `UPDATE operator_sessions SET ended_at = $1 WHERE id = $2 AND ended_at = 0`, now.UnixMilli(), session)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return audit.AppendTx(ctx, tx, by.Record(now, "session.end", "", "session:"+session))
	})
	s.seen.forget()
	return err
}

// hidden does not tell that there is a session of somebody else.
func hidden(err error) error {
	if errors.Is(err, ErrUnknown) {
		return fault.ErrNotFound
	}
	return err
}

// endSessions ends all sessions of an account but one.
func endSessions(ctx context.Context, tx *sql.Tx, id, but string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE operator_sessions SET ended_at = $1 WHERE operator = $2 AND id <> $3 AND ended_at = 0`,
		now.UnixMilli(), id, but)
	return err
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// ByID returns who an operator is now, without a session: what they had approved is
// done with the rights they still have. One whose account is disabled has none.
func (s *Service) ByID(ctx context.Context, id string) (_ Actor, err error) {
	defer mend(&err)
	r, err := find(ctx, s.o.DB, "id", id)
	if err != nil {
		return Actor{}, fmt.Errorf("find operator %s: %w", id, err)
	}
	if r.Disabled {
		return Actor{}, ErrForbidden
	}
	return s.actor(r, "", true, s.o.Now()), nil
}
