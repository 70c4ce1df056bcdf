package draw

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256, in JSON as hex digits.
type Hash [sha256.Size]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText is the hash in hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is the inverse of MarshalText: 64 hex digits in lower case.
func (h *Hash) UnmarshalText(text []byte) error {
	var out Hash
	if n, err := hex.Decode(out[:], trimTo(text, 2*len(out))); err != nil || n != len(out) || len(text) != 2*len(out) || out.String() != string(text) {
		return fmt.Errorf("%d signs are not a SHA-256 in lower-case hex", len(text))
	}
	*h = out
	return nil
}

func trimTo(text []byte, n int) []byte { return text[:min(n, len(text))] }

// Limits of a ticket.
const (
	minTicket = 16
	maxTicket = 64
)

// CheckTickets tells whether tickets are as a frozen list must be: opaque, each there
// once, sorted by their bytes.
func CheckTickets(tickets []string) error {
	for i, t := range tickets {
		if len(t) < minTicket || len(t) > maxTicket || !opaque(t) {
			return fmt.Errorf("ticket %d is not %d to %d digits and letters", i+1, minTicket, maxTicket)
		}
		if i > 0 && t <= tickets[i-1] {
			return fmt.Errorf("ticket %d does not come after the one before it", i+1)
		}
	}
	return nil
}

// opaque tells whether a ticket has only signs that need no reading: it is the same
// in every encoding, and nothing else can look like it in a list.
func opaque(t string) bool {
	for i := range len(t) {
		if c := t[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// Root is the Merkle tree hash of tickets by RFC 6962 §2.1; that of none is the hash of
// nothing.
func Root(tickets []string) (Hash, error) {
	if len(tickets) == 0 {
		return sha256.Sum256(nil), nil
	}
	var tree forest
	for i, t := range tickets {
		hashes, err := tlog.StoredHashes(int64(i), []byte(t), &tree)
		if err != nil {
			return Hash{}, fmt.Errorf("hash ticket %d: %w", i+1, err)
		}
		tree = append(tree, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(tickets)), &tree)
	if err != nil {
		return Hash{}, fmt.Errorf("hash %d tickets: %w", len(tickets), err)
	}
	return Hash(root), nil
}

// forest keeps the hashes of a tree in the order in which tlog stores them.
type forest []tlog.Hash

// ReadHashes gives tlog what it stored.
func (f *forest) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(*f)) {
			return nil, fmt.Errorf("no hash %d", x)
		}
		out[i] = (*f)[x]
	}
	return out, nil
}
