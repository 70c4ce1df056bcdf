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

// homeFields are the fields of a participant that a home page is made of.
var homeFields = []string{"b", "x", "u", "g", "e", "t", "s", "l", "o", "v"}

// page is what was read of a participant at one moment, in one round trip.
type page struct {
	names, fields []string // what was asked for, and the values in the same order
	// above are how many stand above on the board of their own shard, "" for no place in
	// public, and late how many more that makes where there is a freeze.
	above, late string
	err         error
}

// home returns what the reading of ctx knows of a participant, which is read now if
// it was not before; nil where ctx has none.
func (c *Campaigns) home(ctx context.Context, o *opened, participant string) *page {
	r := campaign.ReadingOf(ctx)
	if r == nil {
		return nil
	}
	p, _ := r.Once(o.campaign+" "+participant, func() any { return c.readPage(ctx, o, participant, homeFields) }).(*page)
	return p
}

// page returns some fields of a participant and where they stand, from the reading of ctx
// where it has one that knows them. The first two fields are "b" and "x".
func (c *Campaigns) page(ctx context.Context, o *opened, participant string, fields []string) *page {
	if p := c.home(ctx, o, participant); p != nil {
		if _, ok := p.pick(fields); ok {
			return p
		}
	}
	return c.readPage(ctx, o, participant, fields)
}

func (c *Campaigns) readPage(ctx context.Context, o *opened, participant string, fields []string) *page {
	k := o.keys(participant)
	keys := []string{k.meta(), k.participant(participant), k.board(), k.layer("", layerLate), k.layer("", layerKept)}
	args := make([]any, 0, 1+len(fields))
	args = append(args, o.epoch)
	for _, f := range fields {
		args = append(args, f)
	}
	p := &page{names: fields}
	r, err := run(ctx, c.writes.alone(), homeScript, keys, args...)
	switch {
	case err != nil:
		p.err = err
	case r.outcome == "ok" && len(r.args) == 2+len(fields):
		p.above, p.late, p.fields = r.args[0], r.args[1], r.args[2:]
	case r.outcome == "epoch":
		p.err = o.wrongEpoch()
	default:
		p.err = fmt.Errorf("home page: %w", r.unknown())
	}
	return p
}

// pick returns some of the fields, if all of them were asked for.
func (p *page) pick(fields []string) (values []string, ok bool) {
	values = make([]string, len(fields))
	for i, f := range fields {
		at := slices.Index(p.names, f)
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
func (p *page) rank(freezes bool) (place, above string, err error) {
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
