package redisstore

import (
	"context"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

var attemptStart = script("attempt_start")

// Start implements quiz.Store.
func (q *Quiz) Start(ctx context.Context, p quiz.Person, a quiz.Attempt, l quiz.Limits) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
	fail := func(err error) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
		return quiz.Attempt{}, quiz.Standing{}, "", fmt.Errorf("start attempt in %s: %w", p.Campaign, err)
	}
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return fail(err)
	}
	args, err := startArgs(o, p, &a, l)
	if err == nil {
		err = q.campaigns.introduce(ctx, o, a.Paper.Bank)
	}
	if err != nil {
		return fail(err)
	}
	k := o.keys(p.Participant)
	r, err := run(ctx, q.campaigns.writes, attemptStart,
		[]string{k.meta(), k.participant(p.Participant), k.open(), k.facts()}, args...)
	if err != nil {
		return fail(err)
	}
	a, st, err := q.started(ctx, o, p, a, l, r)
	if err != nil {
		return fail(err)
	}
	return a, st, quiz.StartOutcome(r.outcome), nil
}

func startArgs(o *opened, p quiz.Person, a *quiz.Attempt, l quiz.Limits) ([]any, error) {
	day, err := packDay(l.Day)
	return []any{
		o.epoch, p.Participant, day, l.PerDay, l.All, l.WantedNumber,
		millis(a.StartedAt), l.Grace.Milliseconds(), millis(a.Deadline), packOpen(a), startedTail(a), l.Group,
	}, err
}

// started reads what the script answered to the start of a.
func (q *Quiz) started(ctx context.Context, o *opened, p quiz.Person, a quiz.Attempt, l quiz.Limits, r reply) (quiz.Attempt, quiz.Standing, error) {
	switch outcome := quiz.StartOutcome(r.outcome); {
	case outcome == quiz.Started && len(r.args) == 1:
		st, err := standing(r.args[0], "")
		a.Number, a.State = st.Last, quiz.StateOpen
		return a, st, err
	case (outcome == quiz.AlreadyOpen || outcome == quiz.Overdue) && len(r.args) == 3:
		st, err := standing(r.args[0], "")
		if err != nil {
			return quiz.Attempt{}, quiz.Standing{}, err
		}
		open, err := q.openAttempt(ctx, o, r.args[1], r.args[2])
		return open, st, err
	case outcome == quiz.Used:
		used, err := q.Attempt(ctx, p, l.WantedNumber)
		return used, quiz.Standing{}, err
	case outcome == quiz.OtherGroup && len(r.args) == 1:
		return quiz.Attempt{}, quiz.Standing{Group: r.args[0]}, nil
	case outcome == quiz.DayLimit, outcome == quiz.AllLimit, outcome == quiz.WrongNumber:
		return quiz.Attempt{}, quiz.Standing{}, nil
	case r.outcome == "required":
		return quiz.Attempt{}, quiz.Standing{}, campaign.ErrRequired
	case r.outcome == "joined":
		return quiz.Attempt{}, quiz.Standing{}, campaign.ErrJoined
	case r.outcome == "epoch":
		return quiz.Attempt{}, quiz.Standing{}, o.wrongEpoch()
	default:
		return quiz.Attempt{}, quiz.Standing{}, r.unknown()
	}
}
