package redisstore

import (
	"bufio"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func repliesOf(text string) replies {
	return replies{bufio.NewReaderSize(strings.NewReader(text), 64)}
}

// long is more than the buffers of these tests hold.
var long = strings.Repeat("长", 100)

func TestReplyValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]any{
		"+OK\r\n":                              "OK",
		"-ERR no\r\n":                          replyError("ERR no"),
		":-7\r\n":                              int64(-7),
		"$-1\r\n":                              nil,
		"*-1\r\n":                              nil,
		"$0\r\n\r\n":                           "",
		"$4\r\na\r\nb\r\n":                     "a\r\nb",
		"$300\r\n" + long + "\r\n":             long,
		"*0\r\n":                               []any{},
		"*3\r\n:1\r\n*1\r\n$1\r\nx\r\n$-1\r\n": []any{int64(1), []any{"x"}, nil},
	} {
		r := repliesOf(text + "+next\r\n")
		got, err := r.value()
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
		if next, err := r.value(); next != "next" || err != nil {
			t.Errorf("%q: then %v, %v", text, next, err)
		}
	}
}

func TestReplyWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		words   []string
		refused string
	}{
		"*2\r\n$2\r\nok\r\n$-1\r\n":          {[]string{"ok", ""}, ""},
		"*1\r\n$300\r\n" + long + "\r\n":     {[]string{long}, ""},
		"*0\r\n":                             {[]string{}, ""},
		"-NOSCRIPT No matching script.\r\n":  {nil, "NOSCRIPT"},
		":1\r\n":                             {nil, "no list"},
		"$1\r\nx\r\n":                        {nil, "no list"},
		"*-1\r\n":                            {nil, "no list"},
		"*2\r\n:1\r\n$1\r\nx\r\n":            {[]string{"", "x"}, "int64"},
		"*2\r\n*1\r\n$1\r\nx\r\n$1\r\ny\r\n": {[]string{"", "y"}, "[]interface"},
	} {
		r := repliesOf(text + "+next\r\n")
		words, refused, err := r.words()
		if err != nil || !cmp.Equal(words, want.words) ||
			(refused == nil) != (want.refused == "") || refused != nil && !strings.Contains(refused.Error(), want.refused) {
			t.Errorf("%q: %q, %v, %v; want %v", text, words, refused, err, want)
		}
		if next, err := r.value(); next != "next" || err != nil {
			t.Errorf("%q: then %v, %v", text, next, err)
		}
	}
}

// TestRepliesThatAreNone end the connection: nobody can tell what follows.
func TestRepliesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "+OK", "+OK\n", "\r\n", "?\r\n", "x1\r\n", ":x\r\n", "$x\r\n", "$-2\r\n", "$99999999999\r\n", "$5\r\nab\r\n",
		"*2\r\n$1\r\na\r\n", "*x\r\n", "$200\r\nab\r\n", "+" + long + "\r\n", "*1\r\n?\r\n", "*1\r\n$x\r\n",
	} {
		if v, err := repliesOf(text).value(); err == nil {
			t.Errorf("%q is %v", text, v)
		}
		if words, _, err := repliesOf(text).words(); err == nil && text != ":x\r\n" && !strings.HasPrefix(text, "+") {
			t.Errorf("%q is %q", text, words)
		}
	}
}

// TestFill gives every kind of command that is sent together its reply, and refuses
// what does not fit.
func TestFill(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		cmd     redis.Cmder
		v, want any
		err     error
	}{
		{redis.NewCmd(ctx), []any{"a"}, []any{"a"}, nil},
		{redis.NewStringCmd(ctx), "a", "a", nil},
		{redis.NewStringCmd(ctx), nil, "", redis.Nil},
		{redis.NewStringCmd(ctx), int64(1), "", errProtocol},
		{redis.NewIntCmd(ctx), int64(7), int64(7), nil},
		{redis.NewIntCmd(ctx), replyError("WRONGTYPE x"), int64(0), replyError("WRONGTYPE x")},
		{redis.NewSliceCmd(ctx), []any{"a", nil}, []any{"a", nil}, nil},
		{redis.NewFloatCmd(ctx), "12.5", 12.5, nil},
		{redis.NewFloatCmd(ctx), "x", 0.0, errProtocol},
		{redis.NewMapStringStringCmd(ctx), []any{"a", "b"}, map[string]string{"a": "b"}, nil},
		{redis.NewMapStringStringCmd(ctx), []any{"a"}, map[string]string(nil), errProtocol},
		{redis.NewMapStringStringCmd(ctx), []any{"a", int64(1)}, map[string]string(nil), errProtocol},
	} {
		tt.cmd.SetErr(errUnanswered)
		fill(tt.cmd, tt.v)
		got := reflect.ValueOf(tt.cmd).MethodByName("Val").Call(nil)[0].Interface()
		if !errors.Is(tt.cmd.Err(), tt.err) || tt.err == nil && tt.cmd.Err() != nil || !cmp.Equal(got, tt.want) {
			t.Errorf("%T of %v: %v, %v", tt.cmd, tt.v, got, tt.cmd.Err())
		}
	}
	other := redis.NewStatusCmd(ctx, "ping")
	if fill(other, "PONG"); other.Err() == nil || !strings.Contains(other.Err().Error(), "ping: a *redis.StatusCmd") {
		t.Errorf("err = %v", other.Err())
	}
}

func TestAppendCommand(t *testing.T) {
	t.Parallel()
	got, err := appendCommand(nil, []any{"set", []byte("键"), 1, int64(-2), uint64(1) << 63})
	want := "*5\r\n$3\r\nset\r\n$3\r\n键\r\n$1\r\n1\r\n$2\r\n-2\r\n$19\r\n9223372036854775808\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := appendCommand(nil, []any{"set", 1.5}); err == nil {
		t.Error("a fraction is no argument")
	}
}

// FuzzReplies: whatever comes is a reply or an error, what was read as a list of
// texts is the same list in both ways, and nothing is read beyond a reply.
func FuzzReplies(f *testing.F) {
	f.Add("*2\r\n$2\r\nok\r\n$-1\r\n")
	f.Add("*1\r\n*1\r\n:1\r\n")
	f.Add("-ERR\r\n$3\r\nabc\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		a, b := repliesOf(text), repliesOf(text)
		v, errV := a.value()
		words, refused, errW := b.words()
		if (errV == nil) != (errW == nil) && !strings.HasPrefix(text, ":") {
			t.Fatalf("%v, but %v", errV, errW)
		}
		if errV != nil || errW != nil {
			return
		}
		restA, _ := io.ReadAll(a)
		restB, _ := io.ReadAll(b)
		if string(restA) != string(restB) {
			t.Fatalf("one left %q, the other %q", restA, restB)
		}
		all, isList := v.([]any)
		if refused == nil && (!isList || len(all) != len(words)) {
			t.Fatalf("%v, but %q", v, words)
		}
	})
}
