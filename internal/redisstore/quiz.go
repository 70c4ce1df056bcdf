package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

var (
	attemptStart  = script("attempt_start")
	attemptSave   = script("attempt_save")
	attemptSubmit = script("attempt_submit")
	attemptExpire = script("attempt_expire")
)

// Quiz implements quiz.Store.
type Quiz struct {
	campaigns *Campaigns
	// day names the local date of a submission in a campaign.
	day func(campaign string, at time.Time) string
}

var _ quiz.Store = (*Quiz)(nil)

// NewQuiz keeps attempts. day returns the local date of a moment in a campaign's
// zone, as YYYY-MM-DD.
func NewQuiz(c *Campaigns, day func(campaign string, at time.Time) string) *Quiz {
	return &Quiz{campaigns: c, day: day}
}

// Standing implements quiz.Store.
func (q *Quiz) Standing(ctx context.Context, p quiz.Person) (quiz.Standing, error) {
	o, err := q.campaigns.of(p.Campaign)
	if err != nil {
		return quiz.Standing{}, err
	}
	f, err := q.campaigns.person(ctx, o, p.Participant, "g", "l", "b", "o", "v")
	if err != nil {
		return quiz.Standing{}, fmt.Errorf("standing in %s: %w", p.Campaign, err)
	}
	if f[0] == "" {
		return quiz.Standing{}, campaign.ErrRequired
	}
	st, err := standing(f[1], f[2])
	st.Group = f[0]
	if err == nil && f[3] != "" {
		var a quiz.Attempt
		a, err = unpackOpen(f[3], f[4])
		st.Open = &a
	}
	return st, err
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
		if open, err = unpackOpen(f[0], f[1]); err != nil {
			return nil, err
		}
	}
	var out []quiz.Attempt
	for i, packed := range f[2:] {
		switch n := from - i; {
		case packed != "":
			a, err := unpackFinished(n, packed)
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

// Start implements quiz.Store.
func (q *Quiz) Start(ctx context.Context, p quiz.Person, a quiz.Attempt, l quiz.Limits) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
	fail := func(err error) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
		return quiz.Attempt{}, quiz.Standing{}, "", err
	}
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return fail(err)
	}
	tail, err := startedTail(&a)
	if err != nil {
		return fail(err)
	}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptStart,
		[]string{k.meta(), k.participant(p.Participant), k.open(), k.facts()},
		o.epoch, p.Participant, l.Day, l.PerDay, l.All, l.WantedNumber,
		millis(a.StartedAt), l.Grace.Milliseconds(), millis(a.Deadline), packOpen(&a), tail)
	if err != nil {
		return fail(fmt.Errorf("start attempt in %s: %w", p.Campaign, err))
	}
	switch outcome := quiz.StartOutcome(r.outcome); outcome {
	case quiz.Started, quiz.AlreadyOpen, quiz.Overdue:
		if len(r.args) != 3 {
			return fail(r.unknown())
		}
		st, err := standing(r.args[0], "")
		if err != nil {
			return fail(err)
		}
		a, err := unpackOpen(r.args[1], r.args[2])
		return a, st, outcome, err
	case quiz.Used:
		a, err := q.Attempt(ctx, p, l.WantedNumber)
		return a, quiz.Standing{}, outcome, err
	case quiz.DayLimit, quiz.AllLimit, quiz.WrongNumber:
		return quiz.Attempt{}, quiz.Standing{}, outcome, nil
	case "required":
		return fail(campaign.ErrRequired)
	case "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

// startedTail is the body of the fact "started" from behind the number, which
// only the script knows.
func startedTail(a *quiz.Attempt) (string, error) {
	body, err := event.EncodeBody(event.Started{
		Deadline: a.Deadline.UnixMilli(), Bank: a.Paper.Bank,
		Seed: strconv.FormatUint(a.Paper.Seed, 36), Items: a.Paper.EncodeItems(),
	})
	return strings.TrimPrefix(body, `{"number":0`), err
}

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

// Submit implements quiz.Store.
func (q *Quiz) Submit(ctx context.Context, p quiz.Person, a quiz.Attempt, rank bool) (quiz.Submitted, error) {
	fail := func(err error) (quiz.Submitted, error) {
		return quiz.Submitted{}, fmt.Errorf("submit attempt %d in %s: %w", a.Number, p.Campaign, err)
	}
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return fail(err)
	}
	args, err := q.submitArgs(o, p, &a)
	if err != nil {
		return fail(err)
	}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptSubmit,
		[]string{k.meta(), k.participant(p.Participant), k.open(), k.board(), k.facts()}, args...)
	if err != nil {
		return fail(err)
	}
	switch {
	case (r.outcome == "ok" || r.outcome == "done") && len(r.args) == 4:
		return q.submitted(ctx, o, p, a.Number, r, rank)
	case r.outcome == "missing":
		return quiz.Submitted{}, quiz.ErrAttemptNotFound
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

func (q *Quiz) submitArgs(o *opened, p quiz.Person, a *quiz.Attempt) ([]any, error) {
	res := &a.Result
	place, err := o.layout.Pack(res.Score, res.Used, res.SubmittedAt)
	if err != nil {
		return nil, err
	}
	body, err := event.EncodeBody(event.Submitted{
		Number: a.Number, StartedAt: a.StartedAt.UnixMilli(), UsedMS: res.Used.Milliseconds(),
		Score: res.Score, MaxScore: res.MaxScore, Correct: res.Correct, Passed: res.Passed,
		ClosedBy: string(a.ClosedBy), Bank: a.Paper.Bank, Items: a.Paper.EncodeItems(), Choices: res.Choices.String(),
	})
	if err != nil {
		return nil, err
	}
	return []any{
		o.epoch, p.Participant, a.Number, packFinished(a), strconv.FormatUint(place, 10), packBest(place, res),
		millis(res.SubmittedAt), q.day(p.Campaign, res.SubmittedAt), body,
	}, nil
}

func (q *Quiz) submitted(ctx context.Context, o *opened, p quiz.Person, number int, r reply, rank bool) (quiz.Submitted, error) {
	kept, err := unpackFinished(number, r.args[0])
	if err != nil {
		return quiz.Submitted{}, err
	}
	st, err := standing(r.args[2], r.args[1])
	if err != nil {
		return quiz.Submitted{}, err
	}
	s := quiz.Submitted{Attempt: kept, Fresh: r.outcome == "ok", Standing: st, Above: -1}
	if !rank || st.Best == nil {
		return s, nil
	}
	own, err := strconv.ParseInt(r.args[3], 10, 64)
	if err != nil {
		return quiz.Submitted{}, fmt.Errorf("script's rank: %w", err)
	}
	others, err := q.aboveElsewhere(ctx, o, p.Participant, *st.Best)
	s.Above = own + others
	return s, err
}

// aboveElsewhere counts who stands above b on the shards the script did not see.
func (q *Quiz) aboveElsewhere(ctx context.Context, o *opened, participant string, b quiz.Best) (int64, error) {
	if len(o.shards) == 1 {
		return 0, nil
	}
	place, err := o.layout.Pack(b.Score, b.Used, b.At)
	if err != nil {
		return 0, err
	}
	skip := o.shard(participant)
	return q.campaigns.countAbove(ctx, o, o.without(skip), "", place)
}

// Expire implements quiz.Store.
func (q *Quiz) Expire(ctx context.Context, p quiz.Person, a quiz.Attempt) error {
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return err
	}
	a.State, a.ClosedBy, a.Result = quiz.StateExpired, quiz.ByDeadline, quiz.Result{SubmittedAt: a.Deadline}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptExpire,
		[]string{k.meta(), k.participant(p.Participant), k.open(), k.facts()},
		o.epoch, p.Participant, a.Number, packFinished(&a), millis(a.Deadline), packSaved(a.Saved))
	switch {
	case err != nil:
		return fmt.Errorf("expire attempt %d in %s: %w", a.Number, p.Campaign, err)
	case r.outcome == "epoch":
		return o.wrongEpoch()
	default:
		return nil
	}
}

// Rank implements quiz.Store.
func (q *Quiz) Rank(ctx context.Context, id string, b quiz.Best) (int64, error) {
	o, err := q.campaigns.of(id)
	if err != nil {
		return 0, err
	}
	place, err := o.layout.Pack(b.Score, b.Used, b.At)
	if err != nil {
		return 0, fmt.Errorf("rank in %s: %w", id, err)
	}
	return q.campaigns.countAbove(ctx, o, o.shards, "", place)
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
