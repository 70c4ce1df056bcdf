package redisstore

import (
	"encoding/json"
	"strconv"

	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// The bodies of the facts that every participant causes are written here, letter by
// letter as event.EncodeBody would write them (a test compares): package json asks
// each value for its type, and that was a tenth of a submission.

// body is the JSON of a fact while it is written. It begins with a brace; every
// member but the first brings its comma.
type body []byte

func newBody() body { return make(body, 0, 320) }

// member writes the name of the next member, which needs no escapes.
func (b *body) member(name string) {
	if len(*b) > 1 {
		*b = append(*b, ',')
	}
	*b = append(append(append(*b, '"'), name...), '"', ':')
}

func (b *body) number(name string, v int64) {
	b.member(name)
	*b = strconv.AppendInt(*b, v, 10)
}

func (b *body) text(name, v string) {
	b.member(name)
	if !isPlain(v) {
		quoted, _ := json.Marshal(v) //nolint:errchkjson // A string cannot fail.
		*b = append(*b, quoted...)
		return
	}
	*b = append(append(append(*b, '"'), v...), '"')
}

// isPlain tells whether a text stands in JSON as it is, also as package json writes
// it for browsers.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// items and choices need no escapes, whatever is in them.
func (b *body) items(p *quiz.Paper) {
	b.member("items")
	*b = append(p.AppendItems(append(*b, '"')), '"')
}

func (b *body) choices(c quiz.Choices) {
	b.member("choices")
	*b = append(c.AppendTo(append(*b, '"')), '"')
}

// origin is left out where it is not known.
func (b *body) origin(from string) {
	if from != "" {
		b.text("origin", from)
	}
}

func (b *body) end() []byte { return append(*b, '}') }

// submittedBody is the event.Submitted of a finished attempt that came from an origin.
func submittedBody(a *quiz.Attempt, from string) []byte {
	r, b := &a.Result, append(newBody(), '{')
	b.number("number", int64(a.Number))
	b.number("started", a.StartedAt.UnixMilli())
	b.number("used_ms", r.Used.Milliseconds())
	b.number("score", int64(r.Score))
	b.number("max", int64(r.MaxScore))
	b.number("correct", int64(r.Correct))
	if r.Passed {
		b.member("passed")
		b = append(b, "true"...)
	}
	b.text("by", string(a.ClosedBy))
	b.text("bank", a.Paper.Bank)
	b.items(&a.Paper)
	b.choices(r.Choices)
	if a.Clocks != 0 {
		b.number("clocks", a.Clocks)
	}
	b.origin(from)
	return b.end()
}

// startedTail is the event.Started of an attempt from behind its number, which only
// the script knows.
func startedTail(a *quiz.Attempt) []byte {
	b := append(newBody(), '{')
	b.number("number", 0)
	head := len(b)
	b.number("deadline", a.Deadline.UnixMilli())
	b.text("bank", a.Paper.Bank)
	b.member("seed")
	b = append(strconv.AppendUint(append(b, '"'), a.Paper.Seed, 36), '"')
	b.items(&a.Paper)
	return b.end()[head:]
}

// signedBody is s as it travels.
func signedBody(s *event.Signed) []byte {
	b := append(newBody(), '{')
	b.text("version", s.Version)
	b.text("text_sha256", s.TextSHA256)
	b.text("method", s.Method)
	b.text("commitment", s.Commitment)
	b.origin(s.Origin)
	return b.end()
}
