package roster

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/jobs"
	"qingyuan/internal/sheet"
)

// importKind is the jobs' name of imports, and importFile that of what they read.
const (
	importKind = "roster.import"
	importFile = "file"
)

// order is what an import was asked for with.
type order struct {
	Mode Mode `json:"mode"`
	// Scopes are the parts of the tree whose units may be written; "" is all of it.
	Scopes []string `json:"scopes"`
}

// Desk imports rosters in the background. Set the fields before the first use.
type Desk struct {
	Rosters *Rosters
	// Find returns a campaign, also one that is being prepared.
	Find func(ctx context.Context, id string) (*campaign.Campaign, error)
	Jobs *jobs.Queue
	// Resized is told how many persons the units of an import have now.
	Resized func(ctx context.Context, j jobs.Job, sizes map[string]int64) error
}

// Register lets the queue import rosters.
func (d *Desk) Register(q *jobs.Queue) { q.Register(importKind, d.work) }

// Ask puts an import in line and returns the job's id. scopes are where the operator may
// write.
func (d *Desk) Ask(ctx context.Context, r jobs.Request, m Mode, scopes []string, file io.Reader) (string, error) {
	var err error
	if r.Params, err = json.Marshal(order{m, scopes}); err != nil {
		return "", err
	}
	r.Kind = importKind
	return d.Jobs.SubmitWith(ctx, r, map[string]io.Reader{importFile: file})
}

// work is the job. Begun again, it finds what it has written and goes on.
func (d *Desk) work(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	var o order
	if err := json.Unmarshal(j.Params, &o); err != nil {
		return nil, fmt.Errorf("read how a roster is imported: %w", err)
	}
	c, err := d.Find(ctx, j.Campaign)
	if err != nil {
		return nil, err
	}
	file, err := j.Open(ctx, importFile)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, sheet.MaxBytes+1)) // Open refuses what is longer
	if err != nil {
		return nil, fmt.Errorf("read the roster of %s: %w", c.ID, err)
	}
	within := func(unit string) bool {
		for _, s := range o.Scopes {
			if c.Tree.Within(unit, s) {
				return true
			}
		}
		return false
	}
	write := func(ctx context.Context, fn func(tx *sql.Tx) error) error {
		return d.Rosters.db.WithTx(ctx, func(tx *sql.Tx) error {
			if err := p.Hold(ctx, tx); err != nil {
				return err
			}
			return fn(tx)
		})
	}
	tell := func(done, total int64) error {
		p.Set(done, total)
		return ctx.Err()
	}
	hands := Hands{May: within, Write: write, Tell: tell, Keep: func(ctx context.Context, tx *sql.Tx, done Done) error {
		raw, err := json.Marshal(done)
		if err != nil {
			return err
		}
		return p.Checkpoint(ctx, tx, raw)
	}}
	if j.Checkpoint != nil {
		if err := json.Unmarshal(j.Checkpoint, &hands.Before); err != nil {
			return nil, fmt.Errorf("read how far the roster of %s is: %w", c.ID, err)
		}
	}
	out, err := d.Rosters.Import(ctx, c, raw, o.Mode, hands)
	if err != nil {
		return nil, err
	}
	return d.finish(ctx, j, out)
}

// finish tells what was done: to the audit log, and to whoever counts by rosters.
func (d *Desk) finish(ctx context.Context, j jobs.Job, out Outcome) (json.RawMessage, error) {
	result, err := json.Marshal(out)
	if err != nil || !out.Applied {
		return result, err
	}
	told := out
	told.Errors = nil // reasons name rows, and the log is for good
	after, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	err = audit.New(d.Rosters.db).Append(ctx, audit.Record{
		At: d.Rosters.now(), Actor: j.Actor, Login: j.Login, Addr: j.Addr, Action: j.Action, Campaign: j.Campaign,
		Object: "roster:import", After: after,
	})
	if err != nil || d.Resized == nil {
		return result, err
	}
	sizes, err := d.Rosters.Sizes(ctx, j.Campaign)
	if err != nil {
		return nil, err
	}
	return result, d.Resized(ctx, j, sizes)
}
