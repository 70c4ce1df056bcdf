package roster

import (
	"context"
	"database/sql"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Mode says what becomes of a file with faulty rows, and of who is not in it.
type Mode struct {
	// All writes nothing at all where a single row is faulty; without it the sound rows
	// are written.
	All bool
	// DryRun writes nothing.
	DryRun bool
	// Replace takes those off the rosters of the file's units who are not in the file.
	Replace bool
}

// RowError is why a row was not taken.
type RowError struct {
	Row int `json:"row"` // as a spreadsheet program counts
	// Reason is Chinese and names nobody.
	Reason string `json:"reason"`
}

// Outcome is what became of a file: Found = Written + Same + Refused.
type Outcome struct {
	// Found counts the rows with anything in them, below the head.
	Found int64 `json:"found"`
	// Written were added or changed, Same stood there already. Where nothing was applied,
	// these are the rows that would be.
	Written int64 `json:"written"`
	Same    int64 `json:"same"`
	Refused int64 `json:"refused"`
	// Removed were taken off because the file replaces its units' rosters, or would be.
	Removed int64 `json:"removed"`
	Units   int   `json:"units"`
	// Errors are the first of the refused rows.
	Errors []RowError `json:"errors"`
	// Applied tells whether anything was written.
	Applied bool `json:"applied"`
}

// Progress is told how many rows of how many are done, and returns an error to end the
// work.
type Progress func(done, total int64) error

// Writer runs a piece of the writing in a transaction: a job checks there that it is
// still its own.
type Writer func(ctx context.Context, fn func(tx *sql.Tx) error) error

// ErrHead is a table in which the columns cannot be told.
var ErrHead = fault.New(fault.Invalid, "roster.head", "表头应有“单位编号”“编号”“姓名”三列")

// Hands are those of whoever imports.
type Hands struct {
	// May says which units may be written to.
	May func(unit string) bool
	// Write runs each piece of the writing.
	Write Writer
	// Tell may be nil.
	Tell Progress
	// Before is what the same import has written already, before it was interrupted.
	// Keep, which may be nil, is told in each piece how much that is by now.
	Before Done
	Keep   func(ctx context.Context, tx *sql.Tx, d Done) error
}

// Done counts what an import has written.
type Done struct {
	// Written were added or changed, Removed taken off.
	Written int64 `json:"written"`
	Removed int64 `json:"removed"`
}

// Import reads a table of persons into the rosters of a campaign. It is read twice: all rows
// are checked before the first is written, so that All holds. One that was interrupted is
// simply begun again: what stands there already is not written twice, and counts as written
// where the import itself did.
func (r *Rosters) Import(ctx context.Context, c *campaign.Campaign, raw []byte, m Mode, h Hands) (Outcome, error) {
	in := &importing{
		Rosters: r, c: c, mode: m, may: h.May, tell: h.Tell, done: h.Before, keep: h.Keep,
		seen: map[[hashSize]byte]int32{}, units: map[string]bool{}, merged: map[string][]string{},
	}
	fail := func(err error) (Outcome, error) {
		return in.Outcome, fmt.Errorf("import the roster of %s: %w", c.ID, err)
	}
	if err := in.rows(raw, in.check); err != nil {
		return fail(err)
	}
	in.Units = len(in.units)
	work := in.foresee
	if in.Applied = !in.keptBack(); in.Applied {
		work = func(ctx context.Context, raw []byte) error { return in.write(ctx, raw, h.Write) }
	}
	if err := work(ctx, raw); err != nil {
		return fail(err)
	}
	return in.Outcome, nil
}
