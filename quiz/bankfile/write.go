package bankfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// ErrNotWritable means that a question cannot be written such that reading gives it
// back: it breaks a rule, or has characters that files do not hold.
var ErrNotWritable = errors.New("the question cannot be written to a file")

// Write writes questions such that Read gives the same stems, options, keys, kinds
// and explanations back. Formats are XLSX, CSV, GIFT, Moodle and YAML; name is what
// the bank is called. A YAML file lacks what a question does not say, such as its
// legal basis, and is to be completed before a campaign can run on it. The error is
// ErrNotWritable, or that of w.
func Write(w io.Writer, f Format, name string, qs []Question) error {
	for i := range qs {
		if err := writable(qs[i]); err != nil {
			return fmt.Errorf("write question %d (%s) of %s: %w", i+1, title(qs[i].Stem), name, err)
		}
	}
	var err error
	switch f {
	case XLSX:
		err = writeXLSX(w, name, qs)
	case CSV:
		err = writeCSV(w, qs)
	case GIFT:
		err = writeGIFT(w, name, qs)
	case Moodle:
		err = writeMoodle(w, qs)
	case YAML:
		err = writeYAML(w, qs)
	default:
		return fmt.Errorf("write %s: there is no way to write the format %q", name, f)
	}
	if err != nil {
		return fmt.Errorf("write %s as %s: %w", name, f, err)
	}
	return nil
}

func writable(q Question) error {
	if why := q.fault(); why != nil {
		return fmt.Errorf("%w: %s", ErrNotWritable, why.reason)
	}
	texts := slices.Concat([]string{q.Stem, q.Explanation, q.Basis, q.Topic, q.Number, q.Fact}, q.Options, q.Audience)
	for _, m := range q.Media {
		texts = append(texts, m.URL, m.Alt)
	}
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexFunc(t, unwritable) >= 0 {
			return fmt.Errorf("%w: characters that no file holds in %q", ErrNotWritable, shortened(t, titleLength))
		}
		if strings.TrimSpace(t) != t {
			return fmt.Errorf("%w: spaces around %q", ErrNotWritable, shortened(t, titleLength))
		}
	}
	return nil
}

// unwritable finds what XML 1.0 cannot hold, and returns, which every format
// changes.
func unwritable(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError
}

// writeYAML writes our own form. Questions without an id of their own get one.
func writeYAML(w io.Writer, qs []Question) error {
	taken := map[string]bool{}
	out := make([]quiz.Question, len(qs))
	for i, q := range qs {
		out[i] = ToBank(q)
		id := configs.BankID(q.Number, i+1)
		for n := len(qs); taken[id]; n++ {
			id = configs.BankID("", n+i)
		}
		taken[id] = true
		out[i].ID = id
	}
	return configs.WriteBank(w, out)
}
