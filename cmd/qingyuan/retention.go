package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
	"qingyuan/internal/operator"
	"qingyuan/internal/retention"
)

// retentionKind is the jobs' name of a campaign that forgets its people.
const retentionKind = "retention"

// errNotOver is a campaign that goes on: nobody is forgotten in the middle of it.
var errNotOver = fault.New(fault.Conflict, "retention.not_over", "活动结束后才能删除个人信息")

// forgetting lets one campaign forget its people. Names go from Redis and the ledger as
// in an erasure, one person after the other, so that every figure stays; what lies beside
// the ledger goes by the holders.
type forgetting struct {
	*workbench

	c   *campaign.Campaign
	now time.Time
	by  audit.Record
	// serving is set in a server, which has taken the campaigns up already.
	serving bool
	tell    func(done, total int64)
}

// all are the holders, and whoever the ledger names.
func (f *forgetting) all(ctx context.Context) (retention.Holders, error) {
	hs, err := f.holders()
	if err != nil {
		return nil, err
	}
	opened, known, err := f.ledger.Campaign(ctx, f.c.ID)
	if err != nil || !known {
		return hs, err
	}
	n := &naming{forgetting: f, shards: opened.Shards}
	return append(hs, retention.Holder{Name: "personal", Kind: campaign.KeptPersonal, Left: n.left, Forget: n.forget}), nil
}

// plan counts what there is and changes nothing.
func (f *forgetting) plan(ctx context.Context, kinds []campaign.Kept) ([]retention.Line, error) {
	hs, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	return hs.Plan(ctx, f.c, kinds)
}

// run takes the kinds away and sees to it that neither database keeps a copy in its
// files. It may be begun again wherever it ended.
func (f *forgetting) run(ctx context.Context, kinds []campaign.Kept) (map[string]int64, error) {
	if !f.c.Over(f.now) {
		return nil, errNotOver
	}
	if held, err := f.ledger.Held(ctx, f.now); err != nil || held {
		return nil, errors.Join(err, errHeld)
	}
	if err := f.drainAll(ctx); err != nil {
		return nil, err
	}
	opened, known, err := f.ledger.Campaign(ctx, f.c.ID)
	if err != nil {
		return nil, err
	}
	onShelf := f.services.shelf.Has(f.c.ID)
	if known && !f.serving && !onShelf && slices.Contains(kinds, campaign.KeptPersonal) {
		if err := f.takeUp(ctx, opened, f.now); err != nil {
			return nil, err
		}
	}
	lines, err := f.plan(ctx, kinds)
	if err != nil {
		return nil, err
	}
	if err := f.note(ctx, "begin", lines); err != nil {
		return nil, err
	}
	total := int64(0)
	for _, l := range lines {
		if l.Due {
			total += l.Left
		}
	}
	hs, err := f.all(ctx)
	if err != nil {
		return nil, err
	}
	taken, err := hs.Forget(ctx, f.c, kinds, func(n int64) { f.tell(n, total) })
	if err != nil {
		return taken, err
	}
	x := erasure{workbench: f.workbench, now: f.now, held: hs}
	var mine []ledger.Opened
	if known && !onShelf {
		mine = append(mine, opened)
	}
	if err := x.scrub(ctx, mine); err != nil {
		return taken, err
	}
	return taken, f.note(ctx, "done", taken)
}

// note writes into the audit log what is taken away, before and after.
func (f *forgetting) note(ctx context.Context, step string, what any) error {
	raw, err := json.Marshal(map[string]any{"step": step, "what": what})
	if err != nil {
		return err
	}
	r := f.by
	r.At, r.Action, r.Campaign, r.Object, r.After = time.Now(), string(operator.ErasePersonal), f.c.ID, "retention:"+f.c.ID, raw
	return audit.New(f.db).Append(ctx, r)
}

// naming takes the names of a campaign's people away, shard by shard and in the order in
// which they came.
type naming struct {
	*forgetting

	shards int
	shard  int
	after  event.Position
}

func (n *naming) left(ctx context.Context, id string) (sum int64, err error) {
	for shard := range n.shards {
		some, err := n.ledger.CountNamed(ctx, ledger.Shard{Campaign: id, Number: shard})
		if err != nil {
			return 0, err
		}
		sum += some
	}
	return sum, nil
}

