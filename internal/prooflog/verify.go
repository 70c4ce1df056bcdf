package prooflog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/proof"
)

// Report is what Verify found of one log.
type Report struct {
	Campaign string `json:"campaign"`
	// Leaves and Checkpoints are how many there are, Signed how many leaves a checkpoint
	// covers.
	Leaves      int64 `json:"leaves"`
	Signed      int64 `json:"signed"`
	Checkpoints int   `json:"checkpoints"`
	// Compared are the leaves that were worked out again from the ledger: those whose
	// participants were not erased.
	Compared int64         `json:"compared"`
	Faults   []proof.Fault `json:"faults"`
}

// Clean tells whether nothing was found.
func (r *Report) Clean() bool { return len(r.Faults) == 0 }

// mostFaults bounds a report.
const mostFaults = 20

// everything is a position behind all others.
var everything = event.Position{Epoch: 1 << 62}

// Verify checks the log of a campaign in itself, as an outsider would, and against the
// ledger: that every fact up to the cursor made its leaf, once, and that what leads to a
// leaf still says what was sealed. It may run beside everything else.
func (l *Log) Verify(ctx context.Context, campaignID string) (Report, error) {
	c := checker{Log: l, report: Report{Campaign: campaignID, Faults: []proof.Fault{}}, totals: make(proof.Totals)}
	if err := c.read(ctx); err != nil {
		return c.report, fmt.Errorf("verify the log of %s: %w", campaignID, err)
	}
	return c.report, nil
}

type checker struct {
	*Log

	report  Report
	head    head
	cursors map[int]event.Position
	totals  proof.Totals
}

func (c *checker) fault(part string, index int64, text string) {
	if len(c.report.Faults) < mostFaults {
		c.report.Faults = append(c.report.Faults, proof.Fault{Part: part, Index: index, Text: text})
	}
}

// breach names what an error says is broken; otherwise is the part where it does not say.
func (c *checker) breach(err error, otherwise string) {
	if b, ok := errors.AsType[*breach](err); ok {
		c.fault(b.Part, b.Index, b.Text)
		return
	}
	c.fault(otherwise, -1, err.Error())
}

func (c *checker) read(ctx context.Context) error {
	if err := c.snapshot(ctx); err != nil {
		return err
	}
	c.report.Leaves = c.head.N
	if err := c.itself(ctx); err != nil {
		return err
	}
	for shard, cursor := range c.cursors {
		s := ledger.Shard{Campaign: c.report.Campaign, Number: shard}
		for h, err := range c.Ledger.Histories(ctx, s, ledger.Heads{Facts: cursor, Personal: everything}) {
			if err != nil {
				return err
			}
			if err := c.person(ctx, &h); err != nil {
				return err
			}
		}
	}
	for _, t := range proof.Types() {
		if c.totals[t] != c.head.totals[t] {
			c.fault(proof.PartEntries, -1, fmt.Sprintf("the ledger has %d of %s up to where the log is, and the log has %d", c.totals[t], t, c.head.totals[t]))
		}
	}
	return nil
}

// snapshot reads head and cursors as they were at one moment.
func (c *checker) snapshot(ctx context.Context) error {
	for {
		var err error
		if c.head, err = c.readHead(ctx, c.report.Campaign); err != nil {
			return err
		}
		if c.cursors, err = c.readCursors(ctx, c.report.Campaign); err != nil {
			return err
		}
		again, err := c.readHead(ctx, c.report.Campaign)
		if err != nil {
			return err
		}
		cursors, err := c.readCursors(ctx, c.report.Campaign)
		if err != nil {
			return err
		}
		if again.Tree == c.head.Tree && maps.Equal(cursors, c.cursors) {
			return nil
		}
	}
}

// itself reads the whole log as an outsider would.
func (c *checker) itself(ctx context.Context) error {
	before, err := c.signed(ctx, c.report.Campaign)
	if err == nil {
		err = c.grown(ctx, before)
	}
	if errors.Is(err, ErrBroken) {
		c.breach(err, proof.PartCheckpoint)
		return nil
	}
	if err != nil || before.published == nil {
		return err
	}
	keys, err := c.VerifierKeys(ctx, c.report.Campaign)
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := c.Write(ctx, c.report.Campaign, w)
		_ = w.CloseWithError(err) // it never fails
		written <- err
	}()
	got, err := proof.ReadLog(r, keys, nil)
	_ = r.Close()
	if unwritten := <-written; unwritten != nil && !errors.Is(unwritten, io.ErrClosedPipe) {
		err = unwritten // of what was cut short the reader can only tell that it was
	}
	if errors.Is(err, ErrBroken) {
		c.breach(err, proof.PartLeaf)
		return nil
	}
	if err != nil {
		return err
	}
	c.report.Signed, c.report.Checkpoints = got.Last.N, got.Checkpoints
	for _, f := range got.Faults {
		c.fault(f.Part, f.Index, f.Text)
	}
	return nil
}

// grown wants the log to continue what was signed of it, as whoever signs next will.
func (c *checker) grown(ctx context.Context, before signed) error {
	now, err := c.readHead(ctx, c.report.Campaign)
	if err != nil {
		return err
	}
	return c.continues(ctx, c.report.Campaign, now, before)
}

// person works the leaves of a participant out again.
func (c *checker) person(ctx context.Context, h *ledger.History) error {
	all := c.deedsOf(c.report.Campaign, h)
	for _, d := range all {
		c.totals.Add(d.kind)
	}
	if len(all) == 0 {
		return nil
	}
	n, err := c.compare(ctx, c.report.Campaign, h.Participant, all, c.head.N, func(k link) error {
		c.fault(proof.PartLeaf, k.index, otherwise(k.act, h.Participant))
		return nil
	})
	c.report.Compared += n
	return err
}

// otherwise says that the ledger tells of an act something else than the leaf binds.
func otherwise(a proof.Act, participant string) string {
	return fmt.Sprintf("act %s of participant %s, as the ledger has it, gives another", a, participant)
}

// compare works the leaves out again that a participant leads to, of the first so many of
// a log, and returns how many are what was sealed. changed is told of the others.
func (l *Log) compare(ctx context.Context, campaignID, participant string, all deeds, size int64, changed func(link) error) (same int64, err error) {
	links, err := l.links(ctx, campaignID, participant, "")
	if err != nil {
		return 0, err
	}
	seen := make(map[proof.Act]int)
	for _, k := range links {
		if k.index >= size {
			continue
		}
		n := seen[k.act]
		seen[k.act]++
		_, err := l.entry(ctx, campaignID, k, all.nth(k.act, n))
		switch _, gone := errors.AsType[*breach](err); {
		case gone: // whoever reads the leaves names the one that is not there
			err = nil
		case errors.Is(err, ErrBroken):
			err = changed(k)
		case err == nil:
			same++
		}
		if err != nil {
			return same, err
		}
	}
	return same, nil
}
