package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/audit"
	"qingyuan/internal/catalog"
	"qingyuan/internal/ledger"
	"qingyuan/internal/prizes"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
	"qingyuan/internal/shelf"
)

// withShelf lets the services read campaigns that were moved out of Redis.
func (s *services) withShelf(sh *shelf.Shelf) {
	sh.Open = s.secrecy.open
	s.shelf = sh
	s.boards = shelf.Boards{Store: s.boards, Shelf: sh}
	s.enrolments.Store = shelf.Enrolments{Store: s.enrolments.Store, Shelf: sh}
	s.quiz.Store = shelf.Quiz{Store: s.quiz.Store, Shelf: sh}
	s.pledges.Store = shelf.Signatures{Store: s.pledges.Store, Shelf: sh}
	s.campaigns.Elsewhere = func(id string) error {
		if sh.Has(id) {
			return shelf.ErrArchived
		}
		return nil
	}
}

// eraseIn takes the personal data of a participant away, wherever the campaign lies.
func (s *services) eraseIn(ctx context.Context, id, participant string, now time.Time) (bool, error) {
	if s.shelf.Has(id) {
		return s.shelf.Erase(ctx, id, participant, now)
	}
	return s.campaigns.Erase(ctx, id, participant, now)
}

// actedIn tells whether a participant has started an attempt or signed.
func (s *services) actedIn(ctx context.Context, id, participant string) (bool, error) {
	if s.shelf.Has(id) {
		return s.shelf.Acted(ctx, id, participant)
	}
	return s.campaigns.Acted(ctx, id, participant)
}

// ontoShelf is the Redis that a campaign leaves: what a rebuild would write there goes
// onto the shelf.
type ontoShelf struct {
	*redisstore.Refill

	people func(ctx context.Context, people []state.Person) error
	sums   func(*state.Sums)
}

// People implements replay.Refiller.
func (o ontoShelf) People(ctx context.Context, _ state.Ticket, _ int, people []state.Person) error {
	return o.people(ctx, people)
}

// Sums implements replay.Refiller.
func (o ontoShelf) Sums(_ context.Context, _ state.Ticket, _ int, s *state.Sums) error {
	o.sums(s)
	return nil
}

// Ends implements replay.Refiller: the ledger knows where its streams end.
func (o ontoShelf) Ends(context.Context, state.Ticket, int, state.Ends) error { return nil }

// PutBank implements replay.Refiller: versions of banks are no campaign's.
func (o ontoShelf) PutBank(context.Context, string, []byte) error { return nil }

// Why a campaign stays in Redis.
var (
	errUnfit      = errors.New("redis and the ledger differ, or could not be compared: run qingyuan verify, and rebuild before it is moved")
	errStillOpen  = errors.New("attempts are open: they are handed in at their deadline, wait for that")
	errGoesOn     = errors.New("the campaign is not over")
	errUnderWay   = errors.New("acts are under way: wait for them, or cancel them")
	errPrizesStay = errors.New("it has prizes: its winners are looked up in redis for two years after the close")
)

// shelve moves a campaign that is over out of Redis. Whatever ended an earlier try, it
// goes on from there.
func (w *workbench) shelve(ctx context.Context, id string, progress func(done, total int64)) (replay.Rebuilt, error) {
	c, err := w.catalog.Campaign(id)
	if err != nil {
		return replay.Rebuilt{}, err
	}
	refill := redisstore.NewRefill(w.redis, replicas(w.cfg))
	r := &replay.Rebuilder{
		Ledger: w.ledger, Redis: refill, Open: w.services.secrecy.open, Drain: w.drain, Progress: progress, Now: time.Now,
	}
	if w.services.shelf.Has(id) {
		return replay.Rebuilt{Campaign: id}, r.Sweep(ctx, id, refill.Remove)
	}
	if !c.Over(time.Now()) {
		return replay.Rebuilt{}, errGoesOn
	}
	if hasPrizes(w.catalog, id) && time.Now().Before(c.ClosesAt.Add(prizes.Archived)) {
		return replay.Rebuilt{}, errPrizesStay
	}
	if err := w.fitToShelve(ctx, id); err != nil {
		return replay.Rebuilt{}, err
	}
	if err := w.atRest(ctx, id); err != nil {
		return replay.Rebuilt{}, err
	}
	f, err := w.services.shelf.Begin(ctx, id)
	if err != nil {
		return replay.Rebuilt{}, err
	}
	open := int64(0)
	r.Redis = ontoShelf{refill, f.People, func(s *state.Sums) {
		open += s.Open
		f.Sums(s)
	}}
	done, err := r.Shelve(ctx, c, func(ctx context.Context) error {
		if open > 0 {
			return errStillOpen
		}
		if err := w.atRest(ctx, id); err != nil {
			return err
		}
		if err := f.Done(ctx); err != nil {
			return err
		}
		return pause(ctx, shelfHeard)
	}, refill.Remove)
	if errors.Is(err, errStillOpen) || errors.Is(err, errUnderWay) {
		return done, errors.Join(err, w.backFrom(ctx, id))
	}
	return done, err
}

