package prizes

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"

	"qingyuan/internal/fault"
	"qingyuan/internal/sqldb"
)

// The kinds of marks by which insiders are known.
const (
	byLine  = "line"
	byPhone = "phone"
)

// Marks make of what an office has of people, and of codes, that by which they are known
// again and which tells nothing: keyed hashes.
type Marks struct {
	Hash [sha256.Size]byte
	// Door names the door of a line on a roster, "" where there is no such line.
	Door func(ctx context.Context, campaignID, unit, number string) (mark string, err error)
}

// markBytes is how much of a hash is kept: 128 bits.
const markBytes = 16

// of recognises a text for one purpose.
func (m *Marks) of(campaignID, purpose, text string) string {
	h := hmac.New(sha256.New, m.Hash[:])
	fmt.Fprintf(h, "%s|%s|%s", campaignID, purpose, text)
	return hex.EncodeToString(h.Sum(nil)[:markBytes])
}

// phone marks a number in a campaign, "" for everywhere.
func (m *Marks) phone(campaignID, number string) string {
	return m.of(campaignID, "phone:", number) // no prize is called so
}

// phones marks numbers, and tells which are none.
func (m *Marks) phones(campaignID string, numbers []string) (out []string, wrong []fault.Field) {
	for i, n := range numbers {
		if !checks["phone"](n) {
			wrong = append(wrong, fault.Field{Name: fmt.Sprintf("phones.%d", i), Reason: reasons["phone"]})
		}
		out = append(out, m.phone(campaignID, n))
	}
	return out, wrong
}

// noLine is somebody who is on no roster.
func noLine(i int) fault.Field {
	return fault.Field{Name: fmt.Sprintf("people.%d", i), Reason: "该单位的名册中没有这个编号"}
}

// marksOf reads marks, and who has said each.
func marksOf(ctx context.Context, db *sqldb.DB, query string, args ...any) (map[string]string, error) {
	type said struct{ mark, login string }
	rows, err := db.QueryContext(ctx, query, args...)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (s said, err error) { return s, r.Scan(&s.mark, &s.login) })
	if err != nil {
		return nil, fmt.Errorf("read by what insiders are known: %w", err)
	}
	out := make(map[string]string, len(all))
	for _, s := range all {
		out[s.mark] = s.login
	}
	return out, nil
}