// erasedAtOnce is how many persons are erased beside each other: Redis syncs once for
// all of them.
const erasedAtOnce = 16

// forget erases the next limit persons.
func (n *naming) forget(ctx context.Context, id string, limit int) (int64, error) {
	for ; n.shard < n.shards; n.shard, n.after = n.shard+1, (event.Position{}) {
		s := ledger.Shard{Campaign: id, Number: n.shard}
		people, last, err := n.ledger.Named(ctx, s, n.after, limit)
		if err != nil {
			return 0, err
		}
		if len(people) == 0 {
			continue
		}
		if err := n.eraseAll(ctx, id, people); err != nil {
			return 0, err
		}
		n.after = last
		return int64(len(people)), n.gone(ctx, s)
	}
	return 0, nil
}

func (n *naming) eraseAll(ctx context.Context, id string, people []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(erasedAtOnce)
	for _, p := range people {
		g.Go(func() error {
			_, err := n.services.eraseIn(ctx, id, p, n.now)
			return err
		})
	}
	return g.Wait()
}

// gone moves what was ordered into the ledger; on the shelf it is there already.
func (n *naming) gone(ctx context.Context, s ledger.Shard) error {
	if n.services.shelf.Has(s.Campaign) {
		return nil
	}
	return n.drain(ctx, s)
}

// retentionDesk lets campaigns forget when their own rule says so.
type retentionDesk struct {
	*workbench

	jobs *jobs.Queue
	log  *slog.Logger
	now  func() time.Time
	// looked is on which day each campaign was looked at last.
	looked map[string]string
}

// register lets the queue do it.
func (d *retentionDesk) register(q *jobs.Queue) { q.Register(retentionKind, d.work) }

// Run looks every round whether any time is over, at every campaign once a day, until ctx ends.
func (d *retentionDesk) Run(ctx context.Context) {
	every(ctx, d.cfg.Rounds.Every, func(ctx context.Context) {
		if err := d.look(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "look which campaigns forget", "err", err)
		}
	})
}

// look puts a job in line for every campaign that keeps something whose time is over.
func (d *retentionDesk) look(ctx context.Context) error {
	now := d.now()
	for _, c := range d.catalog.Campaigns() {
		kinds := c.Forgets(now)
		// A kind whose time comes in the middle of a day is looked for then.
		day := fmt.Sprint(c.Day(now), kinds)
		if len(kinds) == 0 || d.looked[c.ID] == day {
			continue
		}
		f := forgetting{workbench: d.workbench, c: c, now: now, serving: true, tell: untold}
		lines, err := f.plan(ctx, kinds)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(lines, func(l retention.Line) bool { return l.Due && l.Left > 0 }) {
			if _, err := d.submit(ctx, c.ID, audit.Record{Actor: "retention", Login: "retention"}); err != nil {
				return err
			}
		}
		d.looked[c.ID] = day
	}
	return nil
}

// submit puts a campaign in line, unless it is there already, and returns the job's id.
func (d *retentionDesk) submit(ctx context.Context, id string, by audit.Record) (string, error) {
	return d.jobs.SubmitOnce(ctx, jobs.Request{
		Kind: retentionKind, Action: string(operator.ErasePersonal), Campaign: id, Actor: by.Actor, Login: by.Login, Addr: by.Addr,
	})
}

// Plan implements httpapi.Retention.
func (d *retentionDesk) Plan(ctx context.Context, campaignID string) ([]retention.Line, error) {
	c, err := d.catalog.Campaign(campaignID)
	if err != nil {
		return nil, err
	}
	f := forgetting{workbench: d.workbench, c: c, now: d.now(), serving: true, tell: untold}
	return f.plan(ctx, c.Forgets(f.now))
}

// Begin implements httpapi.Retention.
func (d *retentionDesk) Begin(ctx context.Context, campaignID string, by audit.Record) (string, error) {
	return d.submit(ctx, campaignID, by)
}

// untold is for whoever tells nobody how far it is.
func untold(int64, int64) {}

