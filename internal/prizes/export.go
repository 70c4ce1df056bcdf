package prizes

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/sheet"
	"qingyuan/prize"
)

// JobExport is the jobs' name of lists of whom to send what, and exportFile that of what
// they make.
const (
	JobExport  = "prize.export"
	exportFile = "file"
)

// Order is a list that the office asks for.
type Order struct {
	Campaign string `json:"campaign"`
	// Scope is the region or unit whose winners are listed, "" for all.
	Scope string `json:"scope,omitempty"`
	// State is that of the wins, "" for any.
	State  prize.State  `json:"state,omitempty"`
	Format sheet.Format `json:"format"`
}

// FileName is what the file is called.
func (o *Order) FileName() string { return o.Campaign + "-prizes." + string(o.Format) }

// Made is what an export came to.
type Made struct {
	Order

	Rows   int    `json:"rows"`
	SHA256 string `json:"sha256"`
	// Groups are those of the campaign that the winners are of: reading of children is
	// remembered with them.
	Groups []string `json:"groups,omitempty"`
}

// patience is how long an export waits for Redis to be there.
const patience = 5 * time.Minute

// ErrNotMade is an export that is not there: not yet, not any more, or not for this
// operator.
var ErrNotMade = fault.New(fault.NotFound, "prize.export_not_made", "导出文件尚未生成或已不存在")

// Register lets the queue make exports.
func (s *Service) Register(q *jobs.Queue) { q.Register(JobExport, s.make) }

// AskExport puts an export in line and returns the job's id. Who asked for what is in the
// audit log with it.
func (s *Service) AskExport(ctx context.Context, o Order, r jobs.Request, by audit.Record) (string, error) {
	if o.Format != sheet.XLSX && o.Format != sheet.CSV {
		return "", fault.InvalidField("format", "应为 xlsx 或 csv")
	}
	if _, err := s.Catalog.Prizes(o.Campaign); err != nil {
		return "", err
	}
	var err error
	if r.Params, err = json.Marshal(o); err != nil {
		return "", fmt.Errorf("encode the order of an export: %w", err)
	}
	r.Kind, r.Campaign, r.Node = JobExport, o.Campaign, o.Scope
	var id string
	err = audit.New(s.DB).Make(ctx, func(tx *sql.Tx) (audit.Record, error) {
		id, err = s.Jobs.SubmitTx(ctx, tx, r)
		by.Object, by.After = "prize:export:"+id, r.Params
		return by, err
	})
	return id, err
}

// make is the job: it may be begun again, and then makes the file anew, unless what it came
// to is in the audit log: once, and before anybody can take it.
func (s *Service) make(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	if j.Checkpoint != nil {
		return j.Checkpoint, nil
	}
	var o Order
	if err := json.Unmarshal(j.Params, &o); err != nil {
		return nil, fmt.Errorf("read the order of an export: %w", err)
	}
	file, err := p.Create(ctx, exportFile)
	if err != nil {
		return nil, err
	}
	buffered, sum := bufio.NewWriterSize(file, 1<<18), sha256.New() //nolint:mnd // A piece of a file.
	made := Made{Order: o}
	out, err := sheet.New(io.MultiWriter(buffered, sum), o.Format)
	if err == nil {
		made.Rows, made.Groups, err = s.export(ctx, o, out, p.Set)
		err = errors.Join(err, out.Close())
	}
	if err = errors.Join(err, buffered.Flush(), file.Close()); err != nil {
		return nil, fmt.Errorf("export the prizes of %s: %w", o.Campaign, err)
	}
	made.SHA256 = hex.EncodeToString(sum.Sum(nil))
	result, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("encode what export %s made: %w", j.ID, err)
	}
	return result, s.note(ctx, j, p, result)
}

// note writes what an export came to into the audit log, and that this was done.
func (s *Service) note(ctx context.Context, j jobs.Job, p *jobs.Progress, result json.RawMessage) error {
	if err := failpoint.Hit("prizes.before_note"); err != nil {
		return err
	}
	err := p.Conclude(ctx, result, func(tx *sql.Tx) error {
		return audit.AppendTx(ctx, tx, audit.Record{
			At: s.Now(), Actor: j.Actor, Login: j.Login, Addr: j.Addr, Action: j.Action, Campaign: j.Campaign,
			Object: "prize:export:" + j.ID, After: result,
		})
	})
	if err != nil {
		return fmt.Errorf("note what export %s made: %w", j.ID, err)
	}
	return failpoint.Hit("prizes.after_note")
}

// export writes what the office needs to send prizes, with what their winners told.
func (s *Service) export(ctx context.Context, order Order, out sheet.Writer, tell func(done, total int64)) (rows int, groups []string, err error) {
	o, err := s.Catalog.Prizes(order.Campaign)
	if err != nil {
		return 0, nil, err
	}
	// A server that has just started goes on with jobs before it serves its campaigns.
	var wins []prize.Win
	err = jobs.Patience{Now: s.Now, Last: patience}.Try(ctx, func() error {
		wins, err = s.Store.Wins(ctx, order.Campaign)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	held, err := s.held(ctx, order.Campaign)
	if err != nil {
		return 0, nil, err
	}
	if err := out.Table("奖品发放", exportColumns()...); err != nil {
		return 0, nil, err
	}
	for i := range wins {
		w := &wins[i]
		p, ok := o.Plan.Prize(w.Prize)
		if !ok || order.State != "" && w.State != order.State || order.Scope != "" && !o.Campaign.Tree.Within(w.Unit, order.Scope) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		h := held[w.WinID]
		tax, net := p.Withheld()
		err := out.Row(w.String(), p.Name.In(""), string(p.Kind), string(w.State), w.Participant, w.Unit, w.At.In(o.Campaign.Zone),
			h.Contact.Name, h.Contact.Phone, h.Contact.Address, h.Contact.IDNumber, yuan(p.Value), yuan(tax), yuan(net), h.Ref)
		if err != nil {
			return 0, nil, err
		}
		rows++
		if !slices.Contains(groups, w.Group) {
			groups = append(groups, w.Group)
		}
		tell(int64(i+1), int64(len(wins)))
	}
	return rows, groups, nil
}

// yuan writes fen exactly.
func yuan(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// Titles of the columns that an import reads again.
const (
	titleWin = "中奖编号"
	titleRef = "发放凭据"
)

func exportColumns() []sheet.Column {
	var out []sheet.Column
	for _, title := range []string{
		titleWin, "奖品", "种类", "状态", "参与者", "单位编号", "中奖时间", "姓名", "电话", "地址", "身份证号", "价值（元）", "代扣税（元）", "税后（元）", titleRef,
	} {
		out = append(out, sheet.Column{Title: title})
	}
	return out
}

// Exported opens what a job has made, and says what it is.
func (s *Service) Exported(ctx context.Context, id string) (jobs.Job, Made, io.Reader, error) {
	var m Made
	j, r, err := s.Jobs.Made(ctx, id, JobExport, exportFile, &m)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotMade
	}
	return j, m, r, err
}
