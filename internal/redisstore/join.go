package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
)

var errNobody = errors.New("a join needs another participant")

// returnsMark stands before who a participant is counted as, in the field j, where the
// person signs in as that participant all the same: the scripts that accept acts part the
// two then, and refuse everybody else who is joined.
const returnsMark = "="

func packJoined(into string, returns bool) string {
	if returns {
		return returnsMark + into
	}
	return into
}

// Membership tells what speaks for or against a join of somebody.
func (c *Corrections) Membership(ctx context.Context, id, participant string) (act.Membership, error) {
	fail := func(err error) (act.Membership, error) {
		return act.Membership{}, fmt.Errorf("look how %s is counted in %s: %w", participant, id, err)
	}
	def, err := c.define(id)
	if err != nil {
		return fail(err)
	}
	var m act.Membership
	err = c.campaigns.correct(ctx, def, participant, c.now(), func(x *correction) (change, error) {
		m = act.Membership{Enrolled: true, Counts: x.record.Counts(), Sits: x.fields["o"] != ""}
		m.Into, m.Returns = strings.CutPrefix(x.fields["j"], returnsMark)
		return change{}, nil
	})
	if err != nil && !errors.Is(err, campaign.ErrRequired) {
		return fail(err)
	}
	return m, nil
}

// Join lets a participant be counted as another one, who is the same person: their
// enrolment counts no more, and no act of theirs is accepted until they are parted. Where
// the person returns, which is signs in as this participant all the same, their next act
// does that. It may be repeated. Nothing happens, and it tells why, where an act of theirs
// counts or an attempt is open, and where the other is not enrolled or counted as somebody
// else: the person would be counted nowhere.
func (c *Corrections) Join(ctx context.Context, id, participant, into string, returns bool) (act.Joining, error) {
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
			return change{kind: event.KindJoined, fields: map[string]string{"j": packJoined(into, returns)}, body: func(whole event.Corrected) any {
				return event.Joined{Corrected: whole, Into: into, Returns: returns}
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

// Part lets a participant be counted as themselves again. Nothing happens where they are.
func (c *Corrections) Part(ctx context.Context, id, participant string) error {
	def, err := c.define(id)
	if err == nil {
		err = c.campaigns.correct(ctx, def, participant, c.now(), func(x *correction) (change, error) {
			if !x.record.Joined {
				return change{}, nil
			}
			return x.parted(), nil
		})
	}
	if err != nil {
		return fmt.Errorf("part %s in %s from who they are counted as: %w", participant, id, err)
	}
	return nil
}

// parted is the change that lets somebody be counted as themselves again.
func (x *correction) parted() change {
	from := strings.TrimPrefix(x.fields["j"], returnsMark)
	return change{kind: event.KindParted, fields: map[string]string{"j": ""}, body: func(event.Corrected) any { return event.Parted{From: from} }}
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
