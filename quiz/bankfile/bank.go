package bankfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"qingyuan/configs"
)

// ErrNotExtendable means that questions cannot be added to a bank file without
// writing what is there anew.
var ErrNotExtendable = errors.New("the bank file is laid out in a way that cannot be added to")

// ReadBank reads a file in our own form with everything in it, drafts too: those
// lack what only people can add, such as the legal basis, and are none the worse
// for being compared with. An error names the file, and the line of a question
// that breaks a rule.
func ReadBank(name string, raw []byte) ([]Question, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	entries, err := configs.ReadBank(name, raw)
	if err != nil {
		return nil, fmt.Errorf("read bank %s: %w", name, err)
	}
	out := make([]Question, 0, len(entries))
	for _, e := range entries {
		q := FromBank(e.Question)
		q.File, q.Line, q.LineTo = name, e.Line, e.LineTo
		if why := q.fault(); why != nil {
			return nil, fmt.Errorf("read bank %s: line %d: %s", name, e.Line, why.reason)
		}
		out = append(out, q)
	}
	return out, nil
}

// ExtendBank adds questions at the end of a bank file, which may be empty, and
// leaves every byte of it as it is. The ids of the new questions follow from what
// they say, so that the same question has the same id wherever it is imported. The
// error is ErrNotExtendable, or ErrNotWritable.
func ExtendBank(name string, raw []byte, qs []Question) ([]byte, error) {
	before, err := ReadBank(name, raw)
	if err != nil {
		return nil, err
	}
	named := make([]Question, len(qs))
	for i, q := range qs {
		q.Number = contentID(q)
		named[i] = q
	}
	var added bytes.Buffer
	if err := Write(&added, YAML, name, named); err != nil {
		return nil, err
	}
	out := added.Bytes()
	if len(before) > 0 {
		_, list, _ := bytes.Cut(out, []byte("\n"))
		out = bytes.Join([][]byte{bytes.TrimRight(raw, "\n"), {'\n'}, list}, nil)
	}
	after, err := ReadBank(name, out)
	if err != nil || len(after) != len(before)+len(qs) {
		return nil, fmt.Errorf("extend %s: %w", name, ErrNotExtendable)
	}
	return out, nil
}

// contentID names a question by what it says.
func contentID(q Question) string {
	sum := sha256.Sum256([]byte(string(q.Kind) + "\x00" + alikeStem(q.Stem) + "\x00" + strings.Join(q.Options, "\x00") + "\x00" + q.Letters()))
	return "i-" + hex.EncodeToString(sum[:6])
}
