package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prooflog"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/quiz"
)

// verifyCmd compares Redis with what follows from the ledger, and follows the chain of
// the audit log.
type verifyCmd struct {
	chosenFlags

	AuditHead []string `help:"Head of the audit log as an earlier run printed it: the log up to there must still be the same." name:"audit-head" placeholder:"NUMBER:HASH"`
}

// Run implements the command. It exits with 1 where anything differs.
func (v verifyCmd) Run(e env) error {
	return v.onChosen(e, func(w *workbench, opened []ledger.Opened) error { return v.run(e, w, opened) })
}

func (v verifyCmd) run(e env, w *workbench, opened []ledger.Opened) error {
	log, err := v.auditLog(e.ctx, w)
	if err != nil {
		return err
	}
	result := verified{Clean: log.Broken == nil, Campaigns: []replay.Report{}, Audit: log, Logs: []prooflog.Report{}}
	if v.Campaign == "" {
		for _, id := range w.services.shelf.IDs() {
			opened = append(opened, ledger.Opened{Campaign: id})
		}
	}
	for _, o := range opened {
		if err := result.log(e.ctx, w, o.Campaign); err != nil {
			return err
		}
		r, err := w.verify(e.ctx, o, v.progress(e, "verify", o))
		if err != nil {
			return err
		}
		result.Campaigns = append(result.Campaigns, r)
		result.Clean = result.Clean && r.Clean()
	}
	if err := result.tell(e.stdout, v.JSON); err != nil {
		return err
	}
	if !result.Clean {
		return errReported
	}
	return nil
}

// auditLog follows the chain, past the heads that were written down.
func (v verifyCmd) auditLog(ctx context.Context, w *workbench) (audit.Report, error) {
	var heads []audit.Head
	for _, s := range v.AuditHead {
		h, err := audit.ParseHead(s)
		if err != nil {
			return audit.Report{}, fmt.Errorf("%w: %w", errUsage, err)
		}
		heads = append(heads, h)
	}
	return audit.New(w.db).Verify(ctx, heads...)
}

// verify moves what waits on the streams into the ledger, which a running server
// does anyway, and compares.
func (w *workbench) verify(ctx context.Context, o ledger.Opened, progress func(done, total int64)) (replay.Report, error) {
	if w.services.shelf.Has(o.Campaign) {
		c, err := w.catalog.Campaign(o.Campaign)
		if err != nil {
			return replay.Report{}, err
		}
		return w.verifyShelf(ctx, c)
	}
	for n := range o.Shards {
		if err := w.drain(ctx, ledger.Shard{Campaign: o.Campaign, Number: n}); err != nil {
			w.log.WarnContext(ctx, "the stream was not taken up", "err", err)
		}
	}
	v := newVerifier(w.services, w.ledger)
	v.Progress = progress
	if o.Campaign == ledger.DoorsCampaign {
		return v.Doors(ctx)
	}
	c, err := w.catalog.Campaign(o.Campaign)
	if err != nil {
		return replay.Report{}, fmt.Errorf("campaign %s is neither in the catalog nor in %s: %w", o.Campaign, w.cfg.CampaignsDir(), err)
	}
	rules, err := rulesOf(w.catalog, c)
	if err != nil {
		return replay.Report{}, err
	}
	return v.Campaign(ctx, c, rules)
}

// drain moves everything that waits on the streams of a shard into the ledger.
func (w *workbench) drain(ctx context.Context, s ledger.Shard) error {
	return w.archiver(ctx, s).Drain(ctx)
}

// archiver is for a step at a time.
func (w *workbench) archiver(ctx context.Context, s ledger.Shard) *ledger.Archiver {
	return &ledger.Archiver{
		Ledger: w.ledger, Source: newSource(w.services), Shard: s, Now: time.Now,
		Archived: noArchived, Dead: func(int) {},
		Failed: func(err error) { w.log.WarnContext(ctx, "archive", "shard", s.String(), "err", err) },
	}
}

