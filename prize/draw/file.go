package draw

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
)

// Format names what a file is, and its version.
const Format = "qingyuan.draw/1"

// File is a draw as it is published: with it and nothing else the draw can be computed
// again.
type File struct {
	Format       string       `json:"format"`
	Announcement Announcement `json:"announcement"`
	// AnnouncementHash is the SHA-256 of the announcement's canonical bytes, which was
	// published with it.
	AnnouncementHash Hash `json:"announcement_sha256"`
	// Count and Root were published when the entrants were frozen, before the value was
	// known.
	Count int  `json:"entrants_count"`
	Root  Hash `json:"entrants_root"`
	// Excluded are the tickets of those who may not win, such as the staff of the office:
	// they are frozen with the entrants, and none of them is one.
	ExcludedCount int  `json:"excluded_count"`
	ExcludedRoot  Hash `json:"excluded_root"`
	// Secret and Value are what the announcement promised.
	Secret Secret  `json:"secret"`
	Value  string  `json:"value"`
	Seed   Hash    `json:"seed"`
	Places []Place `json:"places"`
	// Redraws give what was not claimed to reserves, in order.
	Redraws  []Redraw `json:"redraws,omitempty"`
	Entrants []string `json:"entrants"`
	Excluded []string `json:"excluded"`
}

// Redraw gives the prize of a place, or of the reserve that had it since, to the next
// reserve.
type Redraw struct {
	Place   int    `json:"place"`
	Reserve int    `json:"reserve"` // the place of the reserve
	Ticket  string `json:"ticket"`
	Reason  string `json:"reason"`
}

// Secret is what was drawn before the announcement and is told after the draw, in JSON
// as hex digits.
type Secret = Hash

// Canonical is an announcement as the bytes that are hashed: JSON with its fields in
// the order of the type, without space.
func (a *Announcement) Canonical() ([]byte, error) {
	raw, err := json.Marshal(a, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the announcement of draw %q: %w", a.Draw, err)
	}
	return raw, nil
}

// Digest is the hash that is published with an announcement.
func (a *Announcement) Digest() (Hash, error) {
	raw, err := a.Canonical()
	return sha256.Sum256(raw), err
}

// Frozen are the entrants of a draw when nobody can join any more, sorted, and those
// who may not win.
type Frozen struct {
	Entrants, Excluded []string
}

// New computes a draw. Its secret must be the announced one.
func New(a Announcement, f Frozen, secret Secret, value string) (*File, error) {
	out := &File{
		Format: Format, Announcement: a, Count: len(f.Entrants), ExcludedCount: len(f.Excluded), Secret: secret, Value: value,
		Entrants: f.Entrants, Excluded: f.Excluded,
	}
	var err error
	if out.AnnouncementHash, err = a.Digest(); err != nil {
		return nil, err
	}
	if out.Root, err = Root(f.Entrants); err != nil {
		return nil, err
	}
	if out.ExcludedRoot, err = Root(f.Excluded); err != nil {
		return nil, err
	}
	out.Seed = Seed(out.Root, secret[:], value)
	out.Places = Choose(out.Seed, &a, f.Entrants)
	if err := out.Verify(); err != nil {
		return nil, fmt.Errorf("draw %q: %w", a.Draw, err)
	}
	return out, nil
}

// ErrNoReserve is a redraw when every reserve has had a turn.
var ErrNoReserve = errors.New("no reserve is left")

// Redraw gives the prize of a place to the next reserve in the published order.
func (f *File) Redraw(place int, reason string) (Redraw, error) {
	winners := f.Announcement.winners()
	if place < 1 || place > min(winners, len(f.Places)) {
		return Redraw{}, fmt.Errorf("place %d of draw %q has no prize", place, f.Announcement.Draw)
	}
	next := winners + len(f.Redraws)
	if next >= len(f.Places) {
		return Redraw{}, fmt.Errorf("place %d of draw %q: %w", place, f.Announcement.Draw, ErrNoReserve)
	}
	r := Redraw{Place: place, Reserve: f.Places[next].Place, Ticket: f.Places[next].Ticket, Reason: reason}
	f.Redraws = append(f.Redraws, r)
	return r, nil
}

// Write writes a file as JSON.
func (f *File) Write(w io.Writer) error {
	if err := json.MarshalWrite(w, f, json.Deterministic(true)); err != nil {
		return fmt.Errorf("write draw %q: %w", f.Announcement.Draw, err)
	}
	return nil
}

// Read reads a file strictly: no field is unknown, twice or in another case, and
// nothing follows it.
func Read(r io.Reader) (*File, error) {
	var f File
	if err := json.UnmarshalRead(r, &f, json.RejectUnknownMembers(true)); err != nil {
		return nil, &PartError{Part: "file", Err: err}
	}
	return &f, nil
}
