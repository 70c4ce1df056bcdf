package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/prize"
	"qingyuan/quiz"
)

var (
	prizeChance = script("prize_chance")
	prizeAward  = script("prize_award")
	prizeMove   = script("prize_move")
)

// Prizes implements prize.Store. All prizes of a campaign lie in its first shard, so
// that one script sees the chance, the stock and the win (record 26).
type Prizes struct {
	campaigns *Campaigns
	define    Definitions
}

var _ prize.Store = (*Prizes)(nil)

// NewPrizes keeps prizes. define finds campaigns, whose days are those of first
// attempts.
func NewPrizes(c *Campaigns, define Definitions) *Prizes {
	return &Prizes{campaigns: c, define: define}
}

// till is the shard in which the prizes of a campaign lie.
func (o *opened) till() shardKeys { return o.shards[tillShard] }

// tillShard is the number of that shard.
const tillShard = 0

// errBroken is an item that somebody has although it was not counted.
var errBroken = errors.New("an item was won that nobody has counted: run qingyuan verify")

// Acts implements prize.Store.
func (s *Prizes) Acts(ctx context.Context, p prize.Person) (prize.Acts, error) {
	fail := func(err error) (prize.Acts, error) {
		return prize.Acts{}, fmt.Errorf("acts in %s: %w", p.Campaign, err)
	}
	o, err := s.campaigns.of(p.Campaign)
	if err != nil {
		return fail(err)
	}
	f, err := s.campaigns.wholePerson(ctx, o, p.Participant)
	if err != nil {
		return fail(err)
	}
	if f["u"] == "" {
		return prize.Acts{}, campaign.ErrRequired
	}
	c, err := s.define(p.Campaign)
	if err != nil {
		return fail(err)
	}
	out := prize.Acts{Unit: f["u"], Group: f["g"]}
	if f["s"] != "" {
		state, _, _ := strings.Cut(f["s"], "|")
		out.Signed = state == "valid"
	}
	if out.Attempts, err = countingAttempts(c, f); err != nil {
		return fail(err)
	}
	return out, nil
}

// countingAttempts reads those of a participant's hash.
func countingAttempts(c *campaign.Campaign, f map[string]string) ([]prize.Attempt, error) {
	var all []quiz.Attempt
	for name, packed := range f {
		d := decoder{}
		if number, ok := strings.CutPrefix(name, "a"); ok {
			a, err := unpackFinished(d.int(number), packed)
			if err := errors.Join(d.err, err); err != nil {
				return nil, err
			}
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b quiz.Attempt) int { return cmp.Compare(a.Number, b.Number) })
	return CountingAttempts(c, all), nil
}

// CountingAttempts are those of somebody's finished attempts, in order, that count, with
// which of them was the first of its day.
func CountingAttempts(c *campaign.Campaign, all []quiz.Attempt) []prize.Attempt {
	var out []prize.Attempt
	day := ""
	for i := range all {
		a := &all[i]
		first := day != c.Day(a.StartedAt)
		day = c.Day(a.StartedAt)
		if a.State == quiz.StateSubmitted {
			out = append(out, prize.Attempt{StartedAt: a.StartedAt, First: first, Score: a.Result.Score, Passed: a.Result.Passed})
		}
	}
	return out
}

// Standing implements prize.Store.
func (s *Prizes) Standing(ctx context.Context, p prize.Person) (prize.Standing, error) {
	o, err := s.campaigns.of(p.Campaign)
	if err != nil {
		return prize.Standing{}, err
	}
	k := o.till()
	f, err := s.campaigns.read(ctx, o, k, k.chances(p.Participant), "l")
	if err != nil {
		return prize.Standing{}, fmt.Errorf("chances in %s: %w", p.Campaign, err)
	}
	return unpackChances(f[0])
}

