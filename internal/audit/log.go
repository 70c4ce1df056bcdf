package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// Log is the audit log in SQL.
type Log struct{ db *sqldb.DB }

// New returns the log of a database.
func New(db *sqldb.DB) *Log { return &Log{db: db} }

// Append remembers one act by itself. An act that changes the database belongs in
// one transaction with its entry: see AppendTx.
func (l *Log) Append(ctx context.Context, r Record) error {
	return mended(l.db.WithTx(ctx, func(tx *sql.Tx) error { return AppendTx(ctx, tx, r) }))
}

// mended turns an outage of the database into what may be shown.
func mended(err error) error {
	if _, told := errors.AsType[*fault.Error](err); err != nil && !told && sqldb.IsUnavailable(err) {
		return fault.ErrUnavailable.Because(err)
	}
	return err
}

// Do changes the database by fn and remembers the act, both or neither.
func (l *Log) Do(ctx context.Context, r Record, fn func(tx *sql.Tx) error) error {
	return l.Make(ctx, func(tx *sql.Tx) (Record, error) { return r, fn(tx) })
}

// Make is Do for an act that makes what it is about: fn returns the entry.
func (l *Log) Make(ctx context.Context, fn func(tx *sql.Tx) (Record, error)) error {
	return mended(l.db.WithTx(ctx, func(tx *sql.Tx) error {
		r, err := fn(tx)
		if err != nil {
			return err
		}
		return AppendTx(ctx, tx, r)
	}))
}

// AppendTx remembers an act in the transaction that changes what it is about. Two
// that append at once wait for each other, so that the chain has no fork.
func AppendTx(ctx context.Context, tx *sql.Tx, r Record) error {
	if err := check(r); err != nil {
		return fmt.Errorf("remember %s by %s: %w", r.Action, r.Actor, err)
	}
	for _, s := range []*string{&r.Actor, &r.Login, &r.Action, &r.Campaign, &r.Object, &r.Reason} {
		*s = plain(*s)
	}
	last, err := end(ctx, tx)
	if err != nil {
		return fmt.Errorf("remember %s by %s: %w", r.Action, r.Actor, err)
	}
	e := Entry{Record: r, Seq: last.Seq + 1}
	e.At = time.UnixMilli(r.At.UnixMilli()).UTC()
	e.Hash = chain(last.Hash, e, address(e.Addr))
	if err := insert(ctx, tx, e); err != nil {
		return fmt.Errorf("remember %s by %s: %w", r.Action, r.Actor, err)
	}
	return nil
}

func check(r Record) error {
	if r.Actor == "" || r.Action == "" || r.At.IsZero() {
		return errors.New("who, what and when belong to every entry")
	}
	for _, j := range []json.RawMessage{r.Before, r.After} {
		if len(j) > 0 && (!json.Valid(j) || !utf8.Valid(j)) {
			return errors.New("before and after are JSON")
		}
	}
	return nil
}

// plain takes out what not every database can hold, so that no act fails for the words
// of its reason.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// end takes hold of the end of the chain.
func end(ctx context.Context, tx *sql.Tx) (Entry, error) {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit_end (id, seq, hash) VALUES (1, 0, $1)
		ON CONFLICT (id) DO UPDATE SET seq = audit_end.seq`, make([]byte, sha256.Size))
	if err != nil {
		return Entry{}, err
	}
	var e Entry
	var hash []byte
	if err := tx.QueryRowContext(ctx, `SELECT seq, hash FROM audit_end WHERE id = 1`).Scan(&e.Seq, &hash); err != nil {
		return Entry{}, err
	}
	copy(e.Hash[:], hash)
	return e, nil
}

func insert(ctx context.Context, tx *sql.Tx, e Entry) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO audit
		(seq, at, actor, login, addr, action, campaign, object, before, after, reason, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		e.Seq, e.At.UnixMilli(), e.Actor, e.Login, address(e.Addr), e.Action, e.Campaign, e.Object,
		string(e.Before), string(e.After), e.Reason, e.Hash[:])
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE audit_end SET seq = $1, hash = $2 WHERE id = 1`, e.Seq, e.Hash[:])
	return err
}

// address writes an address as it is stored; "" is the machine itself.
func address(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// chain hashes an entry onto the one before; addr is its address as it is stored. Every
// field goes in with its length, so that no two entries are spelled the same.
func chain(before [32]byte, e Entry, addr string) [32]byte {
	h := sha256.New()
	h.Write(before[:])
	var n [8]byte
	for _, v := range []int64{e.Seq, e.At.UnixMilli()} {
		binary.BigEndian.PutUint64(n[:], uint64(v)) //nolint:gosec // G115: numbers and times are positive
		h.Write(n[:])
	}
	for _, s := range []string{
		e.Actor, e.Login, addr, e.Action, e.Campaign, e.Object, string(e.Before), string(e.After), e.Reason,
	} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	return [32]byte(h.Sum(nil))
}
