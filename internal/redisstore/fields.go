package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// readFields reads hash fields; a missing one is "".
func readFields(ctx context.Context, db redis.UniversalClient, key string, fields ...string) ([]string, error) {
	values, err := db.HMGet(ctx, key, fields...).Result()
	if err != nil {
		return nil, outage(err)
	}
	return texts(values)
}

// ask is ask for reads of these shards of a campaign, in one round trip with
// their epochs: in a shard that was emptied nothing is found, which must not be
// taken for an answer.
func (c *Campaigns) ask(ctx context.Context, o *opened, shards []shardKeys, commands func(redis.Pipeliner)) error {
	return o.ask(ctx, shards, commands, func(all func(redis.Pipeliner)) error { return ask(ctx, c.db, all) })
}

// askLittle is ask for what takes Redis no longer than an act does: it may travel
// with other callers' commands, which wait for it.
func (c *Campaigns) askLittle(ctx context.Context, o *opened, shards []shardKeys, commands func(redis.Pipeliner)) error {
	return o.ask(ctx, shards, commands, func(all func(redis.Pipeliner)) error { return c.writes.ask(ctx, all) })
}

// ask lets send send commands with the epochs of shards, and compares these.
func (o *opened) ask(ctx context.Context, shards []shardKeys, commands func(redis.Pipeliner), send func(func(redis.Pipeliner)) error) error {
	epochs := make([]*redis.StringCmd, len(shards))
	err := send(func(p redis.Pipeliner) {
		commands(p)
		for i, k := range shards {
			epochs[i] = p.HGet(ctx, k.meta(), "epoch")
		}
	})
	if err != nil {
		return err
	}
	for _, e := range epochs {
		if e.Val() != o.epoch {
			return o.wrongEpoch()
		}
	}
	return nil
}

// read reads fields of a hash of one shard; a missing one is "".
func (c *Campaigns) read(ctx context.Context, o *opened, k shardKeys, key string, fields ...string) ([]string, error) {
	var values *redis.SliceCmd
	err := c.askLittle(ctx, o, []shardKeys{k}, func(p redis.Pipeliner) { values = p.HMGet(ctx, key, fields...) })
	if err != nil {
		return nil, err
	}
	return texts(values.Val())
}

// person reads fields of a participant's own hash, from the reading of ctx where it has
// one that knows them.
func (c *Campaigns) person(ctx context.Context, o *opened, participant string, fields ...string) ([]string, error) {
	if page := c.home(ctx, o, participant); page != nil {
		if values, ok := page.pick(fields); ok {
			return values, page.err
		}
	}
	k := o.keys(participant)
	return c.read(ctx, o, k, k.participant(participant), fields...)
}

// wholePerson reads a participant's own hash, empty for who is not enrolled.
func (c *Campaigns) wholePerson(ctx context.Context, o *opened, participant string) (map[string]string, error) {
	k := o.keys(participant)
	var all *redis.MapStringStringCmd
	err := c.askLittle(ctx, o, []shardKeys{k}, func(p redis.Pipeliner) { all = p.HGetAll(ctx, k.participant(participant)) })
	if err != nil {
		return nil, err
	}
	return all.Val(), nil
}

// texts turns HMGET's values into strings.
func texts(values []any) ([]string, error) {
	out := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
		case string:
			out[i] = v
		default:
			return nil, fmt.Errorf("hash value %d is %T, want string", i, v)
		}
	}
	return out, nil
}

// unknown answers for an outcome that an adapter does not expect.
func (r reply) unknown() error {
	return fmt.Errorf("script answered %q with %d values", r.outcome, len(r.args))
}
