package proof

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint says how a log was at a moment.
type Checkpoint struct {
	// Origin names the log: no other has it.
	Origin string
	tlog.Tree
	// At is when it was signed, in whole milliseconds.
	At     time.Time
	Totals Totals
}

// timeLayout writes times: RFC 3339 in UTC, with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// Moment writes a time as fields and checkpoints do.
func Moment(t time.Time) string { return t.UTC().Format(timeLayout) }

// Lines behind the third, which C2SP tlog-checkpoint leaves to the log.
const (
	timeLine  = "time "
	totalLine = "total "
)

// Text is what is signed: origin, size and root, each on its line, then the time and the
// number of leaves of each type.
func (c *Checkpoint) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n%s%s\n", c.Origin, c.N, c.Hash, timeLine, Moment(c.At))
	for _, t := range Types() {
		fmt.Fprintf(&b, "%s%s %d\n", totalLine, t, c.Totals[t])
	}
	return b.String()
}

// ParseCheckpoint reads what Text writes, and nothing else.
func ParseCheckpoint(text string) (Checkpoint, error) {
	fail := func(what string) (Checkpoint, error) {
		return Checkpoint{}, errors.New("checkpoint: " + what)
	}
	lines := strings.Split(text, "\n")
	if len(lines) != 5+len(effects) || lines[len(lines)-1] != "" {
		return fail(fmt.Sprintf("it has %d lines, want %d", len(lines)-1, 4+len(effects)))
	}
	c := Checkpoint{Origin: lines[0], Totals: make(Totals)}
	var err error
	if c.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.N < 0 {
		return fail("its second line is no size")
	}
	if c.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return fail("its third line is no hash")
	}
	at, _ := strings.CutPrefix(lines[3], timeLine)
	if c.At, err = time.Parse(timeLayout, at); err != nil {
		return fail("its fourth line is no time")
	}
	for i, t := range Types() {
		count, ok := strings.CutPrefix(lines[4+i], totalLine+string(t)+" ")
		if c.Totals[t], err = strconv.ParseInt(count, 10, 64); err != nil || !ok {
			return fail(fmt.Sprintf("line %d does not count %s", 5+i, t))
		}
	}
	if c.Text() != text {
		return fail("it is not written as checkpoints are")
	}
	if c.Totals.Leaves() != c.N {
		return fail(fmt.Sprintf("its totals are of %d leaves, and it has %d", c.Totals.Leaves(), c.N))
	}
	return c, nil
}

// Sign returns the checkpoint as a signed note. The key's name is the origin.
func (c *Checkpoint) Sign(key ed25519.PrivateKey) (string, error) {
	s, err := note.NewSigner(secretKey(c.Origin, key))
	if err != nil {
		return "", fmt.Errorf("sign a checkpoint of %s: %w", c.Origin, err)
	}
	signed, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		return "", fmt.Errorf("sign a checkpoint of %s: %w", c.Origin, err)
	}
	return string(signed), nil
}

// secretKey writes a key as package note reads it: name, a hash that tells keys of one
// name apart, and 1 for Ed25519 before the seed.
func secretKey(name string, key ed25519.PrivateKey) string {
	const algorithm = 1
	public, _ := key.Public().(ed25519.PublicKey)
	id := sha256.Sum256(append([]byte(name+"\n"), append([]byte{algorithm}, public...)...))
	return fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, binary.BigEndian.Uint32(id[:]),
		base64.StdEncoding.EncodeToString(append([]byte{algorithm}, key.Seed()...)))
}

// VerifierKey writes a public key as outsiders need it: name, hash and key on one line.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	v, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return "", fmt.Errorf("write the key of %s: %w", origin, err)
	}
	return v, nil
}

// OpenCheckpoint reads a signed checkpoint that one of the keys has signed, each as
// VerifierKey writes it.
func OpenCheckpoint(signed string, keys []string) (Checkpoint, error) {
	known := make([]note.Verifier, 0, len(keys))
	for _, key := range keys {
		v, err := note.NewVerifier(strings.TrimSpace(key))
		if err != nil {
			return Checkpoint{}, fmt.Errorf("key %q: %w", key, err)
		}
		known = append(known, v)
	}
	n, err := note.Open([]byte(signed), note.VerifierList(known...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	for _, sig := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("checkpoint: signature of %s: %w", sig.Name, errSpelling)
		}
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if n.Sigs[0].Name != c.Origin {
		return Checkpoint{}, fmt.Errorf("checkpoint: it is of %s, and signed by a key of %s", c.Origin, n.Sigs[0].Name)
	}
	return c, nil
}
