package draw

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
)

// PartError says which part of a draw's file is not what the rest says.
type PartError struct {
	// Part is the field's name in the file.
	Part string
	Err  error
}

// Error says which part, and what is wrong with it.
func (e *PartError) Error() string { return e.Part + ": " + e.Err.Error() }

// Unwrap is what is wrong.
func (e *PartError) Unwrap() error { return e.Err }

var errDiffers = errors.New("not what follows from the rest of the file")

// Verify computes a draw again and compares everything. Its first fault is a PartError.
//
// A file that is sound in itself may still be another one than the one announced: who
// checks compares AnnouncementHash and Root with what was published before the draw,
// and Value with its public source.
func (f *File) Verify() error {
	for _, step := range []struct {
		part  string
		check func() error
	}{
		{"format", f.format},
		{"announcement", f.Announcement.Validate},
		{"announcement_sha256", f.announced},
		{"entrants", func() error { return CheckTickets(f.Entrants) }},
		{"excluded", func() error { return CheckTickets(f.Excluded) }},
		{"entrants_count", func() error { return equal(f.Count, len(f.Entrants)) }},
		{"excluded_count", func() error { return equal(f.ExcludedCount, len(f.Excluded)) }},
		{"entrants_root", func() error { return rooted(f.Root, f.Entrants) }},
		{"excluded_root", func() error { return rooted(f.ExcludedRoot, f.Excluded) }},
		{"excluded", f.noInsiders},
		{"secret", func() error { return equal(Hash(sha256.Sum256(f.Secret[:])), f.Announcement.SecretHash) }},
		{"value", f.valued},
		{"seed", func() error { return equal(f.Seed, Seed(f.Root, f.Secret[:], f.Value)) }},
		{"places", f.drawn},
		{"redraws", f.redrawn},
	} {
		if err := step.check(); err != nil {
			return &PartError{Part: step.part, Err: err}
		}
	}
	return nil
}

func (f *File) format() error {
	if f.Format != Format {
		return fmt.Errorf("%q is not %q", f.Format, Format)
	}
	return nil
}

func (f *File) announced() error {
	digest, err := f.Announcement.Digest()
	if err != nil {
		return err
	}
	return equal(f.AnnouncementHash, digest)
}

func (f *File) valued() error {
	if strings.TrimSpace(f.Value) == "" || len(f.Value) > maxText {
		return fmt.Errorf("it has %d bytes, want 1 to %d", len(f.Value), maxText)
	}
	return nil
}

// noInsiders walks both sorted lists at once.
func (f *File) noInsiders() error {
	i := 0
	for k, t := range f.Entrants {
		for i < len(f.Excluded) && f.Excluded[i] < t {
			i++
		}
		if i < len(f.Excluded) && f.Excluded[i] == t {
			return fmt.Errorf("entrant %d is excluded", k+1)
		}
	}
	return nil
}

func (f *File) drawn() error {
	want := Choose(f.Seed, &f.Announcement, f.Entrants)
	if len(want) != len(f.Places) {
		return fmt.Errorf("there are %d, and the draw has %d", len(f.Places), len(want))
	}
	for i := range want {
		if f.Places[i] != want[i] {
			return fmt.Errorf("place %d: %w", i+1, errDiffers)
		}
	}
	return nil
}

// redrawn goes through the redraws as if each were made now.
func (f *File) redrawn() error {
	again := *f
	again.Redraws = nil
	for i, r := range f.Redraws {
		if strings.TrimSpace(r.Reason) == "" {
			return fmt.Errorf("redraw %d has no reason", i+1)
		}
		want, err := again.Redraw(r.Place, r.Reason)
		if err != nil {
			return fmt.Errorf("redraw %d: %w", i+1, err)
		}
		if r != want {
			return fmt.Errorf("redraw %d: %w", i+1, errDiffers)
		}
	}
	return nil
}

func rooted(root Hash, tickets []string) error {
	want, err := Root(tickets)
	if err != nil {
		return err
	}
	return equal(root, want)
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("%v: %w", got, errDiffers)
	}
	return nil
}