// backFrom serves a campaign again that was found not to be at rest: a server that had not
// heard of its close let somebody begin in the very last moment.
func (w *workbench) backFrom(ctx context.Context, id string) error {
	o, _, err := w.ledger.Campaign(ctx, id)
	if err != nil {
		return err
	}
	_, err = w.rebuild(ctx, o, nil)
	return err
}

// shelfHeard is how long every server needs to hear that a campaign is read from the shelf:
// until then its streams stay, or an archiver would take them for lost.
const shelfHeard = 3 * time.Second

// fitToShelve looks, while the campaign is still served, whether the ledger has all of it.
// One whose move was interrupted was looked at before.
func (w *workbench) fitToShelve(ctx context.Context, id string) error {
	o, known, err := w.ledger.Campaign(ctx, id)
	if err != nil || !known {
		return errors.Join(err, replay.ErrUnknown)
	}
	if o.Condition != ledger.Open {
		return nil
	}
	mirror := redisstore.NewMirror(w.redis)
	for n := range o.Shards {
		sums, _, err := mirror.Totals(ctx, id, n)
		if err != nil {
			return err
		}
		if sums.Open > 0 {
			return errStillOpen
		}
	}
	report, err := w.verify(ctx, o, nil)
	if err != nil {
		return err
	}
	if !report.Clean() {
		return errUnfit
	}
	return nil
}

// underWay are the acts of an office that change what counts, and that were begun or
// granted and are not done.
var underWay = []struct{ what, count string }{ //nolint:gochecknoglobals // A constant.
	{"corrections or re-marks that run", `SELECT COUNT(*) FROM corrections c JOIN jobs j ON j.id = c.job
		WHERE c.campaign = $1 AND c.state IN ('running', 'undoing') AND j.state IN ('queued', 'running')`},
	{"acts that give attempts back and run", `SELECT COUNT(*) FROM grants g JOIN jobs j ON j.id = g.job
		WHERE g.campaign = $1 AND g.state = 'running' AND j.state IN ('queued', 'running')`},
	{"transfers that were granted and whose counts have to follow", `SELECT COUNT(*) FROM transfers WHERE campaign = $1 AND state = 'granting'`},
}

