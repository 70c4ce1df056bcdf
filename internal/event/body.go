package event

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bodies are JSON, and encoding/json says what one means. Those of the kinds that
// come by the thousand are read by a scanner, which takes nothing but what
// EncodeBody writes for everyday values: known names, plain text, whole numbers.
// At anything else it gives up, and the body is read the long way.

// decodeAs reads a body the long way.
func decodeAs[T any](body string) (T, error) {
	var v T
	err := json.Unmarshal([]byte(body), &v)
	return v, err
}

// decodeFast is decodeAs for a body that scan is likely to understand.
func decodeFast[T any](body string, scan func(string) (T, bool)) (T, error) {
	if v, ok := scan(body); ok {
		return v, nil
	}
	return decodeAs[T](body)
}

func scanEnrolled(body string) (e Enrolled, ok bool) {
	s := scanner{rest: body}
	for s.next() {
		switch s.name {
		case "notice":
			e.Notice = s.text()
		case "guardian":
			e.Guardian = s.truth()
		default:
			s.odd = true
		}
	}
	return e, s.complete()
}

func scanStarted(body string) (e Started, ok bool) {
	s := scanner{rest: body}
	for s.next() {
		switch s.name {
		case "number":
			e.Number = s.small()
		case "extra":
			e.Extra = s.truth()
		case "deadline":
			e.Deadline = s.number()
		case "bank":
			e.Bank = s.text()
		case "seed":
			e.Seed = s.text()
		case "items":
			e.Items = s.text()
		default:
			s.odd = true
		}
	}
	return e, s.complete()
}

func scanSubmitted(body string) (e Submitted, ok bool) {
	s := scanner{rest: body}
	for s.next() {
		switch s.name {
		case "number":
			e.Number = s.small()
		case "started":
			e.StartedAt = s.number()
		case "used_ms":
			e.UsedMS = s.number()
		case "by":
			e.ClosedBy = s.text()
		case "bank":
			e.Bank = s.text()
		case "items":
			e.Items = s.text()
		case "choices":
			e.Choices = s.text()
		case "clocks":
			e.Clocks = s.number()
		case "origin":
			e.Origin = s.text()
		default:
			e.scanMark(&s)
		}
	}
	return e, s.complete()
}

// scanMark reads a field of how the attempt was marked.
func (e *Submitted) scanMark(s *scanner) {
	switch s.name {
	case "score":
		e.Score = s.small()
	case "max":
		e.MaxScore = s.small()
	case "correct":
		e.Correct = s.small()
	case "passed":
		e.Passed = s.truth()
	default:
		s.odd = true
	}
}

func scanSigned(body string) (e Signed, ok bool) {
	s := scanner{rest: body}
	for s.next() {
		switch s.name {
		case "version":
			e.Version = s.text()
		case "text_sha256":
			e.TextSHA256 = s.text()
		case "method":
			e.Method = s.text()
		case "commitment":
			e.Commitment = s.text()
		case "origin":
			e.Origin = s.text()
		default:
			s.odd = true
		}
	}
	return e, s.complete()
}

func scanDoor(body string) (e Door, ok bool) {
	s := scanner{rest: body}
	for s.next() {
		if s.name != "hash" {
			s.odd = true
			break
		}
		e.Hash = s.text()
	}
	return e, s.complete()
}

// scanner reads the fields of an object off the front of a body: next, and then one
// value. At anything that is not plain it is odd for good.
type scanner struct {
	rest string
	// name is that of the field that comes next.
	name string
	odd  bool
	// begun is set behind the opening brace, and ended behind the closing one.
	begun, ended bool
}

// next reads the name of the next field. It returns false at the end of the object.
func (s *scanner) next() bool {
	first := !s.begun
	if first && !s.take('{') {
		return false
	}
	s.begun = true
	if len(s.rest) > 0 && s.rest[0] == '}' {
		s.rest, s.ended = s.rest[1:], true
		return false
	}
	if !first && !s.take(',') {
		return false
	}
	s.name = s.text()
	return s.take(':')
}

// complete tells whether the whole body was read, and everything in it was plain.
func (s *scanner) complete() bool { return s.ended && !s.odd && s.rest == "" }

// take reads one character, which must come next.
func (s *scanner) take(c byte) bool {
	if s.odd || s.rest == "" || s.rest[0] != c {
		s.odd = true
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// text reads a string without escapes.
func (s *scanner) text() string {
	if !s.take('"') {
		return ""
	}
	end := strings.IndexByte(s.rest, '"')
	if end < 0 {
		s.odd = true
		return ""
	}
	text := s.rest[:end]
	s.rest = s.rest[end+1:]
	var found byte
	for i := range len(text) {
		found |= manner[text[i]]
	}
	s.odd = found&needsEscape != 0 || found != 0 && !utf8.ValidString(text)
	return text
}

// What may be special about a byte in a string.
const (
	needsEscape = 1 << iota
	notASCII
)

var manner = func() (m [256]byte) {
	for c := range m {
		switch {
		case c < ' ' || c == '\\':
			m[c] = needsEscape
		case c >= utf8.RuneSelf:
			m[c] = notASCII
		}
	}
	return m
}()

// mostDigits is of how many digits every number is an int64.
const mostDigits = 18

// number reads a whole number.
func (s *scanner) number() int64 {
	n := 0
	if s.rest != "" && s.rest[0] == '-' {
		n = 1
	}
	digits := n
	for n < len(s.rest) && '0' <= s.rest[n] && s.rest[n] <= '9' {
		n++
	}
	if n == digits || n-digits > mostDigits || s.rest[digits] == '0' && n > digits+1 {
		s.odd = true
		return 0
	}
	v, err := strconv.ParseInt(s.rest[:n], 10, 64)
	s.odd = s.odd || err != nil
	s.rest = s.rest[n:]
	return v
}

// small is number for what is counted in ints.
func (s *scanner) small() int {
	v := s.number()
	s.odd = s.odd || int64(int(v)) != v
	return int(v)
}

// truth reads true or false.
func (s *scanner) truth() bool {
	rest, yes := strings.CutPrefix(s.rest, "true")
	if !yes {
		var no bool
		rest, no = strings.CutPrefix(s.rest, "false")
		s.odd = s.odd || !no
	}
	s.rest = rest
	return yes
}
