package grant

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

func (s *Service) of(ctx context.Context, j jobs.Job) (*Grant, error) {
	var of params
	if err := json.Unmarshal(j.Params, &of); err != nil {
		return nil, fmt.Errorf("parameters of job %s: %w", j.ID, err)
	}
	return load(ctx, s.DB, of.Grant)
}

// collect searches the ledger and freezes the list, in one transaction: one that was
// interrupted begins anew.
func (s *Service) collect(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	g, err := s.of(ctx, j)
	if err != nil || g.State != Collecting {
		return nil, err
	}
	p.Note("正在查找")
	list, err := s.find(ctx, g, p)
	if err == nil && len(list) == 0 {
		err = ErrEmpty
	}
	if err != nil {
		if errors.Is(err, ErrEmpty) {
			err = errors.Join(err, s.DB.WithTx(ctx, func(tx *sql.Tx) error {
				return lead{[]State{Collecting}, Failed, `, code = $3, error = $4`}.apply(ctx, tx, g.ID, ErrEmpty.Code, ErrEmpty.Text)
			}))
		}
		return nil, err
	}
	raw, err := json.Marshal(g.Summary)
	if err != nil {
		return nil, fmt.Errorf("encode the summary of grant %s: %w", g.ID, err)
	}
	for from := 0; from < len(list); from += listAtOnce {
		part := list[from:min(from+listAtOnce, len(list))]
		err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			if from == 0 {
				if _, err := tx.ExecContext(ctx, `DELETE FROM grant_items WHERE act_id = $1`, g.ID); err != nil {
					return err
				}
			}
			if err := insert(ctx, tx, g.ID, part); err != nil {
				return err
			}
			if from+len(part) == len(list) {
				if err := (lead{[]State{Collecting}, Ready, `, items = $3, summary = $4`}).apply(ctx, tx, g.ID, len(list), string(raw)); err != nil {
					return err
				}
			}
			return p.Hold(ctx, tx)
		})
		if err != nil {
			return nil, fmt.Errorf("freeze the list of grant %s: %w", g.ID, err)
		}
	}
	return nil, nil
}

// listAtOnce is how many rows one transaction writes: nobody waits long for it.
const listAtOnce = 1000

// toldEvery is after how many participants the progress is told.
const toldEvery = 500

// find returns everybody who was hit, and fills the summary.
func (s *Service) find(ctx context.Context, g *Grant, p *jobs.Progress) ([]Item, error) {
	def, err := s.Catalog.Campaign(g.Campaign)
	if err != nil {
		return nil, err
	}
	var out []Item
	seen := int64(0)
	for h, err := range s.histories(ctx, g.Campaign) {
		if err != nil {
			return nil, err
		}
		if seen++; seen%toldEvery == 0 {
			p.Set(seen, 0)
		}
		it, hit := Hit(&h, def.Clocks, g.From, g.To)
		if !hit || g.Node != "" && it.Unit != g.Node && !def.Tree.Within(it.Unit, g.Node) {
			continue
		}
		it.N = int64(len(out)) + 1
		out = append(out, it)
		switch it.How {
		case Open:
			g.Summary.Open++
		case Expired:
			g.Summary.Expired++
		case Deadline:
			g.Summary.Deadline++
		}
	}
	return out, nil
}

// work goes over the list from where it was left.
func (s *Service) work(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	g, err := s.of(ctx, j)
	if err == nil {
		err = s.takeTurn(ctx, g, p)
	}
	if errors.Is(err, ErrState) {
		return nil, nil // it is done, and only the job was not told
	}
	if err != nil {
		return nil, err
	}
	if err = s.goOver(ctx, g, p); err == nil {
		return nil, s.end(ctx, g, Done, nil)
	}
	if errors.Is(err, jobs.ErrLost) {
		return nil, err
	}
	if ctx.Err() == nil {
		return nil, errors.Join(err, s.end(ctx, g, Stopped, err))
	}
	// Cancelled, or the server stops and another goes on.
	after := context.WithoutCancel(ctx)
	if now, asked := s.Jobs.Job(after, j.ID); asked == nil && now.Stopping {
		return nil, errors.Join(ctx.Err(), s.end(after, g, Stopped, nil))
	}
	return nil, ctx.Err()
}

