// Package report makes the tables, statistics and texts that an office takes out
// of a campaign. It reads the ledger and changes nothing.
//
// Every figure here is worked out from the facts of each participant, by the same
// definitions as the live counts, so that a table of yesterday and the screen of
// yesterday say the same. One pass over the ledger serves any number of tables, and
// holds one participant in memory at a time.
package report

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/proof"
	"qingyuan/quiz"
)

// Ledger is what this package reads of *ledger.Ledger.
type Ledger interface {
	Campaign(ctx context.Context, id string) (ledger.Opened, bool, error)
	Cursors(ctx context.Context) (map[ledger.Shard]ledger.Heads, error)
	Histories(ctx context.Context, s ledger.Shard, heads ledger.Heads) iter.Seq2[ledger.History, error]
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
}

// Source is one campaign as the ledger tells it.
type Source struct {
	Ledger   Ledger
	Campaign *campaign.Campaign
	// Open reads personal records. Full names are told where Names, masked ones
	// elsewhere.
	Open  replay.Open
	Names bool
	// Scope is the region or unit whose people are told of; "" is everybody.
	Scope string
	// AsOf leaves out what was accepted later; the zero time leaves out nothing. An
	// act that was accepted before and corrected afterwards is told as it is now.
	AsOf time.Time
	Now  func() time.Time
	// Paper returns how many have signed on paper, by unit, in batches that were entered
	// until an instant; nil where nobody counts paper.
	Paper func(ctx context.Context, campaignID string, until time.Time) (map[string]int64, error)
	// Withdrawn returns when somebody took their consent back last, zero for never; nil
	// where nobody remembers.
	Withdrawn func(ctx context.Context, campaignID, participant string) (time.Time, error)
	// Log is the one by which announced counts can be checked; nil where nothing is sealed.
	Log Log
	// Rulings are those in force on contested questions of a campaign; nil where nobody
	// rules.
	Rulings Rulings

	// upTo are the last facts of each shard that are told of, instead of AsOf. Where then is
	// set nothing that came later is looked at, corrections neither.
	upTo map[int]event.Position
	then bool
}

// Log is the log of acts by which counts can be checked. *prooflog.Log is one.
type Log interface {
	// AsOf returns the checkpoint over all that was accepted before a moment and nothing
	// else, with the last fact of each shard that it tells of; an empty one where there was
	// nothing.
	AsOf(ctx context.Context, campaignID string, at time.Time) (proof.Signed, map[int]event.Position, error)
}

// Rulings returns the rulings in force in a campaign.
type Rulings func(campaignID string) []quiz.Ruled

func (r Rulings) of(campaignID string) []quiz.Ruled {
	if r == nil {
		return nil
	}
	return r(campaignID)
}

func (s *Source) rulings() []quiz.Ruled { return s.Rulings.of(s.Campaign.ID) }

// figures adds everybody up, with others that are told of everybody as well.
func (s *Source) figures(ctx context.Context, others ...interface{ Add(p *Person) error }) (*Figures, error) {
	f := NewFigures(s.Campaign)
	if err := s.Collect(ctx, append(others, f)...); err != nil {
		return nil, err
	}
	if s.Paper == nil {
		return f, nil
	}
	var err error
	f.Paper, err = s.Paper(ctx, s.Campaign.ID, s.AsOf)
	return f, err
}

// Person is one participant of a campaign.
type Person struct {
	ID string
	campaign.Enrolment

	// Name is full or masked as the source says; "" once it was erased.
	Name string
	// FirstAct is when the first act was accepted, zero where none counts.
	FirstAct time.Time
	// Attempts are those that were handed in, by number, also those that count no
	// more; Best is the best of those that count, nil where there is none.
	Attempts []quiz.Attempt
	Best     *quiz.Attempt
	// Signature is nil where nothing was signed.
	Signature *pledge.Signature
	Hidden    bool
	// Consents are what they have agreed to, oldest first.
	Consents []Consent
	// Joined people are counted as another participant who is the same person.
	Joined bool
}

// Counts returns what the person is to the figures of their unit.
func (p *Person) Counts() leaderboard.Counts {
	var c leaderboard.Counts
	if !p.Joined {
		c.Enrolled = 1
	}
	for i := range p.Attempts {
		if !p.Attempts[i].State.Void() {
			c.Attempts++
		}
	}
	if p.Signed() {
		c.Signatures = 1
	}
	if c.Attempts+c.Signatures > 0 {
		c.Participants = 1
	}
	if p.Best == nil {
		return c
	}
	c.Scored, c.Score = 1, int64(p.Best.Result.Score)
	if p.Best.Result.Passed {
		c.Passed = 1
	}
	if p.Best.Result.Score == p.Best.Result.MaxScore {
		c.Full = 1
	}
	return c
}

// Signed tells whether there is a signature that counts.
func (p *Person) Signed() bool { return p.Signature != nil && p.Signature.State == pledge.Valid }

// People yields everybody who enrolled, in order of shard and id. The first error
// ends it.
func (s *Source) People(ctx context.Context) iter.Seq2[*Person, error] {
	return func(yield func(*Person, error) bool) {
		if err := s.each(ctx, func(p *Person) bool { return yield(p, nil) }); err != nil {
			yield(nil, fmt.Errorf("read the participants of %s: %w", s.Campaign.ID, err))
		}
	}
}

