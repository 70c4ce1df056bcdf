package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

var correctScript = script("correct")

// correctionTries is how often a correction begins anew because its participant
// did something meanwhile.
const correctionTries = 10

var errBusy = errors.New("the participant goes on acting")

// correction is one change of how somebody's acts count, or of whether they are
// hidden: what was read, what follows from it by the rules, and a script that writes
// it unless what was read has changed.
type correction struct {
	*opened

	rules       leaderboard.Rules
	participant string
	now         time.Time
	fields      map[string]string // the participant's hash
	attempts    map[int]quiz.Attempt
	signature   pledge.Signature // without a state where there is none
	record      leaderboard.Record
	last        int
}

// change is what a correction comes to.
type change struct {
	kind event.Kind // "" where nothing is to be changed
	// number and batch are those of the fact.
	number int
	batch  string
	// body makes that of the fact out of what all corrections say; nil for one that
	// says no more.
	body func(event.Corrected) any
	// fields of the participant's hash hold these values from then on.
	fields map[string]string
	// to is where the participant belongs from then on; the zero Place is where they do.
	to act.Place
	// turn bars whoever works on a batch that somebody else has taken over.
	turn act.Turn
}

// fact is what the change is written down as.
func (x *correction) fact(to *change) event.Fact {
	f := event.Fact{Kind: to.kind, Participant: x.participant, Unit: x.record.Unit, Group: x.record.Group, At: x.now}
	if to.to != (act.Place{}) {
		f.Unit, f.Group = to.to.Unit, to.to.Group
	}
	whole := event.Corrected{
		Number: to.number, Batch: to.batch, Attempts: x.record.Attempts, SignedVoid: x.record.SignedVoid,
		Hidden: x.record.Hidden, Stays: x.record.Stays,
	}
	if !x.record.SignedAt.IsZero() {
		whole.SignedAt = x.record.SignedAt.UnixMilli()
	}
	f.Body = whole
	if to.body != nil {
		f.Body = to.body(whole)
	}
	return f
}

// correct lets decide look at a participant, and makes the change it asks for. Where that
// is none, what was looked at is told as what an earlier call has done, so that replicas
// must hold it as they must hold a change.
func (c *Campaigns) correct(ctx context.Context, def *campaign.Campaign, participant string, now time.Time,
	decide func(*correction) (change, error),
) error {
	o, err := c.writable(def.ID)
	if err != nil {
		return err
	}
	for range correctionTries {
		x, err := c.look(ctx, o, def, participant, now)
		if err != nil {
			return err
		}
		to, err := decide(x)
		if err != nil {
			return err
		}
		settle := func() (bool, error) { return x.write(ctx, c, &to) }
		if to.kind == "" {
			settle = func() (bool, error) { return x.held(ctx, c) }
		}
		done, err := settle()
		if err != nil || done {
			return err
		}
	}
	return fault.ErrUnavailable.Because(errBusy)
}

// look reads everything that a participant's figures are made of.
func (c *Campaigns) look(ctx context.Context, o *opened, def *campaign.Campaign, participant string, now time.Time) (*correction, error) {
	f, err := c.wholePerson(ctx, o, participant)
	if err != nil {
		return nil, err
	}
	if f["u"] == "" {
		return nil, campaign.ErrRequired
	}
	x := &correction{
		opened: o, rules: leaderboard.Rules{Campaign: def, Layout: o.layout}, participant: participant,
		now: now.Truncate(time.Millisecond), fields: f, attempts: map[int]quiz.Attempt{},
		record: leaderboard.Record{Unit: f["u"], Group: f["g"], Hidden: f["x"] != "", Joined: f["j"] != ""},
	}
	var st quiz.Standing
	if err := unpackLimits(f["l"], &st); err != nil {
		return nil, err
	}
	x.last = st.Last
	if x.record.Stays, err = unpackStays(f["w"]); err != nil {
		return nil, err
	}
	return x, x.read()
}

// held tells whether the participant is as they were looked at, and the replicas that
// are waited for hold it. Where none are, what was read is durable.
func (x *correction) held(ctx context.Context, c *Campaigns) (bool, error) {
	if c.writes.Replicas == 0 {
		return true, nil
	}
	k := x.keys(x.participant)
	var now *redis.MapStringStringCmd
	read := func(p redis.Pipeliner) { now = p.HGetAll(ctx, k.participant(x.participant)) }
	err := x.ask(ctx, []shardKeys{k}, read, func(all func(redis.Pipeliner)) error { return c.writes.Confirmed(ctx, k.meta(), all) })
	if err != nil {
		return false, err
	}
	return maps.Equal(now.Val(), x.fields), nil
}

