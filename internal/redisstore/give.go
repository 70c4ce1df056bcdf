package redisstore

import (
	"context"
	"fmt"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
)

var attemptGive = script("attempt_give")

// Give gives the participant of an attempt that was hit another one back, unless they
// have handed the attempt in themselves or the act has given them one before. It may
// be repeated. Without such an attempt it fails with act.ErrNone, and with act.ErrTurn
// where it is another turn at the act.
func (c *Corrections) Give(ctx context.Context, id string, t act.Turn, a act.Act) (act.Giving, error) {
	fail := func(err error) (act.Giving, error) {
		return "", fmt.Errorf("give attempt %d of %s in %s back: %w", a.Number, a.Participant, id, err)
	}
	o, err := c.campaigns.writable(id)
	if err != nil {
		return fail(err)
	}
	for range correctionTries {
		hit, finished, err := c.hit(ctx, o, a)
		if err != nil {
			return fail(err)
		}
		if finished {
			return act.Finished, nil
		}
		k := o.keys(a.Participant)
		r, err := run(ctx, c.campaigns.writes, attemptGive, []string{k.meta(), k.participant(a.Participant), k.facts()},
			o.epoch, a.Participant, t.Batch, a.Number, hit, millis(c.now()), turnField(t), t.Number)
		switch {
		case err != nil:
			return fail(err)
		case r.outcome == "ok":
			return act.Given, nil
		case r.outcome == "already":
			return act.Had, nil
		case r.outcome == "joined":
			return fail(act.ErrNone)
		case r.outcome == "turn":
			return fail(act.ErrTurn)
		case r.outcome == "epoch":
			return fail(o.wrongEpoch())
		case r.outcome != "changed":
			return fail(r.unknown())
		}
	}
	return fail(fault.ErrUnavailable.Because(errBusy))
}

// hit reads an attempt as it is stored, "" where it is open, and tells whether its
// participant has handed it in.
func (c *Corrections) hit(ctx context.Context, o *opened, a act.Act) (stored string, finished bool, err error) {
	f, err := c.campaigns.person(ctx, o, a.Participant, "o", slot(a.Number))
	if err != nil {
		return "", false, err
	}
	if f[1] != "" {
		is, err := unpackFinished(a.Number, f[1])
		return f[1], is.ClosedBy == quiz.ByParticipant, err
	}
	if f[0] == "" {
		return "", false, act.ErrNone
	}
	open, err := unpackOpen(f[0], "")
	if err == nil && open.Number != a.Number {
		err = act.ErrNone
	}
	return "", false, err
}
