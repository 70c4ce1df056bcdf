package prooflog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/event"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// readHead returns how a log is; the empty one where there is none.
func (l *Log) readHead(ctx context.Context, campaignID string) (head, error) {
	var root []byte
	var totals string
	h := head{totals: make(proof.Totals)}
	err := l.DB.QueryRowContext(ctx, "SELECT size, root, totals FROM proof_logs WHERE campaign = $1", campaignID).Scan(&h.N, &root, &totals)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(totals), &h.totals)
	}
	if err == nil && len(root) != tlog.HashSize {
		err = fmt.Errorf("the root has %d bytes", len(root))
	}
	if err != nil {
		return head{}, fmt.Errorf("read how the log of %s is: %w", campaignID, err)
	}
	h.Hash = tlog.Hash(root)
	return h, nil
}

func (l *Log) readCursors(ctx context.Context, campaignID string) (map[int]event.Position, error) {
	type cursor struct {
		shard int
		event.Position
	}
	rows, err := l.DB.QueryContext(ctx, "SELECT shard, epoch, seq FROM proof_cursors WHERE campaign = $1", campaignID)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (c cursor, err error) { return c, r.Scan(&c.shard, &c.Epoch, &c.Seq) })
	if err != nil {
		return nil, fmt.Errorf("read how far the log of %s has come: %w", campaignID, err)
	}
	out := make(map[int]event.Position, len(all))
	for _, c := range all {
		out[c.shard] = c.Position
	}
	return out, nil
}

// actOf returns the index of the leaf of an act, or proof.Unknown where nothing leads
// there.
func (l *Log) actOf(ctx context.Context, campaignID, participant string, act proof.Act) (int64, error) {
	var at sql.NullInt64
	err := l.DB.QueryRowContext(ctx, "SELECT MIN(idx) FROM proof_links WHERE campaign = $1 AND participant = $2 AND act = $3",
		campaignID, participant, string(act)).Scan(&at)
	if err != nil {
		return 0, fmt.Errorf("find the leaf of act %s of participant %s in %s: %w", act, participant, campaignID, err)
	}
	if !at.Valid {
		return proof.Unknown, nil
	}
	return at.Int64, nil
}

// hashes reads the hashes of a tree, and is sure of them: each tile is checked against
// the root.
func (l *Log) hashes(ctx context.Context, campaignID string, tree tlog.Tree) tlog.HashReader {
	t := l.tiles(ctx, campaignID)
	r := tlog.TileHashReader(tree, t)
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out, err := r.ReadHashes(indexes)
		if err != nil && t.failed == nil {
			err = broken(proof.PartPath, -1, fmt.Errorf("the tree above the leaves is not that of its root: %w", err))
		}
		return out, err
	})
}

func (l *Log) tiles(ctx context.Context, campaignID string) *tiles {
	return &tiles{ctx: ctx, db: l.DB.DB, campaign: campaignID, read: map[tlog.Tile][]byte{}}
}

// tiles reads tiles for one piece of work, each once.
type tiles struct {
	ctx      context.Context //nolint:containedctx // tlog.TileReader has none, and this one lives as long as a call.
	db       *sql.DB
	campaign string
	read     map[tlog.Tile][]byte
	failed   error // why the database could not be asked
}

// Height implements tlog.TileReader.
func (t *tiles) Height() int { return proof.TileHeight }

// SaveTiles implements tlog.TileReader.
func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles implements tlog.TileReader.
func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(wanted))
	for i, tile := range wanted {
		which := tlog.Tile{L: tile.L, N: tile.N}
		data, ok := t.read[which]
		if !ok {
			err := t.db.QueryRowContext(t.ctx, "SELECT data FROM proof_tiles WHERE campaign = $1 AND level = $2 AND number = $3",
				t.campaign, tile.L, tile.N).Scan(&data)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				t.failed = err
				return nil, fmt.Errorf("read tile %s of the log of %s: %w", tile.Path(), t.campaign, err)
			}
			t.read[which] = data
		}
		if len(data) < tile.W*tlog.HashSize {
			return nil, broken(proof.PartPath, -1, fmt.Errorf("tile %s of the log of %s is cut, or not there", tile.Path(), t.campaign))
		}
		out[i] = data[:tile.W*tlog.HashSize]
	}
	return out, nil
}
