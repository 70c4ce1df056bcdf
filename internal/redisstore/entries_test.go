package redisstore

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
)

// rangeOfClient is what the client makes of XRANGE.
func rangeOfClient(t *testing.T, db *redis.Client, from string, limit int64) []event.Entry {
	t.Helper()
	messages, err := db.XRangeN(t.Context(), "s", from, "+", limit).Result()
	if err != nil {
		t.Fatal(err)
	}
	var all []event.Entry
	for _, m := range messages {
		fields := map[string]string{}
		for name, v := range m.Values {
			fields[name] = fmt.Sprint(v)
		}
		pos, err := event.ParsePosition(m.ID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event.Entry{Position: pos, Fields: event.FieldsOf(fields)})
	}
	return all
}

func sameEntries(a, b []event.Entry) bool {
	return slices.EqualFunc(a, b, func(a, b event.Entry) bool {
		return a.Position == b.Position && a.Fields.Equal(b.Fields) && len(a.Fields) == len(b.Fields)
	})
}

// TestRangeIsWhatTheClientReads: whatever lies on the stream, from wherever it is read,
// and however little comes over the wire at once.
func TestRangeIsWhatTheClientReads(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	values := []string{"", "1", "中文", "\x00\xff", "\r\n", "$3\r\nabc\r\n", "*2\r\n", strings.Repeat("long", 30_000)}
	for i := range 300 {
		var fields []string
		for k := range i%7 + 1 {
			fields = append(fields, fmt.Sprint("f", k), values[(i+k)%len(values)])
		}
		if err := db.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", ID: fmt.Sprintf("%d-*", i/100+1), Values: fields}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	j := joinedTo(t, db, 1)
	j.Buffer = 1 << 10
	for _, from := range []string{"(0-0", "1-98", "(1-98", "(3-99", "9-0"} {
		got, err := j.Range(t.Context(), "s", from, 150)
		if want := rangeOfClient(t, db, from, 150); err != nil || !sameEntries(got, want) {
			t.Errorf("from %s: %d entries, %v; the client reads %d", from, len(got), err, len(want))
		}
	}
	if err := db.Set(t.Context(), "text", "no stream", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Range(t.Context(), "text", "0", 10); !redis.HasErrorPrefix(err, "WRONGTYPE") {
		t.Errorf("of a text: %v, %v", got, err)
	}
	if got, err := j.Range(t.Context(), "none", "0", 10); err != nil || len(got) != 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

// aRange is a whole reply, of an entry with two fields and one without any.
const aRange = "*2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\nk\r\n$0\r\n\r\n$1\r\np\r\n$2\r\n\r\n\r\n*2\r\n$3\r\n1-1\r\n*0\r\n"

// TestRangesThatAreNone end the connection, wherever the reply ends.
func TestRangesThatAreNone(t *testing.T) {
	t.Parallel()
	bad := []string{
		"*-1\r\n", "*x\r\n", "*99999999\r\n", ":1\r\n", "+OK\r\n", "$1\r\nx\r\n", "*1\r\n*1\r\n$3\r\n1-0\r\n", "*1\r\n*2\r\n$1\r\n1\r\n*0\r\n",
		"*1\r\n*2\r\n$3\r\n1-0\r\n*1\r\n$1\r\nk\r\n", "*1\r\n*2\r\n:3\r\n*0\r\n", "*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nk\r\n$-1\r\n",
		"*1\r\n*2\r\n$3\r\n1-0\r\n*-1\r\n", "*1\r\n$3\r\n1-0\r\n",
	}
	for i := range aRange {
		bad = append(bad, aRange[:i])
	}
	for _, text := range bad {
		l := &entryList{}
		if refused, err := l.read(repliesOf(text)); err == nil {
			t.Errorf("%q is read as %v, %v", text, l.entries, refused)
		}
	}
}

// FuzzRange: what is read as entries is what a whole reply says, and nothing is read
// beyond it.
func FuzzRange(f *testing.F) {
	f.Add(aRange + "+next\r\n")
	f.Add("*0\r\n")
	f.Add("-ERR no\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, b := repliesOf(text), repliesOf(text)
		l := &entryList{}
		refused, err := l.read(a)
		if err != nil {
			return
		}
		v, err := b.value()
		if err != nil {
			t.Fatalf("entries %v, but %v", l.entries, err)
		}
		if _, isError := v.(replyError); isError != (refused != nil) {
			t.Fatalf("%v, but refused %v", v, refused)
		}
		for i, e := range l.entries {
			pair := v.([]any)[i].([]any)
			words := pair[1].([]any)
			if len(words) != 2*len(e.Fields) {
				t.Fatalf("%v, but %v", e, pair)
			}
			for n, field := range e.Fields {
				if words[2*n] != field.Name || words[2*n+1] != field.Value {
					t.Fatalf("%v, but %v", e, pair)
				}
			}
		}
		restA, _ := io.ReadAll(a)
		restB, _ := io.ReadAll(b)
		if string(restA) != string(restB) {
			t.Fatalf("one left %q, the other %q", restA, restB)
		}
	})
}
