package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
)

// BundleFormat names what a bundle is, and its version.
const BundleFormat = "qingyuan.proof/1"

// maxBundle bounds what is read of a bundle, in bytes: strokes are its largest part.
const maxBundle = 4 << 20

// Bundle proves one act: what was written down of it, that it is in the log, and what
// became of it until the checkpoint.
type Bundle struct {
	Format string `json:"format"`
	// Origin is that of the log, and Keys are those that its checkpoints may be signed
	// with, as the server says. Whoever trusts no server compares them with what was
	// published elsewhere.
	Origin string   `json:"origin"`
	Keys   []string `json:"keys"`
	// Checkpoint is the signed note; Size and Root are what it says, and what the paths
	// lead to.
	Checkpoint string    `json:"checkpoint"`
	Size       int64     `json:"tree_size"`
	Root       tlog.Hash `json:"root"`
	// Entries are the act itself and then its corrections, in the order of the log.
	Entries []Entry `json:"entries"`
	// Text is the pledge's text and Image the strokes of the signature as they were
	// stored, where they are told.
	Text  *string `json:"text,omitzero"`
	Image *string `json:"image,omitzero"`
}

// Entry is one leaf with its place in the tree.
type Entry struct {
	Index int64 `json:"index"`
	Type  Type  `json:"type"`
	// Of is the index of the act that is corrected; nil for the act itself.
	Of     *int64  `json:"of,omitzero"`
	Fields []Field `json:"fields"`
	// Leaf is the hash of the leaf, and Path leads from it to the root.
	Leaf tlog.Hash   `json:"leaf"`
	Path []tlog.Hash `json:"path"`
}

// NewEntry describes a leaf that lies at an index.
func NewEntry(index int64, l Leaf, fields []Field, path []tlog.Hash) Entry {
	e := Entry{Index: index, Type: l.Type, Fields: fields, Leaf: l.Hash(), Path: path}
	if l.Of != Unknown {
		e.Of = &l.Of
	}
	return e
}

// LeafOf is the leaf that an entry describes.
func (e *Entry) LeafOf() Leaf {
	l := Leaf{Type: e.Type, Of: Unknown, Fields: FieldsHash(e.Fields)}
	if e.Of != nil {
		l.Of = *e.Of
	}
	return l
}

// Value returns what an opened field says.
func (e *Entry) Value(name string) (string, bool) {
	for _, f := range e.Fields {
		if f.Name == name && f.Value != nil {
			return *f.Value, true
		}
	}
	return "", false
}

// ReadBundle reads a bundle. What it does not know it refuses.
func ReadBundle(r io.Reader) (*Bundle, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	if err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	if len(raw) > maxBundle {
		return nil, fmt.Errorf("read the bundle: it has more than %d bytes", maxBundle)
	}
	var b Bundle
	if err := json.Unmarshal(raw, &b, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read the bundle: %w", err)
	}
	if b.Format != BundleFormat {
		return nil, fmt.Errorf("read the bundle: its format is %q, want %q", b.Format, BundleFormat)
	}
	return &b, nil
}

// Write writes a bundle as JSON.
func (b *Bundle) Write(w io.Writer) error {
	if err := json.MarshalWrite(w, b, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return fmt.Errorf("write the bundle: %w", err)
	}
	return nil
}

// Parts of a bundle or log that may fail, beside the names of fields.
const (
	PartEntries    = "entries"
	PartLeaf       = "leaf"
	PartPath       = "path"
	PartCheckpoint = "checkpoint"
)

// Fault is a part that does not hold.
type Fault struct {
	// Part is the name of a field, or one of the parts above.
	Part string `json:"part"`
	// Index is that of the leaf; -1 where it is about no single one.
	Index int64  `json:"index"`
	Text  string `json:"text"`
}

// String says it in one line.
func (f Fault) String() string {
	if f.Index < 0 {
		return f.Part + ": " + f.Text
	}
	return fmt.Sprintf("%s of leaf %d: %s", f.Part, f.Index, f.Text)
}

// nowhere is the index of a fault that is about no single leaf.
const nowhere int64 = -1

