package httpapi

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"qingyuan/quiz"
)

// answers reads the body of a submission.
func (k *call) answers() (quiz.Answers, error) {
	if !isJSON(k.Get(fiber.HeaderContentType)) {
		return nil, errUnsupported
	}
	return answersOf(k.Request().Body())
}

// answersOf reads a body with the field answers and no other.
func answersOf(body []byte) (quiz.Answers, error) {
	if answers, ok := plainAnswers(body); ok {
		return answers, nil
	}
	var in struct {
		Answers answerSet `json:"answers"`
	}
	if err := decodeStrict(body, &in); err != nil {
		return nil, err
	}
	if in.Answers == nil {
		return nil, errNoAnswers
	}
	return quiz.Answers(in.Answers), nil
}

// plainAnswers reads a body as phones write it: without blanks, and with ids of plain
// letters. At anything else, whether it is right or wrong, it gives up, and the body is
// read in full. Package json takes three times as long, and every submission comes by
// here.
func plainAnswers(body []byte) (quiz.Answers, bool) {
	const before = `{"answers":{`
	if len(body) < len(before) || string(body[:len(before)]) != before {
		return nil, false
	}
	p := plainReader{rest: string(body[len(before):])}
	most := len(p.rest)/leastAnswer + 1
	names := min(strings.Count(p.rest, ":"), most)
	p.lists = make([]string, 0, min(strings.Count(p.rest, `"`)/2-names+1, most))
	out, ok := spareAnswers.Get().(quiz.Answers)
	if !ok {
		out = make(quiz.Answers, usualAnswers)
	}
	for !p.odd && !p.take('}') {
		if len(out) > 0 {
			p.need(',')
		}
		name := p.text()
		p.need(':')
		list := p.list()
		known := len(out)
		out[name] = list
		p.odd = p.odd || len(out) == known // given twice
	}
	if p.odd || p.rest != "}" {
		giveBack(out)
		return nil, false
	}
	return out, true
}

// spareAnswers are used again: a map of twenty answers takes more memory than the texts in
// it.
var spareAnswers sync.Pool

// usualAnswers is for how many answers a map is made; one that was in use for many more is
// not kept.
const usualAnswers = 24

// giveBack is for answers that nobody looks at any more.
func giveBack(a quiz.Answers) {
	if a != nil && len(a) <= 2*usualAnswers {
		clear(a)
		spareAnswers.Put(a)
	}
}

// plainReader reads a body off its front. At what is not plain it is odd for good.
type plainReader struct {
	rest  string
	lists []string
	odd   bool
}

// take reads one character if it comes next.
func (p *plainReader) take(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// need reads one character, which must come next.
func (p *plainReader) need(c byte) { p.odd = !p.take(c) || p.odd }

// list reads a list of texts.
func (p *plainReader) list() []string {
	p.need('[')
	from := len(p.lists)
	for !p.odd && !p.take(']') {
		if len(p.lists) > from {
			p.need(',')
		}
		p.lists = append(p.lists, p.text())
	}
	return p.lists[from:len(p.lists):len(p.lists)]
}

// text reads one of plain letters.
func (p *plainReader) text() string {
	p.need('"')
	end := strings.IndexByte(p.rest, '"')
	if p.odd || end < 0 {
		p.odd = true
		return ""
	}
	text := p.rest[:end]
	p.rest = p.rest[end+1:]
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '\\' || c >= utf8.RuneSelf {
			p.odd = true
			break
		}
	}
	return text
}

// answerSet is quiz.Answers as a body has them. It reads what package json would
// read, and refuses what that would refuse, from the tokens themselves: every
// set of answers has some forty texts, which so become one piece of memory.
type answerSet quiz.Answers

var errShape = errors.New("answers are lists of texts by name")

// leastAnswer is how many bytes an answer takes at least, as phones write them:
// two ids and their punctuation.
const leastAnswer = 20

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (a *answerSet) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if missing, err := opens(d, '{'); missing || err != nil {
		*a = nil
		return err
	}
	left := len(d.UnreadBuffer())
	guess := left/leastAnswer + 1
	r := answerReader{tokens: d, lists: make([]string, 0, guess)}
	r.texts.Grow(left)
	out := make(answerSet, guess)
	for d.PeekKind() != '}' {
		name, err := r.text()
		if err != nil {
			return err
		}
		if out[name], err = r.list(); err != nil {
			return err
		}
	}
	*a = out
	_, err := d.ReadToken()
	return err
}

// answerReader keeps what it has read in two pieces of memory.
type answerReader struct {
	tokens *jsontext.Decoder
	texts  strings.Builder
	lists  []string
}

// list reads a list of texts, nil for null.
func (r *answerReader) list() ([]string, error) {
	if missing, err := opens(r.tokens, '['); missing || err != nil {
		return nil, err
	}
	from := len(r.lists)
	for r.tokens.PeekKind() != ']' {
		t, err := r.text()
		if err != nil {
			return nil, err
		}
		r.lists = append(r.lists, t)
	}
	_, err := r.tokens.ReadToken()
	return r.lists[from:len(r.lists):len(r.lists)], err
}

// text reads a text, "" for null.
func (r *answerReader) text() (string, error) {
	v, err := r.tokens.ReadValue()
	if err != nil {
		return "", err
	}
	switch v.Kind() {
	case 'n':
		return "", nil
	case '"':
	default:
		return "", misshapen(r.tokens)
	}
	from := r.texts.Len()
	if bytes.IndexByte(v, '\\') < 0 {
		r.texts.Write(v[1 : len(v)-1])
		return r.texts.String()[from:], nil
	}
	plain, err := jsontext.AppendUnquote(nil, v)
	r.texts.Write(plain)
	return r.texts.String()[from:], err
}

// misshapen names what was read last.
func misshapen(d *jsontext.Decoder) error {
	return &json.SemanticError{JSONPointer: d.StackPointer(), Err: errShape}
}

// opens reads the beginning of an object or a list, or null in its place.
func opens(d *jsontext.Decoder, kind jsontext.Kind) (missing bool, err error) {
	t, err := d.ReadToken()
	switch {
	case err != nil:
		return false, err
	case t.Kind() == 'n':
		return true, nil
	case t.Kind() != kind:
		return false, misshapen(d)
	default:
		return false, nil
	}
}