// each hands on everybody until take wants no more.
func (s *Source) each(ctx context.Context, take func(*Person) bool) error {
	opened, known, err := s.Ledger.Campaign(ctx, s.Campaign.ID)
	if err != nil || !known { // of one that was never opened there is nobody to tell of
		return err
	}
	layout, err := leaderboard.ParseLayout(strconv.FormatInt(opened.Base, 10), strconv.FormatUint(uint64(opened.Bits), 10))
	if err != nil {
		return err
	}
	heads, err := s.Ledger.Cursors(ctx)
	if err != nil {
		return err
	}
	w := &walk{Source: s}
	w.rules = replay.Rules{Campaign: s.Campaign, Layout: layout, Open: w.open, Now: s.Now}
	for n := range opened.Shards {
		shard := ledger.Shard{Campaign: s.Campaign.ID, Number: n}
		w.shard, w.head = n, heads[shard]
		if s.then {
			w.head.Facts = s.upTo[n]
		}
		for h, err := range s.Ledger.Histories(ctx, shard, w.head) {
			if err != nil {
				return err
			}
			if p := w.person(h); p != nil && !take(p) {
				return nil
			}
		}
	}
	return nil
}

// walk is one pass over a source.
type walk struct {
	*Source

	rules replay.Rules
	// shard is the one that is read, as far as head.
	shard int
	head  ledger.Heads
	full  string // the name in the newest enrolment that was opened
}

// open reads a record and remembers whose it is.
func (w *walk) open(campaignID, participant string, r event.Record) (state.Disclosed, error) {
	d, err := w.Open(campaignID, participant, r)
	w.full = d.Name
	return d, err
}

// person replays a history, and returns nil for who is not told of.
func (w *walk) person(h ledger.History) *Person {
	told := w.acts(h.Facts)
	if told == nil {
		return nil
	}
	// Only who they are: a drawn signature is large, and nobody lists it.
	h.Records = slices.DeleteFunc(h.Records, func(r event.Record) bool { return r.Kind == event.RecordSignature })
	w.full = ""
	life := w.rules.Replay(h, w.head.Facts)
	if life.Enrolment.Unit == "" || !w.Campaign.Tree.Within(leaf(w.Campaign.Tree, life.Enrolment.Unit), w.Scope) {
		return nil
	}
	p := &Person{ID: h.Participant, Enrolment: life.Enrolment, Hidden: life.Hidden, Name: life.Enrolment.DisplayName, Joined: life.Joined != ""}
	p.Consents = consentsOf(h.Facts)
	if w.Names && p.Name != "" {
		p.Name = w.full
	}
	for i := range life.Finished {
		if a := &life.Finished[i]; a.State.Accepted() && told[proof.AttemptAct(a.Number)] {
			p.Attempts = append(p.Attempts, *a)
		}
	}
	if life.Signature != nil && told[proof.SignatureAct] {
		p.Signature = life.Signature
	}
	p.conclude()
	return p
}

// acts are those of a history that belong to what is told; nil where its participant came
// later.
func (w *walk) acts(facts []event.Fact) map[proof.Act]bool {
	if len(facts) == 0 || !w.tells(&facts[0]) {
		return nil
	}
	out := make(map[proof.Act]bool)
	for i := range facts {
		if !w.tells(&facts[i]) {
			continue
		}
		switch body := facts[i].Body.(type) {
		case event.Submitted:
			out[proof.AttemptAct(body.Number)] = true
		case event.Signed:
			out[proof.SignatureAct] = true
		}
	}
	return out
}

// tells says whether a fact belongs to what is told.
func (w *walk) tells(f *event.Fact) bool {
	if w.upTo != nil {
		return f.Compare(w.upTo[w.shard]) <= 0
	}
	return w.had(f.At)
}

// had tells whether what happened at a time belongs to what is told.
func (s *Source) had(at time.Time) bool { return s.AsOf.IsZero() || !at.After(s.AsOf) }

// leaf is where somebody counts: a unit that left the tree counts as unassigned.
func leaf(t *campaign.Tree, unit string) string {
	if n, ok := t.Node(unit); ok && n.Kind == campaign.Unit {
		return unit
	}
	return campaign.Unassigned
}

// conclude works out what follows from the acts.
func (p *Person) conclude() {
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if a.State.Void() {
			continue
		}
		p.acted(a.Result.SubmittedAt)
		if p.Best == nil || better(&a.Result, &p.Best.Result) {
			p.Best = a
		}
	}
	if p.Signed() {
		p.acted(p.Signature.SignedAt)
	}
}

func (p *Person) acted(at time.Time) {
	if p.FirstAct.IsZero() || at.Before(p.FirstAct) {
		p.FirstAct = at
	}
}

// better tells whether a result stands above an earlier one: more points, then less
// time, in the steps in which boards compare it.
func better(a, b *quiz.Result) bool {
	const step = 100 * time.Millisecond
	return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(b.Used/step, a.Used/step)) > 0
}