func newVerifier(s *services, l *ledger.Ledger) *replay.Verifier {
	return &replay.Verifier{
		Ledger: l, Live: redisstore.NewMirror(s.redis), Streams: s.facts, Open: s.secrecy.open, Now: time.Now,
		Roll: s.prizes.Rolled,
	}
}

// rulesOf returns a campaign's quiz rules, or nil for one without a quiz.
func rulesOf(k quiz.Catalog, c *campaign.Campaign) (*quiz.Rules, error) {
	offer, err := k.Quiz(c.ID)
	if errors.Is(err, quiz.ErrNoQuiz) {
		return nil, nil //nolint:nilnil // A campaign without a quiz is no error.
	}
	return offer.Rules, err
}

// nameOf is how a campaign is called in what people read.
func nameOf(campaign string) string {
	if campaign == ledger.DoorsCampaign {
		return "the doors"
	}
	return campaign
}

// verified is what the command found.
type verified struct {
	Clean     bool            `json:"clean"`
	Campaigns []replay.Report `json:"campaigns"`
	Audit     audit.Report    `json:"audit"`
	// Logs are those by which outsiders check counts.
	Logs []prooflog.Report `json:"logs"`
}

// log checks the log of a campaign, if it has one.
func (v *verified) log(ctx context.Context, w *workbench, campaignID string) error {
	if campaignID == ledger.DoorsCampaign {
		return nil
	}
	r, err := w.proofs().Verify(ctx, campaignID)
	if err != nil {
		return err
	}
	v.Logs, v.Clean = append(v.Logs, r), v.Clean && r.Clean()
	return nil
}

func (v *verified) tell(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	var errs []error
	for i := range v.Campaigns {
		errs = append(errs, tellReport(w, &v.Campaigns[i]))
	}
	for i := range v.Logs {
		errs = append(errs, tellLog(w, &v.Logs[i]))
	}
	return errors.Join(append(errs, tellAudit(w, v.Audit))...)
}

func tellLog(w io.Writer, r *prooflog.Report) error {
	found := "it holds"
	if !r.Clean() {
		found = "it does NOT hold"
	}
	_, err := fmt.Fprintf(w, "the log of %s: %d leaves, %d of them signed by %d checkpoints, %d worked out again from the ledger: %s\n",
		r.Campaign, r.Leaves, r.Signed, r.Checkpoints, r.Compared, found)
	errs := []error{err}
	for _, f := range r.Faults {
		_, err := fmt.Fprintf(w, "  %s\n", f)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// tellAudit ends with the head, for somebody to write down.
func tellAudit(w io.Writer, r audit.Report) error {
	found := "the chain holds"
	if r.Broken != nil {
		found = fmt.Sprintf("BROKEN: entry %d %s", r.Broken.Seq, r.Broken.Why)
	}
	_, err := fmt.Fprintf(w, "the audit log: %d entries, %s; head %s\n", r.Entries, found, r.Head)
	errs := []error{err}
	for _, h := range r.Unknown {
		_, err := fmt.Fprintf(w, "  not compared: entry %d was taken away since\n", h.Seq)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func tellReport(w io.Writer, r *replay.Report) error {
	_, err := fmt.Fprintf(w, "%s: %d facts of %d participants replayed, %d attempts marked again, %d receipts, %d boards, %d counts and %d doors compared in %s: %d differences\n",
		nameOf(r.Campaign), r.Facts, r.Participants, r.Regraded, r.Receipts, r.Boards, r.Cells, r.Doors, r.Duration.Round(time.Millisecond), r.Differences)
	errs := []error{err}
	for _, d := range r.First {
		who := d.Participant
		if who == "" {
			who = d.Cell
		}
		_, err := fmt.Fprintf(w, "  shard %d  %s  %s: the ledger says %s, redis %s\n", d.Shard, who, d.Field, d.Want, d.Got)
		errs = append(errs, err)
	}
	for _, what := range r.Incomplete {
		_, err := fmt.Fprintf(w, "  not compared: %s\n", what)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
