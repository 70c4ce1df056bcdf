package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
)

// asker is a client, or a connection of one.
type asker interface {
	redis.Cmdable
	Process(ctx context.Context, cmd redis.Cmder) error
}

// readAfter reads at most limit entries that follow a position. The reply is taken
// as it comes over the wire and cut into pieces that share its memory: the client's
// own way makes a map and a dozen strings of every entry, which costs as much as
// everything else that is done with it.
func readAfter(ctx context.Context, db asker, key string, after event.Position, limit int) ([]event.Entry, error) {
	cmd := redis.NewRawCmd(ctx, "xrange", key, "("+after.String(), "+", "count", limit)
	if err := db.Process(ctx, cmd); err != nil {
		return nil, err
	}
	if raw := cmd.Val(); len(raw) > 0 && raw[0] == '*' {
		return parseEntries(string(raw))
	}
	// An error, which the client knows how to read, or to follow to another node.
	messages, err := db.XRangeN(ctx, key, "("+after.String(), "+", int64(limit)).Result()
	if err != nil {
		return nil, err
	}
	return entriesOf(messages)
}

func entriesOf(messages []redis.XMessage) ([]event.Entry, error) {
	entries := make([]event.Entry, len(messages))
	for i, m := range messages {
		fields := make(map[string]string, len(m.Values))
		for name, v := range m.Values {
			text, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("entry %s: field %s is %T, want string", m.ID, name, v)
			}
			fields[name] = text
		}
		pos, err := event.ParsePosition(m.ID)
		if err != nil {
			return nil, err
		}
		entries[i] = event.Entry{Position: pos, Fields: event.FieldsOf(fields)}
	}
	return entries, nil
}

// errReply is a reply that is no list of entries.
var errReply = errors.New("the reply is no list of entries")

// parseEntries reads Redis' reply: an array of entries, each of them an id and an
// array of names and values in turn.
func parseEntries(raw string) ([]event.Entry, error) {
	p := parser{rest: raw}
	entries := make([]event.Entry, 0, p.size('*'))
	for range cap(entries) {
		if p.size('*') != 2 {
			return nil, errReply
		}
		pos, err := event.ParsePosition(p.text())
		if err != nil {
			return nil, err
		}
		n := p.size('*')
		fields := p.fields(n / 2)
		if p.bad || n%2 != 0 {
			return nil, errReply
		}
		entries = append(entries, event.Entry{Position: pos, Fields: fields})
	}
	if p.bad || p.rest != "" {
		return nil, errReply
	}
	return entries, nil
}

// parser reads a reply from its front. At what does not belong there it is bad for
// good.
type parser struct {
	rest string
	bad  bool
	// room is for the fields of several entries.
	room []event.Field
}

// roomFor is for how many fields room is made at a time.
const roomFor = 512

// fields reads names and values.
func (p *parser) fields(n int) event.Fields {
	if n > len(p.room) {
		p.room = make([]event.Field, max(n, roomFor))
	}
	list := p.room[:n:n]
	p.room = p.room[n:]
	for i := range list {
		list[i].Name = p.text()
		list[i].Value = p.text()
	}
	return list
}

// size reads the length of an array or of a text, which stands behind a mark.
func (p *parser) size(mark byte) int {
	line, rest, ok := strings.Cut(p.rest, "\r\n")
	if p.bad || !ok || line == "" || line[0] != mark {
		p.bad = true
		return 0
	}
	n, err := strconv.ParseUint(line[1:], 10, 31)
	if err != nil || int(n) > len(rest) { // each thing takes a byte at least
		p.bad = true
		return 0
	}
	p.rest = rest
	return int(n)
}

// text reads one string.
func (p *parser) text() string {
	n := p.size('$')
	if p.bad || !strings.HasPrefix(p.rest[n:], "\r\n") {
		p.bad = true
		return ""
	}
	text := p.rest[:n]
	p.rest = p.rest[n+2:]
	return text
}
