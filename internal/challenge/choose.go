package challenge

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"qingyuan/configs"
	"qingyuan/internal/catalog"
	"qingyuan/internal/correction"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

// Choose implements correction.Challenges. It waits for the ledger to hold everything that
// was accepted until now: a paper that nobody has archived yet would be missing.
func (s *Service) Choose(ctx context.Context, b *correction.Batch) (correction.Choice, error) {
	c, err := one(ctx, s.DB, `id = $1`, b.Challenge)
	if err != nil {
		return nil, err
	}
	d, ok := s.Definition(b.Campaign)
	if !ok || d.Quiz == nil {
		return nil, quiz.ErrNoQuiz
	}
	opened, known, err := s.Ledger.Campaign(ctx, b.Campaign)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, correction.ErrEmpty
	}
	if err := s.caughtUp(ctx, b.Campaign, opened.Shards); err != nil {
		return nil, err
	}
	layout, err := leaderboard.ParseLayout(strconv.FormatInt(opened.Base, 10), strconv.FormatUint(uint64(opened.Bits), 10))
	if err != nil {
		return nil, err
	}
	before, err := s.rulings(ctx, c)
	if err != nil {
		return nil, err
	}
	return &choice{
		Service: s, ctx: ctx, batch: b, challenge: c, def: d, before: before,
		rules: leaderboard.Rules{Campaign: d.Campaign, Layout: layout}, editions: map[string]*edition{},
		effect: correction.Effect{AsOf: s.now()},
	}, nil
}

// rulings are those in force besides a challenge's own. One that is being worked on
// stands in the way: nobody could tell which attempts are marked by it.
func (s *Service) rulings(ctx context.Context, c *Challenge) ([]quiz.Ruled, error) {
	all, err := s.Catalog.Rulings(ctx, c.Campaign)
	if err != nil {
		return nil, err
	}
	var out []quiz.Ruled
	for i := range all {
		if all[i].Challenge == c.ID {
			continue
		}
		if err := s.settled(ctx, s.DB, all[i].Challenge); err != nil {
			return nil, err
		}
		out = append(out, all[i].Ruled)
	}
	return out, nil
}

// settled refuses where the list of a challenge is half worked off.
func (s *Service) settled(ctx context.Context, q sqldb.Reader, id string) error {
	b, err := batchState(ctx, q, id)
	if err == nil && b != correction.Done {
		err = ErrBusy
	}
	return err
}

// batchState reads how far the list of a challenge is.
func batchState(ctx context.Context, q sqldb.Reader, id string) (correction.State, error) {
	rows, err := q.QueryContext(ctx, `SELECT b.state FROM corrections b JOIN challenges c ON c.correction = b.id WHERE c.id = $1`, id)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (st correction.State, err error) { return st, r.Scan(&st) })
	if err != nil {
		return "", fmt.Errorf("read how far challenge %s is: %w", id, err)
	}
	if len(all) == 0 {
		return "", ErrNotFound
	}
	return all[0], nil
}

// caughtUp waits until the ledger holds every fact that there is now.
func (s *Service) caughtUp(ctx context.Context, campaignID string, shards int) error {
	if s.Head == nil {
		return nil
	}
	for shard := range shards {
		head, err := s.Head(ctx, campaignID, shard)
		if err != nil {
			return err
		}
		if err := s.await(ctx, ledger.Shard{Campaign: campaignID, Number: shard}, head); err != nil {
			return err
		}
	}
	return nil
}

