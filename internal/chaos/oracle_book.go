//go:build chaos

package chaos

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// What a line of a book says.
const (
	isIntent       = "intent"       // this request is about to be sent
	isAcknowledged = "acknowledged" // the program has accepted it
	isRefused      = "refused"      // the program has said no, for good
	isUnknown      = "unknown"      // nobody knows what became of it
	isFault        = "fault"        // the client was told something that cannot be
)

// The kinds of act.
const (
	actDoor   = "door"
	actEnrol  = "enrol"
	actStart  = "start"
	actSave   = "save"
	actSubmit = "submit"
	actSign   = "sign"
	// actProbe is a request that the program must refuse with a certain code.
	actProbe = "probe"
	// actNone carries a fault that belongs to no act.
	actNone = "none"
)

// Entry is one line of a book. An act has one intent and any number of outcomes,
// because everything may be sent again; Act numbers the acts of one book.
type Entry struct {
	Act int    `json:"act"`
	Is  string `json:"is"`

	// Of an intent.
	Who     string          `json:"who,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	Number  int             `json:"number,omitempty"` // of the attempt
	Attempt string          `json:"attempt,omitempty"`
	Unit    string          `json:"unit,omitempty"`
	Method  string          `json:"method,omitempty"`
	Path    string          `json:"path,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Hash    string          `json:"hash,omitempty"` // of the body
	Expect  *Mark           `json:"expect,omitempty"`
	Code    string          `json:"code,omitempty"` // of a refusal; of a probe, the one expected

	// Of an outcome.
	Receipt string `json:"receipt,omitempty"` // what never changes of the answer
	Score   int    `json:"score,omitempty"`
	Passed  bool   `json:"passed,omitempty"`
	Tries   int    `json:"tries,omitempty"` // sendings that it took
	Fault   *Fault `json:"fault,omitempty"`
}

// Mark is what a submission must be worth.
type Mark struct {
	Score   int  `json:"score"`
	Correct int  `json:"correct"`
	Passed  bool `json:"passed"`
}

// Book is one client's file. An intent is on disk before the request leaves; an
// outcome is written when it is known and synced with the next intent, because
// an outcome that is lost makes the oracle less strict, never wrong.
type Book struct {
	mu   sync.Mutex
	file *os.File
	acts int
}

// OpenBook begins the book of one client in dir.
func OpenBook(dir string, client int) (*Book, error) {
	path := filepath.Join(dir, fmt.Sprintf("client-%02d.book", client))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("begin a book: %w", err)
	}
	return &Book{file: file}, nil
}

// Intend writes down what is about to be sent and returns the act's number.
func (b *Book) Intend(e Entry) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acts++
	e.Act, e.Is, e.Hash = b.acts, isIntent, hashOf(e.Body)
	if err := b.write(e); err != nil {
		return 0, err
	}
	return e.Act, b.file.Sync()
}

// Outcome writes down what an act has led to.
func (b *Book) Outcome(e Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.write(e)
}

// Close syncs and closes the book.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.file.Sync(); err != nil {
		return err
	}
	return b.file.Close()
}

func (b *Book) write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = b.file.Write(append(line, '\n'))
	return err
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}