// Verify checks a bundle with nothing but itself and the keys that its reader trusts, and
// returns what does not hold, with the checkpoint that it leads to. The checkpoint means
// nothing where a fault is about it.
func (b *Bundle) Verify(keys []string) (Checkpoint, []Fault) {
	v := verdict{}
	if len(b.Entries) == 0 {
		v.fault(PartEntries, nowhere, "there is none")
	}
	for i := range b.Entries {
		v.entry(b, i)
	}
	v.document(b, FieldText, b.Text)
	v.document(b, FieldImage, b.Image)
	c, err := OpenCheckpoint(b.Checkpoint, keys)
	switch {
	case err != nil:
		v.fault(PartCheckpoint, nowhere, err.Error())
	case c.Origin != b.Origin:
		v.fault(PartCheckpoint, nowhere, fmt.Sprintf("it is of %s, and the bundle of %s", c.Origin, b.Origin))
	case c.N != b.Size || c.Hash != b.Root:
		v.fault(PartCheckpoint, nowhere, fmt.Sprintf("it is of the tree %d %s, and the paths lead to %d %s", c.N, c.Hash, b.Size, b.Root))
	}
	return c, v.faults
}

// verdict collects what does not hold.
type verdict struct{ faults []Fault }

func (v *verdict) fault(part string, index int64, text string) {
	v.faults = append(v.faults, Fault{part, index, text})
}

// entry checks fields, leaf and path of one entry, each for itself: what is wrong with one
// is not told of the others.
func (v *verdict) entry(b *Bundle, i int) {
	e := &b.Entries[i]
	v.order(b, i)
	hold := true
	for _, f := range e.Fields {
		if !f.Holds() {
			hold = false
			v.fault(f.Name, e.Index, "it is not what the leaf binds")
		}
	}
	l := e.LeafOf()
	if err := l.check(); err != nil {
		v.fault(PartLeaf, e.Index, err.Error())
	} else if hold && l.Hash() != e.Leaf { // with a field that is wrong nothing can be said of the leaf
		v.fault(PartLeaf, e.Index, fmt.Sprintf("type, act and fields give %s, and it is %s", l.Hash(), e.Leaf))
	}
	leads := func(from tlog.Hash) bool { return tlog.CheckRecord(e.Path, b.Size, b.Root, e.Index, from) == nil }
	if !leads(e.Leaf) && !leads(l.Hash()) { // a leaf that was altered is no fault of the path
		v.fault(PartPath, e.Index, fmt.Sprintf("it does not lead from the leaf to the root %s of %d leaves", b.Root, b.Size))
	}
}

// order wants the act first, and behind it what happened to it and nothing else.
func (v *verdict) order(b *Bundle, i int) {
	e, act := &b.Entries[i], &b.Entries[0]
	switch {
	case i == 0 && !e.Type.Accepts():
		v.fault(PartEntries, e.Index, "the first is not the act itself")
	case i > 0 && (e.Of == nil || *e.Of != act.Index || e.Type.Subject() != act.Type.Subject() || e.Index <= b.Entries[i-1].Index):
		v.fault(PartEntries, e.Index, fmt.Sprintf("it is no later correction of leaf %d", act.Index))
	}
}

// document compares a document with the field that holds its hash.
func (v *verdict) document(b *Bundle, field string, text *string) {
	if text == nil || len(b.Entries) == 0 {
		return
	}
	want, ok := b.Entries[0].Value(field)
	switch {
	case !ok:
		v.fault(field, b.Entries[0].Index, "its field is closed, so that nothing binds it")
	case want != Digest(*text):
		v.fault(field, b.Entries[0].Index, "its SHA-256 is "+Digest(*text)+", and "+strconv.Quote(want)+" was written down")
	}
}

// Digest is the SHA-256 of a document in hexadecimal; "" for an empty one, which is none.
func Digest(document string) string {
	if document == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// Counts tells whether the act counted at the checkpoint, by its entries.
func (b *Bundle) Counts() bool {
	var n int64
	for _, e := range b.Entries {
		n += e.Type.Adds()
	}
	return n > 0
}

// errNoLog is a file that is neither a bundle nor a log.
var errNoLog = errors.New("it is neither a bundle nor a whole log")

// errSpelling is base64 that means the same as what was published, and is not the same.
var errSpelling = errors.New("it is not spelled as it was published")
