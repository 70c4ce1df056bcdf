package operator

import (
	"context"
	"database/sql"
	"fmt"
)

// Resealed counts what Reseal has come across.
type Resealed struct {
	// Seen are all second factors, Changed those that are now sealed with the current
	// key, Closed those that open with no key there is.
	Seen, Changed, Closed int
}

// Reseal seals the secrets of second factors with the current key, before an older one
// is taken out. It may be repeated, and runs beside servers.
func (s *Service) Reseal(ctx context.Context) (_ Resealed, err error) {
	defer mend(&err)
	type sealed struct {
		id     string
		secret []byte
	}
	rows, err := s.o.DB.QueryContext(ctx, `SELECT id, secret FROM operators WHERE secret <> $1`, []byte{})
	all, err := collect(rows, err, func(v *sealed) []any { return []any{&v.id, &v.secret} })
	if err != nil {
		return Resealed{}, fmt.Errorf("read second factors: %w", err)
	}
	done := Resealed{Seen: len(all)}
	for _, v := range all {
		plain, err := s.o.Box.Open(v.secret, secretPlace(v.id))
		if err != nil {
			done.Closed++
			continue
		}
		if s.o.Box.Current(v.secret) {
			continue
		}
		if err := s.replaceSecret(ctx, v.id, v.secret, s.o.Box.Seal(plain, secretPlace(v.id))); err != nil {
			return done, err
		}
		done.Changed++
	}
	return done, nil
}

// replaceSecret changes nothing where somebody was faster: theirs is sealed anew anyway.
func (s *Service) replaceSecret(ctx context.Context, id string, old, sealed []byte) error {
	return s.o.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE operators SET secret = $1 WHERE id = $2 AND secret = $3`, sealed, id, old)
		if err != nil {
			return fmt.Errorf("seal the second factor of %s anew: %w", id, err)
		}
		return nil
	})
}
