package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"

	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
)

// JobTreeImport is the kind of job that takes a table of units in; fileTable is what
// the job calls the table.
const (
	JobTreeImport = "tree.import"
	fileTable     = "table"
)

// importParams are what such a job is told.
type importParams struct {
	All    bool     `json:"all"`
	DryRun bool     `json:"dry_run"`
	Scopes []string `json:"scopes"`
	Below  string   `json:"below"`
	Reason string   `json:"reason"`
}

// Importer puts imports in line.
type Importer struct{ Queue *jobs.Queue }

// SubmitTree puts an import of a table of units in line and returns the id of the job,
// whose result is a TreeReport. node is the part of the tree whose operators may see
// it.
func (i Importer) SubmitTree(ctx context.Context, act Act, id, node string, table io.Reader, o TreeImport) (string, error) {
	params, err := json.Marshal(importParams{o.All, act.DryRun, o.Scopes, o.Below, act.Reason})
	if err != nil {
		return "", err
	}
	return i.Queue.SubmitWith(ctx, jobs.Request{
		Kind: JobTreeImport, Action: string(operator.EditTree), Campaign: id, Node: node,
		Actor: act.Actor.ID, Login: act.Actor.Login, Addr: act.Actor.Addr, Params: params,
	}, map[string]io.Reader{fileTable: table})
}

// Register lets a queue do the catalog's jobs.
func (s *Store) Register(q *jobs.Queue) { q.Register(JobTreeImport, s.importJob) }

// importJob does one import. One short transaction makes the tree what the table says,
// wants the job to be this server's still, and keeps what it came to: one that is begun
// again changes nothing, and tells the same.
func (s *Store) importJob(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	if j.Checkpoint != nil { // it was done, and nobody was told
		return j.Checkpoint, nil
	}
	var params importParams
	if err := json.Unmarshal(j.Params, &params); err != nil {
		return nil, fmt.Errorf("read the parameters of job %s: %w", j.ID, err)
	}
	r, err := j.Open(ctx, fileTable)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxTable {
		return nil, sheet.ErrFileTooLarge
	}
	if j.Attempt > 1 {
		if err := s.clear(ctx, j.ID); err != nil {
			return nil, err
		}
	}
	act := Act{
		Actor:  operator.Actor{ID: j.Actor, Login: j.Login, Addr: j.Addr},
		Reason: params.Reason, DryRun: params.DryRun,
	}
	report, err := s.ImportTree(ctx, act, j.Campaign, raw, TreeImport{
		All: params.All, Scopes: params.Scopes, Below: params.Below, Job: j.ID,
		Progress: func(done, total int64, note string) {
			p.Set(done, total)
			p.Note(note)
		},
		Hold: func(ctx context.Context, tx *sql.Tx) error { return p.Hold(ctx, tx) },
		Kept: func(ctx context.Context, tx *sql.Tx, r TreeReport) error {
			result, err := json.Marshal(r)
			if err != nil {
				return err
			}
			return p.Checkpoint(ctx, tx, result)
		},
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(report)
}

// maxTable is the largest table that is taken in.
const maxTable = 32 << 20
