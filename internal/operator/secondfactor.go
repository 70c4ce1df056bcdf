package operator

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

// The second factor is TOTP (RFC 6238) as every authenticator understands it.
const (
	issuer       = "清源"
	codeStep     = 30 * time.Second
	codeSkew     = 1  // steps before and after: clocks of phones differ
	secretSize   = 20 // bytes, as RFC 4226 recommends
	recoverCodes = 10
)

// Secret is a second factor that is being set up. It is shown once.
type Secret struct {
	// Text is for typing, URI for a QR code.
	Text, URI string
}

// newSecret makes a second factor for a login.
func newSecret(login string) (Secret, error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: issuer, AccountName: login, SecretSize: secretSize, Period: uint(codeStep / time.Second), Digits: otp.DigitsSix,
	})
	if err != nil {
		return Secret{}, fmt.Errorf("make a second factor: %w", err)
	}
	return Secret{Text: key.Secret(), URI: key.URL()}, nil
}

// stepOf finds the step of time near now that a code belongs to.
func stepOf(secret, code string, now time.Time) (int64, bool) {
	at, found := int64(0), false
	for d := -codeSkew; d <= codeSkew; d++ {
		t := now.Add(time.Duration(d) * codeStep)
		want, err := totp.GenerateCodeCustom(secret, t, totp.ValidateOpts{Period: uint(codeStep / time.Second), Digits: otp.DigitsSix})
		if err == nil && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			at, found = t.Unix()/int64(codeStep/time.Second), true
		}
	}
	return at, found
}

// takeCode takes a code of the account's second factor, or one of its recovery codes,
// each of them once.
func (s *Service) takeCode(ctx context.Context, tx *sql.Tx, r row, code string, now time.Time) error {
	secret, err := s.o.Box.Open(r.secret, secretPlace(r.ID))
	if err != nil {
		return fmt.Errorf("open the second factor of %s: %w", r.ID, err)
	}
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(code))
	step, ok := stepOf(string(secret), code, now)
	if !ok {
		return takeRecovery(ctx, tx, r.ID, code)
	}
	done, err := tx.ExecContext(ctx, `UPDATE operators SET code_step = $1 WHERE id = $2 AND code_step < $1`, step, r.ID)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return orCode(err)
	}
	return nil
}

func takeRecovery(ctx context.Context, tx *sql.Tx, id, code string) error {
	hash := sha256.Sum256([]byte(code))
	done, err := tx.ExecContext(ctx, `DELETE FROM operator_codes WHERE operator = $1 AND hash = $2`, id, hash[:])
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return orCode(err)
	}
	return nil
}

func orCode(err error) error {
	if err != nil {
		return err
	}
	return ErrCode
}

// secretPlace binds a sealed secret to its account.
func secretPlace(id string) []byte { return []byte("operator second factor " + id) }

// newRecovery replaces the recovery codes of an account: 80 bits each, so that their
// plain hash is enough.
func newRecovery(ctx context.Context, tx *sql.Tx, id string) ([]string, error) {
	if _, err := tx.ExecContext(ctx, `DELETE FROM operator_codes WHERE operator = $1`, id); err != nil {
		return nil, err
	}
	codes := make([]string, recoverCodes)
	for i := range codes {
		raw := rand.Text()[:16]
		hash := sha256.Sum256([]byte(raw))
		if _, err := tx.ExecContext(ctx, `INSERT INTO operator_codes (operator, hash) VALUES ($1, $2)`, id, hash[:]); err != nil {
			return nil, err
		}
		codes[i] = raw[:4] + "-" + raw[4:8] + "-" + raw[8:12] + "-" + raw[12:]
	}
	return codes, nil
}

// clearSecret takes the second factor of an account away.
func clearSecret(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM operator_codes WHERE operator = $1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE operators SET secret = $1, secret_at = 0 WHERE id = $2`, []byte{}, id)
	return err
}
