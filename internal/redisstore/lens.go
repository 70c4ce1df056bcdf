package redisstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
)

// lens is a view of a board: the layers whose entries are in it, of each but those
// that another layer holds. Nearly always it is the board alone.
type lens []facet

type facet struct{ of, without layer } // without "" leaves nobody out

func isBoardAlone(l lens) bool { return len(l) == 1 && l[0].without == "" }

// lensOf says what a view is made of in a campaign. Layers that its definition
// leaves no use for are not asked.
func lensOf(def *campaign.Campaign, v leaderboard.View) lens {
	if v == leaderboard.Frozen {
		return lens{{of: layerBoard}}
	}
	triples := [][3]layer{shownLayers}
	if v == leaderboard.Everybody {
		triples = append(triples, hiddenLayers)
	}
	var l lens
	for _, t := range triples {
		if def.Freeze.At.IsZero() {
			l = append(l, facet{of: t[0]})
		} else {
			l = append(l, facet{t[0], t[2]}, facet{of: t[1]})
		}
	}
	return l
}

// lens returns an opened campaign with the lens of a view.
func (b *Boards) lens(id string, v leaderboard.View) (*opened, lens, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return nil, nil, err
	}
	def, err := b.define(id)
	if err != nil {
		return nil, nil, err
	}
	return o, lensOf(def, v), nil
}

// askThrough asks shards about a board through a lens, in one round trip. Where it
// takes several layers they are read at one moment, for what moves from one to
// another is in one of them then; on a cluster, where a transaction is of one slot,
// shard by shard.
func (c *Campaigns) askThrough(ctx context.Context, o *opened, l lens, shards []shardKeys, each func(redis.Pipeliner, shardKeys)) error {
	ofAll := func(shards []shardKeys) func(redis.Pipeliner) {
		return func(p redis.Pipeliner) {
			for _, k := range shards {
				each(p, k)
			}
		}
	}
	if isBoardAlone(l) {
		return c.ask(ctx, o, shards, ofAll(shards))
	}
	atOnce := len(shards)
	if _, ok := c.db.(*redis.ClusterClient); ok {
		atOnce = 1
	}
	for some := range slices.Chunk(shards, max(atOnce, 1)) {
		err := o.ask(ctx, some, ofAll(some), func(all func(redis.Pipeliner)) error { return askAtOnce(ctx, c.db, all) })
		if err != nil {
			return err
		}
	}
	return nil
}

// askAtOnce is ask in one transaction.
func askAtOnce(ctx context.Context, db redis.UniversalClient, commands func(redis.Pipeliner)) error {
	return askBy(ctx, db.TxPipelined, commands)
}

// counts adds up what a command counts in the layers of a board.
type counts struct{ plus, minus []*redis.IntCmd }

func (l lens) count(k shardKeys, scope string, to *counts, command func(key string) *redis.IntCmd) {
	for _, p := range l {
		to.plus = append(to.plus, command(k.layer(scope, p.of)))
		if p.without != "" {
			to.minus = append(to.minus, command(k.layer(scope, p.without)))
		}
	}
}

func (c *counts) sum() int64 {
	var n int64
	for _, cmd := range c.plus {
		n += cmd.Val()
	}
	for _, cmd := range c.minus {
		n -= cmd.Val()
	}
	return n
}

// list is the same stretch of the boards of several shards, as a command gives it.
type list struct {
	want  int64 // how many of each part, if there are
	parts []listPart
}

type listPart struct{ all, without *redis.ZSliceCmd }

func (l lens) list(k shardKeys, scope string, to *list, command func(key string) *redis.ZSliceCmd) {
	for _, p := range l {
		part := listPart{all: command(k.layer(scope, p.of))}
		if p.without != "" {
			part.without = command(k.layer(scope, p.without))
		}
		to.parts = append(to.parts, part)
	}
}

// entries are what is in the view, in no order, and whether any part may lack some
// because too few were read: asked is how many that was.
func (l *list) entries(asked int64) (all []leaderboard.Entry, short bool) {
	for _, p := range l.parts {
		found := entries(p.all)
		n := len(found)
		if p.without != nil {
			gone := map[string]bool{}
			for _, e := range entries(p.without) {
				gone[e.Participant] = true
			}
			found = slices.DeleteFunc(found, func(e leaderboard.Entry) bool { return gone[e.Participant] })
		}
		short = short || int64(n) == asked && int64(len(found)) < l.want
		all = append(all, found...)
	}
	return all, short
}

func entries(c *redis.ZSliceCmd) []leaderboard.Entry {
	out := make([]leaderboard.Entry, 0, len(c.Val()))
	for _, z := range c.Val() {
		// Members are strings in every reply; scores are whole numbers below 2^53.
		id, _ := z.Member.(string)
		out = append(out, leaderboard.Entry{Participant: id, Packed: uint64(z.Score)})
	}
	return out
}

// byPlace is Redis' own order, best first.
func byPlace(a, b leaderboard.Entry) int {
	return cmp.Or(cmp.Compare(b.Packed, a.Packed), strings.Compare(b.Participant, a.Participant))
}

// entry is somebody's entry on one board, in whichever layer it lies.
type entry []entryPart

// entryPart is their entry in one layer, and in the one of those who are left out of
// it; nil for none.
type entryPart struct{ of, without *redis.FloatCmd }

// entryOf asks for an entry. That of a late layer comes after that of its board.
func (l lens) entryOf(ctx context.Context, p redis.Pipeliner, k shardKeys, scope, participant string) entry {
	var e entry
	for _, part := range l {
		at := entryPart{of: p.ZScore(ctx, k.layer(scope, part.of), participant)}
		if part.without != "" {
			at.without = p.ZScore(ctx, k.layer(scope, part.without), participant)
		}
		e = append(e, at)
	}
	return e
}

func (e entry) packed() (uint64, bool) {
	for _, c := range slices.Backward(e) {
		if c.of.Err() == nil && (c.without == nil || c.without.Err() != nil) {
			return uint64(c.of.Val()), true
		}
	}
	return 0, false
}

// countAbove counts who stands above packed on the boards of the given shards.
func (c *Campaigns) countAbove(ctx context.Context, o *opened, shards []shardKeys, scope string, l lens, packed uint64) (int64, error) {
	var above counts
	each := func(p redis.Pipeliner, k shardKeys) {
		l.count(k, scope, &above, func(key string) *redis.IntCmd { return p.ZCount(ctx, key, "("+score(packed), "+inf") })
	}
	var err error
	if isBoardAlone(l) {
		err = c.askLittle(ctx, o, shards, func(p redis.Pipeliner) {
			for _, k := range shards {
				each(p, k)
			}
		})
	} else {
		err = c.askThrough(ctx, o, l, shards, each)
	}
	return above.sum(), err
}
