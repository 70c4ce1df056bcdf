package prooflog

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/event"
	"qingyuan/internal/failpoint"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// batchSize is how many facts are sealed in one transaction, if there is no other bound:
// enough that places among them tell nothing, and so few that on SQLite nobody waits long
// to write.
const batchSize = 2000

// errMoved ends a transaction before which somebody else has sealed.
var errMoved = errors.New("the log has moved")

// Sealed is what sealing a batch came to.
type Sealed struct {
	// Leaves is how many were made.
	Leaves int
	// More tells that more facts wait, and Due that none of them is of the span that was
	// sealed: what is signed now tells of all that was accepted before its end, and before
	// it is nothing more is sealed.
	More, Due bool
}

// Seal makes leaves of the facts that are not in the log of a campaign, a batch of them of
// one span. Somebody else may seal at the same time: then one of the two makes none.
func (l *Log) Seal(ctx context.Context, campaignID string) (Sealed, error) {
	b := &batch{Log: l, campaign: campaignID}
	if err := b.gather(ctx); err != nil {
		return Sealed{}, fmt.Errorf("seal acts of %s: %w", campaignID, err)
	}
	if len(b.to) == 0 {
		return Sealed{More: b.due, Due: b.due}, nil
	}
	fail := func(err error) (Sealed, error) {
		return Sealed{}, fmt.Errorf("seal %d acts of %s: %w", len(b.drafts), campaignID, err)
	}
	if err := b.make(ctx); err != nil {
		return fail(err)
	}
	if err := failpoint.Hit("prooflog.before_seal"); err != nil {
		return Sealed{}, err
	}
	err := l.DB.WithTx(ctx, func(tx *sql.Tx) error { return b.write(ctx, tx) })
	if errors.Is(err, errMoved) {
		return Sealed{More: true}, nil
	}
	if err != nil {
		return fail(err)
	}
	return Sealed{len(b.drafts), b.full || b.later, !b.full && len(b.drafts) > 0}, failpoint.Hit("prooflog.after_seal")
}

// batch is what is sealed together.
type batch struct {
	*Log

	campaign string
	head     head
	// cursors are how far the log has come into each shard; from and to are those that
	// move.
	cursors, from, to map[int]event.Position
	// end is when the span of the batch ends, zero where none does, and newest when the
	// last of its facts was accepted.
	end, newest time.Time
	// full tells that the batch may have left facts of its span, and later that there are
	// some of a later one; due, that there are only such, and the span before must be signed.
	full, later, due bool
	drafts           []*draft
	// erased are those of whom a fact in the batch says so.
	erased []string
	after  head
	tiles  []proof.Tile
}

// head is how a log is.
type head struct {
	tlog.Tree

	totals proof.Totals
}

// gather reads facts behind the cursors of every shard.
func (b *batch) gather(ctx context.Context) error {
	o, known, err := b.Ledger.Campaign(ctx, b.campaign)
	if err != nil || !known {
		return err
	}
	if b.head, err = b.readHead(ctx, b.campaign); err != nil {
		return err
	}
	if b.cursors, err = b.readCursors(ctx, b.campaign); err != nil {
		return err
	}
	ends, err := b.spans(ctx, o)
	if err == nil {
		ends, err = b.unlessDue(ctx, ends)
	}
	if err != nil {
		return err
	}
	// A shard that waits for a record has nothing to give in its oldest span: the others
	// do not wait for it.
	for i := 0; i < len(ends) && len(b.to) == 0; i++ {
		if err := b.gatherUntil(ctx, o, ends[i]); err != nil {
			return err
		}
	}
	return nil
}

