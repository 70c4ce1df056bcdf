package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

var (
	attemptSave   = script("attempt_save")
	attemptExpire = script("attempt_expire")
)

// Definitions finds the definition of a campaign as it is now.
type Definitions func(id string) (*campaign.Campaign, error)

// Quiz implements quiz.Store.
type Quiz struct {
	campaigns *Campaigns
	define    Definitions
	now       func() time.Time
}

var _ quiz.Store = (*Quiz)(nil)

// NewQuiz keeps attempts. A correction happens at the time that now tells.
func NewQuiz(c *Campaigns, define Definitions, now func() time.Time) *Quiz {
	return &Quiz{campaigns: c, define: define, now: now}
}

// standingFields are the fields of a participant that a standing is made of.
var standingFields = []string{"b", "x", "g", "l", "o", "v"}

// Standing implements quiz.Store.
func (q *Quiz) Standing(ctx context.Context, p quiz.Person) (quiz.Standing, error) {
	o, err := q.campaigns.of(p.Campaign)
	if err != nil {
		return quiz.Standing{}, err
	}
	f, err := q.campaigns.person(ctx, o, p.Participant, standingFields...)
	if err != nil {
		return quiz.Standing{}, fmt.Errorf("standing in %s: %w", p.Campaign, err)
	}
	return q.standing(ctx, o, f)
}

// standing reads the values of standingFields.
func (q *Quiz) standing(ctx context.Context, o *opened, f []string) (quiz.Standing, error) {
	best, group, limits, open, saved := f[0], f[2], f[3], f[4], f[5]
	if group == "" {
		return quiz.Standing{}, campaign.ErrRequired
	}
	st, err := standing(limits, best)
	st.Group = group
	if err == nil && open != "" {
		var a quiz.Attempt
		a, err = q.openAttempt(ctx, o, open, saved)
		st.Open = &a
	}
	return st, err
}

// Stands implements quiz.Store.
func (q *Quiz) Stands(ctx context.Context, p quiz.Person, number int, rank bool) (quiz.Submitted, error) {
	fail := func(err error) (quiz.Submitted, error) {
		return quiz.Submitted{}, fmt.Errorf("stands with attempt %d in %s: %w", number, p.Campaign, err)
	}
	o, err := q.campaigns.of(p.Campaign)
	if err != nil {
		return fail(err)
	}
	fields := standingFields
	if number > 0 {
		fields = append(slices.Clone(fields), slot(number))
	}
	page := q.campaigns.page(ctx, o, p.Participant, fields)
	if page.err != nil {
		return fail(page.err)
	}
	f, _ := page.pick(fields)
	s := quiz.Submitted{Above: -1}
	if s.Standing, err = q.standing(ctx, o, f); err == nil && number > 0 {
		s.Attempt, err = q.attemptIn(ctx, o, number, &s.Standing, f[len(standingFields)])
	}
	switch {
	case number > 0 && errors.Is(err, campaign.ErrRequired):
		return quiz.Submitted{}, quiz.ErrAttemptNotFound
	case errors.Is(err, quiz.ErrAttemptNotFound), errors.Is(err, campaign.ErrRequired):
		return quiz.Submitted{}, err
	case err != nil:
		return fail(err)
	case !rank:
		return s, nil
	}
	s.Above, err = q.ranked(ctx, o, p, page)
	return s, err
}

// attemptIn returns the attempt of that number: the finished one of its own field, or the
// open one of the standing.
func (q *Quiz) attemptIn(ctx context.Context, o *opened, number int, st *quiz.Standing, packed string) (quiz.Attempt, error) {
	switch {
	case packed != "":
		return q.finishedAttempt(ctx, o, number, packed)
	case st.Open != nil && st.Open.Number == number:
		return *st.Open, nil
	default:
		return quiz.Attempt{}, quiz.ErrAttemptNotFound
	}
}

// ranked counts who stands above somebody; -1 for who has no place in public.
func (q *Quiz) ranked(ctx context.Context, o *opened, p quiz.Person, read *page) (int64, error) {
	def, err := q.define(p.Campaign)
	if err != nil {
		return 0, err
	}
	place, above, err := read.rank(!def.Freeze.At.IsZero())
	if err != nil || place == "" {
		return -1, err
	}
	return q.above(ctx, o, p, place, above)
}

// openAttempt reads an open attempt and what is kept in it.
func (q *Quiz) openAttempt(ctx context.Context, o *opened, packed, saved string) (quiz.Attempt, error) {
	a, err := unpackOpen(packed, saved)
	if err != nil {
		return quiz.Attempt{}, err
	}
	a.Paper.Bank, err = q.campaigns.digestOf(ctx, o, a.Paper.Bank)
	return a, err
}

// finishedAttempt reads a finished attempt.
func (q *Quiz) finishedAttempt(ctx context.Context, o *opened, number int, packed string) (quiz.Attempt, error) {
	a, err := unpackFinished(number, packed)
	if err != nil {
		return quiz.Attempt{}, err
	}
	a.Paper.Bank, err = q.campaigns.digestOf(ctx, o, a.Paper.Bank)
	return a, err
}

