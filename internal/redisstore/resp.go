package redisstore

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// This file speaks version 2 of Redis' protocol: five kinds of replies, of which the
// scripts and the small reads of this package use no more than that.

// errProtocol is a reply that cannot be understood. What follows on the connection
// cannot be told apart any more.
var errProtocol = errors.New("redis answered what is no reply")

// replyError is an error that Redis answered.
type replyError string

var _ redis.Error = replyError("")

func (e replyError) Error() string { return string(e) }

// RedisError tells go-redis' functions that this came from Redis.
func (replyError) RedisError() {}

// maxReply bounds a part of a reply: nothing that is read together is as large.
const maxReply = 64 << 20

// appendCommand writes a command as it travels. Only texts and whole numbers can be
// sent: the rest might be written otherwise than was meant.
func appendCommand(dst []byte, args []any) ([]byte, error) {
	return appendArgs(appendHead(dst, '*', len(args)), 0, args)
}

// appendArgs writes the arguments of a command from its first one on.
func appendArgs(dst []byte, first int, args []any) ([]byte, error) {
	for i, arg := range args {
		switch v := arg.(type) {
		case string:
			dst = appendBulk(dst, v)
		case []byte:
			dst = appendBulk(dst, v)
		case int:
			dst = appendNumber(dst, int64(v))
		case int64:
			dst = appendNumber(dst, v)
		case uint64:
			dst = appendBulk(dst, strconv.FormatUint(v, 10))
		default:
			return nil, fmt.Errorf("argument %d is a %T", first+i, arg)
		}
	}
	return dst, nil
}

func appendHead(dst []byte, kind byte, n int) []byte {
	return append(strconv.AppendInt(append(dst, kind), int64(n), 10), '\r', '\n')
}

func appendBulk[T string | []byte](dst []byte, text T) []byte {
	dst = appendHead(dst, '$', len(text))
	return append(append(dst, text...), '\r', '\n')
}

func appendNumber(dst []byte, n int64) []byte {
	var digits [20]byte
	return appendBulk(dst, strconv.AppendInt(digits[:0], n, 10))
}

// replies reads what Redis answers.
type replies struct{ *bufio.Reader }

// line reads the line that a reply begins with: what kind it is, and the rest. The
// rest is good until the next read.
func (r replies) line() (kind byte, rest []byte, err error) {
	text, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return 0, nil, fmt.Errorf("%w: a line without an end", errProtocol)
	case err != nil:
		return 0, nil, err
	case len(text) < 3 || text[len(text)-2] != '\r':
		return 0, nil, fmt.Errorf("%w: %q", errProtocol, text)
	}
	return text[0], text[1 : len(text)-2], nil
}

// length reads a number; -1 stands for nothing at all.
func length(text []byte) (int, error) {
	n, err := strconv.Atoi(string(text))
	if err != nil || n < -1 || n > maxReply {
		return 0, fmt.Errorf("%w: length %q", errProtocol, text)
	}
	return n, nil
}

// bulk reads n bytes and the end of their line.
func (r replies) bulk(n int) (string, error) {
	if n+2 <= r.Size() { // without a buffer of its own
		both, err := r.Peek(n + 2)
		if err != nil {
			return "", unexpected(err)
		}
		text := string(both[:n])
		_, err = r.Discard(n + 2)
		return text, err
	}
	text := make([]byte, n+2)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", unexpected(err)
	}
	return string(text[:n]), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// value reads a whole reply: string, int64, nil, []any of these, or replyError.
func (r replies) value() (any, error) {
	kind, rest, err := r.line()
	if err != nil {
		return nil, err
	}
	switch kind {
	case '+':
		return string(rest), nil
	case '-':
		return replyError(rest), nil
	case ':':
		n, err := strconv.ParseInt(string(rest), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%w: number %q", errProtocol, rest)
		}
		return n, nil
	case '$', '*':
		n, err := length(rest)
		if err != nil || n < 0 {
			return nil, err
		}
		if kind == '$' {
			return r.bulk(n)
		}
		return r.list(n)
	default:
		return nil, fmt.Errorf("%w: it begins with %q", errProtocol, kind)
	}
}

