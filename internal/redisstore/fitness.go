package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/internal/fault"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// Check looks whether Redis still holds what the campaign was opened with and
// what the ledger has read of it, in one round trip to each server, and returns
// one of the errors above where it does not. The campaign is then not served, nor
// read, until a later Check finds it well or it is opened again. An outage is
// fault.ErrUnavailable and changes nothing. heads may be nil.
func (c *Campaigns) Check(ctx context.Context, id string, heads Heads) error {
	o, err := c.lookUp(id)
	if err != nil {
		return err
	}
	if err = c.examine(ctx, o, heads); errors.Is(err, fault.ErrUnavailable) {
		return fmt.Errorf("check %s: %w", id, err)
	}
	c.mu.Lock()
	if c.opened[id] == o { // it was not opened again meanwhile
		c.unfit[id] = err
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("check %s: %w", id, err)
	}
	return nil
}

// shardCmds ask one shard how it is.
type shardCmds struct {
	epoch *redis.SliceCmd
	fold  *redis.SliceCmd
	headCmds
}

// examine compares what an opened campaign has in Redis with how it was opened
// and with the ledger. The ledger is asked first and the streams last: both only
// ever grow, so whoever is asked first is not ahead by being asked late.
func (c *Campaigns) examine(ctx context.Context, o *opened, heads Heads) error {
	read := readHeads(o, heads)
	var campaign *redis.SliceCmd
	shards := make([]shardCmds, len(o.shards))
	cmds, err := c.opens.DB.Pipelined(ctx, func(p redis.Pipeliner) error {
		campaign = p.HMGet(ctx, campaignKey(o.campaign), "state", "epoch")
		for i, k := range o.shards {
			shards[i].epoch = p.HMGet(ctx, k.meta(), "epoch")
			shards[i].fold = p.HMGet(ctx, k.cursor(), "pos")
			shards[i].headCmds = askHead(ctx, p, k)
		}
		return nil
	})
	if err := firstError(cmds, err); err != nil {
		return err
	}
	if err := o.fitsRecord(campaign); err != nil {
		return err
	}
	for i := range shards {
		h, err := shards[i].read()
		if err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		if err := o.fits(h, read[i]); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
	}
	return nil
}

// readHeads asks the ledger for all shards.
func readHeads(o *opened, heads Heads) []state.Ends {
	read := make([]state.Ends, len(o.shards))
	if heads == nil {
		return read
	}
	for i := range read {
		read[i].Facts, read[i].Personal = heads(i)
	}
	return read
}

// fitsRecord compares the campaign's record.
func (o *opened) fitsRecord(c *redis.SliceCmd) error {
	f, err := texts(c.Val())
	switch {
	case err != nil:
		return err
	case f[0] == stateRebuilding:
		return ErrRebuilding
	default:
		return o.sameEpoch(f[1])
	}
}

// sameEpoch compares an epoch found in Redis with that in which the campaign was
// opened.
func (o *opened) sameEpoch(found string) error {
	if found == o.epoch {
		return nil
	}
	n, err := strconv.ParseUint(found, 10, 64)
	switch {
	case found == "":
		return ErrEmptied
	case err == nil && n < o.number:
		return ErrOlder
	default:
		return ErrEpoch
	}
}

// read takes the fold's cursor as it was before the streams were looked at.
func (s *shardCmds) read() (state.Head, error) {
	h, err := s.head()
	if err != nil {
		return state.Head{}, err
	}
	fold, errFold := texts(s.fold.Val())
	epoch, errEpoch := texts(s.epoch.Val())
	if err := errors.Join(errFold, errEpoch); err != nil {
		return state.Head{}, err
	}
	h.Epoch = epoch[0]
	h.Fold, err = parseCursor(fold[0])
	return h, err
}

// fits compares a shard with what the ledger has read of it.
func (o *opened) fits(h state.Head, ledger state.Ends) error {
	if err := o.sameEpoch(h.Epoch); err != nil {
		return err
	}
	switch {
	case ledger.Facts.Epoch > o.number, ledger.Personal.Epoch > o.number:
		return ErrOlder
	case o.endsBefore(h.Facts, ledger.Facts), o.endsBefore(h.Personal, ledger.Personal):
		return ErrLedgerAhead
	case o.endsBefore(h.Facts, h.Fold):
		return ErrFoldAhead
	case olderFold(h.FoldVersion):
		return ErrFoldOlder
	default:
		return nil
	}
}

// olderFold tells whether a shard's tallies are of an older version; "" is that of
// a shard of which nothing was folded yet.
func olderFold(version string) bool {
	n, err := strconv.Atoi(version)
	return err == nil && n < leaderboard.FoldVersion
}

// endsBefore tells whether a stream ends before a cursor of this epoch. A cursor
// of an earlier one has been at its end: a rebuild waits for that.
func (o *opened) endsBefore(last, cursor event.Position) bool {
	return cursor.Epoch == o.number && last.Compare(cursor) < 0
}
