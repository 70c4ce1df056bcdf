package redisstore

import (
	"context"
	"maps"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
)

// lotFields is what must lie there of a participant's prizes: the fields of their
// chances, and their wins.
type lotFields struct{ chances, wins map[string]string }

func lotFieldsOf(l *state.Lot) (lotFields, error) {
	out := lotFields{map[string]string{}, map[string]string{}}
	if l == nil {
		return out, nil
	}
	if l.Last > 0 {
		head, err := packChances(&l.Standing)
		if err != nil {
			return out, err
		}
		out.chances["l"] = head
	}
	if len(l.Wins) > 0 {
		var w strings.Builder
		for i := range l.Wins {
			w.WriteString(l.Wins[i].String() + ",")
		}
		out.chances["w"] = w.String()
	}
	for i := range l.Chances {
		out.chances[chanceSlot(l.Chances[i].Number)] = packChance(&l.Chances[i])
	}
	for i := range l.Wins {
		out.wins[l.Wins[i].String()] = packWin(&l.Wins[i])
	}
	return out, nil
}

// write writes it while a shard is rebuilt.
func (f *lotFields) write(ctx context.Context, p redis.Pipeliner, k shardKeys, participant string) {
	if len(f.chances) > 0 {
		p.HSet(ctx, k.chances(participant), f.chances)
	}
	if len(f.wins) > 0 {
		p.HSet(ctx, k.wins(), f.wins)
	}
}

// lotCmds ask what lies there.
type lotCmds struct {
	chances *redis.MapStringStringCmd
	names   []string
	wins    *redis.SliceCmd // nil where nothing was won
}

func askLot(ctx context.Context, p redis.Pipeliner, k shardKeys, who *state.Person) lotCmds {
	c := lotCmds{chances: p.HGetAll(ctx, k.chances(who.Participant))}
	if who.Lot == nil || len(who.Lot.Wins) == 0 {
		return c
	}
	for i := range who.Lot.Wins {
		c.names = append(c.names, who.Lot.Wins[i].String())
	}
	c.wins = p.HMGet(ctx, k.wins(), c.names...)
	return c
}

func (c *lotCmds) answers() (chances, wins map[string]string) {
	wins = map[string]string{}
	if c.wins != nil {
		for i, v := range c.wins.Val() {
			if text, there := v.(string); there {
				wins[c.names[i]] = text
			}
		}
	}
	return c.chances.Val(), wins
}

// prizeMismatches compares what lies there of somebody's prizes with what must.
func prizeMismatches(l *state.Lot, chances, wins map[string]string) ([]state.Mismatch, error) {
	want, err := lotFieldsOf(l)
	if err != nil {
		return nil, err
	}
	out := mapMismatches(nil, "chances ", want.chances, chances)
	return mapMismatches(out, "win ", want.wins, wins), nil
}

// mapMismatches compares fields one by one.
func mapMismatches(out []state.Mismatch, title string, want, got map[string]string) []state.Mismatch {
	names := maps.Clone(want)
	maps.Copy(names, got)
	for name := range names {
		out = differ(out, title+name, want[name], got[name])
	}
	return out
}
