package httpapi

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"qingyuan/quiz"
)

// answerSet is quiz.Answers as a body has them. It reads what package json would
// read, and refuses what that would refuse, from the tokens themselves: every
// submission has some forty texts, which so become one piece of memory.
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