func (r replies) list(n int) (any, error) {
	all := make([]any, 0, min(n, 1024))
	for range n {
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// words reads a reply that is a list of texts, as every script of ours answers; one
// that is missing is "". The error of the reply itself is refused.
func (r replies) words() (all []string, refused, err error) {
	kind, rest, err := r.line()
	if err != nil {
		return nil, nil, err
	}
	if kind != '*' {
		return r.noWords(kind, rest)
	}
	n, err := length(rest)
	if err != nil || n < 0 {
		return nil, errNoWords, err
	}
	all = make([]string, 0, min(n, 1024))
	for range n {
		word, refusedWord, err := r.word()
		if err != nil {
			return nil, nil, err
		}
		refused = errors.Join(refused, refusedWord)
		all = append(all, word)
	}
	return all, refused, nil
}

var errNoWords = errors.New("redis answered no list of texts")

// noWords finishes a reply that is no list.
func (r replies) noWords(kind byte, rest []byte) (all []string, refused, err error) {
	switch kind {
	case '-':
		return nil, replyError(rest), nil
	case '+', ':':
		return nil, errNoWords, nil
	case '$':
		n, err := length(rest)
		if err == nil && n >= 0 {
			_, err = r.bulk(n)
		}
		return nil, errNoWords, err
	default:
		return nil, nil, fmt.Errorf("%w: it begins with %q", errProtocol, kind)
	}
}

func (r replies) word() (text string, refused, err error) {
	kind, err := r.Peek(1)
	if err != nil {
		return "", nil, unexpected(err)
	}
	if kind[0] != '$' {
		v, err := r.value()
		return "", fmt.Errorf("%w: a part is a %T", errNoWords, v), err
	}
	_, rest, err := r.line()
	if err != nil {
		return "", nil, err
	}
	n, err := length(rest)
	if err != nil || n < 0 {
		return "", nil, err
	}
	text, err = r.bulk(n)
	return text, nil, err
}

// fill gives a command its reply.
func fill(cmd redis.Cmder, v any) {
	if err := setReply(cmd, v); err != nil {
		cmd.SetErr(err)
		return
	}
	cmd.SetErr(nil)
}

func setReply(cmd redis.Cmder, v any) error {
	if refused, ok := v.(replyError); ok {
		return refused
	}
	if v == nil {
		return redis.Nil
	}
	switch c := cmd.(type) {
	case *redis.Cmd:
		c.SetVal(v)
		return nil
	case *redis.StringCmd:
		return setAs(c, v)
	case *redis.IntCmd:
		return setAs(c, v)
	case *redis.SliceCmd:
		return setAs(c, v)
	case *redis.FloatCmd:
		return setFloat(c, v)
	case *redis.MapStringStringCmd:
		return setMap(c, v)
	default:
		return fmt.Errorf("%s: a %T cannot be sent together with others", cmd.Name(), cmd)
	}
}

func setAs[T any](cmd interface{ SetVal(T) }, v any) error {
	val, ok := v.(T)
	if !ok {
		return fmt.Errorf("%w: a %T, want a %T", errProtocol, v, val)
	}
	cmd.SetVal(val)
	return nil
}

func setFloat(cmd *redis.FloatCmd, v any) error {
	text, ok := v.(string)
	n, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil {
		return fmt.Errorf("%w: %v, want a number", errProtocol, v)
	}
	cmd.SetVal(n)
	return nil
}

func setMap(cmd *redis.MapStringStringCmd, v any) error {
	all, ok := v.([]any)
	if !ok || len(all)%2 != 0 {
		return fmt.Errorf("%w: a %T, want pairs", errProtocol, v)
	}
	m := make(map[string]string, len(all)/2)
	for i := 0; i < len(all); i += 2 {
		field, okField := all[i].(string)
		value, okValue := all[i+1].(string)
		if !okField || !okValue {
			return fmt.Errorf("%w: a pair of %T and %T", errProtocol, all[i], all[i+1])
		}
		m[field] = value
	}
	cmd.SetVal(m)
	return nil
}
