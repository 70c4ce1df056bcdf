package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/leaderboard"
)

// Boards implements leaderboard.Store.
type Boards struct {
	campaigns *Campaigns
	define    Definitions
	now       func() time.Time
}

var _ leaderboard.Store = (*Boards)(nil)

// NewBoards reads and folds boards and tallies. People are hidden and shown at the
// time that now tells.
func NewBoards(c *Campaigns, define Definitions, now func() time.Time) *Boards {
	return &Boards{campaigns: c, define: define, now: now}
}

// Layout implements leaderboard.Store.
func (b *Boards) Layout(_ context.Context, id string) (leaderboard.Layout, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return leaderboard.Layout{}, err
	}
	return o.layout, nil
}

// Shards implements leaderboard.Store.
func (b *Boards) Shards(_ context.Context, id string) (int, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return 0, err
	}
	return len(o.shards), nil
}

// without returns the shards but one.
func (o *opened) without(skip int) []shardKeys {
	return slices.Delete(slices.Clone(o.shards), skip, skip+1)
}

// ask sends commands in one pipeline and fails with the first command's error:
// a missing shard is an error, never a partial sum.
func ask(ctx context.Context, db redis.UniversalClient, commands func(redis.Pipeliner)) error {
	return askBy(ctx, db.Pipelined, commands)
}

// askBy is ask by a pipeline or by a transaction.
func askBy(ctx context.Context, send func(context.Context, func(redis.Pipeliner) error) ([]redis.Cmder, error), commands func(redis.Pipeliner)) error {
	cmds, err := send(ctx, func(p redis.Pipeliner) error {
		commands(p)
		return nil
	})
	if e := answered(cmds); e != nil {
		return e
	}
	if err != nil && err != redis.Nil { //nolint:errorlint // As in answered.
		return outage(err)
	}
	return nil
}

// answered returns the first error of commands that is more than a member that is
// not there.
func answered(cmds []redis.Cmder) error {
	for _, c := range cmds {
		if e := c.Err(); e != nil && e != redis.Nil { //nolint:errorlint // redis.Nil is returned as is: no such member.
			return outage(e)
		}
	}
	return nil
}

func score(packed uint64) string { return strconv.FormatUint(packed, 10) }

// of returns the shards the participants belong to, each once.
func (o *opened) of(participants []string) []shardKeys {
	seen := make([]bool, len(o.shards))
	var out []shardKeys
	for _, p := range participants {
		if i := o.shard(p); !seen[i] {
			seen[i] = true
			out = append(out, o.shards[i])
		}
	}
	return out
}

// littlePeople is how many are looked up as fast as an act is done.
const littlePeople = 12

// People implements leaderboard.Store.
func (b *Boards) People(ctx context.Context, id string, ids []string) (map[string]leaderboard.Person, error) {
	o, err := b.campaigns.of(id)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	records := make(map[string]*redis.SliceCmd, len(ids))
	send := b.campaigns.ask
	if len(ids) <= littlePeople {
		send = b.campaigns.askLittle
	}
	err = send(ctx, o, o.of(ids), func(p redis.Pipeliner) {
		for _, participant := range ids {
			if records[participant] == nil {
				records[participant] = p.HMGet(ctx, o.keys(participant).participant(participant), "u", "g", "e", "t", "w", "x")
			}
		}
	})
	if err != nil {
		return nil, fmt.Errorf("people in %s: %w", id, err)
	}
	out := make(map[string]leaderboard.Person, len(records))
	for participant, r := range records {
		f, err := texts(r.Val())
		if err != nil || f[0] == "" {
			continue
		}
		e, err := unpackEnrolment(f[2], f[3])
		if err != nil {
			return nil, err
		}
		stays, err := unpackStays(f[4])
		if err != nil {
			return nil, err
		}
		out[participant] = leaderboard.Person{Name: e.DisplayName, Unit: f[0], Group: f[1], Stays: stays, Hidden: f[5] != ""}
	}
	return out, nil
}

// minutesKept is how long the minute counts stay.
const minutesKept = leaderboard.MinutesKept
