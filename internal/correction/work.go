package correction

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
)

// work goes over the list of a batch, forwards or backwards, from where it was left.
func (s *Service) work(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	b, err := s.batchOf(ctx, j)
	if err != nil {
		return nil, err
	}
	b, err = s.takeTurn(ctx, b.ID, p)
	if errors.Is(err, ErrState) {
		return nil, nil // it is done, and only the job was not told
	}
	if err != nil {
		return nil, err
	}
	w := &worker{Service: s, Batch: b, told: p, stop: ctx.Done()}
	whole, err := w.run(ctx)
	if errors.Is(err, errCancelled) {
		if err := w.end(context.WithoutCancel(ctx), false, nil); err != nil {
			return nil, err
		}
		<-ctx.Done() // the queue hears of it within a second, too
		return nil, ctx.Err()
	}
	if ctx.Err() == nil || errors.Is(err, jobs.ErrLost) {
		return nil, w.end(ctx, whole, err)
	}
	// Cancelled, or the server stops and another goes on.
	if err := w.cancelled(context.WithoutCancel(ctx)); errors.Is(err, errCancelled) {
		return nil, errors.Join(ctx.Err(), w.end(context.WithoutCancel(ctx), whole, nil))
	}
	return nil, ctx.Err()
}

// errCancelled ends the work where somebody has asked for it.
var errCancelled = errors.New("the work on the batch was cancelled")

// cancelled asks whether the work is to stop.
func (w *worker) cancelled(ctx context.Context) error {
	j, err := w.Jobs.Job(ctx, w.Job)
	if err == nil && j.Stopping {
		err = errCancelled
	}
	return err
}