// atRest tells what a campaign waits for before it leaves Redis: whatever an office was
// told is being done shall be done first.
func (w *workbench) atRest(ctx context.Context, id string) error {
	var errs []error
	for _, u := range underWay {
		var n int64
		if err := w.db.QueryRowContext(ctx, u.count, id).Scan(&n); err != nil {
			return fmt.Errorf("look what is under way in %s: %w", id, err)
		}
		if n > 0 {
			errs = append(errs, fmt.Errorf("%d %s", n, u.what))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", errUnderWay, errors.Join(errs...))
}

// unshelve brings a campaign back into Redis, as a rebuild does, and takes it off the
// shelf once it is there.
func (w *workbench) unshelve(ctx context.Context, id string, progress func(done, total int64)) (replay.Rebuilt, error) {
	o, known, err := w.ledger.Campaign(ctx, id)
	if err != nil || !known {
		return replay.Rebuilt{}, errors.Join(err, replay.ErrUnknown)
	}
	if err := w.services.shelf.Return(ctx, id); err != nil {
		return replay.Rebuilt{}, err
	}
	done, err := w.rebuild(ctx, o, progress)
	if err != nil {
		return done, err
	}
	return done, w.services.shelf.Take(ctx, id)
}

// verifyShelf compares what lies on the shelf with the ledger.
func (w *workbench) verifyShelf(ctx context.Context, c *campaign.Campaign) (replay.Report, error) {
	m := w.services.shelf.Measure(c.ID)
	r := &replay.Rebuilder{
		Ledger: w.ledger, Redis: ontoShelf{redisstore.NewRefill(w.redis), m.People, m.Sums}, Open: w.services.secrecy.open, Now: time.Now,
	}
	done, err := r.Recount(ctx, c)
	if err != nil {
		return replay.Report{}, err
	}
	differences, err := w.services.shelf.Compare(ctx, m)
	return replay.Report{
		Campaign: c.ID, Shards: done.Shards, Facts: done.Facts, Participants: done.Participants,
		Differences: differences + done.Faults, Duration: done.Duration,
	}, err
}

// archiveCmd makes a campaign read only and moves it out of Redis.
type archiveCmd struct {
	steerFlags

	KeepInRedis bool `help:"Only make it read only." name:"keep-in-redis"`
}

// Run implements the command.
func (c archiveCmd) Run(e env) error {
	err := c.steer(e, func(ctx context.Context, s *catalog.Store, a catalog.Act) (catalog.Outcome, error) {
		return s.Archive(ctx, a, c.Campaign)
	})
	if err != nil && !errors.Is(err, campaign.ErrNotFound) { // one that lies in files is over by the clock
		return err
	}
	served, errServed := c.served()
	if errServed != nil || c.KeepInRedis || !served {
		return errors.Join(err, errServed)
	}
	return c.onWorkbench(e, func(w *workbench) error {
		_, known, err := w.ledger.Campaign(e.ctx, c.Campaign)
		if err != nil || !known { // a draft that nobody ever took part in
			return err
		}
		return c.move(e, w)
	})
}

// served tells whether anything was ever served from the data folder.
func (c archiveCmd) served() (bool, error) {
	cfg, err := c.load(nil)
	if err != nil || !cfg.PrivateRedis() {
		return err == nil, err
	}
	_, err = os.Stat(filepath.Join(cfg.Data.Dir, deploymentFile))
	return err == nil, nil
}

func (c archiveCmd) move(e env, w *workbench) error {
	var tell func(done, total int64)
	if !c.JSON {
		tell = bar(e.stderr, "archive "+c.Campaign)
	}
	if err := w.remember(e.ctx, "campaign.archive", c.Campaign, c.Reason, "begin"); err != nil {
		return err
	}
	done, err := w.shelve(e.ctx, c.Campaign, tell)
	if err != nil {
		return fmt.Errorf("archive %s: %w", c.Campaign, err)
	}
	if err := w.remember(e.ctx, "campaign.archive", c.Campaign, c.Reason, "done"); err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(done)
	}
	_, err = fmt.Fprintf(e.stdout, "%s is out of redis: %d participants and %d facts lie in the database\n", c.Campaign, done.Participants, done.Facts)
	return err
}

// remember writes into the audit log what is done with a campaign's data.
func (w *workbench) remember(ctx context.Context, action, id, reason, step string) error {
	r := consoleRecord(action, id)
	r.Object, r.Reason, r.After = "shelf:"+id, reason, []byte(`{"step":"`+step+`"}`)
	return audit.New(w.db).Append(ctx, r)
}

// unarchiveCmd brings a campaign back into Redis. It stays read only.
type unarchiveCmd struct {
	configFlags

	Campaign string `arg:"" help:"Campaign."`
	Reason   string `help:"Why, for the audit log." placeholder:"TEXT"`
	JSON     bool   `help:"Print one JSON object." name:"json"`
}

// Run implements the command.
func (c unarchiveCmd) Run(e env) error {
	return c.onWorkbench(e, func(w *workbench) error {
		var tell func(done, total int64)
		if !c.JSON {
			tell = bar(e.stderr, "unarchive "+c.Campaign)
		}
		if err := w.remember(e.ctx, "campaign.unarchive", c.Campaign, c.Reason, "begin"); err != nil {
			return err
		}
		done, err := w.unshelve(e.ctx, c.Campaign, tell)
		if err != nil {
			return fmt.Errorf("unarchive %s: %w", c.Campaign, err)
		}
		if err := w.remember(e.ctx, "campaign.unarchive", c.Campaign, c.Reason, "done"); err != nil {
			return err
		}
		return tellRebuilt(e.stdout, &done, c.JSON)
	})
}

// acting tells who has acted, wherever a campaign lies.
type acting struct{ *services }

// Acted tells whether a participant has started an attempt or signed.
func (a acting) Acted(ctx context.Context, id, participant string) (bool, error) {
	return a.actedIn(ctx, id, participant)
}
