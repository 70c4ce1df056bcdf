package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"qingyuan/campaign"
)

var homeScript = script("home")

// homeFields are the fields of a participant that a home page is made of, in the
// order in which home.lua wants the first two.
var homeFields = []string{"b", "x", "u", "g", "e", "t", "s", "l", "o", "v"}

// homePage is what was read of a participant at one moment, in one round trip.
type homePage struct {
	fields []string // in the order of homeFields
	// above are how many stand above on the board of their own shard, "" for no place in
	// public, and late how many more that makes where there is a freeze.
	above, late string
	err         error
}

// home returns what the reading of ctx knows of a participant, which is read now if
// it was not before; nil where ctx has none.
func (c *Campaigns) home(ctx context.Context, o *opened, participant string) *homePage {
	r := campaign.ReadingOf(ctx)
	if r == nil {
		return nil
	}
	page, _ := r.Once(o.campaign+" "+participant, func() any { return c.readHome(ctx, o, participant) }).(*homePage)
	return page
}

func (c *Campaigns) readHome(ctx context.Context, o *opened, participant string) *homePage {
	k := o.keys(participant)
	keys := []string{k.meta(), k.participant(participant), k.board(), k.layer("", layerLate), k.layer("", layerKept)}
	args := make([]any, 0, 1+len(homeFields))
	args = append(args, o.epoch)
	for _, f := range homeFields {
		args = append(args, f)
	}
	r, err := run(ctx, c.writes.alone(), homeScript, keys, args...)
	switch {
	case err != nil:
		return &homePage{err: err}
	case r.outcome == "ok" && len(r.args) == 2+len(homeFields):
		return &homePage{fields: r.args[2:], above: r.args[0], late: r.args[1]}
	case r.outcome == "epoch":
		return &homePage{err: o.wrongEpoch()}
	default:
		return &homePage{err: fmt.Errorf("home page: %w", r.unknown())}
	}
}

// pick returns some of the fields, if all of them were read.
func (p *homePage) pick(fields []string) (values []string, ok bool) {
	values = make([]string, len(fields))
	for i, f := range fields {
		at := slices.Index(homeFields, f)
		if at < 0 {
			return nil, false
		}
		if p.err == nil {
			values[i] = p.fields[at]
		}
	}
	return values, true
}

// rank returns the place and how many stand above it on the shard, both "" for no
// place in public.
func (p *homePage) rank(freezes bool) (place, above string, err error) {
	if p.err != nil || p.above == "" {
		return "", "", p.err
	}
	place, _, _ = strings.Cut(p.fields[0], "|")
	if !freezes {
		return place, p.above, nil
	}
	d := decoder{}
	n := d.int64(p.above) + d.int64(p.late)
	return place, strconv.FormatInt(n, 10), d.err
}