// work is the job: it takes away what is due when it runs.
func (d *retentionDesk) work(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	c, err := d.catalog.Campaign(j.Campaign)
	if err != nil {
		return nil, err
	}
	f := forgetting{
		workbench: d.workbench, c: c, serving: true, tell: p.Set,
		by: audit.Record{Actor: j.Actor, Login: j.Login, Addr: j.Addr},
	}
	var taken map[string]int64
	err = untilGone(ctx, d.now, func() error {
		f.now = d.now()
		taken, err = f.run(ctx, c.Forgets(f.now))
		return err
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(taken)
}

// redisAway is how long the work waits for a Redis that is away: longer than an outage lasts,
// since whoever asked to be erased was told that they will be.
const redisAway = 30 * 24 * time.Hour

// untilGone lets a job take something away, and waits where it cannot yet: nobody asks
// twice. A server that has just started goes on with jobs before it serves its campaigns,
// and a backup bounds itself.
func untilGone(ctx context.Context, now func() time.Time, take func() error) error {
	for {
		err := jobs.Patience{Now: now, Last: redisAway}.Try(ctx, take)
		if !errors.Is(err, errHeld) {
			return err
		}
		if err := pause(ctx, heldPause); err != nil {
			return err
		}
	}
}

// heldPause is how long is waited before it is looked again whether a backup is done.
const heldPause = 5 * time.Second

// pause waits, or returns why ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// anonymiseCmd lets a campaign forget its people now.
type anonymiseCmd struct {
	configFlags

	Campaign string   `arg:"" help:"Campaign."`
	DryRun   bool     `help:"Only count what would be taken away." name:"dry-run"`
	Early    []string `help:"Take these away although their time is not over, or there is no rule: ${enum}. The campaign must be over." enum:"personal,messages,rosters,origins,flags,papers" placeholder:"KIND"`
	Reason   string   `help:"Why, for the audit log; needed with --early." placeholder:"TEXT"`
	JSON     bool     `help:"Print one JSON object." name:"json"`
}

// anonymised is what the command tells.
type anonymised struct {
	Campaign string           `json:"campaign"`
	DryRun   bool             `json:"dry_run"`
	Kept     []retention.Line `json:"kept"`
	Taken    map[string]int64 `json:"taken"`
}

// Run implements the command.
func (c anonymiseCmd) Run(e env) error {
	if len(c.Early) > 0 && c.Reason == "" && !c.DryRun {
		return fmt.Errorf("%w: --early needs a --reason", errUsage)
	}
	return c.onWorkbench(e, func(w *workbench) error { return c.run(e, w) })
}

func (c anonymiseCmd) run(e env, w *workbench) error {
	def, err := w.catalog.Campaign(c.Campaign)
	if err != nil {
		return fmt.Errorf("anonymise %s: %w", c.Campaign, err)
	}
	f := &forgetting{workbench: w, c: def, now: time.Now(), by: consoleRecord("", def.ID), tell: untold}
	f.by.Reason = c.Reason
	if show := bar(e.stderr, "anonymise "+def.ID); show != nil && !c.JSON && !c.DryRun { // nil where nobody looks
		f.tell = show
	}
	kinds := def.Forgets(f.now)
	for _, k := range c.Early {
		if !slices.Contains(kinds, campaign.Kept(k)) {
			kinds = append(kinds, campaign.Kept(k))
		}
	}
	out := anonymised{Campaign: def.ID, DryRun: c.DryRun, Taken: map[string]int64{}}
	if out.Kept, err = f.plan(e.ctx, kinds); err != nil {
		return err
	}
	if !c.DryRun {
		if out.Taken, err = f.run(e.ctx, kinds); err != nil {
			return fmt.Errorf("anonymise %s: %w", def.ID, err)
		}
	}
	return c.tell(e, def, out)
}

func (c anonymiseCmd) tell(e env, def *campaign.Campaign, out anonymised) error {
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(out)
	}
	var errs []error
	for _, l := range out.Kept {
		at, what := "no rule", "kept"
		if !l.At.IsZero() {
			at = l.At.In(def.Zone).Format(time.DateOnly)
		}
		switch {
		case l.Due && c.DryRun:
			what = "would be taken away"
		case l.Due:
			what = fmt.Sprintf("%d taken away", out.Taken[l.Name])
		}
		_, err := fmt.Fprintf(e.stdout, "%-16s %-9s %10s %9d  %s\n", l.Name, l.Kind, at, l.Left, what)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