// Chances implements prize.Store.
func (s *Prizes) Chances(ctx context.Context, p prize.Person, from, limit int) ([]prize.Chance, error) {
	o, err := s.campaigns.of(p.Campaign)
	if err != nil {
		return nil, err
	}
	var fields []string
	for n := from; n > 0 && n > from-limit; n-- {
		fields = append(fields, chanceSlot(n))
	}
	if len(fields) == 0 {
		return nil, nil
	}
	k := o.till()
	f, err := s.campaigns.read(ctx, o, k, k.chances(p.Participant), fields...)
	if err != nil {
		return nil, fmt.Errorf("chances in %s: %w", p.Campaign, err)
	}
	var out []prize.Chance
	for i, packed := range f {
		if packed == "" {
			continue
		}
		c, err := unpackChance(from-i, packed)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Spend implements prize.Store.
func (s *Prizes) Spend(ctx context.Context, p prize.Person, t prize.Try) (prize.Chance, prize.Outcome, error) {
	fail := func(err error) (prize.Chance, prize.Outcome, error) {
		return prize.Chance{}, "", fmt.Errorf("spend chance %d in %s: %w", t.Number, p.Campaign, err)
	}
	o, err := s.campaigns.writable(p.Campaign)
	if err != nil {
		return fail(err)
	}
	day, err := packDay(t.Day)
	if err != nil {
		return fail(err)
	}
	k := o.till()
	r, err := run(ctx, s.campaigns.writes, prizeChance,
		[]string{k.meta(), k.chances(p.Participant), k.prizes(), k.wins(), k.facts()},
		o.epoch, p.Participant, t.Unit, t.Group, t.Number, day, t.Chances.PerDay, t.Chances.InAll, t.Chances.Wins,
		millis(t.At), t.Rolled, t.Limit)
	if err != nil {
		return fail(err)
	}
	switch outcome := prize.Outcome(r.outcome); outcome {
	case prize.Spent, prize.Repeat:
		if len(r.args) != 1 {
			return fail(r.unknown())
		}
		c, err := unpackChance(t.Number, r.args[0])
		return c, outcome, err
	case prize.DayLimit, prize.AllLimit, prize.WrongNumber:
		return prize.Chance{}, outcome, nil
	}
	switch r.outcome {
	case "epoch":
		return fail(o.wrongEpoch())
	case "broken":
		return fail(errBroken)
	default:
		return fail(r.unknown())
	}
}

// Award implements prize.Store.
func (s *Prizes) Award(ctx context.Context, id string, w prize.Win) (bool, error) {
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("give %s of %s: %w", w.WinID, id, err)
	}
	o, err := s.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	k := o.till()
	r, err := run(ctx, s.campaigns.writes, prizeAward, []string{k.meta(), k.prizes(), k.wins(), k.facts(), k.chances(w.Participant)},
		o.epoch, w.Participant, w.Unit, w.Group, w.Prize, w.Item, w.Draw, w.Place, millis(w.At))
	if err != nil {
		return fail(err)
	}
	switch {
	case r.outcome == "ok":
		return true, nil
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	case r.outcome != "already" || len(r.args) != 1:
		return fail(r.unknown())
	}
	held, err := unpackWin(w.WinID, r.args[0])
	if err != nil {
		return fail(err)
	}
	if held.Participant != w.Participant || held.Draw != w.Draw || held.Place != w.Place {
		return fail(prize.ErrState)
	}
	return false, nil
}

// Granted implements prize.Store.
func (s *Prizes) Granted(ctx context.Context, id string) (map[string]int, error) {
	f, err := s.whole(ctx, id, shardKeys.prizes)
	if err != nil {
		return nil, fmt.Errorf("what was won in %s: %w", id, err)
	}
	out := make(map[string]int, len(f))
	d := decoder{}
	for p, n := range f {
		out[p] = d.int(n)
	}
	return out, d.err
}

// whole reads a hash of the shard that the prizes of a campaign lie in.
func (s *Prizes) whole(ctx context.Context, id string, key func(shardKeys) string) (map[string]string, error) {
	o, err := s.campaigns.of(id)
	if err != nil {
		return nil, err
	}
	k := o.till()
	var all *redis.MapStringStringCmd
	err = s.campaigns.ask(ctx, o, []shardKeys{k}, func(p redis.Pipeliner) { all = p.HGetAll(ctx, key(k)) })
	if err != nil {
		return nil, err
	}
	return all.Val(), nil
}

// Win implements prize.Store.
func (s *Prizes) Win(ctx context.Context, id string, w prize.WinID) (prize.Win, error) {
	o, err := s.campaigns.of(id)
	if err != nil {
		return prize.Win{}, err
	}
	k := o.till()
	f, err := s.campaigns.read(ctx, o, k, k.wins(), w.String())
	if err != nil {
		return prize.Win{}, fmt.Errorf("win %s of %s: %w", w, id, err)
	}
	if f[0] == "" {
		return prize.Win{}, prize.ErrNoWin
	}
	return unpackWin(w, f[0])
}

// OwnWins implements prize.Store.
func (s *Prizes) OwnWins(ctx context.Context, p prize.Person) ([]prize.Win, error) {
	fail := func(err error) ([]prize.Win, error) { return nil, fmt.Errorf("own wins in %s: %w", p.Campaign, err) }
	o, err := s.campaigns.of(p.Campaign)
	if err != nil {
		return fail(err)
	}
	k := o.till()
	f, err := s.campaigns.read(ctx, o, k, k.chances(p.Participant), "w")
	if err != nil || f[0] == "" {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(f[0], ","), ",")
	packed, err := s.campaigns.read(ctx, o, k, k.wins(), names...)
	if err != nil {
		return fail(err)
	}
	out := make([]prize.Win, len(names))
	for i, name := range names {
		id, err := prize.ParseWinID(name)
		if err == nil {
			out[i], err = unpackWin(id, packed[i])
		}
		if err != nil {
			return fail(err)
		}
	}
	return out, nil
}

// Wins implements prize.Store.
func (s *Prizes) Wins(ctx context.Context, id string) ([]prize.Win, error) {
	f, err := s.whole(ctx, id, shardKeys.wins)
	if err != nil {
		return nil, fmt.Errorf("wins in %s: %w", id, err)
	}
	out := make([]prize.Win, 0, len(f))
	for name, packed := range f {
		w, err := prize.ParseWinID(name)
		if err != nil {
			return nil, fmt.Errorf("wins in %s: %w", id, err)
		}
		win, err := unpackWin(w, packed)
		if err != nil {
			return nil, fmt.Errorf("wins in %s: %w", id, err)
		}
		out = append(out, win)
	}
	slices.SortFunc(out, func(a, b prize.Win) int {
		return cmp.Or(strings.Compare(a.Prize, b.Prize), cmp.Compare(a.Item, b.Item))
	})
	return out, nil
}

// movedKinds are the facts of the states that a win comes into.
//
//nolint:gochecknoglobals // A constant.
var movedKinds = map[prize.State]event.Kind{
	prize.Claimed: event.KindPrizeClaimed, prize.Sent: event.KindPrizeSent, prize.Expired: event.KindPrizeExpired,
	prize.Refused: event.KindPrizeRefused, prize.Won: event.KindPrizeReopened,
}

// Move implements prize.Store.
func (s *Prizes) Move(ctx context.Context, id string, w prize.WinID, from, to prize.State, at time.Time) (prize.Win, bool, error) {
	fail := func(err error) (prize.Win, bool, error) {
		return prize.Win{}, false, fmt.Errorf("move %s of %s from %s to %s: %w", w, id, from, to, err)
	}
	if !from.May(to) {
		return fail(prize.ErrState)
	}
	o, err := s.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	k := o.till()
	r, err := run(ctx, s.campaigns.writes, prizeMove, []string{k.meta(), k.wins(), k.facts()},
		o.epoch, w.Prize, w.Item, string(from), string(to), millis(at), string(movedKinds[to]))
	switch {
	case err != nil:
		return fail(err)
	case r.outcome == "none":
		return fail(prize.ErrNoWin)
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	case r.outcome == "state":
		return fail(prize.ErrState)
	case len(r.args) != 1:
		return fail(r.unknown())
	}
	win, err := unpackWin(w, r.args[0])
	return win, r.outcome == "ok", err
}

// What lies there of prizes, as the scripts write it:
//
//	l      "last|day|on day|wins" of a participant
//	c<n>   "at|rolled|item|why" of a chance
//	w      "prize.item,prize.item," of all that a participant won, in that order
//	a win  "participant|unit|group|chance|draw|place|at|state|since"
const (
	standingParts = 4
	chanceParts   = 4
	winParts      = 9
)

func chanceSlot(number int) string { return fmt.Sprint("c", number) }

func packChances(st *prize.Standing) (string, error) {
	day, err := packDay(st.Day)
	return fmt.Sprintf("%d|%s|%d|%d", st.Last, day, st.OnDay, st.Wins), err
}

func unpackChances(s string) (prize.Standing, error) {
	if s == "" {
		return prize.Standing{}, nil
	}
	p := strings.Split(s, "|")
	if len(p) != standingParts {
		return prize.Standing{}, fmt.Errorf("stored chances have %d parts, want %d", len(p), standingParts)
	}
	d := decoder{}
	st := prize.Standing{Last: d.int(p[0]), Day: d.day(p[1]), OnDay: d.int(p[2]), Wins: d.int(p[3])}
	return st, d.err
}

func packChance(c *prize.Chance) string {
	item := ""
	if c.Item > 0 {
		item = strconv.Itoa(c.Item)
	}
	return strings.Join([]string{millis(c.At), c.Rolled, item, string(c.Why)}, "|")
}

func unpackChance(number int, s string) (prize.Chance, error) {
	p := strings.Split(s, "|")
	if len(p) != chanceParts {
		return prize.Chance{}, fmt.Errorf("stored chance has %d parts, want %d", len(p), chanceParts)
	}
	d := decoder{}
	c := prize.Chance{Number: number, At: d.time(p[0]), Rolled: p[1], Why: prize.Why(p[3])}
	if p[2] != "" {
		c.Item = d.int(p[2])
	}
	return c, d.err
}

func packWin(w *prize.Win) string {
	return fmt.Sprintf("%s|%s|%s|%d|%s|%d|%s|%s|%s",
		w.Participant, w.Unit, w.Group, w.Chance, w.Draw, w.Place, millis(w.At), w.State, millis(w.Since))
}

func unpackWin(id prize.WinID, s string) (prize.Win, error) {
	p := strings.Split(s, "|")
	if len(p) != winParts {
		return prize.Win{}, fmt.Errorf("stored win has %d parts, want %d", len(p), winParts)
	}
	d := decoder{}
	return prize.Win{
		WinID: id, Participant: p[0], Unit: p[1], Group: p[2], Chance: d.int(p[3]), Draw: p[4], Place: d.int(p[5]),
		At: d.time(p[6]), State: prize.State(p[7]), Since: d.time(p[8]),
	}, d.err
}
