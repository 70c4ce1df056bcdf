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

// read reads fields of a hash of one shard, in one round trip with the shard's
// epoch: in a shard that was emptied nothing is found, which must not be taken for
// an answer.
func (c *Campaigns) read(ctx context.Context, o *opened, k shardKeys, key string, fields ...string) ([]string, error) {
	var values *redis.SliceCmd
	var epoch *redis.StringCmd
	err := ask(ctx, c.db, func(p redis.Pipeliner) {
		values = p.HMGet(ctx, key, fields...)
		epoch = p.HGet(ctx, k.meta(), "epoch")
	})
	if err != nil {
		return nil, err
	}
	if epoch.Val() != o.epoch {
		return nil, o.wrongEpoch()
	}
	return texts(values.Val())
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
