package banks

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"

	"qingyuan/internal/jobs"
	"qingyuan/internal/operator"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// JobImport is the kind of job that takes questions in; the others are what it calls its
// files.
const (
	JobImport   = "bank.import"
	fileTaken   = "file"
	fileAnswers = "answers"
)

// Sent is a file that somebody sends.
type Sent struct {
	Name   string
	Format bankfile.Format
	Body   io.Reader
}

// Order is an import in the background.
type Order struct {
	File Sent
	// Answers is a second file with the keys, nil for none.
	Answers  *Sent
	Defaults bankbook.Defaults
	DryRun   bool
	Reason   string
}

// importParams are what the job is told.
type importParams struct {
	Bank     string            `json:"bank"`
	File     sentParams        `json:"file"`
	Answers  *sentParams       `json:"answers,omitempty"`
	Defaults bankbook.Defaults `json:"defaults"`
	DryRun   bool              `json:"dry_run"`
	Reason   string            `json:"reason"`
	// Grants are the rights of who asked, as they were then; Name is who that is at the
	// console.
	Grants []operator.Grant `json:"grants"`
	Name   string           `json:"name"`
}

type sentParams struct {
	Name   string          `json:"name"`
	Format bankfile.Format `json:"format"`
}

// Order puts an import in line and returns the id of the job, whose result is an
// Outcome. Others than who asked see it where they may edit the bank.
func (s *Service) Order(ctx context.Context, by operator.Actor, bank string, o Order) (job string, err error) {
	defer mend(&err)
	if err := checkDefaults(o.Defaults); err != nil {
		return "", err
	}
	b, err := s.bank(ctx, s.DB, by, operator.EditBanks, bank)
	if err != nil {
		return "", err
	}
	p := importParams{
		Bank: b.ID, File: sentParams{o.File.Name, o.File.Format}, Defaults: o.Defaults, DryRun: o.DryRun, Reason: o.Reason,
		Grants: by.Grants, Name: by.Name,
	}
	files := map[string]io.Reader{fileTaken: o.File.Body}
	if o.Answers != nil {
		p.Answers = &sentParams{o.Answers.Name, o.Answers.Format}
		files[fileAnswers] = o.Answers.Body
	}
	r := jobs.Request{Kind: JobImport, Campaign: b.Office.Campaign, Actor: by.ID, Login: by.Login, Addr: by.Addr}
	if r.Params, err = json.Marshal(p); err != nil {
		return "", err
	}
	if c, err := s.campaign(b.Office.Campaign); err == nil && b.Office.Campaign != "" {
		if node, ok := locate(c.Tree, b.Office.Scope); ok || b.Office.Scope == "" {
			r.Action, r.Node = string(operator.EditBanks), node
		}
	}
	return s.Jobs.SubmitWith(ctx, r, files)
}

// Register lets a queue import.
func (s *Service) Register(q *jobs.Queue) { q.Register(JobImport, s.importJob) }

// importJob does one import. What it came to is kept in the transaction of the questions,
// so that one that is begun again tells what the first time did.
func (s *Service) importJob(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	if j.Checkpoint != nil {
		return j.Checkpoint, nil
	}
	var params importParams
	if err := json.Unmarshal(j.Params, &params); err != nil {
		return nil, fmt.Errorf("read how questions are imported: %w", err)
	}
	i := Import{Defaults: params.Defaults, DryRun: params.DryRun, Reason: params.Reason}
	p.Note("读取文件")
	var err error
	if i.File, err = fileOf(ctx, j, fileTaken, params.File); err != nil {
		return nil, err
	}
	if params.Answers != nil {
		answers, err := fileOf(ctx, j, fileAnswers, *params.Answers)
		if err != nil {
			return nil, err
		}
		i.Answers = &answers
	}
	i.told = func(done, total int) {
		p.Note("写入题目")
		p.Set(int64(done), int64(total))
	}
	i.kept = func(ctx context.Context, tx *sql.Tx, out *Imported) error {
		result, err := json.Marshal(OutcomeOf(out, false))
		if err != nil {
			return err
		}
		return p.Checkpoint(ctx, tx, result)
	}
	by := operator.Actor{ID: j.Actor, Login: j.Login, Name: params.Name, Addr: j.Addr, Grants: params.Grants}
	out, err := s.Import(ctx, by, params.Bank, i)
	if err != nil {
		return nil, err
	}
	return json.Marshal(OutcomeOf(&out, params.DryRun))
}

// fileOf reads a file of the job. One that is too large is refused where it is read.
func fileOf(ctx context.Context, j jobs.Job, name string, p sentParams) (bankfile.File, error) {
	f := bankfile.File{Name: p.Name, Format: p.Format}
	r, err := j.Open(ctx, name)
	if err != nil {
		return f, err
	}
	if f.Raw, err = io.ReadAll(io.LimitReader(r, bankfile.MaxBytes+1)); err != nil {
		return f, fmt.Errorf("read what was sent for bank: %w", err)
	}
	return f, nil
}
