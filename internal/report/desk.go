package report

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/replay"
	"qingyuan/internal/sheet"
)

// What the desk gives out besides the tables.
const (
	ExportWorkbook Export = "workbook" // the campaign's report, XLSX with charts
	ExportPDF      Export = "pdf"      // the same to print
)

// PDF is the format of ExportPDF.
const PDF sheet.Format = "pdf"

// Order is an export that an operator asks for.
type Order struct {
	What     Export `json:"what"`
	Campaign string `json:"campaign"`
	// Scope is the region or unit that is told of; "" is the whole campaign.
	Scope string `json:"scope,omitempty"`
	// AsOf leaves out what was accepted later; zero for nothing.
	AsOf time.Time `json:"as_of,omitzero"`
	// Names asks for full names.
	Names  bool         `json:"names,omitempty"`
	Format sheet.Format `json:"format"`
}

// check refuses what cannot be made.
func (o *Order) check() error {
	switch o.What {
	case ExportWorkbook:
		o.Format = sheet.XLSX
	case ExportPDF:
		o.Format = PDF
	case ExportParticipants, ExportAttempts, ExportSignatures, ExportConsents, ExportOfficial, ExportUnits, ExportItems:
		if o.Format != sheet.XLSX && o.Format != sheet.CSV {
			return fault.InvalidField("format", "应为 xlsx 或 csv")
		}
	default:
		return fault.InvalidField("what", "没有这种导出")
	}
	return nil
}

// FileName is what the file is called.
func (o *Order) FileName() string {
	name := o.Campaign
	if o.Scope != "" {
		name += "-" + o.Scope
	}
	return fmt.Sprintf("%s-%s.%s", name, o.What, o.Format)
}

// ContentType is the media type of the file.
func (o *Order) ContentType() string {
	if o.Format == PDF {
		return "application/pdf"
	}
	return o.Format.ContentType()
}

// Made is what an export came to.
type Made struct {
	Order

	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
	File   string `json:"file"`
}

// Desk gives the people who run campaigns their figures. Set the fields before the
// first use.
type Desk struct {
	Ledger        Ledger
	Find          func(id string) (*campaign.Campaign, error)
	Open          replay.Open
	Announcements *Announcements
	Journal       *audit.Log
	Jobs          *jobs.Queue
	Now           func() time.Time
	// Log, Rulings, Paper and Withdrawn are those of Source.
	Log       Log
	Rulings   Rulings
	Paper     func(ctx context.Context, campaignID string, until time.Time) (map[string]int64, error)
	Withdrawn func(ctx context.Context, campaignID, participant string) (time.Time, error)
}

// exportKind is the jobs' name of exports, and exportFile that of what they make.
const (
	exportKind = "export"
	exportFile = "file"
)

// Register lets the queue make exports.
func (d *Desk) Register(q *jobs.Queue) { q.Register(exportKind, d.make) }

func (d *Desk) source(campaignID string, asOf time.Time) (*Source, error) {
	c, err := d.Find(campaignID)
	if err != nil {
		return nil, err
	}
	return &Source{Ledger: d.Ledger, Campaign: c, Open: d.Open, AsOf: asOf, Now: d.Now, Log: d.Log, Rulings: d.Rulings, Paper: d.Paper, Withdrawn: d.Withdrawn}, nil
}

// Ask puts an export in line and returns the job's id. That it was asked for, and by
// whom, is in the audit log with it.
func (d *Desk) Ask(ctx context.Context, o Order, r jobs.Request, by audit.Record) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	c, err := d.Find(o.Campaign)
	if err != nil {
		return "", err
	}
	if _, ok := c.Tree.Node(o.Scope); o.Scope != "" && !ok {
		return "", fault.InvalidField("scope", "没有这个单位或区划")
	}
	if r.Params, err = json.Marshal(o); err != nil {
		return "", err
	}
	r.Kind, r.Campaign, r.Node = exportKind, o.Campaign, o.Scope
	var id string
	err = d.Journal.Make(ctx, func(tx *sql.Tx) (audit.Record, error) {
		id, err = d.Jobs.SubmitTx(ctx, tx, r)
		by.Object, by.After = "export:"+id, r.Params
		return by, err
	})
	return id, err
}

