package prooflog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Find returns where an act of a participant lies in what was signed of a log, or
// ErrNotSealed.
func (l *Log) Find(ctx context.Context, campaignID, participant string, act proof.Act) (proof.Place, error) {
	last, ok, err := l.Latest(ctx, campaignID)
	if err != nil {
		return proof.Place{}, err
	}
	at, err := l.actOf(ctx, campaignID, participant, act)
	if err != nil {
		return proof.Place{}, err
	}
	if !ok || at == proof.Unknown || at >= last.N {
		return proof.Place{}, ErrNotSealed
	}
	leaf, err := l.leaf(ctx, campaignID, at)
	if err != nil {
		return proof.Place{}, err
	}
	path, err := tlog.ProveRecord(last.N, at, l.hashes(ctx, campaignID, last.Tree))
	if err != nil {
		return proof.Place{}, fmt.Errorf("prove leaf %d of %s: %w", at, campaignID, err)
	}
	return proof.Place{Index: at, Leaf: leaf.Hash(), Path: path, Tree: last.Tree}, nil
}

// missing is a leaf that must be there.
func missing(campaignID string, at int64) error {
	return broken(proof.PartLeaf, at, fmt.Errorf("leaf %d of %s is not there", at, campaignID))
}

// leaf returns one leaf, which must be there.
func (l *Log) leaf(ctx context.Context, campaignID string, at int64) (proof.Leaf, error) {
	rows, err := l.leafRows(ctx, campaignID, at, 1)
	if err != nil {
		return proof.Leaf{}, err
	}
	leaf, ok := rows[at]
	if !ok {
		return proof.Leaf{}, missing(campaignID, at)
	}
	return leaf, nil
}

// Leaves returns at most limit leaves of a log from an index on. One that is missing among
// them is ErrBroken.
func (l *Log) Leaves(ctx context.Context, campaignID string, from int64, limit int) ([]proof.Leaf, error) {
	rows, err := l.leafRows(ctx, campaignID, from, int64(limit))
	if err != nil {
		return nil, err
	}
	out := make([]proof.Leaf, len(rows))
	for i := range out {
		var ok bool
		if out[i], ok = rows[from+int64(i)]; !ok {
			return nil, missing(campaignID, from+int64(i))
		}
	}
	return out, nil
}

// leafRows returns the leaves that there are of n from an index on, by their indexes.
func (l *Log) leafRows(ctx context.Context, campaignID string, from, n int64) (map[int64]proof.Leaf, error) {
	type row struct {
		index int64
		proof.Leaf
	}
	rows, err := l.DB.QueryContext(ctx, "SELECT idx, type, act, fields FROM proof_leaves WHERE campaign = $1 AND idx >= $2 AND idx < $3",
		campaignID, from, from+n)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (out row, err error) {
		var hash []byte
		if err := r.Scan(&out.index, &out.Type, &out.Of, &hash); err != nil {
			return out, err
		}
		if len(hash) == tlog.HashSize { // what has another length is no leaf of any tree
			out.Fields = tlog.Hash(hash)
		}
		return out, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read leaves of %s from %d: %w", campaignID, from, err)
	}
	out := make(map[int64]proof.Leaf, len(all))
	for _, one := range all {
		out[one.index] = one.Leaf
	}
	return out, nil
}

// link leads from a participant to a leaf.
type link struct {
	act   proof.Act
	index int64
	row   []byte
}

func (l *Log) links(ctx context.Context, campaignID, participant string, act proof.Act) ([]link, error) {
	rows, err := l.DB.QueryContext(ctx, `SELECT act, idx, seed FROM proof_links
		WHERE campaign = $1 AND participant = $2 AND ($3 = '' OR act = $3) ORDER BY idx`, campaignID, participant, string(act))
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (k link, err error) { return k, r.Scan(&k.act, &k.index, &k.row) })
	if err != nil {
		return nil, fmt.Errorf("find the leaves of participant %s in %s: %w", participant, campaignID, err)
	}
	return all, nil
}

