package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/leaderboard"
)

// passCmd lets the figures go on past damaged facts.
type passCmd struct{ chosenFlags }

// Run implements the command. It works beside the servers, and may be repeated.
func (p passCmd) Run(e env) error {
	return p.onChosen(e, func(w *workbench, opened []ledger.Opened) error {
		if err := w.drainAll(e.ctx); err != nil { // what is damaged goes to the dead letters
			return err
		}
		passed := 0
		for _, o := range opened {
			if o.Campaign == ledger.DoorsCampaign {
				continue // nobody counts doors
			}
			n, err := w.pass(e.ctx, o, e.stdout)
			if err != nil {
				return fmt.Errorf("pass the damaged facts of %s: %w", o.Campaign, err)
			}
			passed += n
		}
		_, err := fmt.Fprintf(e.stdout, "%d damaged facts were passed; verify names them as dead letters\n", passed)
		return err
	})
}

// pass moves the fold of every shard of a campaign that stands before damaged facts
// behind them, and counts them.
func (w *workbench) pass(ctx context.Context, o ledger.Opened, out io.Writer) (passed int, err error) {
	if err := w.takeUp(ctx, o, time.Now()); err != nil {
		return 0, err
	}
	for n := range o.Shards {
		s := ledger.Shard{Campaign: o.Campaign, Number: n}
		for {
			at, err := w.passNext(ctx, s)
			if err != nil {
				return passed, err
			}
			if at == (event.Position{}) {
				break
			}
			passed++
			if _, err := fmt.Fprintf(out, "%s: fact %s is not counted\n", s, at); err != nil {
				return passed, err
			}
		}
	}
	return passed, nil
}

// passNext moves the fold of a shard over the fact that comes next, if that is
// damaged, and returns it. It must be in the ledger's keeping: there its bytes outlive
// the stream, which is trimmed behind the fold. Of a fold that is moved by somebody
// else meanwhile nothing is changed.
func (w *workbench) passNext(ctx context.Context, s ledger.Shard) (event.Position, error) {
	none := event.Position{}
	from, err := w.services.boards.Cursor(ctx, s.Campaign, s.Number)
	if err != nil {
		return none, err
	}
	entries, err := w.services.facts.Entries(ctx, s.Campaign, s.Number, event.Facts, from, 1)
	if err != nil || len(entries) == 0 || ledger.Damaged(&entries[0]) == nil {
		return none, err
	}
	at := entries[0].Position
	kept, err := w.ledger.IsDead(ctx, s, event.Facts, at)
	if err != nil {
		return none, err
	}
	if !kept {
		return none, fmt.Errorf("fact %s of %s is damaged, and the ledger has not put it aside yet", at, s)
	}
	batch := leaderboard.NewBatch(from)
	batch.To = at
	if _, err := w.services.boards.Apply(ctx, s.Campaign, s.Number, batch); err != nil {
		return none, err
	}
	return at, nil
}