// read fills the record from the fields.
func (x *correction) read() error {
	for n := 1; n <= x.last; n++ {
		packed := x.fields[slot(n)]
		if packed == "" {
			continue // it is open
		}
		a, err := unpackFinished(n, packed)
		if err != nil {
			return err
		}
		x.attempts[n] = a
		if a.State.Accepted() {
			x.record.Attempts = append(x.record.Attempts, counted(&a))
		}
	}
	if x.fields["s"] == "" {
		return nil
	}
	var err error
	x.signature, err = unpackSignature(x.fields["s"], "")
	x.record.SignedAt, x.record.SignedVoid = x.signature.SignedAt, x.signature.State != pledge.Valid
	return err
}

// counted is an accepted attempt as the rules of boards see it.
func counted(a *quiz.Attempt) event.Counted {
	r := &a.Result
	return event.Counted{
		Number: a.Number, At: r.SubmittedAt.UnixMilli(), UsedMS: r.Used.Milliseconds(),
		Score: r.Score, Passed: r.Passed, Full: r.Score == r.MaxScore, Void: a.State.Void(),
	}
}

// write makes the change. It returns false where something has changed meanwhile.
func (x *correction) write(ctx context.Context, c *Campaigns, to *change) (bool, error) {
	f := x.fact(to)
	after, err := leaderboard.After(x.record, &f)
	if err != nil {
		return false, err
	}
	set, place, err := x.consequences(&after)
	if err != nil {
		return false, err
	}
	maps.Copy(set, to.fields)
	args, err := x.args(&f, to.turn, set, place)
	if err != nil {
		return false, err
	}
	k := x.keys(x.participant)
	keys := []string{k.meta(), k.participant(x.participant), k.facts()}
	for _, l := range allLayers {
		keys = append(keys, k.layer("", l))
	}
	r, err := run(ctx, c.writes, correctScript, append(keys, k.thaw()), args...)
	switch {
	case err != nil:
		return false, err
	case r.outcome == "ok":
		return true, nil
	case r.outcome == "changed":
		return false, nil
	case r.outcome == "turn":
		return false, act.ErrTurn
	case r.outcome == "epoch":
		return false, x.wrongEpoch()
	default:
		return false, r.unknown()
	}
}

func (x *correction) args(f *event.Fact, turn act.Turn, set map[string]string, place leaderboard.Placement) ([]any, error) {
	text, err := event.EncodeBody(f.Body)
	base, now := placeTexts(place)
	args := []any{x.epoch, x.participant, string(f.Kind), millis(f.At), text, base, now, set["x"], turnField(turn), turn.Number}
	args = appendFields(args, x.expected())
	return appendFields(args, set), err
}

// expected are the fields that must still hold what was read.
func (x *correction) expected() map[string]string {
	out := map[string]string{}
	for _, name := range []string{"u", "g", "w", "l", "b", "d", "p", "f", "s", "x", "j"} {
		out[name] = x.fields[name]
	}
	for n := 1; n <= x.last; n++ {
		out[slot(n)] = x.fields[slot(n)]
	}
	return out
}

func appendFields(args []any, fields map[string]string) []any {
	args = append(args, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		args = append(args, name, fields[name])
	}
	return args
}

// left is the place by everything of somebody whom the public still sees on a board
// that they have left since the freeze.
const left = "-"

// placeTexts are a placement as scripts take it: the place on the board, and the
// place by everything where that is another.
func placeTexts(p leaderboard.Placement) (base, now string) {
	if p.Base != nil {
		base = score(*p.Base)
		now = left
	}
	if p.Now != nil {
		now = score(*p.Now)
	}
	if now == base {
		now = ""
	}
	return base, now
}

// consequences are the fields that follow from a record, "" for none, and the
// place on the main board.
func (x *correction) consequences(after *leaderboard.Record) (map[string]string, leaderboard.Placement, error) {
	set := map[string]string{
		"u": after.Unit, "g": after.Group, "w": packStays(after.Stays), "b": "", "d": "", "p": "", "f": "", "x": "",
	}
	if after.Hidden {
		set["x"] = "1"
	}
	if !after.Signed().IsZero() {
		set["f"] = "1"
	}
	places, err := x.rules.Placements(after, x.now)
	main := places[""]
	if err != nil || main.Now == nil {
		return set, main, err
	}
	best, err := bestOf(x.rules, after.Attempts)
	if err != nil {
		return set, main, err
	}
	set["f"] = "1"
	set["b"] = packBest(*main.Now, &best)
	windows := newestWindows(x.rules.Campaign, after.Attempts)
	for _, w := range []struct{ field, scope, name string }{
		{"d", leaderboard.DayScope(windows.day), windows.packedDay}, {"p", leaderboard.PhaseScope(windows.phase), windows.phase},
	} {
		if place := places[w.scope].Now; place != nil {
			set[w.field] = packWindow(w.name, *place, *main.Now)
		}
	}
	return set, main, windows.err
}

