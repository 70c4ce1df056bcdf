package ledger

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"qingyuan/internal/event"
)

// Batch is a run of entries that follow From without a gap.
type Batch struct {
	Shard

	Stream  event.Stream
	From    event.Position
	Entries []event.Entry
	// Banks are versions of question banks, packed, by digest, that these facts
	// are the first to name; they are stored in the same transaction.
	Banks map[string][]byte
	// Now is noted beside dead letters.
	Now time.Time
}

// run is a batch that has been understood.
type run struct {
	Batch

	// rows are the entries that are fit for their table, and values what its columns
	// hold of them, row after row. The last value of a row is the shard's number,
	// which is not known yet.
	rows     []*event.Entry
	values   []any
	dead     []DeadLetter
	erasures []event.Record
	banks    []string // digests that the facts name
	// to is the position of the last entry that goes in.
	to event.Position
	// stop is why entries after to do not, nil where there are none.
	stop error
}

// understand reads every entry. A gap refuses the batch as a whole. An entry of
// an unknown kind ends it there; one that is damaged becomes a dead letter.
func understand(b Batch) (*run, error) {
	r := &run{Batch: b, to: b.From}
	if err := b.gapless(); err != nil {
		return nil, err
	}
	r.rows = make([]*event.Entry, 0, len(b.Entries))
	r.values = make([]any, 0, len(b.Entries)*len(tableOf(b.Stream).columns))
	for i := range b.Entries {
		e := &b.Entries[i]
		err := r.add(e)
		if errors.Is(err, event.ErrUnknownKind) {
			r.stop = err
			return r, nil
		}
		if err != nil {
			r.bury(e, err)
		}
		r.to = e.Position
	}
	return r, nil
}

func (b *Batch) gapless() error {
	last := b.From
	for i := range b.Entries {
		next := b.Entries[i].Position
		if !next.Follows(last) {
			return fmt.Errorf("%w: %s comes after %s", ErrGap, next, last)
		}
		if next.Epoch > math.MaxInt64 || next.Seq > math.MaxInt64 {
			return fmt.Errorf("position %s is beyond what a database counts to", next)
		}
		last = b.Entries[i].Position
	}
	return nil
}

func (r *run) add(e *event.Entry) error {
	if r.Stream == event.Personal {
		return r.addRecord(e)
	}
	return r.addFact(e)
}

func (r *run) addFact(e *event.Entry) error {
	f, err := event.Decode(*e)
	if err == nil {
		err = storable(e, factFields)
	}
	if err != nil {
		return err
	}
	if digest := bankOf(f.Body); digest != "" && !slices.Contains(r.banks, digest) {
		r.banks = append(r.banks, strings.Clone(digest)) // it is remembered, and the entries are not
	}
	r.rows, r.values = append(r.rows, e), appendFact(r.values, e, &f)
	return nil
}

func (r *run) addRecord(e *event.Entry) error {
	rec, err := event.DecodeRecord(*e)
	if err == nil {
		err = storable(e, recordFields)
	}
	if err != nil {
		return err
	}
	if rec.Kind == event.RecordErasure {
		r.erasures = append(r.erasures, rec)
	}
	r.rows, r.values = append(r.rows, e), appendRecord(r.values, &rec)
	return nil
}

// number tells every row its shard's number.
func (r *run) number(shard int64) {
	width := len(tableOf(r.Stream).columns)
	for i := width - 1; i < len(r.values); i += width {
		r.values[i] = shard
	}
}

// bury makes a dead letter of an entry.
func (r *run) bury(e *event.Entry, reason error) {
	r.dead = append(r.dead, DeadLetter{
		Shard: r.Shard, Stream: r.Stream, Reason: reason.Error(), Entry: *e, At: r.Now,
	})
}

// storable tells whether the columns hold everything that the entry says. A field
// that this program does not know comes from a newer server, and dropping it would
// lose what only it can understand. Text that is none would be refused by
// PostgreSQL; SQLite is held to the same.
func storable(e *event.Entry, known []string) error {
	for _, f := range e.Fields {
		switch {
		case !slices.Contains(known, f.Name):
			return fmt.Errorf("entry %s: %w: %q has a field %q", e.Position, event.ErrUnknownKind, e.Get(event.FieldKind), f.Name)
		case f.Name != event.FieldBody && !isText(f.Value):
			return fmt.Errorf("entry %s: field %s is no text", e.Position, f.Name)
		}
	}
	return nil
}

// isText tells whether every database takes s as text.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
