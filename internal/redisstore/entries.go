package redisstore

import (
	"context"
	"fmt"
	"strings"

	"qingyuan/internal/event"
)

// Range reads at most limit entries of a stream from an id on, which may begin with
// "(" for what follows it. It is what XRANGE answers, cut into entries while it comes
// over the wire: the client's own way keeps the reply whole first, in memory that it
// makes larger again and again, and then makes a map of every entry.
func (j *Joined) Range(ctx context.Context, key, from string, limit int) ([]event.Entry, error) {
	o := newOrder()
	o.out = appendBulk(appendBulk(appendHead(o.out, '*', 6), "xrange"), key)
	o.out = appendBulk(appendBulk(appendBulk(o.out, from), "+"), "count")
	o.out = appendNumber(o.out, int64(limit))
	o.list = &entryList{}
	if err := j.do(ctx, "xrange", o); err != nil {
		return nil, err
	}
	entries, err := o.list.entries, o.err
	o.giveBack()
	return entries, err
}

// entryList takes the reply to XRANGE. Texts of many entries share their memory.
type entryList struct {
	entries []event.Entry
	texts   strings.Builder
	fields  []event.Field
}

// Of how much room is made at a time, at most, and about what one entry takes: a reply
// of one must not hold room for a hundred.
const (
	textsAtOnce   = 64 << 10
	textsOfEntry  = 512
	fieldsAtOnce  = 512
	fieldsOfEntry = 8
	mostEntries   = 1 << 20
)

// read takes a whole reply. The error of the reply itself is refused.
func (l *entryList) read(r replies) (refused, err error) {
	kind, rest, err := r.line()
	if err != nil {
		return nil, err
	}
	if kind == '-' {
		return replyError(rest), nil
	}
	n, err := length(rest)
	if err == nil && (kind != '*' || n < 0 || n > mostEntries) {
		err = fmt.Errorf("%w: no list of entries, but %q", errProtocol, rest)
	}
	if err != nil {
		return nil, err
	}
	l.entries = make([]event.Entry, 0, n)
	for range n {
		e, err := l.entry(r)
		if err != nil {
			return nil, err
		}
		l.entries = append(l.entries, e)
	}
	return nil, nil
}

// entry reads one: its id, and a list of names and values in turn.
func (l *entryList) entry(r replies) (event.Entry, error) {
	if n, err := r.size('*'); err != nil || n != 2 {
		return event.Entry{}, notAn("entry", err)
	}
	id, err := l.text(r)
	if err != nil {
		return event.Entry{}, err
	}
	pos, err := event.ParsePosition(id)
	if err != nil {
		return event.Entry{}, err
	}
	n, err := r.size('*')
	if err != nil || n%2 != 0 {
		return event.Entry{}, notAn("entry's fields", err)
	}
	fields := l.room(n / 2)
	for i := range fields {
		if fields[i].Name, err = l.text(r); err != nil {
			return event.Entry{}, err
		}
		if fields[i].Value, err = l.text(r); err != nil {
			return event.Entry{}, err
		}
	}
	return event.Entry{Position: pos, Fields: fields}, nil
}

func notAn(what string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: not an %s", errProtocol, what)
}

// left is how many entries are still to come, the one that is read among them.
func (l *entryList) left() int { return cap(l.entries) - len(l.entries) }

// room is for n fields.
func (l *entryList) room(n int) event.Fields {
	if n > len(l.fields) {
		l.fields = make([]event.Field, max(n, min(fieldsAtOnce, l.left()*fieldsOfEntry)))
	}
	list := l.fields[:n:n]
	l.fields = l.fields[n:]
	return list
}

// text reads one. What lies in the buffer of the connection is copied once, behind
// the texts before it.
func (l *entryList) text(r replies) (string, error) {
	n, err := r.size('$')
	if err != nil {
		return "", err
	}
	if n+2 > r.Size() {
		return r.bulk(n)
	}
	both, err := r.Peek(n + 2)
	if err != nil {
		return "", unexpected(err)
	}
	text := l.keep(both[:n])
	_, err = r.Discard(n + 2)
	return text, err
}

func (l *entryList) keep(text []byte) string {
	if len(text) < 2 { // the names of fields: such texts take no memory
		return string(text)
	}
	if l.texts.Cap()-l.texts.Len() < len(text) {
		l.texts = strings.Builder{}
		l.texts.Grow(max(len(text), min(textsAtOnce, l.left()*textsOfEntry)))
	}
	from := l.texts.Len()
	l.texts.Write(text)
	return l.texts.String()[from:]
}

// size reads the line that an array or a text begins with.
func (r replies) size(mark byte) (int, error) {
	kind, rest, err := r.line()
	if err != nil {
		return 0, unexpected(err)
	}
	n, err := length(rest)
	if err == nil && (kind != mark || n < 0) {
		err = fmt.Errorf("%w: it begins with %q", errProtocol, kind)
	}
	return n, err
}
