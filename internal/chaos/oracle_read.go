//go:build chaos

package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Act is what the books say of one act.
type Act struct {
	Entry // the intent; the body is dropped once there is an answer

	Book         string
	Acknowledged bool
	Unknown      bool   // it was, at least for a time
	Refusal      string // code
	Tries        int
}

// settled tells whether the act has an answer.
func (a *Act) settled() bool { return a.Acknowledged || a.Refusal != "" }

// Human is what the books say of one participant.
type Human struct {
	Who  string
	Acts []*Act
}

// Reading is what the books of a crowd say, as far as they were read.
type Reading struct {
	People map[string]*Human
	Faults []Fault // that the books themselves show

	dir     string
	offsets map[string]int64
	acts    map[string]map[int]*Act // by book and number
	open    map[*Act]bool           // without an answer
	owners  map[string]string       // whose attempt, serial or id it is
}

// NewReading reads nothing yet; Update does.
func NewReading(dir string) *Reading {
	return &Reading{
		dir: dir, People: map[string]*Human{}, offsets: map[string]int64{},
		acts: map[string]map[int]*Act{}, open: map[*Act]bool{}, owners: map[string]string{},
	}
}

// Update reads what was written since the last time and returns the people it
// is about.
func (r *Reading) Update() (map[string]*Human, error) {
	books, err := filepath.Glob(filepath.Join(r.dir, "*.book"))
	if err != nil {
		return nil, err
	}
	touched := map[string]*Human{}
	for _, book := range books {
		if err := r.read(book, touched); err != nil {
			return nil, fmt.Errorf("read %s: %w", book, err)
		}
	}
	return touched, nil
}

// Open returns the acts that have no answer yet.
func (r *Reading) Open() []*Act {
	var out []*Act
	for a := range r.open {
		out = append(out, a)
	}
	return out
}

func (r *Reading) read(book string, touched map[string]*Human) error {
	file, err := os.Open(book)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(r.offsets[book], io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a line without an end was never finished
		}
		if err != nil {
			return err
		}
		r.offsets[book] += int64(len(line))
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if err := r.take(book, e, touched); err != nil {
			return err
		}
	}
}

func (r *Reading) take(book string, e Entry, touched map[string]*Human) error {
	if e.Is == isIntent {
		r.intend(book, e, touched)
		return nil
	}
	a := r.acts[book][e.Act]
	if a == nil {
		return fmt.Errorf("act %d has an outcome and no intent", e.Act)
	}
	if h := r.People[a.Who]; h != nil {
		touched[a.Who] = h
	}
	a.Tries += e.Tries
	switch e.Is {
	case isAcknowledged:
		r.acknowledge(a, e)
	case isRefused:
		r.refuse(a, e)
	case isUnknown:
		a.Unknown = true
	case isFault:
		r.Faults = append(r.Faults, *e.Fault)
	default:
		return fmt.Errorf("act %d is %q", e.Act, e.Is)
	}
	if a.settled() {
		delete(r.open, a)
		a.Body = nil
	}
	return nil
}

func (r *Reading) intend(book string, e Entry, touched map[string]*Human) {
	a := &Act{Entry: e, Book: book}
	if r.acts[book] == nil {
		r.acts[book] = map[int]*Act{}
	}
	r.acts[book][e.Act] = a
	if e.Kind == actNone {
		return
	}
	r.open[a] = true
	h := r.People[e.Who]
	if h == nil {
		h = &Human{Who: e.Who}
		r.People[e.Who] = h
	}
	h.Acts = append(h.Acts, a)
	touched[e.Who] = h
	if hashOf(e.Body) != e.Hash {
		r.fault(faultOther, a, "the body in the book is not the one that was sent")
	}
}

// acknowledge takes one acceptance. All of one act must give the same receipt,
// no receipt may belong to two people, and a submission is worth what the
// client reckoned.
func (r *Reading) acknowledge(a *Act, e Entry) {
	switch {
	case a.Kind == actProbe:
		r.fault(faultDoubled, a, "was accepted and must be refused with "+a.Code)
	case a.Acknowledged && a.Receipt != e.Receipt:
		r.fault(faultOther, a, fmt.Sprintf("gave the receipt %s and, repeated, %s", a.Receipt, e.Receipt))
	}
	a.Acknowledged, a.Receipt, a.Score, a.Passed = true, e.Receipt, e.Score, e.Passed
	if e.Attempt != "" {
		a.Attempt = e.Attempt
	}
	if a.Kind == actDoor || a.Kind == actSign || a.Kind == actStart {
		r.own(a, e.Receipt)
	}
	if x := a.Expect; x != nil && (x.Score != e.Score || x.Passed != e.Passed) {
		r.fault(faultWrong, a, fmt.Sprintf("scored %d, passed %t; by the bank it is %d, %t", e.Score, e.Passed, x.Score, x.Passed))
	}
}

func (r *Reading) own(a *Act, receipt string) {
	key := a.Kind + " " + receipt
	if owner, ok := r.owners[key]; ok && owner != a.Who {
		r.fault(faultCrossed, a, "was given the receipt of "+owner)
	}
	r.owners[key] = a.Who
}

func (r *Reading) refuse(a *Act, e Entry) {
	a.Refusal = e.Code
	switch {
	case a.Kind == actProbe && a.Code == e.Code:
	case a.Kind == actProbe:
		r.fault(faultOther, a, "was refused with "+e.Code+", not "+a.Code)
	case a.Acknowledged:
		r.fault(faultLost, a, "was acknowledged and, repeated, refused with "+e.Code)
	default:
		r.fault(faultOther, a, "was refused with "+e.Code)
	}
}

func (r *Reading) fault(kind string, a *Act, text string) {
	r.Faults = append(r.Faults, Fault{Kind: kind, Text: fmt.Sprintf("%s of %s (attempt %d): %s", a.Kind, a.Who, a.Number, text)})
}
