// Package proof holds what an outsider needs to check the counts of a campaign: the
// leaves of its log, signed checkpoints of the tree over them, and bundles that prove one
// act, or everything, with no server and no database.
//
// The tree is that of RFC 6962 (package tlog), checkpoints are signed notes as C2SP
// tlog-checkpoint describes them, and tiles are those of C2SP tlog-tiles. A leaf names no
// person: it says of which type it is, and binds what it is about by salted hashes, field
// by field. Who has the salts can show that a field is what was written down; without
// them a leaf says nothing.
package proof

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Type says what a leaf stands for. A type once used keeps its meaning for ever.
type Type string

// The types of leaf. Accepted acts begin to count; what is invalidated by the office or
// withdrawn by its participant counts no more, and what is restored counts again. A
// remarked attempt has other marks. Unchanged is a correction of an act that counts, or
// counts not, as before: one that was withdrawn and is invalidated as well.
const (
	AttemptAccepted      Type = "attempt.accepted"
	AttemptInvalidated   Type = "attempt.invalidated"
	AttemptWithdrawn     Type = "attempt.withdrawn"
	AttemptRestored      Type = "attempt.restored"
	AttemptRemarked      Type = "attempt.remarked"
	AttemptUnchanged     Type = "attempt.unchanged"
	SignatureAccepted    Type = "signature.accepted"
	SignatureInvalidated Type = "signature.invalidated"
	SignatureWithdrawn   Type = "signature.withdrawn"
	SignatureRestored    Type = "signature.restored"
	SignatureUnchanged   Type = "signature.unchanged"
)

// Subject is what a leaf is about.
type Subject string

// The subjects.
const (
	Attempt   Subject = "attempt"
	Signature Subject = "signature"
)

// effects has every type in the order in which checkpoints list them, with what it does
// to the count of its subject.
var effects = []struct { //nolint:gochecknoglobals // A table.
	is   Type
	adds int64
}{
	{AttemptAccepted, 1},
	{AttemptInvalidated, -1},
	{AttemptWithdrawn, -1},
	{AttemptRestored, 1},
	{AttemptRemarked, 0},
	{AttemptUnchanged, 0},
	{SignatureAccepted, 1},
	{SignatureInvalidated, -1},
	{SignatureWithdrawn, -1},
	{SignatureRestored, 1},
	{SignatureUnchanged, 0},
}

// Types lists every type, in the order in which checkpoints do.
func Types() []Type {
	out := make([]Type, len(effects))
	for i, e := range effects {
		out[i] = e.is
	}
	return out
}

// Adds returns by how much a leaf of the type changes the count of its subject.
func (t Type) Adds() int64 {
	for _, e := range effects {
		if e.is == t {
			return e.adds
		}
	}
	return 0
}

// Subject returns what the type is about.
func (t Type) Subject() Subject {
	subject, _, _ := strings.Cut(string(t), ".")
	return Subject(subject)
}

// Accepts tells whether the type is that of a new act.
func (t Type) Accepts() bool { return t == AttemptAccepted || t == SignatureAccepted }

func (t Type) known() bool { return slices.Contains(Types(), t) }

// Unknown stands in Leaf.Of where a correction does not say which act it is of: the act's
// participant was erased meanwhile, and nothing is left that leads to its leaf.
const Unknown int64 = -1

// Leaf is one entry of a log.
type Leaf struct {
	Type Type
	// Of is the index of the act that is corrected; Unknown for an act itself, and where
	// nothing leads to it any more.
	Of int64
	// Fields is the hash over the commitments to the fields, see FieldsHash.
	Fields tlog.Hash
}

// leafFormat begins every leaf and names how the rest is written.
const leafFormat = "qingyuan.leaf/1"

// Bytes are what is hashed into the tree: four lines, the format, the type, the index of
// the act that it is of or a hyphen, and the hash of its fields in base 64.
func (l Leaf) Bytes() []byte {
	text := append(make([]byte, 0, 128), leafFormat+"\n"...)
	text = append(append(text, l.Type...), '\n')
	if l.Of == Unknown {
		text = append(text, '-')
	} else {
		text = strconv.AppendInt(text, l.Of, 10)
	}
	text = base64.StdEncoding.AppendEncode(append(text, '\n'), l.Fields[:])
	return append(text, '\n')
}

// Hash is the leaf's in the tree.
func (l Leaf) Hash() tlog.Hash { return tlog.RecordHash(l.Bytes()) }

// ParseLeaf reads what Bytes writes, and nothing else.
func ParseLeaf(raw []byte) (Leaf, error) {
	lines := strings.Split(string(raw), "\n")
	if len(lines) != 5 || lines[0] != leafFormat {
		return Leaf{}, errors.New("no leaf: four lines are wanted, the first is " + leafFormat)
	}
	l := Leaf{Type: Type(lines[1]), Of: Unknown}
	var err error
	if lines[2] != "-" {
		if l.Of, err = strconv.ParseInt(lines[2], 10, 64); err != nil {
			return Leaf{}, fmt.Errorf("leaf: index of the act: %w", err)
		}
	}
	if l.Fields, err = tlog.ParseHash(lines[3]); err != nil {
		return Leaf{}, fmt.Errorf("leaf: hash of the fields: %w", err)
	}
	if err := l.check(); err != nil {
		return Leaf{}, err
	}
	if string(l.Bytes()) != string(raw) {
		return Leaf{}, errors.New("leaf: it is not written as leaves are")
	}
	return l, nil
}

// check finds what no leaf can be.
func (l Leaf) check() error {
	switch {
	case !l.Type.known():
		return fmt.Errorf("leaf: type %q is not known", l.Type)
	case l.Of < Unknown:
		return fmt.Errorf("leaf: there is no act %d", l.Of)
	case l.Type.Accepts() && l.Of != Unknown:
		return fmt.Errorf("leaf: %s is of no earlier act, and it names %d", l.Type, l.Of)
	}
	return nil
}

// FieldsHash is what a leaf holds of its fields: SHA-256 over a first line that names the
// format, and a line for each field with its name and its commitment in base 64.
func FieldsHash(fields []Field) tlog.Hash {
	lines := beginFields(len(fields))
	for _, f := range fields {
		lines = appendField(lines, f.Name, f.Commitment)
	}
	return sha256.Sum256(lines)
}

// beginFields is the first line of what FieldsHash hashes, with room for n fields.
func beginFields(n int) []byte {
	const line = 64 // of the longest name
	return append(make([]byte, 0, line*(n+1)), "qingyuan.fields/1\n"...)
}

// appendField appends the line of a field.
func appendField(lines []byte, name string, commitment tlog.Hash) []byte {
	lines = append(append(lines, name...), ' ')
	return append(base64.StdEncoding.AppendEncode(lines, commitment[:]), '\n')
}