// takeTurn begins a turn: whoever had the one before writes nothing down any more.
func (s *Service) takeTurn(ctx context.Context, g *Grant, p *jobs.Progress) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE grants SET turn = turn + 1 WHERE id = $1 AND state = $2`, g.ID, string(Running))
		if err == nil {
			err = changedOne(res, ErrState)
		}
		if err != nil {
			return err
		}
		now, err := load(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		*g = *now
		return p.Hold(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("take a turn at grant %s: %w", g.ID, err)
	}
	return nil
}

func (g *Grant) turn() act.Turn { return act.Turn{Batch: g.ID, Number: g.Turn} }

// together is how many participants are given theirs at once: their commands travel to
// Redis together.
const together = 32

func (s *Service) goOver(ctx context.Context, g *Grant, p *jobs.Progress) error {
	if err := s.patiently(ctx, func() error { return s.Acts.Begin(ctx, g.Campaign, g.turn()) }); err != nil {
		return err
	}
	for ctx.Err() == nil {
		list, err := items(ctx, s.DB, g.ID, g.Next, cmp.Or(s.Stretch, 256))
		if err != nil || len(list) == 0 {
			return err
		}
		var all errgroup.Group
		all.SetLimit(together)
		for i := range list {
			all.Go(func() error { return s.give(ctx, g, &list[i]) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
		if err := failpoint.Hit("grant.before_note"); err != nil {
			return err
		}
		if err := s.note(ctx, g, list, p); err != nil {
			return err
		}
		p.Set(g.Next, g.Items)
		p.Note("正在补发")
	}
	return ctx.Err()
}

// give gives one participant theirs. Whoever got it from an earlier turn of this grant
// has it.
func (s *Service) give(ctx context.Context, g *Grant, it *Item) error {
	return s.patiently(ctx, func() error {
		got, err := s.Acts.Give(ctx, g.Campaign, g.turn(), it.Act)
		switch {
		case errors.Is(err, act.ErrNone):
			it.Outcome = Gone
			return nil
		case errors.Is(err, act.ErrTurn):
			return s.beginAgain(ctx, g)
		case err != nil:
			return err
		}
		if it.Outcome = got; got == act.Had {
			it.Outcome = act.Given
		}
		return nil
	})
}

// beginAgain begins the turn in a Redis that was rebuilt and knows of none, unless
// somebody else has begun one. What it returns where that worked asks to try again.
func (s *Service) beginAgain(ctx context.Context, g *Grant) error {
	now, err := load(ctx, s.DB, g.ID)
	if err != nil {
		return err
	}
	if now.Turn != g.Turn {
		return jobs.ErrLost
	}
	if err := s.Acts.Begin(ctx, g.Campaign, g.turn()); err != nil {
		return err
	}
	return fault.ErrUnavailable.Because(act.ErrTurn)
}

// note writes down what came of a stretch and how far the work is.
func (s *Service) note(ctx context.Context, g *Grant, list []Item, p *jobs.Progress) error {
	next := list[len(list)-1].N
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		for i := range list {
			_, err := tx.ExecContext(ctx, `UPDATE grant_items SET outcome = $1 WHERE act_id = $2 AND n = $3`, string(list[i].Outcome), g.ID, list[i].N)
			if err != nil {
				return err
			}
		}
		res, err := tx.ExecContext(ctx, `UPDATE grants SET next = $1 WHERE id = $2 AND turn = $3 AND state = $4`, next, g.ID, g.Turn, string(Running))
		if err == nil {
			err = changedOne(res, jobs.ErrLost)
		}
		if err != nil {
			return err
		}
		return p.Hold(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("note how far grant %s is: %w", g.ID, err)
	}
	g.Next = next
	return nil
}

// end writes down how the turn ended. Whoever has lost it has nothing to say.
func (s *Service) end(ctx context.Context, g *Grant, to State, cause error) error {
	code, text := "", ""
	if cause != nil {
		f := fault.From(cause)
		code, text = f.Code, f.Text
	}
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		now, err := load(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		if now.Turn != g.Turn {
			return jobs.ErrLost
		}
		return lead{[]State{Running}, to, `, code = $3, error = $4`}.apply(ctx, tx, g.ID, code, text)
	})
	if err != nil {
		return fmt.Errorf("end turn %d at grant %s: %w", g.Turn, g.ID, err)
	}
	return nil
}

// patience is how long Redis may be away.
const patience = 2 * time.Minute

// patiently tries again while Redis is away.
func (s *Service) patiently(ctx context.Context, try func() error) error {
	return jobs.Patience{Now: s.Now, Last: patience}.Try(ctx, try)
}
