package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
)

// Mirror reads what Redis holds, for package replay to compare with the ledger:
// replay.Live. It goes to the keys and not through the stores, takes every part
// together with the position that it belongs to, and changes nothing.
type Mirror struct{ db redis.UniversalClient }

// NewMirror reads db.
func NewMirror(db redis.UniversalClient) *Mirror { return &Mirror{db: db} }

// Opening implements replay.Live.
func (m *Mirror) Opening(ctx context.Context, campaign string) (state.Opening, bool, error) {
	f, err := readFields(ctx, m.db, campaignKey(campaign), "shards", "epoch", "base", "bits", "state")
	if err != nil {
		return state.Opening{}, false, fmt.Errorf("opening of %s: %w", campaign, err)
	}
	if strings.Join(f, "") == "" {
		return state.Opening{}, false, nil
	}
	d := decoder{}
	o := state.Opening{Campaign: campaign, Shards: d.int(f[0]), Base: d.int64(f[2]), Condition: f[4]}
	o.Epoch, err = strconv.ParseUint(f[1], 10, 64)
	d.keep("epoch", err)
	bits, err := strconv.ParseUint(f[3], 10, 8)
	d.keep("bits", err)
	o.Bits = uint(bits)
	return o, true, d.err
}

// Head implements replay.Live.
func (m *Mirror) Head(ctx context.Context, campaign string, shard int) (state.Head, error) {
	k := keysOf(campaign, shard)
	var meta *redis.SliceCmd
	var at headCmds
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		meta = p.HMGet(ctx, k.meta(), "epoch")
		at = askHead(ctx, p, k)
	})
	if err != nil {
		return state.Head{}, fmt.Errorf("head of %s:%d: %w", campaign, shard, err)
	}
	f, err := texts(meta.Val())
	if err != nil {
		return state.Head{}, err
	}
	h, err := at.head()
	h.Epoch = f[0]
	return h, err
}

// headCmds ask how far a shard is, in the transaction that reads something else.
type headCmds struct {
	facts, personal *redis.XInfoStreamCmd
	fold            *redis.SliceCmd
}

func askHead(ctx context.Context, p redis.Pipeliner, k shardKeys) headCmds {
	return headCmds{
		facts: p.XInfoStream(ctx, k.facts()), personal: p.XInfoStream(ctx, k.personal()),
		fold: p.HMGet(ctx, k.cursor(), "pos", "version"),
	}
}

func (c *headCmds) head() (state.Head, error) {
	var h state.Head
	var errs [3]error
	h.Facts, errs[0] = lastOf(c.facts)
	h.Personal, errs[1] = lastOf(c.personal)
	f, err := texts(c.fold.Val())
	if err == nil {
		h.FoldVersion = f[1]
		h.Fold, errs[2] = parseCursor(f[0])
	}
	return h, errors.Join(err, errors.Join(errs[:]...))
}

// lastOf is the newest position that a stream ever had.
func lastOf(c *redis.XInfoStreamCmd) (event.Position, error) {
	if noSuchKey(c.Err()) {
		return event.Position{}, nil
	}
	return event.ParsePosition(c.Val().LastGeneratedID)
}

// noSuchKey is the answer of XINFO about a stream that was never written.
func noSuchKey(err error) bool {
	return err != nil && strings.Contains(err.Error(), "no such key")
}

// atomically runs commands on keys of one shard as one. It fails with the first
// command's error; a stream that was never written is none.
func (m *Mirror) atomically(ctx context.Context, commands func(redis.Pipeliner)) error {
	cmds, err := m.db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		commands(p)
		return nil
	})
	return firstError(cmds, err)
}

func firstError(cmds []redis.Cmder, err error) error {
	for _, c := range cmds {
		if e := c.Err(); e != nil && !errors.Is(e, redis.Nil) && !noSuchKey(e) {
			return outage(e)
		}
	}
	if err != nil && !errors.Is(err, redis.Nil) && !noSuchKey(err) {
		return outage(err)
	}
	return nil
}

// Bank implements replay.Live.
func (m *Mirror) Bank(ctx context.Context, digest string) ([]byte, bool, error) {
	packed, err := m.db.Get(ctx, bankKey(digest)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("bank version %s: %w", digest, outage(err))
	}
	return packed, true, nil
}

