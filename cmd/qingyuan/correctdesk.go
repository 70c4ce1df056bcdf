package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"qingyuan/internal/approval"
	"qingyuan/internal/correction"
	"qingyuan/internal/operator"
)

// correctDesk is what one command works at.
type correctDesk struct {
	env

	flags  correctFlags
	bench  *workbench
	office *backOffice
	who    operator.Actor
}

// find returns a batch of the campaign.
func (d *correctDesk) find(id string) (*correction.Batch, error) {
	return d.office.corrections.Find(d.ctx, d.who, d.flags.Campaign, id)
}

// work works on jobs until a batch is in one of the states. A server beside may do it
// as well.
func (d *correctDesk) work(id string, states ...correction.State) (b *correction.Batch, err error) {
	show := d.progress(id)
	err = d.working(func() (bool, error) {
		if b, err = d.find(id); err != nil {
			return false, err
		}
		show(b.Progress(), b.Items)
		return slices.Contains(states, b.State), nil
	})
	return b, err
}

// lookEach is how long the desk rests between two looks at what it waits for.
const lookEach = 200 * time.Millisecond

// working works on jobs until look says that it is done.
func (d *correctDesk) working(look func() (done bool, err error)) error {
	ctx, stop := context.WithCancel(d.ctx)
	done := make(chan struct{})
	go func() { defer close(done); d.office.jobs.Run(ctx) }()
	defer func() { stop(); <-done }()
	return until(d.ctx, lookEach, look)
}

func (d *correctDesk) progress(id string) func(done, total int64) {
	if show := bar(d.stderr, "batch "+id); show != nil && !d.flags.JSON {
		return show
	}
	return func(int64, int64) {}
}

// show prints a batch.
func (d *correctDesk) show(b *correction.Batch) error {
	if d.flags.JSON {
		return json.NewEncoder(d.stdout).Encode(map[string]any{
			"id": b.ID, "state": b.State, "items": b.Items, "hash": b.Hash, "node": b.Node, "reason": b.Reason,
			"summary": b.Summary, "done": b.Progress(), "counts": b.Counts, "code": b.Code, "error": b.Text,
		})
	}
	if b.State == correction.Failed {
		return fmt.Errorf("batch %s: %s", b.ID, b.Text)
	}
	t := tabwriter.NewWriter(d.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintf(t, "batch\t%s\nstate\t%s\nreason\t%s\nacts\t%d (%d attempts, %d signatures, %d participants)\nhash\t%s\n",
		b.ID, b.State, b.Reason, b.Items, b.Summary.Attempts, b.Summary.Signatures, b.Summary.Participants, b.Hash)
	for o, n := range b.Counts {
		if o == correction.Pending {
			o = "pending"
		}
		fmt.Fprintf(t, "%s\t%d\n", o, n)
	}
	for _, u := range b.Summary.Units[:min(len(b.Summary.Units), 10)] {
		fmt.Fprintf(t, "unit %s\t%d\n", u.Key, u.Count)
	}
	for _, day := range b.Summary.Days {
		fmt.Fprintf(t, "day %s\t%d\n", day.Key, day.Count)
	}
	return t.Flush()
}

// asked tells who has to go on.
func (d *correctDesk) asked(id string, err error) error {
	if err != nil {
		return told(d.env, err)
	}
	if d.flags.JSON {
		return json.NewEncoder(d.stdout).Encode(map[string]string{"approval": id})
	}
	_, err = fmt.Fprintf(d.stdout, "approval %s: somebody with an account approves it in the office, or with qingyuan correct approve\n", id)
	return err
}

// carryOut works until what was approved has begun: here, or in a server that has taken
// it already.
func (d *correctDesk) carryOut(who operator.Actor, approvalID string) error {
	return until(d.ctx, lookEach, func() (bool, error) {
		if _, err := d.office.approvals.Step(d.ctx); err != nil {
			return false, err
		}
		a, err := d.office.approvals.Find(d.ctx, who, approvalID)
		if err != nil {
			return false, fmt.Errorf("how approval %s went: %w", approvalID, err)
		}
		switch a.State {
		case approval.Approved, approval.Running:
			return false, nil
		case approval.Failed:
			return false, fmt.Errorf("approval %s failed: %s", approvalID, a.Failure)
		default:
			return true, nil
		}
	})
}

// finish works until a batch that was begun has come to its end, or to another state that
// will do.
func (d *correctDesk) finish(batch string, also ...correction.State) error {
	b, err := d.work(batch, append(also, correction.Done, correction.Stopped, correction.Undone, correction.UndoHalted)...)
	if err != nil {
		return err
	}
	return d.show(b)
}

// lead acts upon a batch and works until that has come to its end.
func (d *correctDesk) lead(batch string, act func(context.Context, operator.Actor, *correction.Batch) error, also ...correction.State) error {
	b, err := d.find(batch)
	if err == nil {
		err = act(d.ctx, d.who, b)
	}
	if err != nil {
		return told(d.env, err)
	}
	return d.finish(b.ID, also...)
}