// gatherUntil reads the facts of a span.
func (b *batch) gatherUntil(ctx context.Context, o ledger.Opened, end time.Time) error {
	b.end, b.full, b.later = end, false, false
	b.from, b.to = map[int]event.Position{}, map[int]event.Position{}
	left := cmp.Or(b.Batch, batchSize)
	for shard := range o.Shards {
		if left == 0 {
			b.full = true
			break
		}
		s := ledger.Shard{Campaign: b.campaign, Number: shard}
		facts, err := b.Ledger.Past(ctx, s, b.cursors[shard], left)
		if err != nil {
			return err
		}
		older := olderThan(end, facts)
		b.full = b.full || len(older) == left
		b.later = b.later || len(older) < len(facts)
		left -= len(older)
		if err := b.take(ctx, o, s, b.cursors[shard], older); err != nil {
			return err
		}
	}
	return nil
}

// take makes drafts of the facts of a shard. It stops at a signature whose record has not
// come yet.
func (b *batch) take(ctx context.Context, o ledger.Opened, s ledger.Shard, from event.Position, facts []event.Fact) error {
	records, err := b.Ledger.NewestRecords(ctx, s, event.RecordSignature, signers(facts))
	if err != nil {
		return err
	}
	for i := range facts {
		f := &facts[i]
		var signer *Signer
		if signed, ok := f.Body.(event.Signed); ok {
			r, there := records[f.Participant]
			if !there && o.Epoch == f.Epoch { // after a rebuild it never comes
				lost, err := b.Ledger.LostRecord(ctx, s, f.Participant)
				if err != nil {
					return err
				}
				if !lost {
					return nil
				}
			}
			signer = b.signer(f.Participant, r, signed.Commitment)
		}
		if d, ok := deedOf(f, signer); ok {
			b.drafts = append(b.drafts, &draft{deed: d, at: f.Position, shard: s.Number, participant: f.Participant, linked: true})
		}
		if f.Kind == event.KindErased {
			b.erased = append(b.erased, f.Participant)
		}
		b.from[s.Number], b.to[s.Number] = from, f.Position
		if f.At.After(b.newest) {
			b.newest = f.At
		}
	}
	return nil
}

// signers are those who signed by facts.
func signers(facts []event.Fact) []string {
	var out []string
	for i := range facts {
		if facts[i].Kind == event.KindSigned {
			out = append(out, facts[i].Participant)
		}
	}
	return out
}

// signer opens the record of a signature; nil for one that was erased, does not open or is
// not the one that the fact speaks of, which verify tells of.
func (b *batch) signer(participant string, r event.Record, commitment string) *Signer {
	if r.Sealed == nil {
		return nil
	}
	s, err := b.Open(b.campaign, participant, r)
	if err != nil || s.Commitment != commitment {
		return nil
	}
	return &s
}

// make works out leaves, tree and tiles.
func (b *batch) make(ctx context.Context) error {
	known := func(d *draft) (int64, error) {
		if d.kind.Accepts() {
			return proof.Unknown, nil
		}
		at, err := b.actOf(ctx, b.campaign, d.participant, d.act)
		d.linked = at != proof.Unknown
		return at, err
	}
	if err := b.arrange(b.drafts, b.head.N, known); err != nil {
		return err
	}
	b.after = head{totals: maps.Clone(b.head.totals)}
	hashes := make([]tlog.Hash, len(b.drafts))
	for i, d := range b.drafts {
		hashes[i] = d.hash
		b.after.totals.Add(d.kind)
	}
	var err error
	b.after.Tree, b.tiles, err = proof.Grow(b.head.Tree, b.hashes(ctx, b.campaign, b.head.Tree), hashes)
	return err
}

// write is the one transaction. It takes hold of the log first, so that an erasure which
// commits before is seen here, and one that comes later finds the links.
func (b *batch) write(ctx context.Context, tx *sql.Tx) error {
	if err := b.moveHead(ctx, tx); err != nil {
		return err
	}
	for _, shard := range slices.Sorted(maps.Keys(b.to)) {
		if err := b.moveCursor(ctx, tx, shard); err != nil {
			return err
		}
		if err := b.unlink(ctx, tx, shard); err != nil {
			return err
		}
	}
	for _, participant := range b.erased {
		if _, err := tx.ExecContext(ctx, "DELETE FROM proof_links WHERE campaign = $1 AND participant = $2 AND idx < $3",
			b.campaign, participant, b.head.N); err != nil {
			return fmt.Errorf("forget what leads from participant %s to the log: %w", participant, err)
		}
	}
	if err := b.insert(ctx, tx); err != nil {
		return err
	}
	if err := b.noteCut(ctx, tx); err != nil {
		return err
	}
	return failpoint.Hit("prooflog.before_commit")
}

