package prooflog

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/fault"
	"qingyuan/proof"
)

// Consistency proves that what was signed last of a log continues a tree of from leaves.
// It returns that checkpoint as well.
func (l *Log) Consistency(ctx context.Context, campaignID string, from int64) (proof.Signed, []tlog.Hash, error) {
	last, ok, err := l.Latest(ctx, campaignID)
	if err != nil {
		return last, nil, err
	}
	if !ok || from < 1 || from > last.N {
		return last, nil, ErrNotSealed
	}
	p, err := tlog.ProveTree(last.N, from, l.hashes(ctx, campaignID, last.Tree))
	if err != nil {
		return last, nil, fmt.Errorf("prove that the log of %s continues a tree of %d: %w", campaignID, from, err)
	}
	return last, p, nil
}

// Tile returns a tile by its path below tile/ as C2SP tlog-tiles spells it: "0/x001/234",
// "0/567.p/8", or "entries/567" for the leaves themselves. What was not signed yet is not
// there. fixed tells whether it will ever be another: a full one is not.
func (l *Log) Tile(ctx context.Context, campaignID, path string) (data []byte, fixed bool, err error) {
	entries := false
	if rest, ok := strings.CutPrefix(path, "entries/"); ok {
		entries, path = true, "0/"+rest
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", proof.TileHeight, path))
	if err != nil || t.L < 0 {
		return nil, false, fault.ErrNotFound
	}
	last, ok, err := l.Latest(ctx, campaignID)
	if err != nil {
		return nil, false, err
	}
	if !ok || t.N<<proof.TileHeight+int64(t.W) > last.N>>(proof.TileHeight*t.L) {
		return nil, false, fault.ErrNotFound
	}
	fixed = t.W == 1<<proof.TileHeight
	if entries {
		data, err = l.entries(ctx, campaignID, t)
		return data, fixed, err
	}
	all, err := l.tiles(ctx, campaignID).ReadTiles([]tlog.Tile{t})
	if err != nil {
		return nil, false, err
	}
	return all[0], fixed, nil
}

// entries writes the leaves under a tile, each behind its length in two bytes.
func (l *Log) entries(ctx context.Context, campaignID string, t tlog.Tile) ([]byte, error) {
	leaves, err := l.Leaves(ctx, campaignID, t.N<<proof.TileHeight, t.W)
	if err != nil {
		return nil, err
	}
	if len(leaves) < t.W {
		return nil, missing(campaignID, t.N<<proof.TileHeight+int64(len(leaves)))
	}
	var out []byte
	for _, leaf := range leaves {
		raw := leaf.Bytes()
		out = binary.BigEndian.AppendUint16(out, uint16(len(raw))) //nolint:gosec // A leaf has about a hundred bytes.
		out = append(out, raw...)
	}
	return out, nil
}

// leavesAtOnce is how many leaves of a whole log are read at a time.
const leavesAtOnce = 2000

// errNothing is a log that was never signed.
var errNothing = errors.New("nothing of it was signed yet")

// Write writes the whole log of a campaign as it was signed last, for somebody who checks
// it with nothing else.
func (l *Log) Write(ctx context.Context, campaignID string, to io.Writer) error {
	fail := func(err error) error { return fmt.Errorf("write the log of %s: %w", campaignID, err) }
	last, ok, err := l.Latest(ctx, campaignID)
	if err == nil && !ok {
		err = errNothing
	}
	if err != nil {
		return fail(err)
	}
	keys, err := l.VerifierKeys(ctx, campaignID)
	if err != nil {
		return fail(err)
	}
	w := proof.NewLogWriter(to, last.Origin, keys)
	checkpoints, err := l.Checkpoints(ctx, campaignID, 0, leavesAtOnce)
	if err != nil {
		return fail(err)
	}
	hashes := l.hashes(ctx, campaignID, last.Tree)
	for from := int64(0); from < last.N; {
		leaves, err := l.Leaves(ctx, campaignID, from, int(min(leavesAtOnce, last.N-from)))
		if err == nil && len(leaves) == 0 {
			err = missing(campaignID, from)
		}
		if err != nil {
			return fail(err)
		}
		of, err := hashes.ReadHashes(indexes(from, len(leaves)))
		if err != nil {
			return fail(err)
		}
		for i, leaf := range leaves {
			w.Leaf(leaf, of[i])
			from++
			if len(checkpoints) > 0 && checkpoints[0].N == from {
				w.Checkpoint(checkpoints[0].Note)
				checkpoints = checkpoints[1:]
			}
			if len(checkpoints) == 0 && from < last.N {
				if checkpoints, err = l.Checkpoints(ctx, campaignID, from, leavesAtOnce); err != nil {
					return fail(err)
				}
			}
		}
	}
	return w.Close()
}

// indexes are those of the hashes of n leaves from one on.
func indexes(from int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = tlog.StoredHashIndex(0, from+int64(i))
	}
	return out
}