// await looks again and again whether the ledger has come to a fact.
func (s *Service) await(ctx context.Context, shard ledger.Shard, head event.Position) error {
	const pause = 100 * time.Millisecond
	until := s.Now().Add(cmp.Or(s.Patience, 2*time.Minute))
	for {
		all, err := s.Ledger.Cursors(ctx)
		if err != nil {
			return err
		}
		if all[shard].Facts.Compare(head) >= 0 {
			return nil
		}
		if s.Now().After(until) {
			return fault.ErrUnavailable.Because(fmt.Errorf("the ledger of %s is at %s, and %s is not archived", shard, all[shard].Facts, head))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// choice looks at one participant after the other.
type choice struct {
	*Service

	ctx       context.Context //nolint:containedctx // It lives as long as one search.
	batch     *correction.Batch
	challenge *Challenge
	def       configs.Definition
	before    []quiz.Ruled
	rules     leaderboard.Rules
	editions  map[string]*edition
	effect    correction.Effect
	boards    boards
}

// edition is one version of a bank as far as rulings are concerned.
type edition struct {
	bank *quiz.Bank
	// contested is the place of the question, -1 where this version has another one.
	contested int
	// before are the places of the questions that were ruled on already.
	before map[int]quiz.Ruling
	order  []int
}

// edition reads a version once.
func (x *choice) edition(digest string) (*edition, error) {
	if e, ok := x.editions[digest]; ok {
		return e, nil
	}
	b, err := x.bank(x.ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read bank %s: %w", digest, err)
	}
	e := &edition{bank: b, contested: placeOf(b, x.challenge.Question, x.challenge.Fingerprint), before: map[int]quiz.Ruling{}}
	for _, r := range x.before {
		if at := placeOf(b, r.Question, r.Fingerprint); at >= 0 {
			e.before[at] = r.Ruling
			e.order = append(e.order, at)
		}
	}
	x.editions[digest] = e
	return e, nil
}

func placeOf(b *quiz.Bank, id, fingerprint string) int {
	return slices.IndexFunc(b.Questions, func(q quiz.Question) bool { return q.ID == id && q.Fingerprint() == fingerprint })
}

// rulings are those that were on a paper before, in their order.
func (e *edition) rulings(items []quiz.Item) quiz.Rulings {
	var out quiz.Rulings
	for _, at := range e.order {
		if slices.ContainsFunc(items, func(it quiz.Item) bool { return it.Question == at }) {
			out = append(out, e.before[at])
		}
	}
	return out
}

// person is a participant's history as far as marking asks for it.
type person struct {
	record leaderboard.Record
	acts   []sat
	// open is the paper that is not handed in; nil for none.
	open *event.Started
}

// sat is one accepted attempt, and its marks by now.
type sat struct {
	event.Submitted

	at    time.Time
	marks act.Marks
}

// read follows a history.
func (p *person) read(h *ledger.History) error {
	for i := range h.Facts {
		if err := p.take(&h.Facts[i]); err != nil {
			return fmt.Errorf("fact %s: %w", h.Facts[i].Position, err)
		}
	}
	return nil
}

func (p *person) take(f *event.Fact) (err error) {
	switch body := f.Body.(type) {
	case event.Enrolled, event.Moved:
		p.record.Unit, p.record.Group = f.Unit, f.Group
	case event.Started:
		p.open = &body
	case event.Expired:
		p.open = nil
	case event.Submitted:
		p.open = nil
		p.record.Attempts = append(p.record.Attempts, event.Counted{
			Number: body.Number, At: f.At.UnixMilli(), UsedMS: body.UsedMS, Score: body.Score, Passed: body.Passed, Full: body.Score == body.MaxScore,
		})
		p.acts = append(p.acts, sat{body, f.At, act.Marks{Score: body.Score, MaxScore: body.MaxScore, Correct: body.Correct, Passed: body.Passed}})
	case event.Signed:
		p.record.SignedAt, p.record.SignedVoid = f.At, false
	case event.Remarked:
		for i := range p.acts {
			if p.acts[i].Number == body.Number {
				p.acts[i].marks = act.Marks(body.After)
			}
		}
		p.record, err = leaderboard.After(p.record, f)
	case event.Corrected, event.Transferred:
		p.record, err = leaderboard.After(p.record, f)
	}
	return err
}

// Of implements correction.Choice.
func (x *choice) Of(h *ledger.History) ([]correction.Item, error) {
	var p person
	if err := p.read(h); err != nil {
		return nil, err
	}
	if err := x.pending(&p); err != nil {
		return nil, err
	}
	then := p.record
	then.Attempts = slices.Clone(p.record.Attempts)
	var out []correction.Item
	had := false
	for i := range p.acts {
		it, has, err := x.mark(&p.acts[i])
		if err != nil {
			return nil, fmt.Errorf("attempt %d: %w", p.acts[i].Number, err)
		}
		if has {
			x.effect.Had++
			had = true
		}
		if it == nil {
			continue
		}
		it.Participant, it.Unit = h.Participant, p.record.Unit
		out = append(out, *it)
		x.tell(it.Remark)
		if then, err = leaderboard.Remarked(then, it.Number, event.Marks(it.Remark.To)); err != nil {
			return nil, err
		}
	}
	if had {
		x.effect.Persons++
	}
	return out, x.stand(h.Participant, &p.record, &then, len(out) > 0)
}

// pending counts a paper with the question that is not handed in.
func (x *choice) pending(p *person) error {
	if p.open == nil {
		return nil
	}
	e, err := x.edition(p.open.Bank)
	if err != nil {
		return err
	}
	items, err := quiz.ParseItems(p.open.Items)
	if err != nil {
		return err
	}
	if e.contested >= 0 && slices.ContainsFunc(items, func(it quiz.Item) bool { return it.Question == e.contested }) {
		x.effect.Open++
	}
	return nil
}

// mark marks an attempt that had the question as it is marked now and as the ruling wants
// it. It returns no item where the ruling changes nothing about it.
func (x *choice) mark(a *sat) (it *correction.Item, had bool, err error) {
	e, err := x.edition(a.Bank)
	if err != nil || e.contested < 0 {
		return nil, false, err
	}
	paper := quiz.Paper{Bank: a.Bank}
	if paper.Items, err = quiz.ParseItems(a.Items); err != nil {
		return nil, false, err
	}
	at := slices.IndexFunc(paper.Items, func(it quiz.Item) bool { return it.Question == e.contested })
	if at < 0 {
		return nil, false, nil
	}
	choices, err := quiz.ParseChoices(a.Choices)
	if err != nil {
		return nil, true, err
	}
	before := e.rulings(paper.Items)
	ruling := x.challenge.Ruling()
	now, err := x.grade(&paper, e, choices, before)
	if err != nil {
		return nil, true, err
	}
	if now != a.marks {
		return nil, true, fmt.Errorf("it has the marks %v, and by the rulings in force %v: run verify", a.marks, now)
	}
	if !paper.Affects(e.bank, x.def.Quiz.Marking, choices, at, before, &ruling) {
		return nil, true, nil
	}
	after := append(slices.Clone(before), ruling)
	then, err := x.grade(&paper, e, choices, after)
	if err != nil {
		return nil, true, err
	}
	it = &correction.Item{At: a.at, Score: a.marks.Score, Used: time.Duration(a.UsedMS) * time.Millisecond}
	it.Number = a.Number
	it.Remark = &correction.Remark{From: now, To: then, Before: before, After: after}
	return it, true, nil
}

func (x *choice) grade(p *quiz.Paper, e *edition, choices quiz.Choices, rulings quiz.Rulings) (act.Marks, error) {
	m, err := p.GradeRuled(e.bank, x.def.Quiz.Marking, choices, rulings)
	return act.Marks{Score: m.Score, MaxScore: m.MaxScore, Correct: m.Correct, Passed: m.Score >= x.def.Quiz.PassScore}, err
}

// tell counts what becomes of one attempt.
func (x *choice) tell(r *correction.Remark) {
	switch cmp.Compare(r.To.Score, r.From.Score) {
	case 1:
		x.effect.Raised++
	case -1:
		x.effect.Lowered++
	default:
		x.effect.Same++
	}
}

// End implements correction.Choice: the places of everybody on the list are kept beside
// it.
func (x *choice) End(ctx context.Context) (*correction.Effect, error) {
	ranks := x.boards.ranks()
	x.effect.TopBefore, x.effect.TopAfter = x.boards.tops()
	for i := range ranks {
		if ranks[i].Before != ranks[i].After {
			x.effect.Moved++
		}
	}
	if err := x.keepRanks(ctx, x.batch.ID, ranks); err != nil {
		return nil, err
	}
	return &x.effect, nil
}

// Lead implements correction.Challenges: rulings are in force from the moment at which
// the first attempt may be marked by them until the last is given back, and one challenge
// of a campaign is worked on at a time.
func (s *Service) Lead(ctx context.Context, tx *sql.Tx, b *correction.Batch, to correction.State) error {
	c, err := one(ctx, tx, `id = $1`, b.Challenge)
	if err != nil {
		return err
	}
	switch to {
	case correction.Running, correction.Undoing:
		return s.begin(ctx, tx, c)
	case correction.Undone:
		return s.Catalog.Overrule(ctx, tx, c.Campaign, c.ID)
	default:
		return nil
	}
}

func (s *Service) begin(ctx context.Context, tx *sql.Tx, c *Challenge) error {
	// Holds the catalog, so that nobody else begins at the same time.
	err := s.Catalog.Rule(ctx, tx, catalog.Ruling{
		Campaign: c.Campaign, Ruled: quiz.Ruled{Ruling: c.Ruling(), Fingerprint: c.Fingerprint, Reason: c.Reason},
	})
	if err != nil {
		return err
	}
	order, err := inForce(ctx, tx, c.Campaign)
	if err != nil {
		return err
	}
	for _, other := range order {
		if other == c.ID {
			continue
		}
		if err := s.settled(ctx, tx, other); err != nil {
			return err
		}
	}
	if order[len(order)-1] != c.ID { // a later one is built upon this
		return ErrLater
	}
	return nil
}

// inForce are the challenges whose rulings are in force, in their order.
func inForce(ctx context.Context, tx *sql.Tx, campaignID string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT challenge FROM catalog_rulings WHERE campaign = $1 ORDER BY n`, campaignID)
	out, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("read the rulings of %s: %w", campaignID, err)
	}
	return out, nil
}
