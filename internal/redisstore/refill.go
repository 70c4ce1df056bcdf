package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
)

var (
	refillShard    = script("refill_open_shard")
	refillCampaign = script("refill_open_campaign")
)

// ErrTakenOver is a rebuild that another one has taken the campaign from.
var ErrTakenOver = errors.New("another rebuild has taken over")

// Refill writes what the ledger says back to Redis: replay.Refiller. While a
// campaign is rebuilt, its record and the meta of its shards carry the token of
// the rebuild instead of an epoch, so that every script refuses. Each write looks
// whether the token is still its own, in one transaction with what it writes:
// of two rebuilds the later one takes over, and the earlier cannot spoil it.
type Refill struct {
	*Mirror

	writes     Waiting
	introduced introduced
}

// NewRefill writes to db. Options say who must hold everything before a campaign
// is opened again.
func NewRefill(db redis.UniversalClient, options ...Option) *Refill {
	return &Refill{Mirror: NewMirror(db), writes: writesTo(db, options)}
}

// Mark implements replay.Refiller.
func (r *Refill) Mark(ctx context.Context, o state.Opening, token string) error {
	key := campaignKey(o.Campaign)
	err := r.writes.Confirmed(ctx, key, func(p redis.Pipeliner) {
		p.HSet(ctx, key, "shards", o.Shards, "epoch", o.Epoch, "base", o.Base, "bits", o.Bits, "state", stateRebuilding, "by", token)
	})
	for i := 0; err == nil && i < o.Shards; i++ {
		meta := keysOf(o.Campaign, i).meta()
		err = r.writes.Confirmed(ctx, meta, func(p redis.Pipeliner) { p.HSet(ctx, meta, "epoch", stateRebuilding, "by", token) })
	}
	if err != nil {
		return fmt.Errorf("mark %s: %w", o.Campaign, err)
	}
	return nil
}

// fenced reads and then writes keys of one shard while t is in force. Whoever
// takes over in between makes the write fail.
func (r *Refill) fenced(ctx context.Context, t state.Ticket, shard int, read func(*redis.Tx) error, write func(redis.Pipeliner)) error {
	meta := keysOf(t.Campaign, shard).meta()
	err := r.db.Watch(ctx, func(tx *redis.Tx) error {
		by, err := tx.HGet(ctx, meta, "by").Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return outage(err)
		}
		if by != t.Token {
			return ErrTakenOver
		}
		if read != nil {
			if err := read(tx); err != nil {
				return err
			}
		}
		cmds, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			write(p)
			return nil
		})
		if errors.Is(err, redis.TxFailedErr) {
			return ErrTakenOver
		}
		return firstError(cmds, err)
	}, meta)
	if err != nil {
		return fmt.Errorf("refill %s:%d: %w", t.Campaign, shard, err)
	}
	return nil
}

// Clear implements replay.Refiller.
func (r *Refill) Clear(ctx context.Context, t state.Ticket) error {
	return scanShards(ctx, r.db, t.Campaign, func(found []foundKey) error {
		doomed := map[int][]string{}
		for _, f := range found {
			k := keysOf(t.Campaign, f.shard)
			if f.shard >= t.Shards || f.key != k.meta() && f.key != k.kept() {
				doomed[f.shard] = append(doomed[f.shard], f.key)
			}
		}
		for shard, keys := range doomed {
			if err := r.unlink(ctx, t, shard, keys); err != nil {
				return err
			}
		}
		return nil
	})
}

// unlink takes keys of one shard away. A shard beyond the last belongs to nobody,
// and no rebuild writes there.
func (r *Refill) unlink(ctx context.Context, t state.Ticket, shard int, keys []string) error {
	if shard >= t.Shards {
		return outage(r.db.Unlink(ctx, keys...).Err())
	}
	return r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) { p.Unlink(ctx, keys...) })
}

// OpenShard implements replay.Refiller.
func (r *Refill) OpenShard(ctx context.Context, t state.Ticket, shard int, epoch uint64) error {
	k := keysOf(t.Campaign, shard)
	return r.open(ctx, refillShard, []string{k.meta(), k.kept()}, t, epoch)
}

// OpenCampaign implements replay.Refiller.
func (r *Refill) OpenCampaign(ctx context.Context, t state.Ticket, epoch uint64) error {
	return r.open(ctx, refillCampaign, []string{campaignKey(t.Campaign)}, t, epoch)
}

func (r *Refill) open(ctx context.Context, how *redis.Script, keys []string, t state.Ticket, epoch uint64) error {
	answer, err := run(ctx, r.writes, how, keys, t.Token, strconv.FormatUint(epoch, 10))
	if err == nil && answer.outcome != "ok" {
		err = ErrTakenOver
	}
	if err != nil {
		return fmt.Errorf("open %s in epoch %d: %w", t.Campaign, epoch, err)
	}
	return nil
}

// PutBank implements replay.Refiller. It replaces a damaged copy.
func (r *Refill) PutBank(ctx context.Context, digest string, packed []byte) error {
	key := bankKey(digest)
	if err := r.writes.Confirmed(ctx, key, func(p redis.Pipeliner) { p.Set(ctx, key, packed, 0) }); err != nil {
		return fmt.Errorf("store bank version %s: %w", digest, err)
	}
	return nil
}

// Remove takes away what Clear leaves of a campaign: after it Redis knows nothing of it.
// The marks of the shards go first, so that whoever is late finds an emptied shard and
// nobody a new one.
func (r *Refill) Remove(ctx context.Context, t state.Ticket) error {
	for n := range t.Shards {
		k := keysOf(t.Campaign, n)
		if err := r.fenced(ctx, t, n, nil, func(p redis.Pipeliner) { p.Unlink(ctx, k.meta(), k.kept()) }); err != nil {
			return err
		}
	}
	for _, key := range []string{namesKey(t.Campaign), campaignKey(t.Campaign)} {
		if err := outage(r.db.Unlink(ctx, key).Err()); err != nil {
			return fmt.Errorf("remove %s: %w", t.Campaign, err)
		}
	}
	return nil
}
