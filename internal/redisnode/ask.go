package redisnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// ask sends one command over a connection of its own and returns the answer.
//
// A client's pool is made for a server that is there: it dials again and again
// and complains when there is none. Here a Redis that does not listen yet, or
// any more, is the expected case.
func ask(ctx context.Context, c Conn, command string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, c.Network, c.Addr)
	if err != nil {
		return "", err
	}
	// Closing ends a read that waits, when ctx is over.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return "", err
	}
	return readAnswer(bufio.NewReader(conn))
}

// readAnswer reads a line or a text; an answer that begins with "-" is an error.
func readAnswer(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := line[:1], strings.TrimSpace(line[1:])
	switch kind {
	case "+":
		return rest, nil
	case "-":
		return "", errors.New(rest)
	case "$":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 {
			return "", fmt.Errorf("read an answer of length %q", rest)
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return "", err
		}
		return string(text), nil
	default:
		return "", fmt.Errorf("read an answer of unknown kind %q", kind)
	}
}
