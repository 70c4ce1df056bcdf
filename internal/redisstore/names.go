package redisstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

var nameKeep = script("name_keep")

// A digest has 64 letters and would be the largest part of what Redis holds of a
// participant. There it goes by its short name: a tilde and its first 48 bits. One
// hash per campaign says what short names stand for; each is written there before
// the first participant's hash uses it. The short name follows from the digest
// alone, so that it is the same after a rebuild.

const (
	shortMark  = "~"
	shortBytes = 6
	// longDigest is from how many letters on a digest is worth a short name.
	longDigest = 32
)

// errSameName is two digests with one short name: the later is refused.
var errSameName = errors.New("another version has the same short name; change the text by a letter")

// shortName returns what stands for a digest in a participant's hash: itself,
// where it is no digest or not long.
func shortName(digest string) string {
	if len(digest) < longDigest {
		return digest
	}
	raw, err := hex.DecodeString(digest)
	if err != nil || digest != strings.ToLower(digest) {
		return digest
	}
	return shortMark + base64.RawURLEncoding.EncodeToString(raw[:shortBytes])
}

// introduce makes sure that the campaign knows what a digest's short name stands
// for. Redis is asked once by each server.
func (c *Campaigns) introduce(ctx context.Context, o *opened, digest string) error {
	short := shortName(digest)
	if short == digest {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("short name of %s: %w", digest, err) }
	known, ok := o.names.Load(short)
	if !ok {
		// In a shard that was lost nothing may be written, nor in others for its sake.
		if err := c.ask(ctx, o, o.shards, func(redis.Pipeliner) {}); err != nil {
			return fail(err)
		}
		r, err := run(ctx, c.writes, nameKeep, []string{campaignKey(o.campaign), namesKey(o.campaign)}, o.epoch, short, digest)
		switch {
		case err != nil:
			return fail(err)
		case r.outcome == "epoch":
			return fail(o.wrongEpoch())
		case r.outcome != "ok" || len(r.args) != 1:
			return fail(r.unknown())
		}
		known = r.args[0]
		o.names.Store(short, known)
	}
	if known != digest {
		return fail(errSameName)
	}
	return nil
}

// digestOf is the inverse of shortName.
func (c *Campaigns) digestOf(ctx context.Context, o *opened, short string) (string, error) {
	if !strings.HasPrefix(short, shortMark) {
		return short, nil
	}
	if known, ok := o.names.Load(short); ok {
		return known.(string), nil //nolint:forcetypeassert // Only strings are put there.
	}
	var said *redis.StringCmd
	err := ask(ctx, c.db, func(p redis.Pipeliner) { said = p.HGet(ctx, namesKey(o.campaign), short) })
	if err == nil && said.Val() == "" {
		err = unavailable(o.campaign, fmt.Errorf("nobody knows what %q stands for: rebuild the campaign", short))
	}
	if err != nil {
		return "", fmt.Errorf("digest behind %s: %w", short, err)
	}
	o.names.Store(short, said.Val())
	return said.Val(), nil
}
