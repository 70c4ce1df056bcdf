package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/sqldb"
)

// Appended is what became of a batch.
type Appended struct {
	// Moved is true when the cursor was not at From: somebody else was first,
	// and nothing was changed.
	Moved bool
	// Stored counts the entries that are in their table now, Dead those that
	// could not be stored and went to the dead letters.
	Stored, Dead int
	// To is where the cursor is now; Batch.From where nothing was stored.
	To event.Position
}

// Append stores a batch and moves the cursor of its stream, in one transaction
// and only if the cursor is at From: every entry goes in once, whoever appends.
//
// A batch with a gap is ErrGap, and nothing is stored. At an entry of an unknown
// kind it stops: what lies before is stored, and the error is
// event.ErrUnknownKind. An entry of a known kind that cannot be stored goes to
// the dead letters and the rest flows. After any other error the outcome is
// unknown; the same batch may be appended again.
func (l *Ledger) Append(ctx context.Context, b Batch) (Appended, error) {
	r, err := understand(b)
	if err != nil {
		return Appended{To: b.From}, fmt.Errorf("append to the %s of %s: %w", b.Stream, b.Shard, err)
	}
	return l.append(ctx, r)
}

func (l *Ledger) append(ctx context.Context, r *run) (Appended, error) {
	out := Appended{To: r.From}
	fail := func(err error) (Appended, error) {
		return out, fmt.Errorf("append %d entries to the %s of %s after %s: %w", len(r.Entries), r.Stream, r.Shard, r.From, err)
	}
	if r.to == r.From {
		if r.stop != nil {
			return fail(r.stop)
		}
		return out, nil
	}
	stored, dead, err := l.commit(ctx, r)
	if errors.Is(err, errMoved) {
		out.Moved = true
		return out, nil
	}
	if err != nil {
		return fail(err)
	}
	out.Stored, out.Dead, out.To = stored, dead, r.to
	if r.stop != nil {
		return fail(r.stop)
	}
	return out, nil
}

// commit is the one transaction.
func (l *Ledger) commit(ctx context.Context, r *run) (stored, dead int, err error) {
	if err := failpoint.Hit("ledger.before_append"); err != nil {
		return 0, 0, err
	}
	id, err := l.ensureShard(ctx, r.Shard)
	if err != nil {
		return 0, 0, err
	}
	r.number(id)
	w := &writer{run: r, shard: id, into: l.into}
	write := func(tx *sql.Tx) error {
		w.tx, w.dead = tx, r.dead
		return w.write(ctx)
	}
	if err = l.db.WithTx(ctx, write); sqldb.IsData(err) {
		w.careful = true
		err = l.db.WithTx(ctx, write)
	}
	if err != nil {
		return 0, 0, err
	}
	for digest := range r.Banks {
		l.banks.Store(digest, true)
	}
	return len(r.rows) + len(r.dead) - len(w.dead), len(w.dead), failpoint.Hit("ledger.after_commit")
}

// writer writes one run in one transaction.
type writer struct {
	*run

	tx    *sql.Tx
	into  inserter
	shard int64
	// careful is set after the database has refused a row for what is in it.
	careful bool
	// dead are the dead letters of the run and those that the database made.
	dead []DeadLetter
}

func (w *writer) write(ctx context.Context) error {
	if err := moveCursor(ctx, w.tx, w.shard, w.Stream, w.From, w.to); err != nil {
		return err
	}
	if err := failpoint.Hit("ledger.after_cursor"); err != nil {
		return err
	}
	if err := w.insert(ctx, 0, len(w.rows)); err != nil {
		return err
	}
	for i := range w.dead {
		if err := insertDead(ctx, w.tx, w.shard, &w.dead[i]); err != nil {
			return err
		}
	}
	for i := range w.erasures {
		if err := erase(ctx, w.tx, w.shard, &w.erasures[i]); err != nil {
			return err
		}
	}
	if err := insertBanks(ctx, w.tx, w.Banks); err != nil {
		return err
	}
	return failpoint.Hit("ledger.before_commit")
}

// insert stores the rows from one to before another. Where the database refuses one
// for what is in it, they are halved until that one is alone. A batch without trouble
// has no savepoint.
func (w *writer) insert(ctx context.Context, from, to int) error {
	if !w.careful {
		return w.insertAll(ctx, from, to)
	}
	err := w.try(ctx, from, to)
	if err == nil || !sqldb.IsData(err) {
		return err
	}
	if to-from == 1 {
		w.dead = append(w.dead, DeadLetter{
			Shard: w.Shard, Stream: w.Stream, Reason: err.Error(), Entry: *w.rows[from], At: w.Now,
		})
		return nil
	}
	half := from + (to-from)/2
	if err := w.insert(ctx, from, half); err != nil {
		return err
	}
	return w.insert(ctx, half, to)
}

// try stores all of the rows or none, and leaves the transaction usable.
func (w *writer) try(ctx context.Context, from, to int) error {
	if _, err := w.tx.ExecContext(ctx, "SAVEPOINT rows"); err != nil {
		return err
	}
	if err := w.insertAll(ctx, from, to); err != nil {
		_, undo := w.tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT rows")
		return errors.Join(err, undo)
	}
	_, err := w.tx.ExecContext(ctx, "RELEASE SAVEPOINT rows")
	return err
}

func (w *writer) insertAll(ctx context.Context, from, to int) error {
	t := tableOf(w.Stream)
	width := len(t.columns)
	if err := w.into.insert(ctx, w.tx, t, w.values[from*width:to*width]); err != nil && from < to {
		return fmt.Errorf("store %d %s from %s: %w", to-from, w.Stream, w.rows[from].Position, err)
	}
	return nil
}
