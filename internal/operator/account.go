package operator

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// Place is a campaign and a part of its tree, "" for all of either.
type Place struct {
	Campaign string `json:"campaign"`
	Scope    string `json:"scope"`
}

// Account is an operator as others see them.
type Account struct {
	// ID is a ULID, Login what they sign in with, in lower case.
	ID, Login string
	// Name is how they are called; it is shown to colleagues only.
	Name string
	// Home says which offices may manage the account.
	Home   Place
	Grants []Grant
	// Disabled accounts do not sign in. Accounts are never removed.
	Disabled bool
	// TwoFactor says that a second factor is set up.
	TwoFactor bool
	// MustChange says that the next sign-in has to choose a new password.
	MustChange            bool
	CreatedAt, PasswordAt time.Time
}

// Newcomer is whom an account is to be made for.
type Newcomer struct {
	Login, Name string
	Home        Place
	// Password is for the first sign-in; "" makes one. Whoever chooses it is the console.
	Password string
	// Reason is why, for the audit log.
	Reason string
	// Also is done together with it, nil for nothing.
	Also Also
}

// Also is done in the transaction that makes an account.
type Also func(ctx context.Context, tx *sql.Tx, id string) error

// mend turns an outage of the database into what may be shown.
func mend(err *error) {
	if *err == nil {
		return
	}
	if _, told := errors.AsType[*fault.Error](*err); !told && sqldb.IsUnavailable(*err) {
		*err = fault.ErrUnavailable.Because(*err)
	}
}

// Create makes an account without any right, and a password that is shown once and
// has to be changed at the first sign-in.
func (s *Service) Create(ctx context.Context, by Actor, n Newcomer) (_ Account, once string, err error) {
	defer mend(&err)
	n.Login = fold(n.Login)
	if err := errors.Join(checkLogin(n.Login), checkName(n.Name)); err != nil {
		return Account{}, "", fault.From(err)
	}
	if !s.covers(by, n.Home) {
		return Account{}, "", ErrBeyond
	}
	once, hash, err := s.first(ctx, n.Login, n.Password)
	if err != nil {
		return Account{}, "", err
	}
	now := s.o.Now()
	r := row{Account: Account{ID: newID(now), Login: n.Login, Name: n.Name, Home: n.Home, Grants: []Grant{}}}
	r.password, r.passwordAt, r.createdAt, r.mustChange = hash, now.UnixMilli(), now.UnixMilli(), true
	r.settle()
	rec := by.Record(now, ManageOperators, n.Home.Campaign, "operator:"+r.ID)
	rec.Action, rec.Reason, rec.After = "operator.create", n.Reason, told(map[string]any{"login": r.Login, "home": r.Home})
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if _, err := find(ctx, tx, "login", n.Login); !errors.Is(err, ErrUnknown) {
			return cmp.Or(err, error(ErrLoginTaken))
		}
		if err := insert(ctx, tx, r); err != nil {
			return err
		}
		if err := audit.AppendTx(ctx, tx, rec); err != nil || n.Also == nil {
			return err
		}
		return n.Also(ctx, tx, r.ID)
	})
	if err != nil {
		return Account{}, "", fmt.Errorf("create an account: %w", err)
	}
	return r.Account, once, nil
}

// first stretches the password of a first sign-in, and makes one where none was chosen.
func (s *Service) first(ctx context.Context, login, chosen string) (password, hash string, err error) {
	if chosen == "" {
		chosen = oncePassword()
	} else if err := checkPassword(login, chosen); err != nil {
		return "", "", err
	}
	hash, err = s.hasher.make(ctx, chosen)
	return chosen, hash, err
}