// Knows implements replay.Live.
func (m *Mirror) Knows(ctx context.Context, campaign, digest string) (bool, error) {
	short := shortName(digest)
	if short == digest {
		return true, nil
	}
	f, err := readFields(ctx, m.db, namesKey(campaign), short)
	if err != nil {
		return false, fmt.Errorf("short name of %s in %s: %w", digest, campaign, err)
	}
	return f[0] == digest, nil
}

// Names implements replay.Live. Who moves from one layer of a board to another, by a thaw or
// by being hidden, while the keys are listed, may be met in neither, and nobody else may stand
// on it. Nobody moves twice, so the keys are listed twice.
func (m *Mirror) Names(ctx context.Context, campaign string, shards int) ([]state.Names, error) {
	names := make([]state.Names, shards)
	for range 2 {
		err := scanShards(ctx, m.db, campaign, func(found []foundKey) error {
			for _, f := range found {
				n := &names[min(f.shard, shards-1)]
				if f.shard >= shards {
					n.Others = append(n.Others, f.rest)
					continue
				}
				f.addTo(campaign, n)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("names in %s: %w", campaign, err)
		}
	}
	for i := range names {
		n := &names[i]
		n.Hours, n.Scopes, n.Others = once(n.Hours), once(n.Scopes), once(n.Others)
	}
	return names, nil
}

// once sorts a list and leaves out what it says again.
func once[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// Participants implements replay.Live.
func (m *Mirror) Participants(ctx context.Context, campaign string, each func(shard int, id string) error) error {
	if err := m.many(ctx, campaign, participantPart, each); err != nil {
		return err
	}
	return m.many(ctx, campaign, chancesPart, each)
}

// many names everything of one kind that the shards hold.
func (m *Mirror) many(ctx context.Context, campaign, part string, each func(shard int, id string) error) error {
	err := scanShards(ctx, m.db, campaign, func(found []foundKey) error {
		for _, f := range found {
			if id, ok := strings.CutPrefix(f.rest, part); ok {
				if err := each(f.shard, id); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look through %s: %w", campaign, err)
	}
	return nil
}

// foundKey is a key of a campaign: its shard, and what comes after the tag.
type foundKey struct {
	shard int
	key   string
	rest  string
}

// addTo sorts a key in. Participants and doors are too many to be listed.
func (f *foundKey) addTo(campaign string, n *state.Names) {
	if hour, ok := strings.CutPrefix(f.rest, hourPart); ok {
		if h, err := strconv.ParseInt(hour, 10, 64); err == nil {
			n.Hours = append(n.Hours, h)
			return
		}
	}
	if scope, ok := scopeOf(f.rest); ok && scope != "" {
		n.Scopes = append(n.Scopes, scope)
		return
	}
	many := []string{participantPart}
	switch {
	case campaign == DoorsCampaign:
		many = []string{doorPart}
	case f.shard == tillShard:
		many = append(many, chancesPart)
	}
	of := func(part string) bool { return strings.HasPrefix(f.rest, part) }
	if !slices.ContainsFunc(many, of) && !keysOf(campaign, f.shard).isCommon(f.key) {
		n.Others = append(n.Others, f.rest)
	}
}

// scanAtOnce is how many keys a node looks at between two other commands.
const scanAtOnce = 1000

// scanShards finds every key of a campaign's shards. What is there from the
// beginning to the end is found, some of it twice. found is not called by two at
// once.
func scanShards(ctx context.Context, db redis.UniversalClient, campaign string, found func([]foundKey) error) error {
	var mu sync.Mutex
	return eachPrimary(ctx, db, func(ctx context.Context, node *redis.Client) error {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			keys, next, err := node.Scan(ctx, cursor, shardPattern(campaign), scanAtOnce).Result()
			if err != nil {
				return outage(err)
			}
			cursor = next
			mu.Lock()
			err = found(foundKeys(campaign, keys))
			mu.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func foundKeys(campaign string, keys []string) []foundKey {
	out := make([]foundKey, 0, len(keys))
	for _, key := range keys {
		if shard, rest, ok := splitShardKey(campaign, key); ok {
			out = append(out, foundKey{shard, key, rest})
		}
	}
	return out
}

// eachPrimary calls visit for every server that keys are written to, several at
// once.
func eachPrimary(ctx context.Context, db redis.UniversalClient, visit func(context.Context, *redis.Client) error) error {
	switch db := db.(type) {
	case *redis.Client:
		return visit(ctx, db)
	case *redis.ClusterClient:
		return db.ForEachMaster(ctx, visit)
	default:
		return fmt.Errorf("the servers behind a %T cannot be told apart", db)
	}
}