// Bundle returns what proves an act of a participant and what became of it, or
// ErrNotSealed. Fields that show refuses are closed; nil opens all of them, and then the
// strokes of a signature go with it. Where the ledger says something else by now than what
// was sealed it is ErrBroken, and verify finds out what.
func (l *Log) Bundle(ctx context.Context, campaignID, participant string, act proof.Act, show func(field string) bool) (*proof.Bundle, error) {
	fail := func(err error) (*proof.Bundle, error) {
		return nil, fmt.Errorf("prove act %s of participant %s in %s: %w", act, participant, campaignID, err)
	}
	last, ok, err := l.Latest(ctx, campaignID)
	if err != nil {
		return fail(err)
	}
	links, err := l.links(ctx, campaignID, participant, act)
	if err != nil {
		return fail(err)
	}
	links = slices.DeleteFunc(links, func(k link) bool { return k.index >= last.N })
	if !ok || len(links) == 0 {
		return nil, ErrNotSealed
	}
	deeds, err := l.deeds(ctx, campaignID, participant)
	if err != nil {
		return fail(err)
	}
	b := &proof.Bundle{
		Format: proof.BundleFormat, Origin: last.Origin, Checkpoint: last.Note, Size: last.N, Root: last.Hash,
	}
	if b.Keys, err = l.VerifierKeys(ctx, campaignID); err != nil {
		return fail(err)
	}
	hashes := l.hashes(ctx, campaignID, last.Tree)
	for i, k := range links {
		ways := deeds.nth(act, i)
		e, err := l.entry(ctx, campaignID, k, ways)
		if err != nil {
			return fail(err)
		}
		if e.Path, err = tlog.ProveRecord(last.N, k.index, hashes); err != nil {
			return fail(err)
		}
		for j, f := range e.Fields {
			if show != nil && !show(f.Name) {
				e.Fields[j] = f.Close()
			}
		}
		b.Entries = append(b.Entries, e)
		if _, named := e.Value(proof.FieldName); named && i == 0 && ways[0].strokes != "" {
			b.Image = &ways[0].strokes
		}
	}
	return b, nil
}

// entry describes a linked leaf by one of the deeds that it may have been made of.
func (l *Log) entry(ctx context.Context, campaignID string, k link, of []deed) (proof.Entry, error) {
	leaf, err := l.leaf(ctx, campaignID, k.index)
	if err != nil {
		return proof.Entry{}, err
	}
	seed := l.seeder()(k.row)
	for _, d := range of {
		open := fields(seed, d.values)
		if d.kind == leaf.Type && proof.FieldsHash(open) == leaf.Fields {
			return proof.NewEntry(k.index, leaf, open, nil), nil
		}
	}
	return proof.Entry{}, fmt.Errorf("leaf %d was made of something else than the ledger says now: %w", k.index, ErrBroken)
}

// deeds are what the ledger says that a participant's leaves are made of.
type deeds []deed

// nth returns the ways in which the nth leaf of an act may have been made: with the record
// of a signature and without.
func (all deeds) nth(act proof.Act, n int) []deed {
	for _, d := range all {
		if d.act != act {
			continue
		}
		if n == 0 {
			ways := []deed{d}
			if d.kind == proof.SignatureAccepted {
				plain := d
				plain.values = slices.DeleteFunc(slices.Clone(d.values), func(v proof.Value) bool {
					return v.Name == proof.FieldName || v.Name == proof.FieldMaskedName || v.Name == proof.FieldImage
				})
				ways = append(ways, plain)
			}
			return ways
		}
		n--
	}
	return nil
}

// deeds replays what makes leaves out of the history of a participant. Their acts and what
// became of them lie in one shard; what is of prizes may lie in another, and makes none.
func (l *Log) deeds(ctx context.Context, campaignID, participant string) (deeds, error) {
	shards, err := l.Ledger.ShardsIn(ctx, campaignID, participant)
	if err != nil {
		return nil, err
	}
	var all deeds
	for _, s := range shards {
		h, err := l.Ledger.History(ctx, s, participant)
		if err != nil {
			return nil, err
		}
		all = append(all, l.deedsOf(campaignID, &h)...)
	}
	return all, nil
}

func (l *Log) deedsOf(campaignID string, h *ledger.History) deeds {
	var out deeds
	b := &batch{Log: l, campaign: campaignID}
	for i := range h.Facts {
		f := &h.Facts[i]
		var signer *Signer
		if signed, ok := f.Body.(event.Signed); ok {
			for _, r := range h.Records {
				if r.Kind == event.RecordSignature {
					signer = b.signer(h.Participant, r, signed.Commitment)
				}
			}
		}
		if d, ok := deedOf(f, signer); ok {
			out = append(out, d)
		}
	}
	return out
}
