package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/session"
)

// DoorsCampaign is the name under which the doors are kept: who stands behind a
// way of signing in must outlive Redis too, or people would be counted twice. It
// is no campaign: none can have this id. Its shards have an epoch and streams as
// those of a campaign have, and no boards.
const DoorsCampaign = "~doors"

// doorShards may never change: a door would not be found again.
const doorShards = 16

var (
	doorClaim = script("session_door_claim")
	doorLink  = script("session_door_link")
)

// OpenDoors makes the doors known, as Open does with a campaign.
func (c *Campaigns) OpenDoors(ctx context.Context, known Known) error {
	r, err := c.record(ctx, DoorsCampaign, Opened{Shards: doorShards}, known)
	if err == nil {
		err = c.take(ctx, r, known)
	}
	if err != nil {
		return fmt.Errorf("open the doors: %w", err)
	}
	return nil
}

// Door implements session.DoorStore.
func (s *Sessions) Door(ctx context.Context, hash string) (session.Door, error) {
	fail := func(err error) (session.Door, error) {
		return session.Door{}, fmt.Errorf("read door %s: %w", hash, err)
	}
	o, err := s.campaigns.of(DoorsCampaign)
	if err != nil {
		return fail(err)
	}
	k := o.keys(hash)
	f, err := s.campaigns.read(ctx, o, k, k.door(hash), "p", "s")
	if err != nil {
		return fail(err)
	}
	return door(f[0], f[1]), nil
}

// ClaimDoor implements session.DoorStore.
func (s *Sessions) ClaimDoor(ctx context.Context, hash string, d session.Door) (session.Door, error) {
	return s.writeDoor(ctx, doorClaim, hash, d)
}

// LinkDoor implements session.DoorStore. Where d has nothing sealed, what is
// sealed there stays.
func (s *Sessions) LinkDoor(ctx context.Context, hash, from string, d session.Door) (session.Door, error) {
	return s.writeDoor(ctx, doorLink, hash, d, from)
}

func (s *Sessions) writeDoor(ctx context.Context, how *redis.Script, hash string, d session.Door, more ...any) (session.Door, error) {
	fail := func(err error) (session.Door, error) {
		return session.Door{}, fmt.Errorf("write door %s: %w", hash, err)
	}
	o, err := s.campaigns.writable(DoorsCampaign)
	if err != nil {
		return fail(err)
	}
	body, err := event.EncodeBody(event.Door{Hash: hash})
	if err != nil {
		return fail(err)
	}
	k := o.keys(hash)
	args := append([]any{o.epoch, d.Participant, d.Sealed, millis(s.now()), hash, body}, more...)
	r, err := run(ctx, s.campaigns.writes, how, []string{k.meta(), k.door(hash), k.facts(), k.personal()}, args...)
	switch {
	case err != nil:
		return fail(err)
	case r.outcome == "ok" && len(r.args) == 2:
		return door(r.args[0], r.args[1]), nil
	case r.outcome == "epoch":
		return fail(o.wrongEpoch())
	default:
		return fail(r.unknown())
	}
}

func door(participant, sealed string) session.Door {
	d := session.Door{Participant: participant}
	if sealed != "" {
		d.Sealed = []byte(sealed)
	}
	return d
}
