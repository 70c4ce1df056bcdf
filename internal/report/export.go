package report

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"qingyuan/internal/sheet"
)

// Export is a table, or a few that belong together, that leaves the system.
type Export string

// The exports: the lists, the table that is reported upwards, the same by unit, and the
// statistics of questions.
const (
	ExportParticipants Export = Export(Participants)
	ExportAttempts     Export = Export(Attempts)
	ExportSignatures   Export = Export(Signatures)
	ExportConsents     Export = Export(Consents)
	ExportOfficial     Export = "official"
	ExportUnits        Export = "units"
	ExportItems        Export = "items"
)

// Exports lists all of them.
func Exports() []Export {
	return []Export{ExportParticipants, ExportAttempts, ExportSignatures, ExportConsents, ExportOfficial, ExportUnits, ExportItems}
}

// Personal tells whether the export has a row for each person.
func (e Export) Personal() bool {
	return e == ExportParticipants || e == ExportAttempts || e == ExportSignatures || e == ExportConsents
}

// Export writes an export and returns how many rows it has.
func (s *Source) Export(ctx context.Context, e Export, w sheet.Writer) (int64, error) {
	counted := &counting{Writer: w}
	var err error
	switch e {
	case ExportParticipants, ExportAttempts, ExportSignatures, ExportConsents:
		_, err = s.Write(ctx, List(e), counted)
	case ExportOfficial:
		err = s.tabled(ctx, counted, Official)
	case ExportUnits:
		err = s.tabled(ctx, counted, Units)
	case ExportItems:
		err = s.items(ctx, counted)
	default:
		err = fmt.Errorf("there is no export %q", e)
	}
	return counted.rows, err
}

// tabled writes a table of figures.
func (s *Source) tabled(ctx context.Context, w sheet.Writer, table func(w sheet.Writer, f *Figures, parent string) error) error {
	f, err := s.figures(ctx)
	if err != nil {
		return err
	}
	return table(w, f, s.Scope)
}

func (s *Source) items(ctx context.Context, w sheet.Writer) error {
	i := NewItems(s.Campaign, NewBanks(ctx, s.Ledger), s.rulings())
	if err := s.Collect(ctx, i); err != nil {
		return err
	}
	return WriteItems(w, i, s.group)
}

// counting counts the rows of a file, heads and notes left out.
type counting struct {
	sheet.Writer

	rows int64
}

// Row implements sheet.Writer.
func (c *counting) Row(cells ...any) error {
	c.rows++
	return c.Writer.Row(cells...)
}

// Sum passes bytes on and hashes them, so that a file can be recognised later.
type Sum struct {
	to   io.Writer
	hash hash.Hash
}

// NewSum returns a writer onto w.
func NewSum(w io.Writer) *Sum { return &Sum{to: w, hash: sha256.New()} }

// Write implements io.Writer.
func (s *Sum) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	s.hash.Write(p[:n])
	return n, err
}

// Hex returns the SHA-256 of what was written.
func (s *Sum) Hex() string { return hex.EncodeToString(s.hash.Sum(nil)) }
