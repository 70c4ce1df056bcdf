package httpapi

import (
	"net/url"
	"strconv"

	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
)

func unescape(s string) (string, error) { return url.QueryUnescape(s) }

// maxText bounds a text in a query: ids and search words are short.
const maxText = 64

// text reads an optional text of the query.
func (k *call) text(name string) (string, error) {
	v := k.Query(name)
	if len(v) > maxText {
		return "", fault.InvalidField(name, "内容过长")
	}
	return v, nil
}

// whole reads an optional whole number of the query between lo and hi.
func (k *call) whole(name string, def, lo, hi int64) (int64, error) {
	v := k.Query(name)
	if v == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < lo || n > hi {
		return 0, fault.InvalidField(name, "应为 "+strconv.FormatInt(lo, 10)+" 到 "+strconv.FormatInt(hi, 10)+" 之间的整数")
	}
	return n, nil
}

// page is a stretch of a list.
type page struct{ offset, limit int64 }

// maxOffset bounds cursors: nothing is listed so far down.
const maxOffset = 1 << 31

// page reads limit and cursor. A cursor is an offset, and clients treat it as
// opaque.
func (k *call) page() (page, error) {
	limit, err := k.whole("limit", leaderboard.MaxPage, 1, leaderboard.MaxPage)
	if err != nil {
		return page{}, err
	}
	offset, err := k.whole("cursor", 0, 0, maxOffset)
	return page{offset, limit}, err
}

// cursor writes where a list goes on; 0 is its end.
func cursor(next int64) *string {
	if next == 0 {
		return nil
	}
	return new(strconv.FormatInt(next, 10))
}

// stretch cuts a page out of a whole list.
func stretch[T any](all []T, p page) list[T] {
	from := min(p.offset, int64(len(all)))
	to := min(from+p.limit, int64(len(all)))
	l := list[T]{Items: all[from:to:to]}
	if l.Items == nil {
		l.Items = []T{}
	}
	if to < int64(len(all)) {
		l.NextCursor = cursor(to)
	}
	return l
}
