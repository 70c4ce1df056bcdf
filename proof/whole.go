package proof

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
)

// LogFormat names what a file of a whole log is, and its version.
const LogFormat = "qingyuan.log/1"

// A file of a whole log has a line of JSON for each thing: first its head, then every leaf
// in order, and every checkpoint behind the last leaf that it covers. It ends with a
// checkpoint over everything.

// Head is the first line.
type Head struct {
	Format string   `json:"format"`
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"`
}

// line is any other line: a leaf, or a checkpoint.
type line struct {
	Leaf       *leafLine `json:"leaf,omitzero"`
	Checkpoint string    `json:"checkpoint,omitzero"`
}

type leafLine struct {
	Index  int64   `json:"index"`
	Type   Type    `json:"type"`
	Of     *int64  `json:"of,omitzero"`
	Fields spelled `json:"fields"`
	Hash   spelled `json:"hash"`
}

// spelled is a hash that is written in one way only. The last letter of base64 has bits
// that mean nothing: a log in which they differ is not as it was published.
type spelled tlog.Hash

// MarshalJSON implements json.Marshaler.
func (s spelled) MarshalJSON() ([]byte, error) { return tlog.Hash(s).MarshalJSON() }

// UnmarshalJSON implements json.Unmarshaler.
func (s *spelled) UnmarshalJSON(text []byte) error {
	var h tlog.Hash
	if err := h.UnmarshalJSON(text); err != nil {
		return err
	}
	if string(text) != `"`+h.String()+`"` {
		return fmt.Errorf("hash %s: %w", text, errSpelling)
	}
	*s = spelled(h)
	return nil
}

// LogWriter writes a file of a whole log. After an error nothing more is written.
type LogWriter struct {
	to  *bufio.Writer
	n   int64
	err error
}

// NewLogWriter begins a file.
func NewLogWriter(w io.Writer, origin string, keys []string) *LogWriter {
	out := &LogWriter{to: bufio.NewWriter(w)}
	out.line(Head{LogFormat, origin, keys})
	return out
}

func (w *LogWriter) line(v any) {
	if w.err == nil {
		w.err = json.MarshalWrite(w.to, v, json.Deterministic(true))
	}
	if w.err == nil {
		w.err = w.to.WriteByte('\n')
	}
}

// Leaf writes the next leaf with its hash as it is in the tree.
func (w *LogWriter) Leaf(l Leaf, hash tlog.Hash) {
	out := leafLine{Index: w.n, Type: l.Type, Fields: spelled(l.Fields), Hash: spelled(hash)}
	if l.Of != Unknown {
		out.Of = &l.Of
	}
	w.n++
	w.line(line{Leaf: &out})
}

// Checkpoint writes a signed checkpoint over the leaves so far.
func (w *LogWriter) Checkpoint(signed string) { w.line(line{Checkpoint: signed}) }

// Close ends the file and tells whether everything was written.
func (w *LogWriter) Close() error {
	if w.err == nil {
		w.err = w.to.Flush()
	}
	if w.err != nil {
		return fmt.Errorf("write the log: %w", w.err)
	}
	return nil
}

// maxFaults bounds how many faults of a log are told: of one that was made anew every line
// is wrong.
const maxFaults = 20

// LogCheck is what reading a whole log came to.
type LogCheck struct {
	Head Head
	// Last is the newest checkpoint that holds, and Checkpoints how many there are.
	Last        Checkpoint
	Checkpoints int
	// Kept is how many of the kept checkpoints were compared with the log.
	Kept   int
	Faults []Fault
}

// ReadLog reads a whole log and checks every line of it: every leaf, that nothing is
// corrected that is not there, and every checkpoint, of which each continues the one
// before. keys are those that its reader trusts; none means those in the file. kept are
// signed checkpoints that the reader noted earlier, and the log must have. The error is
// that the file cannot be read as a log at all.
func ReadLog(r io.Reader, keys []string, kept []string) (*LogCheck, error) {
	d := jsontext.NewDecoder(bufio.NewReader(r))
	strict := json.RejectUnknownMembers(true)
	w := &walk{state: map[int64]bool{}, totals: make(Totals)}
	if err := json.UnmarshalDecode(d, &w.out.Head, strict); err != nil || w.out.Head.Format != LogFormat {
		return nil, errors.Join(fmt.Errorf("read the log: %w", errNoLog), err)
	}
	if w.keys = keys; len(keys) == 0 {
		w.keys = w.out.Head.Keys
	}
	if err := w.remember(kept); err != nil {
		return nil, err
	}
	for d.PeekKind() != 0 {
		var l line
		if err := json.UnmarshalDecode(d, &l, strict); err != nil {
			return nil, fmt.Errorf("read the log behind leaf %d: %w", w.climb.N()-1, err)
		}
		if w.line(&l); len(w.out.Faults) >= maxFaults {
			return &w.out, nil
		}
	}
	if _, err := d.ReadToken(); err != nil && err != io.EOF { //nolint:errorlint // The decoder returns it as it is.
		return nil, fmt.Errorf("read the log behind leaf %d: %w", w.climb.N()-1, err)
	}
	w.finish()
	return &w.out, nil
}