// takeTurn begins a turn at a batch that is to be worked on: whoever had the one before
// writes nothing down any more.
func (s *Service) takeTurn(ctx context.Context, id string, p *jobs.Progress) (b *Batch, err error) {
	err = s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE corrections SET turn = turn + 1 WHERE id = $1 AND state IN ($2, $3)`,
			id, string(Running), string(Undoing))
		if err != nil {
			return err
		}
		if err := changedOne(res); err != nil {
			return err
		}
		if b, err = batch(ctx, tx, id); err != nil {
			return err
		}
		return p.Hold(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("take a turn at batch %s: %w", id, err)
	}
	return b, nil
}

// worker works on one batch for one turn.
type worker struct {
	*Service
	*Batch

	told *jobs.Progress
	// stop is closed when nothing new is to be begun.
	stop <-chan struct{}
}

func (w *worker) turn() act.Turn { return act.Turn{Batch: w.ID, Number: w.Turn} }

// stretchTime bounds one stretch beside the patience. It comes to its end also when
// the work is told to stop, so that what was done is written down.
const stretchTime = time.Minute

// patience is how long Redis may be away.
func (w *worker) patience() time.Duration { return cmp.Or(w.Patience, 2*time.Minute) }

// run works until the end of the list or of ctx, and tells whether all is done.
func (w *worker) run(ctx context.Context) (whole bool, err error) {
	if err := w.begin(ctx); err != nil {
		return false, err
	}
	if err := w.recheck(ctx); err != nil {
		return false, err
	}
	if err := w.catchUp(ctx); err != nil {
		return false, err
	}
	last, err := w.last(ctx)
	if err != nil {
		return false, err
	}
	for ctx.Err() == nil {
		began := w.Now()
		step, cancel := context.WithTimeout(context.WithoutCancel(ctx), stretchTime+w.patience())
		n, err := w.stretch(step, last)
		cancel()
		if err != nil || n == 0 {
			return err == nil, err
		}
		w.tell(last)
		if err := w.cancelled(context.WithoutCancel(ctx)); err != nil {
			return false, err
		}
		w.rest(ctx, w.Now().Sub(began))
	}
	return false, ctx.Err()
}

// begin bars whoever had the turn before, as soon as Redis is there.
func (w *worker) begin(ctx context.Context) error {
	return w.patiently(ctx, func() error { return w.Acts.Begin(ctx, w.Campaign, w.turn()) })
}

// size is how many acts are corrected between two notes.
func (w *worker) size() int64 { return cmp.Or(w.Stretch, 256) }

// last is the place on the list at which the work ends.
func (w *worker) last(ctx context.Context) (int64, error) {
	from := int64(0)
	if w.backwards() {
		from = w.Next
	}
	var last int64
	err := w.DB.QueryRowContext(ctx, `SELECT COALESCE(MAX(n), 0) FROM correction_items WHERE batch = $1`, w.ID).Scan(&last)
	if err != nil {
		return 0, fmt.Errorf("read the end of the list of batch %s: %w", w.ID, err)
	}
	if w.backwards() {
		last = min(last, from)
	}
	return last, nil
}

// catchUp writes down what an earlier turn has done without having come to say so:
// nothing but the stretch after the last note can be.
func (w *worker) catchUp(ctx context.Context) error {
	if err := w.lookAgain(ctx, w.Next, Pending); err != nil {
		return err
	}
	if !w.backwards() {
		return nil
	}
	// What was out beyond the note is to be given back, too.
	items, err := w.store().items(ctx, w.ID, w.Next, w.size())
	if err != nil {
		return err
	}
	for i := range items {
		if items[i].Outcome == Out {
			w.Next = items[i].N
		}
	}
	return w.lookAgain(ctx, w.Back, Out)
}

// lookAgain asks what became of the acts of the stretch after a place that are said to
// be as they were.
func (w *worker) lookAgain(ctx context.Context, after int64, were Outcome) error {
	items, err := w.store().items(ctx, w.ID, after, w.size())
	if err != nil {
		return err
	}
	err = w.atOnce(ctx, items, func(ctx context.Context, it *Item) error {
		if it.Outcome != were {
			return nil
		}
		done, undone, err := w.fate(ctx, it)
		switch {
		case errors.Is(err, act.ErrNone):
			return nil
		case err != nil:
			return err
		case were == Pending && done:
			it.Outcome = Out
		case were == Out && undone:
			it.Outcome = Back
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.note(ctx, items)
}

// note writes down what became of acts and how far the work is.
func (w *worker) note(ctx context.Context, items []Item) error {
	mine, err := w.store().step(ctx, w.Batch, items)
	if err == nil && !mine {
		err = jobs.ErrLost
	}
	return err
}

// stretch corrects the next acts of the list and returns how many it had.
func (w *worker) stretch(ctx context.Context, last int64) (int, error) {
	place, correct := &w.Next, w.do
	if w.backwards() {
		place, correct = &w.Back, w.undo
	}
	items, err := w.store().items(ctx, w.ID, *place, w.size())
	if err != nil {
		return 0, err
	}
	for len(items) > 0 && items[len(items)-1].N > last {
		items = items[:len(items)-1]
	}
	if len(items) == 0 {
		return 0, nil
	}
	if err := w.atOnce(ctx, items, correct); err != nil {
		return 0, err
	}
	if err := failpoint.Hit("correction.before_note"); err != nil {
		return 0, err
	}
	*place = items[len(items)-1].N
	if err := w.note(ctx, items); err != nil {
		return 0, err
	}
	return len(items), failpoint.Hit("correction.after_note")
}

// do does to an act what the batch is for, and undo takes that back.
func (w *worker) do(ctx context.Context, it *Item) error {
	if it.Remark != nil {
		return w.markAgain(ctx, it)
	}
	return w.takeOut(ctx, it)
}

func (w *worker) undo(ctx context.Context, it *Item) error {
	switch {
	case it.Outcome != Out:
		return nil
	case it.Remark != nil:
		return w.markBack(ctx, it)
	default:
		return w.giveBack(ctx, it)
	}
}

// takeOut lets an act count nowhere any more.
func (w *worker) takeOut(ctx context.Context, it *Item) error {
	f, err := w.Acts.Invalidate(ctx, w.Campaign, w.turn(), it.Act)
	switch {
	case errors.Is(err, act.ErrNone):
		it.Outcome = Gone
	case err != nil:
		return err
	case !f.Counts && f.Batch == w.ID:
		it.Outcome = Out
	default:
		it.Outcome = Already
	}
	return w.hit()
}

// giveBack lets an act count again that this batch has taken out.
func (w *worker) giveBack(ctx context.Context, it *Item) error {
	f, err := w.Acts.Restore(ctx, w.Campaign, w.turn(), it.Act)
	switch {
	case errors.Is(err, act.ErrNone):
		it.Outcome = Gone
	case err != nil:
		return err
	case f.Counts:
		it.Outcome = Back
	default:
		it.Outcome = Kept
	}
	return w.hit()
}

// hit is where tests stop the work after an act.
func (*worker) hit() error { return failpoint.Hit("correction.after_act") }

// together is how many participants are corrected at once: their commands travel to
// Redis together.
const together = 64

// atOnce corrects acts, those of one participant one after the other.
func (w *worker) atOnce(ctx context.Context, items []Item, correct func(context.Context, *Item) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(together)
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && items[to].Participant == items[from].Participant {
			to++
		}
		of := items[from:to]
		g.Go(func() error {
			for i := range of {
				if err := w.patiently(ctx, func() error { return correct(ctx, &of[i]) }); err != nil {
					return err
				}
			}
			return nil
		})
		from = to
	}
	return g.Wait()
}

// patiently tries again while Redis is away, or has been rebuilt and knows of no
// turns.
func (w *worker) patiently(ctx context.Context, try func() error) error {
	return jobs.Patience{Now: w.Now, Last: w.patience(), Stop: w.stop}.Try(ctx, func() error {
		err := try()
		if errors.Is(err, act.ErrTurn) {
			err = w.beginAgain(ctx)
		}
		return err
	})
}

// beginAgain begins the turn in a Redis that has forgotten it, unless somebody else
// has begun one. What it returns where that worked asks to try again.
func (w *worker) beginAgain(ctx context.Context) error {
	b, err := batch(ctx, w.DB, w.ID)
	if err != nil {
		return err
	}
	if b.Turn != w.Turn {
		return jobs.ErrLost
	}
	if err := w.Acts.Begin(ctx, w.Campaign, w.turn()); err != nil {
		if errors.Is(err, act.ErrTurn) {
			return jobs.ErrLost
		}
		return err
	}
	return fault.ErrUnavailable.Because(act.ErrTurn)
}

// tell says how far the work is.
func (w *worker) tell(last int64) {
	if w.backwards() {
		w.told.Set(w.Back, last)
		w.told.Note("正在恢复")
		return
	}
	w.told.Set(w.Next, last)
	w.told.Note("正在更正")
}

// rest leaves the time between two stretches to everybody else.
func (w *worker) rest(ctx context.Context, worked time.Duration) {
	pace := cmp.Or(w.Pace, 0.25)
	if pace >= 1 {
		return
	}
	timer := time.NewTimer(time.Duration(float64(worked) * (1 - pace) / pace))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// end writes down how the turn ended. Whoever has lost it has nothing to say.
func (w *worker) end(ctx context.Context, whole bool, cause error) error {
	if errors.Is(cause, jobs.ErrLost) {
		return cause
	}
	if !whole {
		// What was done without being written down is: where Redis is away, the undo
		// will find it.
		cause = errors.Join(cause, w.catchUp(ctx))
	}
	err := w.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := w.comes(ctx, tx, w.Batch, ending(w.State, whole).to); err != nil {
			return err
		}
		if err := lookAtOnce(ctx, tx, w.Batch, w.Now()); err != nil {
			return err
		}
		return w.close(ctx, tx, whole, cause)
	})
	if err != nil {
		err = fmt.Errorf("end turn %d at batch %s: %w", w.Turn, w.ID, err)
	}
	return errors.Join(cause, err)
}

// close moves the batch to the state in which the turn ended.
func (w *worker) close(ctx context.Context, tx *sql.Tx, whole bool, cause error) error {
	counts, err := count(ctx, tx, w.ID)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	code, text := "", ""
	if cause != nil {
		f := fault.From(cause)
		code, text = f.Code, f.Text
	}
	if err := ending(w.State, whole).apply(ctx, tx, w.ID, `, counts = $3, code = $4, error = $5`, string(raw), code, text); err != nil {
		return err
	}
	now, err := batch(ctx, tx, w.ID)
	if err == nil && now.Turn != w.Turn {
		err = jobs.ErrLost
	}
	return err
}
