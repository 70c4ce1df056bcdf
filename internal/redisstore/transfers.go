package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qingyuan/internal/correction/act"
	"qingyuan/internal/event"
)

var (
	errNoRequest = errors.New("a transfer needs the id of its request, without bars")
	errNoPlace   = errors.New("a transfer needs a unit and a group")
)

// Transfer moves a participant to another unit or group, and everything that counts
// with them. It may be repeated: a request is granted once. Somebody who belongs there
// already stays, and then it returns false, as for a repeat. Somebody who has not enrolled is
// campaign.ErrRequired, and who is counted as another participant act.ErrElsewhere. An open
// attempt stays open and counts where its participant belongs when it is handed in.
func (c *Corrections) Transfer(ctx context.Context, id string, t act.Transfer) (moved bool, err error) {
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("transfer %s to %s in %s: %w", t.Participant, t.To.Unit, id, err)
	}
	if t.Request == "" || strings.Contains(t.Request, "|") {
		return fail(errNoRequest)
	}
	if t.To.Unit == "" || t.To.Group == "" {
		return fail(errNoPlace)
	}
	def, err := c.define(id)
	if err != nil {
		return fail(err)
	}
	granted := func(s event.Stay) bool { return s.Request == t.Request }
	err = c.campaigns.correct(ctx, def, t.Participant, c.now(), func(x *correction) (change, error) {
		from := act.Place{Unit: x.record.Unit, Group: x.record.Group}
		moved = from != t.To && !slices.ContainsFunc(x.record.Stays, granted)
		if !moved {
			return change{}, nil
		}
		if x.record.Joined {
			return change{}, act.ErrElsewhere
		}
		return change{kind: event.KindTransferred, to: t.To, body: func(whole event.Corrected) any {
			return event.Transferred{Corrected: whole, FromUnit: from.Unit, FromGroup: from.Group, Request: t.Request}
		}}, nil
	})
	if err != nil {
		return fail(err)
	}
	return moved, nil
}
