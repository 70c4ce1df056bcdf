package redisstore

import (
	"context"
	"errors"
	"fmt"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
)

var errNobody = errors.New("a join needs another participant")

// Join lets a participant be counted as another one, who is the same person: their
// enrolment counts no more, and no act of theirs is accepted or counts again. It may be
// repeated. Nothing happens, and it tells why, where an act of theirs counts or an attempt
// is open, and where the other is not enrolled: the person would be counted nowhere.
func (c *Corrections) Join(ctx context.Context, id, participant, into string) (act.Joining, error) {
	fail := func(err error) (act.Joining, error) {
		return "", fmt.Errorf("join %s with %s in %s: %w", participant, into, id, err)
	}
	if into == "" || into == participant {
		return fail(errNobody)
	}
	def, err := c.define(id)
	if err != nil {
		return fail(err)
	}
	there, err := c.enrolled(ctx, id, into)
	if err != nil {
		return fail(err)
	}
	var came act.Joining
	err = c.campaigns.correct(ctx, def, participant, c.now(), func(x *correction) (change, error) {
		switch {
		case x.record.Joined:
			came = act.Joined
		case x.fields["o"] != "":
			came = act.Sitting
		case x.record.Counts():
			came = act.Counting
		case !there:
			came = act.Alone
		default:
			came = act.Joined
			return change{kind: event.KindJoined, fields: map[string]string{"j": into}, body: func(whole event.Corrected) any {
				return event.Joined{Corrected: whole, Into: into}
			}}, nil
		}
		return change{}, nil
	})
	if errors.Is(err, campaign.ErrRequired) {
		return act.Nobody, nil
	}
	if err != nil {
		return fail(err)
	}
	return came, nil
}

// enrolled tells whether a participant is, and is counted as nobody else.
func (c *Corrections) enrolled(ctx context.Context, id, participant string) (bool, error) {
	o, err := c.campaigns.of(id)
	if err != nil {
		return false, err
	}
	f, err := c.campaigns.person(ctx, o, participant, "u", "j")
	if err != nil {
		return false, err
	}
	return f[0] != "" && f[1] == "", nil
}