// bestOf is the best of the attempts that count, of equals the first.
func bestOf(rules leaderboard.Rules, attempts []event.Counted) (quiz.Result, error) {
	var best *event.Counted
	var top uint64
	for i := range attempts {
		a := &attempts[i]
		if a.Void {
			continue
		}
		v, err := strength(rules.Layout, a)
		if err != nil {
			return quiz.Result{}, err
		}
		if best == nil || v > top {
			best, top = a, v
		}
	}
	r := quiz.Result{
		Mark: quiz.Mark{Score: best.Score, MaxScore: best.Score + 1}, Passed: best.Passed,
		Used: time.Duration(best.UsedMS) * time.Millisecond, SubmittedAt: time.UnixMilli(best.At),
	}
	if best.Full {
		r.MaxScore = best.Score
	}
	return r, nil
}

// strength orders attempts: by their place, or where sums of points are placed by
// score and then less used time.
func strength(layout leaderboard.Layout, a *event.Counted) (uint64, error) {
	if layout.Sums() {
		return uint64(a.Score)<<32 | uint64(1<<32-1-min(a.UsedMS/100, 1<<32-1)), nil //nolint:gosec // Neither is negative.
	}
	return layout.Pack(a.Score, time.Duration(a.UsedMS)*time.Millisecond, time.UnixMilli(a.At))
}

// newest is the newest day and phase that an attempt counts in.
type newest struct {
	day, packedDay, phase string
	err                   error
}

func newestWindows(def *campaign.Campaign, attempts []event.Counted) newest {
	var n newest
	for i := range attempts {
		if attempts[i].Void {
			continue
		}
		at := time.UnixMilli(attempts[i].At)
		n.day = max(n.day, def.Day(at))
		if p, ok := def.PhaseAt(at); ok {
			n.phase = p.ID
		}
	}
	n.packedDay, n.err = packDay(n.day)
	return n
}

// correctionTo returns the kind of fact that leads an accepted attempt to a state.
func correctionTo(s quiz.State) (event.Kind, bool) {
	switch s {
	case quiz.StateInvalidated:
		return event.KindInvalidated, true
	case quiz.StateWithdrawn:
		return event.KindWithdrawn, true
	case quiz.StateSubmitted:
		return event.KindRestored, true
	case quiz.StateOpen, quiz.StateExpired:
	}
	return "", false
}

// Correct implements quiz.Store.
func (q *Quiz) Correct(ctx context.Context, p quiz.Person, number int, to quiz.State) error {
	fail := func(err error) error {
		return fmt.Errorf("make attempt %d in %s %s: %w", number, p.Campaign, to, err)
	}
	kind, ok := correctionTo(to)
	if !ok {
		return fail(errors.New("no correction leads there"))
	}
	def, err := q.define(p.Campaign)
	if err != nil {
		return fail(err)
	}
	err = q.campaigns.correct(ctx, def, p.Participant, q.now(), func(x *correction) (change, error) {
		a, found := x.attempts[number]
		switch {
		case !found || !a.State.Accepted():
			return change{}, quiz.ErrAttemptNotFound
		case a.State == to, x.record.Joined && to == quiz.StateSubmitted:
			return change{}, nil
		}
		a.State, a.Batch = to, ""
		return change{kind: kind, number: number, fields: map[string]string{slot(number): packFinished(&a)}}, nil
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, campaign.ErrRequired):
		return quiz.ErrAttemptNotFound
	default:
		return fail(err)
	}
}

// Hide implements leaderboard.Store.
func (b *Boards) Hide(ctx context.Context, id, participant string, hidden bool) error {
	def, err := b.define(id)
	if err != nil {
		return fmt.Errorf("hide in %s: %w", id, err)
	}
	kind := event.KindShown
	if hidden {
		kind = event.KindHidden
	}
	err = b.campaigns.correct(ctx, def, participant, b.now(), func(x *correction) (change, error) {
		if x.record.Hidden == hidden {
			return change{}, nil
		}
		return change{kind: kind}, nil
	})
	if err != nil && !errors.Is(err, campaign.ErrRequired) {
		return fmt.Errorf("write %s in %s: %w", kind, id, err)
	}
	return err
}