func insert(ctx context.Context, tx *sql.Tx, r row) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO operators (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, 0, 0, '', 0)`,
		r.ID, r.Login, r.Name, r.Home.Campaign, r.Home.Scope, r.password, r.passwordAt, flag(r.mustChange), r.createdAt, []byte{})
	return err
}

// Accounts lists the accounts that the actor may manage, by login, after the login
// from; at most limit.
func (s *Service) Accounts(ctx context.Context, by Actor, from string, limit int) (_ []Account, err error) {
	defer mend(&err)
	out := []Account{}
	err = s.o.DB.Snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM operators WHERE login > $1 ORDER BY login", from)
		all, err := collect(rows, err, (*row).places)
		if err != nil {
			return err
		}
		for i := range all {
			r := &all[i]
			if len(out) == limit || !s.covers(by, r.Home) {
				continue
			}
			r.settle()
			if r.Grants, err = grantsOf(ctx, tx, r.ID); err != nil {
				return err
			}
			out = append(out, r.Account)
		}
		return nil
	})
	return out, err
}

// In lists the accounts that have a right in a campaign, by login, whoever manages them.
func (s *Service) In(ctx context.Context, campaignID string) (_ []Account, err error) {
	defer mend(&err)
	rows, err := s.o.DB.QueryContext(ctx, "SELECT "+columns+` FROM operators o
		WHERE EXISTS (SELECT 1 FROM operator_grants g WHERE g.operator = o.id AND g.campaign IN ('', $1)) ORDER BY login`, campaignID)
	all, err := collect(rows, err, (*row).places)
	if err != nil {
		return nil, err
	}
	out := make([]Account, len(all))
	for i := range all {
		all[i].settle()
		out[i] = all[i].Account
	}
	return out, nil
}

// Account returns one account that the actor may manage, or that is their own. Any
// other is not found.
func (s *Service) Account(ctx context.Context, by Actor, id string) (_ Account, err error) {
	defer mend(&err)
	r, err := s.visible(ctx, s.o.DB, by, id)
	return r.Account, err
}

// ByLogin finds an account for the console.
func (s *Service) ByLogin(ctx context.Context, login string) (_ Account, err error) {
	defer mend(&err)
	r, err := find(ctx, s.o.DB, "login", fold(login))
	return r.Account, err
}

// visible reads an account that the actor may see.
func (s *Service) visible(ctx context.Context, q sqldb.Reader, by Actor, id string) (row, error) {
	r, err := find(ctx, q, "id", id)
	if err != nil {
		return row{}, err
	}
	if id != by.ID && !s.covers(by, r.Home) {
		return row{}, ErrUnknown
	}
	return r, nil
}

// manageable is visible for who wants to change the account: all its rights must lie
// within those of the actor, and it must not be the actor's own.
func (s *Service) manageable(ctx context.Context, q sqldb.Reader, by Actor, id string) (row, error) {
	r, err := s.visible(ctx, q, by, id)
	if err != nil {
		return row{}, err
	}
	if id == by.ID {
		return row{}, ErrSelf
	}
	for _, g := range r.Grants {
		if !s.covers(by, g.place()) {
			return row{}, ErrBeyond
		}
	}
	return r, nil
}

// Change is what of an account is to be different; nil leaves it.
type Change struct {
	Name     *string
	Disabled *bool
	Reason   string
}

// Change changes an account. Disabling it ends its sessions at once.
func (s *Service) Change(ctx context.Context, by Actor, id string, c Change) (_ Account, err error) {
	defer mend(&err)
	if c.Name != nil {
		if err := checkName(*c.Name); err != nil {
			return Account{}, err
		}
	}
	now := s.o.Now()
	var r row
	err = s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		if r, err = s.manageable(ctx, tx, by, id); err != nil {
			return err
		}
		before := shown(r)
		if err := s.change(ctx, tx, &r, c, now); err != nil {
			return err
		}
		r.settle()
		return remember(ctx, tx, by, now, noted{"operator.change", r.ID, r.Home.Campaign, c.Reason, before, shown(r)})
	})
	s.seen.forget()
	if err != nil {
		return Account{}, fmt.Errorf("change account %s: %w", id, err)
	}
	return r.Account, nil
}

func (s *Service) change(ctx context.Context, tx *sql.Tx, r *row, c Change, now time.Time) error {
	if c.Name != nil {
		r.Name = *c.Name
	}
	if c.Disabled != nil && *c.Disabled != r.Disabled {
		r.disabledAt = 0
		if *c.Disabled {
			r.disabledAt = now.UnixMilli()
			if err := s.keepASystem(ctx, tx, r.ID); err != nil {
				return err
			}
			if err := endSessions(ctx, tx, r.ID, "", now); err != nil {
				return err
			}
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE operators SET name = $1, disabled_at = $2 WHERE id = $3`, r.Name, r.disabledAt, r.ID)
	return err
}

// keepASystem refuses to lose the last account in use that manages all others.
func (s *Service) keepASystem(ctx context.Context, tx *sql.Tx, without string) error {
	var others, itself int
	err := tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN o.id = $1 THEN 0 ELSE 1 END), 0), COALESCE(SUM(CASE WHEN o.id = $1 THEN 1 ELSE 0 END), 0)
		FROM operators o JOIN operator_grants g ON g.operator = o.id
		WHERE g.role = $2 AND g.campaign = '' AND g.scope = '' AND o.disabled_at = 0`, without, string(System)).Scan(&others, &itself)
	if err != nil {
		return err
	}
	if itself > 0 && others == 0 {
		return ErrLastSystem
	}
	return nil
}

// noted is what the audit log is told of a change.
type noted struct {
	action, id, campaign, reason string
	before, after                any
}

// remember appends to the audit log, unless nothing has changed.
func remember(ctx context.Context, tx *sql.Tx, by Actor, now time.Time, n noted) error {
	before, after := told(n.before), told(n.after)
	if string(before) == string(after) {
		return nil
	}
	rec := by.Record(now, Action(n.action), n.campaign, "operator:"+n.id)
	rec.Reason, rec.Before, rec.After = n.reason, before, after
	return audit.AppendTx(ctx, tx, rec)
}

// shown is what of an account the audit log tells.
func shown(r row) map[string]any {
	return map[string]any{"login": r.Login, "name": r.Name, "disabled": r.disabledAt > 0}
}

// told encodes what is made of texts, numbers and lists of them alone.
func told(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func newID(now time.Time) string { return ulid.MustNew(ulid.Timestamp(now), rand.Reader).String() }

// The bounds of what is typed.
const (
	leastLogin, mostLogin = 3, 32
	mostName              = 40
	mostText              = 64
)

func checkLogin(login string) error {
	bad := strings.ContainsFunc(login, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@", r)
	})
	if bad || len(login) < leastLogin || len(login) > mostLogin {
		return fault.InvalidField("login", "3 至 32 个字符，只用字母、数字和 . _ - @")
	}
	if login == consoleID {
		return fault.InvalidField("login", "该用户名不可用")
	}
	return nil
}

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > mostName || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fault.InvalidField("name", "1 至 40 个字符")
	}
	return nil
}
