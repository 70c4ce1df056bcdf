package redisstore

import (
	"context"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
	"qingyuan/quiz"
)

// errMarks is a re-mark with marks that no paper of the attempt can have.
var errMarks = errors.New("no attempt on this paper has such marks")

// Remark gives an accepted attempt other marks, whether or not it counts, and the
// boards follow at once. It returns the marks that the attempt has then, and may be
// repeated; the turn must have begun. An attempt that was never accepted is
// act.ErrNone, one that somebody else has marked meanwhile act.ErrMarks, with the
// marks that it has, and a turn that is over act.ErrTurn. A score that the boards
// cannot hold is leaderboard.ErrOutOfRange. An open attempt stays open.
func (c *Corrections) Remark(ctx context.Context, id string, t act.Turn, r act.Remark) (act.Marks, error) {
	return c.remark(ctx, id, r.Act, func(a *quiz.Attempt, has act.Marks) (act.Marks, change, error) {
		switch {
		case has == r.To:
			return has, change{}, nil
		case has != r.From:
			return has, change{}, act.ErrMarks
		case r.To.Score < 0 || r.To.Score > r.To.MaxScore || r.To.Correct < 0 || r.To.Correct > len(a.Paper.Items):
			return has, change{}, errMarks
		}
		return r.To, remarked(*a, t, r), nil
	})
}

// Marks returns the marks that an attempt has. Errors are those of Remark.
func (c *Corrections) Marks(ctx context.Context, id string, a act.Act) (act.Marks, error) {
	return c.remark(ctx, id, a, func(_ *quiz.Attempt, has act.Marks) (act.Marks, change, error) { return has, change{}, nil })
}

// remark makes the change that rule asks for, and returns the marks that it says.
func (c *Corrections) remark(
	ctx context.Context, id string, a act.Act, rule func(*quiz.Attempt, act.Marks) (act.Marks, change, error),
) (marks act.Marks, err error) {
	def, err := c.define(id)
	if err == nil {
		err = c.campaigns.correct(ctx, def, a.Participant, c.now(), func(x *correction) (change, error) {
			attempt, found := x.attempts[a.Number]
			if !found || !attempt.State.Accepted() {
				return change{}, act.ErrNone
			}
			to, then, err := rule(&attempt, marksOf(&attempt.Result))
			marks = to
			return then, err
		})
	}
	if errors.Is(err, campaign.ErrRequired) {
		err = act.ErrNone
	}
	if err != nil {
		return marks, fmt.Errorf("mark attempt %d of %s in %s again: %w", a.Number, a.Participant, id, err)
	}
	return marks, nil
}

func remarked(a quiz.Attempt, t act.Turn, r act.Remark) change {
	m := &a.Result
	m.Score, m.MaxScore, m.Correct, m.Passed = r.To.Score, r.To.MaxScore, r.To.Correct, r.To.Passed
	return change{
		kind: event.KindRemarked, number: a.Number, batch: t.Batch, turn: t,
		fields: map[string]string{slot(a.Number): packFinished(&a)},
		body: func(whole event.Corrected) any {
			return event.Remarked{Corrected: whole, Before: event.Marks(r.From), After: event.Marks(r.To), Rulings: r.Rulings}
		},
	}
}

func marksOf(r *quiz.Result) act.Marks {
	return act.Marks{Score: r.Score, MaxScore: r.MaxScore, Correct: r.Correct, Passed: r.Passed}
}
