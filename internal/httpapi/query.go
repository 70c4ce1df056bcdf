package httpapi

import (
	"net/url"
	"strconv"

	"qingyuan/internal/fault"
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
