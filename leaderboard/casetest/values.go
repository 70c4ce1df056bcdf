package casetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

// Decimal is an exact number, written as one or as a text.
type Decimal struct{ big.Rat }

// UnmarshalJSON reads 63.18 and "63.18" alike.
func (d *Decimal) UnmarshalJSON(raw []byte) error {
	text := string(bytes.Trim(raw, `"`))
	if _, ok := d.SetString(text); !ok {
		return fmt.Errorf("%s is no number", raw)
	}
	return nil
}

// String writes the number as short as it can be.
func (d *Decimal) String() string { return d.RatString() }

// Moment is a time in milliseconds since the board was opened. Files write
// seconds.
type Moment int64 //nolint:recvcheck // Read into a pointer, and written by value.

// UnmarshalJSON reads seconds, down to the millisecond.
func (m *Moment) UnmarshalJSON(raw []byte) error {
	var d Decimal
	if err := d.UnmarshalJSON(raw); err != nil {
		return err
	}
	ms := new(big.Rat).Mul(&d.Rat, big.NewRat(1000, 1))
	if !ms.IsInt() || !ms.Num().IsInt64() {
		return fmt.Errorf("%s s are no whole milliseconds", raw)
	}
	*m = Moment(ms.Num().Int64())
	return nil
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (m Moment) MarshalJSON() ([]byte, error) {
	if m%1000 == 0 {
		return json.Marshal(int64(m) / 1000)
	}
	return json.Marshal(float64(m) / 1000)
}

// String writes seconds.
func (m *Moment) String() string {
	if m == nil {
		return "any time"
	}
	return (time.Duration(*m) * time.Millisecond).String()
}

// or returns the moment, or another where there is none.
func (m *Moment) or(other Moment) Moment {
	if m == nil {
		return other
	}
	return *m
}

// Strings is a list of texts, or one alone.
type Strings []string

// UnmarshalJSON reads "a" and ["a"] alike.
func (s *Strings) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		*s = make(Strings, 1)
		return json.Unmarshal(raw, &(*s)[0])
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

// matches tells whether an answer is what was expected. Numbers are compared by
// value, and of an object only what is expected counts.
func matches(want json.RawMessage, got any) (bool, error) {
	raw, err := json.Marshal(got)
	if err != nil {
		return false, err
	}
	w, err := decoded(want)
	if err != nil {
		return false, fmt.Errorf("expected %s: %w", want, err)
	}
	g, err := decoded(raw)
	return err == nil && same(w, g), err
}

func decoded(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func same(want, got any) bool {
	switch w := want.(type) {
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) != len(g) {
			return false
		}
		for i := range w {
			if !same(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		for name := range w {
			if _, has := g[name]; !ok || !has || !same(w[name], g[name]) {
				return false
			}
		}
		return ok
	case json.Number:
		return sameNumber(w, got)
	default:
		return want == got
	}
}

// sameNumber compares a number with one that may be written as a text.
func sameNumber(want json.Number, got any) bool {
	w, ok := new(big.Rat).SetString(want.String())
	if !ok {
		return false
	}
	g, ok := new(big.Rat).SetString(fmt.Sprint(got))
	return ok && w.Cmp(g) == 0
}
