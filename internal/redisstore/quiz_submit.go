package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/origin"
	"qingyuan/leaderboard"
	"qingyuan/quiz"
)

var attemptSubmit = script("attempt_submit")

// Submit implements quiz.Store.
func (q *Quiz) Submit(ctx context.Context, p quiz.Person, a quiz.Attempt, rank bool) (quiz.Submitted, error) {
	fail := func(err error) (quiz.Submitted, error) {
		return quiz.Submitted{}, fmt.Errorf("submit attempt %d in %s: %w", a.Number, p.Campaign, err)
	}
	o, err := q.campaigns.writable(p.Campaign)
	if err != nil {
		return fail(err)
	}
	c, err := q.submitCall(ctx, o, p, &a)
	if err == nil {
		err = q.campaigns.introduce(ctx, o, a.Paper.Bank)
	}
	if err != nil {
		return fail(err)
	}
	r, err := run(ctx, q.campaigns.writes, attemptSubmit, c.keys, c.args...)
	if err == nil && r.outcome == "layers" { // somebody hidden
		c.addLayers(o.keys(p.Participant))
		r, err = run(ctx, q.campaigns.writes, attemptSubmit, c.keys, c.args...)
	}
	if err != nil {
		return fail(err)
	}
	switch {
	case (r.outcome == "ok" || r.outcome == "done") && len(r.args) == 4:
		return q.submitted(ctx, o, p, a, r, rank)
	case r.outcome == "missing":
		return quiz.Submitted{}, quiz.ErrAttemptNotFound
	case r.outcome == "range":
		return fail(leaderboard.ErrOutOfRange)
	case r.outcome == "clock":
		return fail(fault.ErrUnavailable.Because(errClockBack))
	case r.outcome == "clocks":
		return fail(o.staleClocks())
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

// errClockBack is a submission on a day before that of the participant's newest:
// where the best attempts of days are added up, days must come in order.
var errClockBack = errors.New("the clock of this server is a day behind an earlier submission")

// submitCall is what attempt_submit.lua is called with.
type submitCall struct {
	keys []string
	args []any
}

// addLayers adds the keys that are not needed before a freeze.
func (c *submitCall) addLayers(k shardKeys) {
	for _, l := range allLayers {
		c.keys = append(c.keys, k.layer("", l))
	}
	c.keys = append(c.keys, k.thaw())
}

func (q *Quiz) submitCall(ctx context.Context, o *opened, p quiz.Person, a *quiz.Attempt) (*submitCall, error) {
	res := &a.Result
	def, err := q.define(p.Campaign)
	if err != nil {
		return nil, err
	}
	points, policy := res.Score, campaign.PolicyBest
	if o.layout.Sums() {
		points, policy = 0, def.Policy
	}
	place, err := o.layout.Pack(points, res.Used, res.SubmittedAt)
	phase, _ := def.PhaseAt(res.SubmittedAt)
	freeze := freezeAt(def, res.SubmittedAt)
	k := o.keys(p.Participant)
	c := &submitCall{
		keys: []string{k.meta(), k.participant(p.Participant), k.open(), k.board(), k.facts()},
		args: []any{
			o.epoch, p.Participant, a.Number, packFinished(a), score(place), packBestAttempt(res),
			millis(res.SubmittedAt), packDayOf(res.SubmittedAt, def.Zone), phase.ID, string(policy), freeze,
			submittedBody(a, origin.From(ctx)), o.layout.MaxScore(),
			strconv.Itoa(a.Number) + "|" + packOpen(a), a.Clocks,
		},
	}
	if freeze != "" {
		c.addLayers(k)
	}
	return c, err
}

// freezeAt tells a script how a moment lies to the freeze.
func freezeAt(def *campaign.Campaign, at time.Time) string {
	switch {
	case def.Freeze.Active(at):
		return "late"
	case def.Freeze.Over(at):
		return "over"
	default:
		return ""
	}
}

// submitted reads what the script answered to the submission of a.
func (q *Quiz) submitted(ctx context.Context, o *opened, p quiz.Person, a quiz.Attempt, r reply, rank bool) (quiz.Submitted, error) {
	a.Saved, a.Clocks = quiz.Saved{}, 0 // went with the open attempt
	if fresh := r.outcome == "ok"; !fresh {
		var err error
		if a, err = q.finishedAttempt(ctx, o, a.Number, r.args[0]); err != nil {
			return quiz.Submitted{}, err
		}
	}
	st, err := standing(r.args[2], r.args[1])
	if err != nil {
		return quiz.Submitted{}, err
	}
	s := quiz.Submitted{Attempt: a, Fresh: r.outcome == "ok", Standing: st, Above: -1}
	if !rank || r.args[3] == "" {
		return s, nil
	}
	place, _, _ := strings.Cut(r.args[1], "|")
	s.Above, err = q.above(ctx, o, p, place, r.args[3])
	return s, err
}