// standing reads limits and best attempt as stored.
func standing(limits, best string) (quiz.Standing, error) {
	var st quiz.Standing
	b, _, err := unpackBest(best)
	st.Best = b
	return st, errors.Join(err, unpackLimits(limits, &st))
}

// Attempt implements quiz.Store.
func (q *Quiz) Attempt(ctx context.Context, p quiz.Person, number int) (quiz.Attempt, error) {
	list, err := q.Attempts(ctx, p, number, 1)
	if err != nil {
		return quiz.Attempt{}, err
	}
	if len(list) == 0 || list[0].Number != number {
		return quiz.Attempt{}, quiz.ErrAttemptNotFound
	}
	return list[0], nil
}

// Attempts implements quiz.Store.
func (q *Quiz) Attempts(ctx context.Context, p quiz.Person, from, limit int) ([]quiz.Attempt, error) {
	o, err := q.campaigns.of(p.Campaign)
	if err != nil {
		return nil, err
	}
	fields := []string{"o", "v"}
	for n := from; n > 0 && n > from-limit; n-- {
		fields = append(fields, slot(n))
	}
	f, err := q.campaigns.person(ctx, o, p.Participant, fields...)
	if err != nil {
		return nil, fmt.Errorf("attempts in %s: %w", p.Campaign, err)
	}
	var open quiz.Attempt
	if f[0] != "" {
		if open, err = q.openAttempt(ctx, o, f[0], f[1]); err != nil {
			return nil, err
		}
	}
	var out []quiz.Attempt
	for i, packed := range f[2:] {
		switch n := from - i; {
		case packed != "":
			a, err := q.finishedAttempt(ctx, o, n, packed)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		case n == open.Number:
			out = append(out, open)
		}
	}
	return out, nil
}

func slot(number int) string { return "a" + strconv.Itoa(number) }

// Save implements quiz.Store.
func (q *Quiz) Save(ctx context.Context, p quiz.Person, number int, s quiz.Saved) (quiz.Saved, error) {
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return quiz.Saved{}, err
	}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptSave, []string{k.meta(), k.participant(p.Participant)},
		o.epoch, number, s.Revision, s.Choices.String())
	if err != nil {
		return quiz.Saved{}, fmt.Errorf("keep answers in %s: %w", p.Campaign, err)
	}
	switch {
	case r.outcome == "ok" && len(r.args) == 1:
		return unpackSaved(r.args[0])
	case r.outcome == "closed":
		return quiz.Saved{}, quiz.ErrSubmitted
	case r.outcome == "epoch":
		return quiz.Saved{}, o.wrongEpoch()
	default:
		return quiz.Saved{}, r.unknown()
	}
}

// above adds to who stands above a place on the participant's shard who does on
// the others.
func (q *Quiz) above(ctx context.Context, o *opened, p quiz.Person, place, own string) (int64, error) {
	d := decoder{}
	packed, n := d.place(place), d.int64(own)
	if d.err != nil || len(o.shards) == 1 {
		return n, d.err
	}
	def, err := q.define(p.Campaign)
	if err != nil {
		return 0, err
	}
	others, err := q.campaigns.countAbove(ctx, o, o.without(o.shard(p.Participant)), "", lensOf(def, leaderboard.Now), packed)
	return n + others, err
}

// Expire implements quiz.Store.
func (q *Quiz) Expire(ctx context.Context, p quiz.Person, a quiz.Attempt) error {
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return err
	}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptExpire,
		[]string{k.meta(), k.participant(p.Participant), k.open(), k.facts()},
		o.epoch, p.Participant, a.Number, packFinished(&a), millis(a.Result.SubmittedAt), packSaved(a.Saved), a.Clocks)
	switch {
	case err != nil:
		return fmt.Errorf("expire attempt %d in %s: %w", a.Number, p.Campaign, err)
	case r.outcome == "epoch":
		return o.wrongEpoch()
	case r.outcome == "clocks":
		return o.staleClocks()
	default:
		return nil
	}
}

// OverdueAttempts implements quiz.Store.
func (q *Quiz) OverdueAttempts(ctx context.Context, id string, before time.Time, limit int) ([]quiz.Person, error) {
	o, err := q.campaigns.of(id)
	if err != nil {
		return nil, err
	}
	var out []quiz.Person
	for _, k := range o.shards {
		room := int64(limit - len(out))
		if room <= 0 {
			break // a Count of 0 would be no bound
		}
		ids, err := q.campaigns.db.ZRangeByScore(ctx, k.open(),
			&redis.ZRangeBy{Min: "-inf", Max: "(" + millis(before), Count: room}).Result()
		if err != nil {
			return nil, fmt.Errorf("overdue attempts in %s: %w", id, outage(err))
		}
		for _, participant := range ids {
			out = append(out, quiz.Person{Campaign: id, Participant: participant})
		}
	}
	return out, nil
}
