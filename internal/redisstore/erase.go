package redisstore

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	eraseScript     = script("erase")
	eraseDoorScript = script("erase_door")
)

// Erase takes the personal data of a participant away in a campaign, and orders
// the same of the ledger by an entry on the personal stream: whatever lies before
// it is forgotten. It tells whether there was anything. A repeat changes nothing,
// and so does a participant who is not enrolled.
func (c *Campaigns) Erase(ctx context.Context, id, participant string, now time.Time) (bool, error) {
	o, err := c.writable(id)
	if err != nil {
		return false, fmt.Errorf("erase in %s: %w", id, err)
	}
	k := o.keys(participant)
	erased, err := c.erase(ctx, o, eraseScript, []string{k.meta(), k.participant(participant), k.facts(), k.personal()},
		o.epoch, participant, now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("erase in %s: %w", id, err)
	}
	return erased, nil
}

// EraseDoor forgets what WeChat told about whoever comes by a door, if it leads to
// the participant. Where it leads is kept.
func (c *Campaigns) EraseDoor(ctx context.Context, hash, participant string, now time.Time) (bool, error) {
	o, err := c.writable(DoorsCampaign)
	if err != nil {
		return false, fmt.Errorf("erase a door: %w", err)
	}
	k := o.keys(hash)
	erased, err := c.erase(ctx, o, eraseDoorScript, []string{k.meta(), k.door(hash), k.personal()},
		o.epoch, participant, hash, now.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("erase door %s: %w", hash, err)
	}
	return erased, nil
}

func (c *Campaigns) erase(ctx context.Context, o *opened, how *redis.Script, keys []string, args ...any) (bool, error) {
	r, err := run(ctx, c.writes, how, keys, args...)
	switch {
	case err != nil:
		return false, err
	case r.outcome == "ok":
		return true, nil
	case r.outcome == "done", r.outcome == "none":
		return false, nil
	case r.outcome == "epoch":
		return false, o.wrongEpoch()
	default:
		return false, r.unknown()
	}
}
