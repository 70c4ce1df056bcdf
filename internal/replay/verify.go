package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

var (
	// ErrUnknown is a campaign that the ledger has never heard of.
	ErrUnknown = errors.New("the ledger does not know the campaign")
	// ErrNotOpen is a campaign that is being rebuilt, also one whose rebuilding was
	// interrupted or began in the middle of a comparison: there is nothing to
	// compare.
	ErrNotOpen = errors.New("the campaign is being rebuilt")
)

// Verifier compares a Redis that serves with the ledger.
type Verifier struct {
	Ledger  Record
	Live    Live
	Streams Streams
	Open    Open
	// Patience is how long the ledger is waited for to reach the end that the
	// streams had in the beginning; 30 s when zero.
	Patience time.Duration
	// Rest, when set, is for a comparison that nobody waits for: one hand does it, and after
	// each batch rests so many times as long as that took.
	Rest int
	// Found, when set, is told of every difference as it is found, and Progress of
	// how many facts are done. Neither is called by two at once.
	Found    func(Difference)
	Progress func(done, total int64)
	// Roll says what a chance falls on; nil leaves that out.
	Roll func(campaignID, participant string, chance int) string
	Now  func() time.Time
}

// defaultPatience outlasts an archiver that pauses after errors.
const defaultPatience = 30 * time.Second

// Campaign compares a whole campaign. rules are nil for one without a quiz. It
// holds no participant in memory for longer than a moment, and nobody has to
// stop for it. The error means that it could not go on.
func (v *Verifier) Campaign(ctx context.Context, c *campaign.Campaign, rules *quiz.Rules) (Report, error) {
	began := v.Now()
	x := &verification{Verifier: v, banks: newBanks(v.Ledger, v.Live), named: newDigests()}
	x.report.Campaign, x.found = c.ID, v.Found
	err := x.run(ctx, c, rules)
	x.report.Duration = v.Now().Sub(began)
	if err != nil {
		err = fmt.Errorf("verify %s: %w", c.ID, err)
	}
	return x.report, err
}

func (v *Verifier) pace() pace { return pace{v.Rest, v.Now} }

// hands are how many compare at once.
func (v *Verifier) hands() int {
	if v.Rest > 0 {
		return 1
	}
	return runtime.GOMAXPROCS(0)
}

// verification is one run of a Verifier over a campaign.
type verification struct {
	findings
	*Verifier

	rules Rules
	banks *banks
	named digests
	known *filter          // who is in the ledger, by shard and id
	upTo  []event.Position // where each shard's facts were read to find them
	done  progress
}

func (x *verification) run(ctx context.Context, c *campaign.Campaign, rules *quiz.Rules) error {
	o, err := x.opened(ctx, c.ID)
	if err != nil {
		return err
	}
	layout, err := leaderboard.ParseLayout(itoa(o.Base), strconv.FormatUint(uint64(o.Bits), 10))
	if err != nil {
		return err
	}
	x.report.Shards = o.Shards
	x.rules = Rules{Campaign: c, Layout: layout, Open: x.Verifier.Open, Now: x.Now, Quiz: rules, Bank: func(digest string) (*quiz.Bank, error) {
		return x.banks.get(ctx, digest)
	}}
	if x.Roll != nil {
		x.rules.Roll = func(participant string, chance int) string { return x.Roll(c.ID, participant, chance) }
	}
	if err := x.deadLetters(ctx); err != nil {
		return err
	}
	if err := x.shards(ctx, &o); err != nil {
		return err
	}
	if err := x.strangers(ctx); err != nil {
		return err
	}
	if err := x.compareBanks(ctx); err != nil {
		return err
	}
	return x.still(ctx, &o)
}

// still looks whether the campaign was rebuilt meanwhile: then everything that
// was found is worth nothing.
func (x *verification) still(ctx context.Context, was *ledger.Opened) error {
	o, _, err := x.Ledger.Campaign(ctx, was.Campaign)
	if err == nil && o != *was {
		err = ErrNotOpen
	}
	return err
}

// opened compares how the campaign was opened.
func (x *verification) opened(ctx context.Context, id string) (ledger.Opened, error) {
	o, known, err := x.Ledger.Campaign(ctx, id)
	switch {
	case err != nil:
		return o, err
	case !known:
		return o, ErrUnknown
	case o.Condition != ledger.Open:
		return o, ErrNotOpen
	}
	got, ok, err := x.Live.Opening(ctx, id)
	if err != nil {
		return o, err
	}
	if !ok {
		x.differ(Difference{Field: "opening", Want: "a record", Got: "none"})
		return o, nil
	}
	x.opening("shards", int64(o.Shards), int64(got.Shards))
	x.opening("base", o.Base, got.Base)
	x.opening("bits", int64(o.Bits), int64(got.Bits))    //nolint:gosec // At most 18.
	x.opening("epoch", int64(o.Epoch), int64(got.Epoch)) //nolint:gosec // A count of rebuilds.
	if want := string(o.Condition); got.Condition != want {
		x.differ(Difference{Field: "opening: state", Want: want, Got: got.Condition})
	}
	return o, nil
}

func (x *verification) opening(part string, want, got int64) {
	x.cell(0, "", "opening: "+part, want, got)
}

// manyDead is more than anybody looks at.
const manyDead = 1000

// deadLetters are facts that the ledger could not take: what they did to Redis is
// not in it.
func (x *verification) deadLetters(ctx context.Context) error {
	dead, err := x.Ledger.DeadLetters(ctx, manyDead)
	if err != nil {
		return err
	}
	for _, d := range dead {
		if d.Campaign == x.report.Campaign {
			x.differ(Difference{
				Shard: d.Number, Field: fmt.Sprintf("dead letter %s %s", d.Stream, d.Entry.Position), Want: "none", Got: d.Reason,
			})
		}
	}
	return nil
}

// begin compares the epochs, and returns where the folds are.
func (x *verification) begin(ctx context.Context, o *ledger.Opened) ([]event.Position, error) {
	folds := make([]event.Position, o.Shards)
	var total int64
	for n := range o.Shards {
		head, err := x.Live.Head(ctx, o.Campaign, n)
		if err != nil {
			return nil, err
		}
		if want := strconv.FormatUint(o.Epoch, 10); head.Epoch != want {
			x.differ(Difference{Shard: n, Field: "epoch", Want: want, Got: cmp.Or(head.Epoch, "none")})
		}
		folds[n] = head.Fold
		facts, err := x.Ledger.Positions(ctx, ledger.Shard{Campaign: o.Campaign, Number: n})
		if err != nil {
			return nil, err
		}
		total += facts
	}
	x.known, x.done = newFilter(total), progress{total: total, tell: x.Progress}
	return folds, nil
}

// shards compares shard by shard. Where the folds are is asked before the keys
// are listed: an hour that is not listed was not there then. A board may have been:
// its keys go with the last who stands on it.
func (x *verification) shards(ctx context.Context, o *ledger.Opened) error {
	folds, err := x.begin(ctx, o)
	if err != nil {
		return err
	}
	names, err := x.Live.Names(ctx, o.Campaign, o.Shards)
	if err != nil {
		return err
	}
	for n := range o.Shards {
		s := &shardCheck{verification: x, Shard: ledger.Shard{Campaign: o.Campaign, Number: n}}
		if err := s.run(ctx, &names[n], folds[n]); err != nil {
			return fmt.Errorf("shard %d: %w", n, err)
		}
		x.upTo = append(x.upTo, s.heads.Facts)
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
