package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/audit"
	"qingyuan/internal/httpapi"
	"qingyuan/internal/operator"
	"qingyuan/internal/sheet"
)

// auditCmds work on the log of what operators did. Its chain is checked by verify.
type auditCmds struct {
	Export auditExportCmd `cmd:"" help:"Write the log as CSV or XLSX, the newest first."`
	Trim   auditTrimCmd   `cmd:"" help:"Take the oldest entries away, and leave the hash that the rest follows."`
}

type auditExportCmd struct {
	configFlags

	Campaign string    `help:"Campaign; everything when left out." placeholder:"ID"`
	From     time.Time `help:"From this day on: YYYY-MM-DD." format:"2006-01-02" placeholder:"DAY"`
	Until    time.Time `help:"Until before this day." format:"2006-01-02" placeholder:"DAY"`
	Output   string    `help:"File to write, XLSX where its name ends so; it must not be there yet. Standard output when left out." short:"o" type:"path" placeholder:"FILE"`
}

// Run writes the log. The export is an entry of its own.
func (c auditExportCmd) Run(e env) error {
	return c.onOffice(e, func(o *backOffice, by operator.Actor) (err error) {
		if c.Campaign != "" {
			if _, err := o.banks.Campaign(c.Campaign); err != nil {
				return fmt.Errorf("audit log of campaign %s: %w", c.Campaign, err)
			}
		}
		r := by.Record(time.Now(), "audit.export", c.Campaign, "audit")
		if err := o.journal.Append(e.ctx, r); err != nil {
			return err
		}
		w := e.stdout
		if c.Output != "" {
			f, err := os.OpenFile(c.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			w = io.Writer(f)
		}
		format := sheet.CSV
		if strings.EqualFold(filepath.Ext(c.Output), ".xlsx") {
			format = sheet.XLSX
		}
		all := func(audit.Entry) bool { return true }
		return httpapi.WriteAudit(e.ctx, w, format, o.journal, audit.Filter{Campaign: c.Campaign, From: localDay(c.From), Until: localDay(c.Until)}, all)
	})
}

// localDay is when a day begins where campaigns are; zero stays zero.
func localDay(day time.Time) time.Time {
	if day.IsZero() {
		return day
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, configs.Zone())
}

type auditTrimCmd struct {
	configFlags

	KeepDays int    `help:"Days of which everything is kept; at least 180." name:"keep-days" required:"" placeholder:"N"`
	Reason   string `help:"Why, for the log itself." required:"" placeholder:"TEXT"`
}

// Run cuts the log.
func (c auditTrimCmd) Run(e env) error {
	return c.onOffice(e, func(o *backOffice, by operator.Actor) error {
		now := time.Now()
		r := by.Record(now, "audit.trim", "", "audit")
		r.Reason = c.Reason
		n, err := o.journal.Trim(e.ctx, r, now.AddDate(0, 0, -c.KeepDays))
		if errors.Is(err, audit.ErrTooYoung) {
			return fmt.Errorf("%w: %w", errUsage, err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.stdout, "%d entries were taken away\n", n)
		return err
	})
}
