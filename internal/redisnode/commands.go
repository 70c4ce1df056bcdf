package redisnode

import (
	"bufio"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
)

// errNotCommands is a file that is not what Redis writes.
var errNotCommands = errors.New("not a list of commands")

// scanBlock is how much of a log is read at once.
const scanBlock = 1 << 20

// finishedEnd finds where the last command of a log ends that is complete and, if
// it belongs to a transaction, whose transaction is. A log that is damaged
// elsewhere is Redis' to refuse: its end is returned as it is.
func finishedEnd(log io.ReaderAt, size int64) (int64, error) {
	r := &commandReader{r: bufio.NewReaderSize(io.NewSectionReader(log, 0, size), scanBlock)}
	finished, within := int64(0), false
	for {
		name, err := r.next()
		switch {
		case errors.Is(err, errNotCommands):
			return size, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return finished, nil
		case err != nil:
			return 0, err
		case strings.EqualFold(name, "MULTI"):
			within = true
		case strings.EqualFold(name, "EXEC"):
			within = false
		}
		if !within {
			finished = r.at
		}
	}
}

// commandReader reads the names of commands one after another.
type commandReader struct {
	r  *bufio.Reader
	at int64 // behind what was read
}

// longestName is how much of a command's first argument is looked at.
const longestName = 16

// next returns the name of the next command, cut to longestName, or "" for a
// line of remarks.
func (c *commandReader) next() (string, error) {
	line, err := c.line()
	if err != nil || strings.HasPrefix(line, "#") {
		return "", err
	}
	n, err := number(line, '*')
	if err != nil {
		return "", err
	}
	name := ""
	for i := range n {
		arg, err := c.argument()
		if err != nil {
			return "", err
		}
		if i == 0 {
			name = arg
		}
	}
	return name, nil
}

// argument reads one argument and returns the beginning of it.
func (c *commandReader) argument() (string, error) {
	line, err := c.line()
	if err != nil {
		return "", err
	}
	n, err := number(line, '$')
	if err != nil {
		return "", err
	}
	head := make([]byte, min(n, longestName))
	if _, err := io.ReadFull(c.r, head); err != nil {
		return "", err
	}
	rest := n - len(head) + len("\r\n")
	skipped, err := c.r.Discard(rest)
	c.at += int64(len(head) + skipped)
	return string(head), err
}

// longestLine is how long a line between arguments may be.
const longestLine = 256

func (c *commandReader) line() (string, error) {
	line, err := c.r.ReadSlice('\n')
	c.at += int64(len(line))
	switch {
	case err != nil && !errors.Is(err, bufio.ErrBufferFull):
		return "", err
	case err != nil, len(line) > longestLine, !strings.HasSuffix(string(line), "\r\n"):
		return "", errNotCommands
	}
	return string(line[:len(line)-len("\r\n")]), nil
}

// number reads what stands behind a mark.
func number(line string, mark byte) (int, error) {
	if line == "" || line[0] != mark {
		return 0, errNotCommands
	}
	n, err := strconv.ParseUint(line[1:], 10, 31)
	if err != nil || n > math.MaxInt32-longestName {
		return 0, errNotCommands
	}
	return int(n), nil
}