// unlink leaves out what would lead to those who have been erased since they acted.
func (b *batch) unlink(ctx context.Context, tx *sql.Tx, shard int) error {
	erased, err := b.Ledger.ErasedAfter(ctx, tx, ledger.Shard{Campaign: b.campaign, Number: shard}, b.from[shard], b.to[shard])
	if err != nil {
		return err
	}
	for _, d := range b.drafts {
		if at, ok := erased[d.participant]; ok && d.shard == shard && d.at.Compare(at) < 0 {
			d.linked = false
		}
	}
	return nil
}

func (b *batch) moveHead(ctx context.Context, tx *sql.Tx) error {
	totals, err := json.Marshal(b.after.totals)
	if err != nil {
		return fmt.Errorf("write totals: %w", err)
	}
	query, args := "UPDATE proof_logs SET size = $2, root = $3, totals = $4 WHERE campaign = $1 AND size = $5 AND root = $6",
		[]any{b.campaign, b.after.N, b.after.Hash[:], string(totals), b.head.N, b.head.Hash[:]}
	if len(b.head.totals) == 0 && b.head.N == 0 {
		query, args = "INSERT INTO proof_logs (campaign, size, root, totals) VALUES ($1, $2, $3, $4) ON CONFLICT (campaign) DO UPDATE SET size = $2, root = $3, totals = $4 WHERE proof_logs.size = 0", args[:4]
	}
	return moved(tx.ExecContext(ctx, query, args...))
}

func (b *batch) moveCursor(ctx context.Context, tx *sql.Tx, shard int) error {
	from, to := b.from[shard], b.to[shard]
	query, args := "UPDATE proof_cursors SET epoch = $3, seq = $4 WHERE campaign = $1 AND shard = $2 AND epoch = $5 AND seq = $6",
		[]any{b.campaign, shard, to.Epoch, to.Seq, from.Epoch, from.Seq}
	if from == (event.Position{}) {
		query, args = "INSERT INTO proof_cursors (campaign, shard, epoch, seq) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", args[:4]
	}
	return moved(tx.ExecContext(ctx, query, args...))
}

// moved is errMoved where a statement changed no row.
func moved(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = errMoved
	}
	return err
}

func (b *batch) insert(ctx context.Context, tx *sql.Tx) error {
	leaves := sqldb.Insertion{Into: "proof_leaves (campaign, idx, type, act, fields)", Width: 5}
	links := sqldb.Insertion{Into: "proof_links (campaign, participant, act, idx, seed)", Width: 5}
	for _, d := range b.drafts {
		leaves.Add(b.campaign, d.index, string(d.kind), d.leaf.Of, d.leaf.Fields[:])
	}
	// Links lie in the order of participants: what is stored in that order lies together.
	byParticipant := func(x, y *draft) int { return strings.Compare(x.participant, y.participant) }
	for _, d := range slices.SortedFunc(slices.Values(b.drafts), byParticipant) {
		if d.linked {
			links.Add(b.campaign, d.participant, string(d.act), d.index, d.row[:])
		}
	}
	tiles := sqldb.Insertion{
		Into: "proof_tiles (campaign, level, number, data)", Width: 4,
		End: "ON CONFLICT (campaign, level, number) DO UPDATE SET data = excluded.data",
	}
	for _, t := range b.tiles {
		tiles.Add(b.campaign, t.L, t.N, t.Data)
	}
	for _, r := range []*sqldb.Insertion{&leaves, &links, &tiles} {
		if err := r.Run(ctx, tx, b.DB.Dialect); err != nil {
			return err
		}
	}
	return nil
}
