package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Names of fields. Those of a signature come first.
const (
	FieldName       = "name"
	FieldMaskedName = "masked_name"
	FieldTime       = "time" // RFC 3339 in UTC, with milliseconds
	FieldText       = "text" // SHA-256 of the pledge's text, in hexadecimal
	FieldVersion    = "version"
	FieldMethod     = "method"
	FieldUnit       = "unit"  // id of the unit for which it counted when it was accepted
	FieldImage      = "image" // SHA-256 of the strokes, in hexadecimal; empty where it was typed

	FieldNumber   = "number"
	FieldScore    = "score"
	FieldMaxScore = "max_score"
	FieldCorrect  = "correct"
	FieldPassed   = "passed"
	FieldUsed     = "used_ms"
	FieldBank     = "bank"
	FieldPaper    = "paper"
	FieldAnswers  = "answers"
)

// Field is one thing that a leaf binds. Opened, it has its value and the salt; closed, it
// has the commitment alone, from which nothing can be learned.
type Field struct {
	Name string `json:"name"`
	// Value and Salt are nil in a closed field.
	Value      *string   `json:"value,omitzero"`
	Salt       *Salt     `json:"salt,omitzero"`
	Commitment tlog.Hash `json:"commitment"`
}

// Value is what a field says before it is bound.
type Value struct{ Name, Text string }

// Seed is where the salts of one leaf come from. Whoever has it can open every field of
// which they know or guess the value; when it is gone, nobody can.
type Seed [32]byte

// Open returns an opened field.
func (s Seed) Open(name, value string) Field {
	salt := s.salter().salt(name)
	return Field{Name: name, Value: &value, Salt: &salt, Commitment: commit(name, value, salt)}
}

// FieldsHash is FieldsHash of the fields that Open returns of values, for who needs
// neither these nor their salts.
func (s Seed) FieldsHash(values []Value) tlog.Hash {
	salts := s.salter()
	lines := beginFields(len(values))
	for _, v := range values {
		lines = appendField(lines, v.Name, commit(v.Name, v.Text, salts.salt(v.Name)))
	}
	return sha256.Sum256(lines)
}

// saltSize is that of a salt in bytes: enough that values cannot be tried.
const saltSize = 16

// salter makes the salts of a seed, whose key is prepared once for all of them.
type salter struct {
	mac hash.Hash
	// space is where names go in and sums come out.
	space [128]byte
}

func (s Seed) salter() *salter { return &salter{mac: hmac.New(sha256.New, s[:])} }

// salt returns the salt of a field. Those of different fields tell nothing about each
// other, so that one can be opened and the others kept.
func (s *salter) salt(field string) Salt {
	s.mac.Reset()
	s.mac.Write(append(append(s.space[:0], "qingyuan.salt/1 "...), field...))
	return Salt(s.mac.Sum(s.space[:0])[:saltSize])
}

// Close returns a field without what opens it.
func (f Field) Close() Field { return Field{Name: f.Name, Commitment: f.Commitment} }

// Holds tells whether an opened field is what its commitment binds. A closed one says
// nothing that could be wrong.
func (f Field) Holds() bool {
	if f.Value == nil || f.Salt == nil {
		return f.Value == nil && f.Salt == nil
	}
	return commit(f.Name, *f.Value, *f.Salt) == f.Commitment
}

// commit hashes the salt, the name and the value. A name has no line break, so that no two
// fields are spelled the same.
func commit(name, value string, salt Salt) tlog.Hash {
	text := append(make([]byte, 0, 512), "qingyuan.field/1\n"...) // most papers fit in
	text = append(text, salt[:]...)
	text = append(text, strings.ReplaceAll(name, "\n", " ")...)
	text = append(text, '\n')
	return sha256.Sum256(append(text, value...))
}
