package redisstore

import (
	"context"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// cellsAtOnce is how many fields one command writes.
const cellsAtOnce = 500

// Sums implements replay.Refiller.
func (r *Refill) Sums(ctx context.Context, t state.Ticket, shard int, s *state.Sums) error {
	k := keysOf(t.Campaign, shard)
	w := sumsWriter{fields: map[string][]any{}}
	for late, figures := range map[bool]leaderboard.Figures{false: s.Public, true: s.Late} {
		for cell, n := range figures.Cells {
			w.add(tallyKey(k, late), cellField(cell), n)
		}
		for points, n := range figures.Scores {
			w.add(scoresKey(k, late), strconv.Itoa(points), n)
		}
	}
	for cell, n := range s.Hours {
		w.add(k.hour(cell.Bucket), cellField(cell.Cell), n)
	}
	for cell, n := range s.Minutes {
		w.add(k.minutes(), minuteField(cell), n)
	}
	for p, n := range s.Prizes {
		w.add(k.prizes(), p, n)
	}
	for key, fields := range w.fields {
		for some := range slices.Chunk(fields, 2*cellsAtOnce) {
			err := r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) { p.HSet(ctx, key, some...) })
			if err != nil {
				return err
			}
		}
	}
	return r.recent(ctx, t, shard, s.Recent)
}

// sumsWriter collects the fields of each hash.
type sumsWriter struct{ fields map[string][]any }

func (w *sumsWriter) add(key, field string, n int64) {
	if n != 0 {
		w.fields[key] = append(w.fields[key], field, n)
	}
}

func (r *Refill) recent(ctx context.Context, t state.Ticket, shard int, acts []leaderboard.Act) error {
	if len(acts) == 0 {
		return nil
	}
	packed := make([]any, len(acts))
	for i, a := range acts {
		packed[i] = packAct(a)
	}
	k := keysOf(t.Campaign, shard)
	return r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) {
		p.Del(ctx, k.recent())
		p.RPush(ctx, k.recent(), packed...)
	})
}

// Ends implements replay.Refiller.
func (r *Refill) Ends(ctx context.Context, t state.Ticket, shard int, ends state.Ends) error {
	k := keysOf(t.Campaign, shard)
	return r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) {
		endStream(ctx, p, k.facts(), ends.Facts)
		endStream(ctx, p, k.personal(), ends.Personal)
		if ends.Facts != (event.Position{}) && t.Campaign != DoorsCampaign { // nobody folds doors
			p.HSet(ctx, k.cursor(), "pos", ends.Facts.String(), "version", strconv.Itoa(leaderboard.FoldVersion))
		}
	})
}

// endStream makes an empty stream that has had everything up to a position.
func endStream(ctx context.Context, p redis.Pipeliner, key string, end event.Position) {
	p.Del(ctx, key)
	if end == (event.Position{}) {
		return
	}
	p.XAdd(ctx, &redis.XAddArgs{Stream: key, ID: end.String(), Values: []string{"k", "end"}})
	p.XTrimMaxLen(ctx, key, 0)
}

// Doors implements replay.Refiller.
func (r *Refill) Doors(ctx context.Context, t state.Ticket, shard int, doors []state.Door) error {
	k := keysOf(t.Campaign, shard)
	return r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) {
		for i := range doors {
			p.HSet(ctx, k.door(doors[i].Hash), "p", doors[i].Participant, "s", string(doors[i].Sealed))
		}
	})
}