// walk reads a log line by line.
type walk struct {
	out    LogCheck
	keys   []string
	climb  Climb
	totals Totals
	// state says of every act whether it counts.
	state map[int64]bool
	kept  map[int64][]Checkpoint // by size
	from  int64                  // where the leaves begin that no checkpoint covers yet
	next  int64                  // the index that the next leaf must have
}

func (w *walk) fault(part string, index int64, format string, args ...any) {
	w.out.Faults = append(w.out.Faults, Fault{part, index, fmt.Sprintf(format, args...)})
}

// remember reads the checkpoints that the reader has kept.
func (w *walk) remember(kept []string) error {
	w.kept = map[int64][]Checkpoint{}
	for _, signed := range kept {
		c, err := OpenCheckpoint(signed, w.keys)
		if err != nil {
			return fmt.Errorf("read a kept checkpoint: %w", err)
		}
		w.kept[c.N] = append(w.kept[c.N], c)
	}
	return nil
}

func (w *walk) line(l *line) {
	switch {
	case l.Leaf != nil && l.Checkpoint == "":
		w.leaf(l.Leaf)
	case l.Leaf == nil && l.Checkpoint != "":
		w.checkpoint(l.Checkpoint)
	default:
		w.fault(PartEntries, nowhere, "a line behind leaf %d is neither a leaf nor a checkpoint", w.climb.N()-1)
	}
}

func (w *walk) leaf(in *leafLine) {
	at := in.Index
	if at != w.next {
		w.fault(PartLeaf, w.next, "it is missing: leaf %d stands in its place", at)
	}
	w.next = at + 1
	l, hash := Leaf{Type: in.Type, Of: Unknown, Fields: tlog.Hash(in.Fields)}, tlog.Hash(in.Hash)
	if in.Of != nil {
		l.Of = *in.Of
	}
	if err := l.check(); err != nil {
		w.fault(PartLeaf, at, "%v", err)
	} else if l.Hash() != hash {
		w.fault(PartLeaf, at, "type, act and fields give %s, and it is %s", l.Hash(), hash)
	}
	w.apply(at, l)
	w.climb.Add(hash)
	for _, c := range w.kept[w.climb.N()] {
		w.out.Kept++
		if got := w.climb.Tree(); got.Hash != c.Hash {
			w.fault(PartCheckpoint, nowhere, "the one of %d leaves that was kept has the root %s, and the log gives %s: it was made anew", c.N, c.Hash, got.Hash)
		}
	}
}

// apply follows what a leaf does to an act: what counts cannot be restored, and what does
// not cannot be taken out.
func (w *walk) apply(at int64, l Leaf) {
	w.totals.Add(l.Type)
	switch {
	case l.Type.Accepts():
		w.state[at] = true
	case l.Of == Unknown:
	default:
		counts, ok := w.state[l.Of]
		if !ok {
			w.fault(PartLeaf, at, "it corrects leaf %d, which is no act before it", l.Of)
			return
		}
		if adds := l.Type.Adds(); adds > 0 && counts || adds < 0 && !counts {
			w.fault(PartLeaf, at, "%s of leaf %d, which is so already", l.Type, l.Of)
		} else if adds != 0 {
			w.state[l.Of] = adds > 0
		}
	}
}

func (w *walk) checkpoint(signed string) {
	w.out.Checkpoints++
	c, err := OpenCheckpoint(signed, w.keys)
	if err != nil {
		w.fault(PartCheckpoint, nowhere, "the one behind leaf %d: %v", w.climb.N()-1, err)
		return
	}
	got := w.climb.Tree()
	switch {
	case c.Origin != w.out.Head.Origin:
		w.fault(PartCheckpoint, nowhere, "the one of %d leaves is of %s, and the log of %s", c.N, c.Origin, w.out.Head.Origin)
	case c.N != got.N:
		w.fault(PartCheckpoint, nowhere, "it is of %d leaves, and stands behind %d: leaves were dropped or put in, or another checkpoint stands in its place", c.N, got.N)
	case c.Hash != got.Hash:
		w.fault(PartCheckpoint, nowhere, "that of %d leaves has the root %s, and the log gives %s: one of the leaves from %d on was altered, or the checkpoint replaced",
			c.N, c.Hash, got.Hash, w.from)
	case !w.totals.same(c.Totals):
		w.fault(PartCheckpoint, nowhere, "that of %d leaves has totals that are not those of the leaves", c.N)
	default:
		w.out.Last, w.from = c, c.N
	}
}

// finish wants everything to be covered.
func (w *walk) finish() {
	if w.from < w.climb.N() {
		w.fault(PartCheckpoint, nowhere, "none that holds covers the leaves from %d to %d", w.from, w.climb.N()-1)
	}
	for _, n := range slices.Sorted(maps.Keys(w.kept)) {
		if n > w.climb.N() {
			w.fault(PartCheckpoint, nowhere, "one of %d leaves was kept, and the log has %d: it was cut", n, w.climb.N())
		}
	}
}

// same tells whether both count the same.
func (t Totals) same(o Totals) bool { return t.Holds(o) && o.Holds(t) }

// IsBundle tells by the beginning of a file whether it is a proof of one act.
func IsBundle(beginning string) bool { return strings.Contains(beginning, `"`+BundleFormat+`"`) }

// IsLog tells by the beginning of a file whether it is a whole log and no bundle.
func IsLog(beginning string) bool { return strings.Contains(beginning, `"`+LogFormat+`"`) }
