package prooflog

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"qingyuan/internal/failpoint"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Sign signs how the log of a campaign is, if it has grown since it was signed last, and
// returns the newest checkpoint; false where there is none yet. A log that does not
// continue the last checkpoint, or one that is kept as a file here, is ErrBroken: nothing
// of it is signed. Whoever signs keeps the checkpoint: see Sealer.
func (l *Log) Sign(ctx context.Context, campaignID string) (proof.Signed, bool, error) {
	fail := func(err error) (proof.Signed, bool, error) {
		return proof.Signed{}, false, fmt.Errorf("sign the log of %s: %w", campaignID, err)
	}
	before, err := l.signed(ctx, campaignID)
	if err != nil {
		return fail(err)
	}
	h, err := l.readHead(ctx, campaignID)
	if err != nil || h.N == 0 {
		return proof.Signed{}, false, err
	}
	if err := l.continues(ctx, campaignID, h, before); err != nil {
		return fail(err)
	}
	if last := before.published; last != nil && last.N == h.N {
		return *last, true, nil
	}
	origin, err := l.Origin(ctx, campaignID)
	if err != nil {
		return fail(err)
	}
	c := proof.Checkpoint{Origin: origin, Tree: h.Tree, At: l.Now().Truncate(time.Millisecond), Totals: h.totals}
	text, err := c.Sign(l.Keys.Current)
	if err != nil {
		return fail(err)
	}
	if err := l.publish(ctx, campaignID, c.N, text); err != nil {
		return fail(err)
	}
	if err := failpoint.Hit("prooflog.after_sign"); err != nil {
		return fail(err)
	}
	now, _, err := l.Latest(ctx, campaignID) // somebody else's, if they were first
	if err != nil {
		return fail(err)
	}
	return now, true, nil
}

// signed is what was signed of a log last: what is published, and what is kept as a file
// here. Either may be nil.
type signed struct{ published, filed *proof.Signed }

// signed reads what was signed of a log last. Whoever compares it with how the log is reads
// that afterwards: somebody else may seal and sign at any time, and a log only grows.
func (l *Log) signed(ctx context.Context, campaignID string) (out signed, err error) {
	last, ok, err := l.Latest(ctx, campaignID)
	if err != nil {
		return out, err
	}
	if ok {
		out.published = &last
	}
	kept, ok, err := l.filed(ctx, campaignID)
	if err != nil {
		return out, err
	}
	if ok {
		out.filed = &kept
	}
	return out, nil
}

// continues wants a log to have grown out of whatever was signed of it.
func (l *Log) continues(ctx context.Context, campaignID string, h head, before signed) error {
	if h.totals.Leaves() != h.N {
		return broken(proof.PartEntries, -1, fmt.Errorf("totals of %d leaves where there are %d", h.totals.Leaves(), h.N))
	}
	r := l.hashes(ctx, campaignID, h.Tree)
	for _, c := range []*proof.Signed{before.published, before.filed} {
		if c == nil {
			continue
		}
		if err := proof.Consistent(h.Tree, c.Tree, r); err != nil {
			return broken(proof.PartCheckpoint, -1, err)
		}
		if !h.totals.Holds(c.Totals) {
			return broken(proof.PartEntries, -1, fmt.Errorf("fewer leaves of some type than in the checkpoint of %d", c.N))
		}
	}
	return nil
}

// publish stores a checkpoint for everybody. Whoever comes second changes nothing.
func (l *Log) publish(ctx context.Context, campaignID string, size int64, text string) error {
	return l.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO proof_checkpoints (campaign, size, signed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", campaignID, size, text)
		if err != nil {
			return fmt.Errorf("store the checkpoint: %w", err)
		}
		return nil
	})
}

// Latest returns the newest checkpoint of a log, and whether there is one.
func (l *Log) Latest(ctx context.Context, campaignID string) (proof.Signed, bool, error) {
	return l.one(ctx, campaignID, "campaign = $1 ORDER BY size DESC LIMIT 1", campaignID)
}

// At returns the checkpoint of a size, or ErrNotSealed.
func (l *Log) At(ctx context.Context, campaignID string, size int64) (proof.Signed, error) {
	s, ok, err := l.one(ctx, campaignID, "campaign = $1 AND size = $2", campaignID, size)
	if err == nil && !ok {
		err = ErrNotSealed
	}
	return s, err
}

// one reads a checkpoint and checks its signature.
func (l *Log) one(ctx context.Context, campaignID, where string, args ...any) (proof.Signed, bool, error) {
	var s proof.Signed
	var size int64
	err := l.DB.QueryRowContext(ctx, "SELECT size, signed FROM proof_checkpoints WHERE "+where, args...).Scan(&size, &s.Note)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read a checkpoint of %s: %w", campaignID, err)
	}
	if err := l.checkOf(ctx, campaignID, size, &s); err != nil {
		return proof.Signed{}, false, err
	}
	return s, true, nil
}

// checkOf opens a note that must be of this log and of so many leaves.
func (l *Log) checkOf(ctx context.Context, campaignID string, size int64, s *proof.Signed) error {
	err := l.check(ctx, campaignID, s)
	if b, ok := errors.AsType[*breach](err); ok {
		return broken(b.Part, b.Index, fmt.Errorf("that of %d leaves: %w", size, b.err))
	}
	if err == nil && s.N != size {
		err = broken(proof.PartCheckpoint, -1, fmt.Errorf("that of %d leaves: one of %d is in its place", size, s.N))
	}
	return err
}

// check opens a note that must be of this log.
func (l *Log) check(ctx context.Context, campaignID string, s *proof.Signed) error {
	keys, err := l.VerifierKeys(ctx, campaignID)
	if err != nil {
		return err
	}
	if s.Checkpoint, err = proof.OpenCheckpoint(s.Note, keys); err != nil {
		return broken(proof.PartCheckpoint, -1, err)
	}
	return nil
}

// VerifierKeys are the keys that checkpoints of a log are checked with, the one that signs
// now first.
func (l *Log) VerifierKeys(ctx context.Context, campaignID string) ([]string, error) {
	origin, err := l.Origin(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	public, _ := l.Keys.Current.Public().(ed25519.PublicKey)
	all := append([]ed25519.PublicKey{public}, l.Keys.Others...)
	out := make([]string, len(all))
	for i, key := range all {
		if out[i], err = proof.VerifierKey(origin, key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Checkpoints lists at most limit checkpoints of a log of more than after leaves, in
// order.
func (l *Log) Checkpoints(ctx context.Context, campaignID string, after int64, limit int) ([]proof.Signed, error) {
	type row struct {
		size int64
		note string
	}
	rows, err := l.DB.QueryContext(ctx, "SELECT size, signed FROM proof_checkpoints WHERE campaign = $1 AND size > $2 ORDER BY size LIMIT $3", campaignID, after, limit)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (c row, err error) { return c, r.Scan(&c.size, &c.note) })
	if err != nil {
		return nil, fmt.Errorf("list the checkpoints of %s: %w", campaignID, err)
	}
	out := make([]proof.Signed, len(all))
	for i, c := range all {
		out[i].Note = c.note
		if err := l.checkOf(ctx, campaignID, c.size, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
