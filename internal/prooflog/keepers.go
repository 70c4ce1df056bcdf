package prooflog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/proof"
)

// Keeper keeps checkpoints outside of this deployment: a log whose checkpoints nobody
// else has can be made anew.
type Keeper interface {
	// Name is how errors and logs call it; it is never changed, or everything is handed
	// over again.
	Name() string
	// Keep takes a checkpoint over. It may be given the same one again.
	Keep(ctx context.Context, h Handed) error
}

// Handed is what a keeper is given: a checkpoint, and the proof that it continues the one
// before that this keeper was given.
type Handed struct {
	Campaign string `json:"campaign"`
	// Checkpoint is the signed note.
	Checkpoint string `json:"checkpoint"`
	Size       int64  `json:"tree_size"`
	// Previous is the size of the one before, 0 for the first.
	Previous    int64       `json:"previous_size"`
	Consistency []tlog.Hash `json:"consistency"`
}

// handedAtOnce is how many checkpoints a keeper is given in one round.
const handedAtOnce = 100

// hand gives a keeper the checkpoints that it has not got, in order.
func (l *Log) hand(ctx context.Context, campaignID string, k Keeper) error {
	fail := func(err error) error {
		return fmt.Errorf("hand checkpoints of %s to keeper %s: %w", campaignID, k.Name(), err)
	}
	var had int64
	err := l.DB.QueryRowContext(ctx, "SELECT size FROM proof_kept WHERE campaign = $1 AND keeper = $2", campaignID, k.Name()).Scan(&had)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fail(err)
	}
	next, err := l.Checkpoints(ctx, campaignID, had, handedAtOnce)
	if err != nil {
		return fail(err)
	}
	for _, s := range next {
		h := Handed{Campaign: campaignID, Checkpoint: s.Note, Size: s.N, Previous: had, Consistency: []tlog.Hash{}}
		if had > 0 {
			if h.Consistency, err = tlog.ProveTree(s.N, had, l.hashes(ctx, campaignID, s.Tree)); err != nil {
				return fail(err)
			}
		}
		if err := k.Keep(ctx, h); err != nil {
			return fail(err)
		}
		if err := l.handed(ctx, campaignID, k.Name(), s.N); err != nil {
			return fail(err)
		}
		had = s.N
	}
	return nil
}

func (l *Log) handed(ctx context.Context, campaignID, keeper string, size int64) error {
	return l.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO proof_kept (campaign, keeper, size) VALUES ($1, $2, $3)
			ON CONFLICT (campaign, keeper) DO UPDATE SET size = excluded.size WHERE proof_kept.size < excluded.size`, campaignID, keeper, size)
		return err
	})
}

// Folder is a keeper that is a folder: one that somebody else copies away, or that cannot
// be changed behind.
type Folder string

// Name implements Keeper.
func (f Folder) Name() string { return "dir:" + string(f) }

// Keep implements Keeper.
func (f Folder) Keep(_ context.Context, h Handed) error {
	s := proof.Signed{Note: h.Checkpoint}
	s.N = h.Size
	return drop(filepath.Join(string(f), h.Campaign), s)
}
