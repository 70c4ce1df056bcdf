package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
)

// DoorNames implements replay.Live.
func (m *Mirror) DoorNames(ctx context.Context, each func(shard int, hash string) error) error {
	return m.many(ctx, DoorsCampaign, doorPart, each)
}

// Doors implements replay.Live.
func (m *Mirror) Doors(ctx context.Context, shard int, hashes []string) ([]state.Door, state.Head, error) {
	k := keysOf(DoorsCampaign, shard)
	doors := make([]*redis.SliceCmd, len(hashes))
	var at headCmds
	err := m.atomically(ctx, func(p redis.Pipeliner) {
		for i, hash := range hashes {
			doors[i] = p.HMGet(ctx, k.door(hash), "p", "s")
		}
		at = askHead(ctx, p, k)
	})
	if err != nil {
		return nil, state.Head{}, fmt.Errorf("%d doors: %w", len(hashes), err)
	}
	out := make([]state.Door, len(hashes))
	for i, c := range doors {
		f, err := texts(c.Val())
		if err != nil {
			return nil, state.Head{}, err
		}
		out[i] = state.Door{Hash: hashes[i], Participant: f[0]}
		if f[1] != "" {
			out[i].Sealed = []byte(f[1])
		}
	}
	head, err := at.head()
	return out, head, err
}
