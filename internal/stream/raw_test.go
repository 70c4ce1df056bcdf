package stream

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/redistest"
)

// TestARawReplyIsWhatTheClientReads: what is cut out of the reply is what the client
// makes of it, whatever lies on the stream.
func TestARawReplyIsWhatTheClientReads(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	values := []string{"", "1", "中文", "\x00\xff", "\r\n", "$3\r\nabc\r\n", "*2\r\n", strings.Repeat("long", 5000)}
	const n = 300 // more fields than are made room for at once
	for i := range n {
		var fields []string
		for k := range i%7 + 1 {
			fields = append(fields, fmt.Sprint("f", k), values[(i+k)%len(values)])
		}
		if err := db.XAdd(t.Context(), &redis.XAddArgs{Stream: "s", ID: fmt.Sprintf("%d-*", i/100+1), Values: fields}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, after := range []event.Position{{}, {Epoch: 1, Seq: 98}, {Epoch: 3, Seq: 99}, {Epoch: 9}} {
		got, err := readAfter(t.Context(), db, "s", after, 150)
		if err != nil {
			t.Fatal(err)
		}
		messages, err := db.XRangeN(t.Context(), "s", "("+after.String(), "+", 150).Result()
		if err != nil {
			t.Fatal(err)
		}
		want, err := entriesOf(messages)
		same := func(a, b event.Entry) bool {
			return a.Position == b.Position && a.Fields.Equal(b.Fields) && len(a.Fields) == len(b.Fields)
		}
		if err != nil || !slices.EqualFunc(got, want, same) {
			t.Errorf("after %s: %d entries, %v; the client reads %d", after, len(got), err, len(want))
		}
	}
}

// TestARepliedError: what Redis says instead of entries is the error.
func TestARepliedError(t *testing.T) {
	t.Parallel()
	db := redistest.Start(t).Client(t)
	if err := db.Set(t.Context(), "s", "no stream", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := readAfter(t.Context(), db, "s", event.Position{}, 10); !redis.HasErrorPrefix(err, "WRONGTYPE") {
		t.Errorf("read %v, %v", got, err)
	}
}

// reply is a whole one, of an entry with two fields and one without any.
const reply = "*2\r\n*2\r\n$3\r\n1-0\r\n*4\r\n$1\r\nk\r\n$0\r\n\r\n$1\r\np\r\n$2\r\n\r\n\r\n*2\r\n$3\r\n1-1\r\n*0\r\n"

// TestRepliesThatAreNone: half a reply is none, wherever it ends.
func TestRepliesThatAreNone(t *testing.T) {
	t.Parallel()
	got, err := parseEntries(reply)
	if err != nil || len(got) != 2 || len(got[0].Fields) != 2 || got[0].Get("p") != "\r\n" || len(got[1].Fields) != 0 {
		t.Fatalf("the whole reply: %+v, %v", got, err)
	}
	for i := range reply {
		if got, err := parseEntries(reply[:i]); err == nil {
			t.Errorf("%q is read as %+v", reply[:i], got)
		}
	}
	for _, bad := range []string{
		reply + "x", "*-1\r\n", "*x\r\n", "*99999999999\r\n", "*1\r\n*1\r\n$3\r\n1-0\r\n", "*1\r\n*2\r\n$1\r\n1\r\n*0\r\n",
		"*1\r\n*2\r\n$3\r\n1-0\r\n*1\r\n$1\r\nk\r\n", "*1\r\n*2\r\n:3\r\n*0\r\n", "*1\r\n*2\r\n$4\r\n1-0\r\n*0\r\n",
	} {
		if got, err := parseEntries(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// FuzzParseEntries: no reply makes a reader panic, and what it takes is all of it.
func FuzzParseEntries(f *testing.F) {
	f.Add(reply)
	f.Add("*0\r\n")
	f.Add("*1\r\n*2\r\n$3\r\n1-0\r\n*2147483647\r\n")
	f.Fuzz(func(t *testing.T, raw string) {
		entries, err := parseEntries(raw)
		if err != nil {
			return
		}
		var b strings.Builder
		fmt.Fprintf(&b, "*%d\r\n", len(entries))
		for _, e := range entries {
			fmt.Fprintf(&b, "*2\r\n$%d\r\n%s\r\n*%d\r\n", len(e.String()), e, 2*len(e.Fields))
			for _, f := range e.Fields {
				fmt.Fprintf(&b, "$%d\r\n%s\r\n$%d\r\n%s\r\n", len(f.Name), f.Name, len(f.Value), f.Value)
			}
		}
		if again, err := parseEntries(b.String()); err != nil || len(again) != len(entries) {
			t.Errorf("%q is read as %v, and that as %v, %v", raw, entries, again, err)
		}
	})
}
