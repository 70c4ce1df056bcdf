package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qingyuan/internal/audit"
	"qingyuan/internal/report"
	"qingyuan/internal/retention"
	"qingyuan/internal/sheet"
)

// exportCmd writes a table of a campaign into a file.
type exportCmd struct {
	configFlags

	What     string `arg:"" help:"${enum}: lists of persons or acts, the table that is reported upwards, the same by unit, statistics of questions." enum:"participants,attempts,signatures,consents,official,units,items"`
	Campaign string `help:"Campaign." required:"" placeholder:"ID"`
	Scope    string `help:"Region or unit that is told of; everybody when left out." placeholder:"ID"`
	AsOf     string `help:"Leave out what was accepted later: YYYY-MM-DD HH:MM in the campaign's zone." name:"as-of" placeholder:"TIME"`
	Names    bool   `help:"Write full names. Only who must have them should."`
	Format   string `help:"xlsx or csv; by the file's name when left out." placeholder:"FORMAT"`
	Output   string `help:"File to write; it must not be there yet." short:"o" required:"" type:"path" placeholder:"FILE"`
	JSON     bool   `help:"Print one JSON object." name:"json"`
}

// exported is what became of an export.
type exported struct {
	File   string `json:"file"`
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

// Run implements the command.
func (x exportCmd) Run(e env) error {
	format, err := x.format()
	if err != nil {
		return err
	}
	return x.onWorkbench(e, func(w *workbench) error {
		source, err := x.source(w)
		if err != nil {
			return err
		}
		done, err := x.write(e.ctx, source, format)
		if err != nil {
			return err
		}
		if err := x.remember(e.ctx, w, done); err != nil {
			return errors.Join(err, os.Remove(x.Output)) // nothing leaves unseen
		}
		return x.tell(e.stdout, done)
	})
}

func (x exportCmd) format() (sheet.Format, error) {
	f := sheet.Format(x.Format)
	if f == "" {
		f = sheet.Format(strings.TrimPrefix(strings.ToLower(filepath.Ext(x.Output)), "."))
	}
	if f != sheet.XLSX && f != sheet.CSV {
		return "", fmt.Errorf("%w: %q is neither xlsx nor csv", errUsage, f)
	}
	return f, nil
}

func (x exportCmd) source(w *workbench) (*report.Source, error) {
	c, err := w.catalog.Campaign(x.Campaign)
	if err != nil {
		return nil, fmt.Errorf("export campaign %s: %w", x.Campaign, err)
	}
	if _, ok := c.Tree.Node(x.Scope); x.Scope != "" && !ok {
		return nil, fmt.Errorf("%w: campaign %s has no region or unit %s", errUsage, x.Campaign, x.Scope)
	}
	s := &report.Source{Ledger: w.ledger, Campaign: c, Open: w.services.secrecy.open, Names: x.Names, Scope: x.Scope, Now: time.Now}
	s.Rulings, s.Log = rulingsIn(w.catalog), announcedLog(w.cfg, w.proofs())
	s.Paper, s.Withdrawn = newOffline(w.db, w.catalog.Campaign, time.Now).PerUnit, retention.Withdrawals{DB: w.db}.Of
	if x.AsOf != "" {
		if s.AsOf, err = time.ParseInLocation("2006-01-02 15:04", x.AsOf, c.Zone); err != nil {
			return nil, fmt.Errorf("%w: --as-of %q is not YYYY-MM-DD HH:MM", errUsage, x.AsOf)
		}
	}
	return s, nil
}

// write makes the file. One that was not finished does not stay.
func (x exportCmd) write(ctx context.Context, s *report.Source, f sheet.Format) (exported, error) {
	file, err := os.OpenFile(x.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return exported{}, fmt.Errorf("export to %s: %w", x.Output, err)
	}
	sum := report.NewSum(file)
	rows, err := x.fill(ctx, s, f, sum)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return exported{}, errors.Join(fmt.Errorf("export to %s: %w", x.Output, err), os.Remove(x.Output))
	}
	return exported{x.Output, rows, sum.Hex()}, nil
}

func (x exportCmd) fill(ctx context.Context, s *report.Source, f sheet.Format, out io.Writer) (int64, error) {
	w, err := sheet.New(out, f)
	if err != nil {
		return 0, err
	}
	rows, err := s.Export(ctx, report.Export(x.What), w)
	return rows, errors.Join(err, w.Close())
}

// remember writes into the audit log who took what out.
func (x exportCmd) remember(ctx context.Context, w *workbench, done exported) error {
	after, err := json.Marshal(map[string]any{
		"what": x.What, "scope": x.Scope, "as_of": x.AsOf, "names": x.Names, "rows": done.Rows, "sha256": done.SHA256,
	})
	if err != nil {
		return err
	}
	r := consoleRecord("export", x.Campaign)
	r.Object, r.After = "export:"+x.What, after
	return audit.New(w.db).Append(ctx, r)
}

func (x exportCmd) tell(out io.Writer, done exported) error {
	if x.JSON {
		return json.NewEncoder(out).Encode(done)
	}
	_, err := fmt.Fprintf(out, "%s: %d rows, sha256 %s\n", done.File, done.Rows, done.SHA256)
	return err
}
