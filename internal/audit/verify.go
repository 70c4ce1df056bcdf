package audit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qingyuan/internal/sqldb"
)

// Head is an entry's number and hash. Whoever has written one down can tell later
// whether the log up to there is still the same.
type Head struct {
	Seq  int64
	Hash [32]byte
}

// String writes a head as people copy it: "1234:5f0c…".
func (h Head) String() string {
	return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash[:])
}

// MarshalText implements encoding.TextMarshaler.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. The head of an empty log is read
// as well.
func (h *Head) UnmarshalText(b []byte) error {
	if string(b) == (Head{}).String() {
		*h = Head{}
		return nil
	}
	v, err := ParseHead(string(b))
	*h = v
	return err
}

// ParseHead reads what String writes.
func ParseHead(s string) (Head, error) {
	var h Head
	number, hash, _ := strings.Cut(strings.TrimSpace(s), ":")
	var err error
	if h.Seq, err = strconv.ParseInt(number, 10, 64); err != nil || h.Seq < 1 {
		return h, fmt.Errorf("head %q: the number before the colon is missing", s)
	}
	raw, err := hex.DecodeString(hash)
	if err != nil || len(raw) != len(h.Hash) {
		return h, fmt.Errorf("head %q: 64 hexadecimal digits belong behind the colon", s)
	}
	copy(h.Hash[:], raw)
	return h, nil
}

// Break is where the chain does not hold.
type Break struct {
	// Seq is the first entry that is not what it was, or that is missing.
	Seq int64  `json:"seq"`
	Why string `json:"why"`
}

// Report is what Verify found.
type Report struct {
	// Entries is how many there are, First the number of the oldest, 0 for none.
	Entries int64 `json:"entries"`
	First   int64 `json:"first"`
	// Head is the end of the log, to be written down.
	Head Head `json:"head"`
	// Broken is nil where the chain holds.
	Broken *Break `json:"broken"`
	// Unknown are heads of entries that were taken away since: nothing can be said.
	Unknown []Head `json:"unknown,omitempty"`
}

// Verify works the chain out anew and names the first entry that is changed, missing,
// put in or out of place. Heads that were written down must still be in it. It reads
// one state of the database, whatever is appended meanwhile.
func (l *Log) Verify(ctx context.Context, heads ...Head) (Report, error) {
	var r Report
	err := l.db.Snapshot(ctx, func(tx *sql.Tx) error {
		c := checker{heads: heads}
		var err error
		if c.from, err = anchor(ctx, tx); err != nil {
			return err
		}
		c.report.Head, c.last = c.from, c.from
		if err := c.walk(ctx, tx); err != nil {
			return err
		}
		end, err := stored(ctx, tx, "audit_end")
		if err != nil {
			return err
		}
		c.finish(end)
		r = c.report
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("verify the audit log: %w", err)
	}
	return r, nil
}

// checker walks along the chain.
type checker struct {
	report Report
	heads  []Head
	// from is what was taken away, last the entry that was checked last.
	from, last Head
	// cut is what the newest entry about a cut says.
	cut Head
}

func (c *checker) walk(ctx context.Context, q sqldb.Reader) error {
	for c.report.Broken == nil {
		page, err := links(ctx, q, c.last.Seq)
		if err != nil {
			return err
		}
		for i := range page {
			if c.step(&page[i]); c.report.Broken != nil {
				return nil
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
	return nil
}

// step checks one entry against the one before.
func (c *checker) step(e *link) {
	switch want := c.last.Seq + 1; {
	case e.Seq != want:
		c.broken(want, "is missing")
		return
	case !bytes.Equal(e.hash, sum(chain(c.last.Hash, e.Entry, e.addr))):
		c.broken(want, "is not what was written, or does not follow the one before")
		return
	}
	c.last = Head{e.Seq, [32]byte(e.hash)}
	c.report.Entries++
	if c.report.First == 0 {
		c.report.First = e.Seq
	}
	c.report.Head = c.last
	for _, h := range c.heads {
		if h.Seq == e.Seq && h.Hash != c.last.Hash {
			c.broken(e.Seq, "is not the one whose hash was written down: the log was made anew up to here")
			return
		}
	}
	if e.Action == actionTrim {
		c.cut = cutOf(e.After)
	}
}

func sum(h [32]byte) []byte { return h[:] }

// finish compares the end, and what was taken away, with what is said of them.
func (c *checker) finish(end Head) {
	if c.report.Broken != nil {
		return
	}
	switch {
	case end.Seq > c.last.Seq:
		c.broken(c.last.Seq+1, "is missing at the end")
	case end.Seq < c.last.Seq:
		c.broken(end.Seq+1, "was put behind the end")
	case end.Seq > 0 && end.Hash != c.last.Hash:
		c.broken(end.Seq, "is not the end that was written")
	case c.from.Seq > 0 && c.cut != c.from:
		c.broken(c.from.Seq, "and all before it are missing, and no entry says who took them away")
	}
	for _, h := range c.heads {
		switch {
		case h.Seq > c.last.Seq:
			c.broken(c.last.Seq+1, "is missing: a later one was written down")
		case h.Seq == c.from.Seq && h.Hash != c.from.Hash:
			c.broken(h.Seq, "is not the one whose hash was written down")
		case h.Seq < c.from.Seq:
			c.report.Unknown = append(c.report.Unknown, h)
		}
	}
}

func (c *checker) broken(seq int64, why string) {
	if c.report.Broken == nil {
		c.report.Broken = &Break{seq, why}
	}
}

// link is an entry as it lies in the database, to the byte.
type link struct {
	Entry

	addr string
	hash []byte
}

func links(ctx context.Context, q sqldb.Reader, after int64) ([]link, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2", after, pageSize)
	return sqldb.Collect(rows, err, scan)
}

// anchor returns the last entry that was taken away, or zero.
func anchor(ctx context.Context, q sqldb.Reader) (Head, error) { return stored(ctx, q, "audit_anchor") }

// stored reads a head from one of the two tables that hold one.
func stored(ctx context.Context, q sqldb.Reader, table string) (Head, error) {
	var h Head
	var hash []byte
	if !slices.Contains([]string{"audit_end", "audit_anchor"}, table) {
		return h, fmt.Errorf("table %s holds no head", table)
	}
	err := q.QueryRowContext(ctx, "SELECT seq, hash FROM "+table+" WHERE id = 1").Scan(&h.Seq, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Head{}, nil
	}
	copy(h.Hash[:], hash)
	return h, err
}

// cutOf reads what an entry says was taken away.
func cutOf(after json.RawMessage) Head {
	var told struct{ Through string }
	if json.Unmarshal(after, &told) != nil {
		return Head{}
	}
	h, err := ParseHead(told.Through)
	if err != nil {
		return Head{}
	}
	return h
}
