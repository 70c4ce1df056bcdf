package correction

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
)

// Challenges say which attempts a batch marks again because a question on them was
// contested. Package challenge decides that.
type Challenges interface {
	// Choose begins to look for the attempts of a batch.
	Choose(ctx context.Context, b *Batch) (Choice, error)
	// Lead is told, in the transaction, that a batch comes to a state, and may refuse.
	Lead(ctx context.Context, tx *sql.Tx, b *Batch, to State) error
}

// Choice is one search for the attempts of a batch.
type Choice interface {
	// Of returns those of one participant, by number.
	Of(h *ledger.History) ([]Item, error)
	// End tells what the whole comes to once everybody was looked at.
	End(ctx context.Context) (*Effect, error)
}

// BeginRemark begins a batch that marks attempts again, in a transaction of whoever has
// decided on the challenge. The list is made in the background, and nothing else happens
// until a second person has approved it.
func (s *Service) BeginRemark(ctx context.Context, tx *sql.Tx, who operator.Actor, campaignID, challenge, why string) (*Batch, error) {
	b := &Batch{
		ID: newID(), Campaign: campaignID, State: Collecting, Challenge: challenge, Creator: who.ID, Login: who.Login,
		CreatedAt: s.now(), Conditions: Conditions{Attempts: true},
	}
	var err error
	if b.Reason, err = campaign.Prose("reason", why, 1, longestReason); err != nil {
		return nil, err
	}
	if err := s.insert(ctx, tx, who, b); err != nil {
		return nil, fmt.Errorf("begin to mark again in %s: %w", campaignID, err)
	}
	return b, nil
}

// Batch returns a batch by its id as it is now, whoever may see it.
func (s *Service) Batch(ctx context.Context, id string) (*Batch, error) {
	b, err := batch(ctx, s.DB, id)
	if err != nil {
		return nil, err
	}
	return b, s.settle(ctx, b)
}

// comes tells the challenge that a batch comes to a state.
func (s *Service) comes(ctx context.Context, tx *sql.Tx, b *Batch, to State) error {
	if b.Challenge == "" {
		return nil
	}
	return s.Challenges.Lead(ctx, tx, b, to)
}

// markAgain gives an attempt the marks that follow from the ruling.
func (w *worker) markAgain(ctx context.Context, it *Item) error {
	outcome, err := w.remark(ctx, it, true)
	if err != nil {
		return err
	}
	it.Outcome = cmp.Or(outcome, Already)
	return w.hit()
}

// markBack gives an attempt the marks back that it had.
func (w *worker) markBack(ctx context.Context, it *Item) error {
	outcome, err := w.remark(ctx, it, false)
	if err != nil {
		return err
	}
	it.Outcome = cmp.Or(outcome, Kept)
	return w.hit()
}

// remark returns "" where somebody else has marked the attempt meanwhile.
func (w *worker) remark(ctx context.Context, it *Item, forwards bool) (Outcome, error) {
	r, to := act.Remark{Act: it.Act, From: it.Remark.From, To: it.Remark.To, Rulings: it.Remark.After.Facts()}, Out
	if !forwards {
		r.From, r.To, r.Rulings, to = r.To, r.From, it.Remark.Before.Facts(), Back
	}
	_, err := w.Acts.Remark(ctx, w.Campaign, w.turn(), r)
	switch {
	case errors.Is(err, act.ErrNone):
		return Gone, nil
	case errors.Is(err, act.ErrMarks):
		return "", nil
	default:
		return to, err
	}
}

// fate tells whether what the batch does was done to an act, and whether it was undone.
func (w *worker) fate(ctx context.Context, it *Item) (done, undone bool, err error) {
	if it.Remark == nil {
		f, err := w.Acts.Fate(ctx, w.Campaign, it.Act)
		return !f.Counts && f.Batch == w.ID, f.Counts, err
	}
	marks, err := w.Acts.Marks(ctx, w.Campaign, it.Act)
	if it.Remark.From == it.Remark.To { // nothing shows it, and a repeat changes nothing
		return false, false, err
	}
	return marks == it.Remark.To, marks == it.Remark.From, err
}

// recheck makes the list of attempts to mark again once more before the first of them is
// touched, and refuses one that is not the same: a paper may have been handed in, or
// marked again, since the list was made.
func (w *worker) recheck(ctx context.Context) error {
	if w.Challenge == "" || w.Checked || w.backwards() {
		return nil
	}
	def, err := w.Catalog.Campaign(w.Campaign)
	if err != nil {
		return err
	}
	w.told.Note("正在核对名单")
	d := newDescription(def)
	effect, err := w.choose(ctx, w.Batch, w.told, func(items []Item) error {
		for i := range items {
			d.add(&items[i])
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case effect.Open > 0:
		return ErrPapersOpen
	case d.sum() != w.Hash:
		return ErrChanged
	}
	return w.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE corrections SET checked = 1 WHERE id = $1 AND turn = $2`, w.ID, w.Turn)
		if err != nil {
			return fmt.Errorf("note that the list of batch %s is whole: %w", w.ID, err)
		}
		if err := changedOne(res); err != nil {
			return jobs.ErrLost
		}
		w.Checked = true
		return nil
	})
}

// choose lets a challenge look at everybody whom the ledger knows.
func (s *Service) choose(ctx context.Context, b *Batch, p *jobs.Progress, take func([]Item) error) (*Effect, error) {
	choice, err := s.Challenges.Choose(ctx, b)
	if err != nil {
		return nil, err
	}
	seen := int64(0)
	for h, err := range s.histories(ctx, b.Campaign, &Conditions{}) {
		if err != nil {
			return nil, err
		}
		if seen++; seen%toldEvery == 0 {
			p.Set(seen, 0)
		}
		items, err := choice.Of(&h)
		if err == nil {
			err = take(items)
		}
		if err != nil {
			return nil, fmt.Errorf("participant %s: %w", h.Participant, err)
		}
	}
	return choice.End(ctx)
}

// ErrPapersOpen is a list that cannot be whole yet.
var ErrPapersOpen = fault.New(fault.Conflict, "challenge.papers_open", "还有未交的试卷含有这道题，请待其交卷后重新核算")
