package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"qingyuan/internal/sqldb"
)

// Filter chooses entries; the zero value is all.
type Filter struct {
	// Campaign and Actor are ids, "" for any.
	Campaign, Actor string
	// Action is a name, or the beginning of names with a dot at the end: "operator.".
	Action string
	// From and Until bound the time, [From, Until); zero for none.
	From, Until time.Time
}

// pageSize is how many entries are read together.
const pageSize = 500

const columns = `seq, at, actor, login, addr, action, campaign, object, before, after, reason, hash`

// Back calls yield for the entries that the filter chooses, the newest first, those
// before a number; 0 is from the end. It ends when yield returns false. Every page is
// read by itself, so that nothing is held while yield works.
func (l *Log) Back(ctx context.Context, f Filter, before int64, yield func(Entry) (bool, error)) error {
	for {
		page, err := l.page(ctx, f, before)
		if err != nil {
			return mended(fmt.Errorf("read the audit log: %w", err))
		}
		for _, e := range page {
			before = e.Seq
			if more, err := yield(e); err != nil || !more {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

func (l *Log) page(ctx context.Context, f Filter, before int64) ([]Entry, error) {
	where, args := f.where()
	if before > 0 {
		args = append(args, before)
		where = append(where, fmt.Sprintf("seq < $%d", len(args)))
	}
	args = append(args, pageSize)
	query := "SELECT " + columns + " FROM audit"
	if len(where) > 0 {
		query += " WHERE " + strings.Join(where, " AND ")
	}
	return entries(ctx, l.db, fmt.Sprintf("%s ORDER BY seq DESC LIMIT $%d", query, len(args)), args...)
}

func (f Filter) where() (where []string, args []any) {
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	if f.Campaign != "" {
		add("campaign = $%d", f.Campaign)
	}
	if f.Actor != "" {
		add("actor = $%d", f.Actor)
	}
	if head, prefix := strings.CutSuffix(f.Action, "."); prefix {
		add("action >= $%d", head+".")
		add("action < $%d", head+"/") // what comes next to the dot
	} else if f.Action != "" {
		add("action = $%d", f.Action)
	}
	if !f.From.IsZero() {
		add("at >= $%d", f.From.UnixMilli())
	}
	if !f.Until.IsZero() {
		add("at < $%d", f.Until.UnixMilli())
	}
	return where, args
}

func entries(ctx context.Context, q sqldb.Reader, query string, args ...any) ([]Entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	return sqldb.Collect(rows, err, func(r *sql.Rows) (Entry, error) {
		l, err := scan(r)
		return l.Entry, err
	})
}

// scan reads an entry as it is stored; what cannot be a part of one is left for the
// hash to find.
func scan(rows *sql.Rows) (link, error) {
	var e link
	var at int64
	var before, after string
	err := rows.Scan(&e.Seq, &at, &e.Actor, &e.Login, &e.addr, &e.Action, &e.Campaign, &e.Object, &before, &after, &e.Reason, &e.hash)
	if err != nil {
		return e, err
	}
	e.At = time.UnixMilli(at).UTC()
	e.Addr, _ = netip.ParseAddr(e.addr) // "" and nonsense alike are no address
	e.Before, e.After = raw(before), raw(after)
	copy(e.Hash[:], e.hash)
	return e, nil
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}