// make is the job: it may be begun again, and then makes the file anew, unless what it came
// to is in the audit log: once, and before anybody can take it.
func (d *Desk) make(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	if j.Checkpoint != nil {
		return j.Checkpoint, nil
	}
	var o Order
	if err := json.Unmarshal(j.Params, &o); err != nil {
		return nil, fmt.Errorf("read the order of an export: %w", err)
	}
	s, err := d.source(o.Campaign, o.AsOf)
	if err != nil {
		return nil, err
	}
	s.Scope, s.Names = o.Scope, o.Names
	file, err := p.Create(ctx, exportFile)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewWriterSize(file, 1<<20)
	sum := NewSum(buffered)
	rows, err := d.fill(ctx, s, o, sum, p)
	if err = errors.Join(err, buffered.Flush(), file.Close()); err != nil {
		return nil, fmt.Errorf("export %s of %s: %w", o.What, o.Campaign, err)
	}
	made := Made{o, rows, sum.Hex(), o.FileName()}
	result, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	return result, p.Conclude(ctx, result, func(tx *sql.Tx) error {
		return audit.AppendTx(ctx, tx, audit.Record{
			At: d.Now(), Actor: j.Actor, Login: j.Login, Addr: j.Addr, Action: j.Action, Campaign: j.Campaign,
			Object: "export:" + j.ID, After: result,
		})
	})
}

// tellEvery is after how many rows the progress is told.
const tellEvery = 10_000

func (d *Desk) fill(ctx context.Context, s *Source, o Order, out io.Writer, p *jobs.Progress) (int64, error) {
	if o.What == ExportWorkbook || o.What == ExportPDF {
		m, err := s.Summarise(ctx)
		if err != nil {
			return 0, err
		}
		if o.What == ExportPDF {
			return 0, m.PDF(out)
		}
		return 0, m.Workbook(out)
	}
	w, err := sheet.New(out, o.Format)
	if err != nil {
		return 0, err
	}
	rows, err := s.Export(ctx, o.What, &telling{Writer: w, tell: func(n int64) { p.Set(n, 0) }})
	return rows, errors.Join(err, w.Close())
}

// telling tells how many rows are written.
type telling struct {
	sheet.Writer

	rows int64
	tell func(rows int64)
}

// Row implements sheet.Writer.
func (t *telling) Row(cells ...any) error {
	if t.rows++; t.rows%tellEvery == 0 {
		t.tell(t.rows)
	}
	return t.Writer.Row(cells...)
}

// ErrNotMade is an export that is not there: not yet, not any more, or not for this
// operator.
var ErrNotMade = fault.New(fault.NotFound, "report.not_made", "导出文件尚未生成或已不存在")

// File opens what a job has made, and says what it is.
func (d *Desk) File(ctx context.Context, id string) (jobs.Job, Made, io.Reader, error) {
	var m Made
	j, r, err := d.Jobs.Made(ctx, id, exportKind, exportFile, &m)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotMade
	}
	return j, m, r, err
}

// Brief returns the brief of a campaign; see Source.Brief.
func (d *Desk) Brief(ctx context.Context, campaignID string, asOf time.Time) (string, error) {
	s, err := d.source(campaignID, asOf)
	if err != nil {
		return "", err
	}
	return s.Brief(ctx)
}

// Announce seals the figures of a campaign as of an instant.
func (d *Desk) Announce(ctx context.Context, campaignID string, asOf time.Time, by audit.Record) (Announcement, error) {
	s, err := d.source(campaignID, asOf)
	if err != nil {
		return Announcement{}, err
	}
	return d.Announcements.Seal(ctx, s, by)
}

// Announced lists what was announced, newest first.
func (d *Desk) Announced(ctx context.Context, campaignID string) ([]Announcement, error) {
	return d.Announcements.List(ctx, campaignID)
}

// Announcement returns what was announced, and what of it was corrected since.
func (d *Desk) Announcement(ctx context.Context, campaignID, id string) (Announcement, []Difference, error) {
	n, err := d.Announcements.Get(ctx, campaignID, id)
	if err != nil {
		return n, nil, err
	}
	s, err := d.source(campaignID, n.AsOf)
	if err != nil {
		return n, nil, err
	}
	since, err := s.Since(ctx, &n)
	return n, since, err
}
