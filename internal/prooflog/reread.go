package prooflog

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"qingyuan/internal/sqldb"
	"qingyuan/proof"
)

// Rereader reads logs again while they grow, a slice at a time: every leaf against the
// tree, every checkpoint against the leaves before it, and what leads to a leaf against
// the ledger. When it is through, it begins anew. Fill the fields before the first use.
type Rereader struct {
	Log *Log
	// Leaves and People bound what one round reads of each log; 20,000 and 2,000 when zero.
	Leaves, People int
	// Told is told after each round how each log is, Failed of one that could not be read.
	Told   func(campaignID string, r Reread)
	Failed func(campaignID string, err error)

	mu    sync.Mutex
	ways  map[string]*way
	state map[string]Reread
}

// Reread is what reading a log again has come to.
type Reread struct {
	// Faults are those of the last time through and of this one.
	Faults []proof.Fault
	// Through is when everything was read last; zero where it has not been yet.
	Through time.Time
}

// way is one time through a log.
type way struct {
	*Log

	campaign string
	// last is the checkpoint up to which is read.
	last   proof.Signed
	climb  proof.Climb
	totals proof.Totals
	// person is the last whose acts were compared; all tells that nobody is left.
	person string
	all    bool
	faults []proof.Fault
	before Reread
}

// Round reads a slice of every log.
func (r *Rereader) Round(ctx context.Context) {
	ids, err := r.Log.campaigns(ctx)
	if err != nil {
		r.fail(ctx, "", err)
		return
	}
	for _, id := range ids {
		if err := r.campaign(ctx, id); err != nil {
			r.fail(ctx, id, err)
		}
	}
}

func (r *Rereader) fail(ctx context.Context, id string, err error) {
	if ctx.Err() == nil {
		r.Failed(id, err)
	}
}

// campaign reads a slice of one log.
func (r *Rereader) campaign(ctx context.Context, id string) error {
	w, err := r.on(ctx, id)
	if err != nil || w == nil {
		return err
	}
	if err := w.leaves(ctx, int64(cmp.Or(r.Leaves, 20_000))); err != nil {
		return err
	}
	if err := w.people(ctx, cmp.Or(r.People, 2000)); err != nil {
		return err
	}
	now := Reread{Faults: slices.Concat(w.before.Faults, w.faults), Through: w.before.Through}
	r.mu.Lock()
	if w.all && w.climb.N() == w.last.N {
		now = Reread{Faults: w.faults, Through: r.Log.Now()}
		delete(r.ways, id)
	}
	r.state[id] = now
	r.mu.Unlock()
	r.Told(id, now)
	return nil
}

// on returns the way through a log that is begun, or begins one; nil where there is
// nothing to read.
func (r *Rereader) on(ctx context.Context, id string) (*way, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ways == nil {
		r.ways, r.state = map[string]*way{}, map[string]Reread{}
	}
	if w := r.ways[id]; w != nil {
		return w, nil
	}
	w := &way{Log: r.Log, campaign: id, totals: make(proof.Totals), before: r.state[id]}
	h, err := r.Log.readHead(ctx, id)
	if err != nil || h.N == 0 {
		return nil, err
	}
	last, ok, err := r.Log.Latest(ctx, id)
	if errors.Is(err, ErrBroken) {
		w.fault(proof.PartCheckpoint, -1, "the newest: "+err.Error())
		w.last.Tree, ok, err = h.Tree, true, nil // what is under it can be read all the same
	} else {
		w.last = last
	}
	if err != nil || !ok {
		return nil, err
	}
	r.ways[id] = w
	return w, nil
}

// Warnings lists the logs that do not hold.
func (r *Rereader) Warnings() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, id := range slices.Sorted(maps.Keys(r.state)) {
		if faults := r.state[id].Faults; len(faults) > 0 {
			out = append(out, fmt.Sprintf("the log of %s does not hold: %d faults, the first: %s", id, len(faults), faults[0]))
		}
	}
	return out
}

func (w *way) fault(part string, index int64, text string) {
	if f := (proof.Fault{Part: part, Index: index, Text: text}); len(w.faults) < mostFaults && !slices.Contains(w.faults, f) {
		w.faults = append(w.faults, f)
	}
}

// leaves reads the next leaves, and the checkpoints that end among them.
func (w *way) leaves(ctx context.Context, most int64) error {
	from := w.climb.N()
	n := min(most, w.last.N-from)
	if n == 0 {
		return nil
	}
	there, err := w.leafRows(ctx, w.campaign, from, n)
	if err != nil {
		return err
	}
	hashes, err := w.hashes(ctx, w.campaign, w.last.Tree).ReadHashes(indexes(from, int(n)))
	if errors.Is(err, ErrBroken) {
		w.fault(proof.PartPath, from, err.Error())
		hashes, err = bare(there, n), nil
	}
	if err != nil {
		return err
	}
	signed, err := w.signedAmong(ctx, from, from+n)
	if err != nil {
		return err
	}
	for i, hash := range hashes {
		at := from + int64(i)
		if l, ok := there[at]; !ok {
			w.fault(proof.PartLeaf, at, "it is not there")
		} else {
			w.totals.Add(l.Type)
			if got := l.Hash(); got != hash {
				w.fault(proof.PartLeaf, at, fmt.Sprintf("type, act and fields give %s, and it is %s", got, hash))
			}
		}
		w.climb.Add(hash)
		if text, ok := signed[at+1]; ok {
			w.checkpoint(ctx, at+1, text)
		}
	}
	return nil
}

// bare are the hashes of leaves where the tree says nothing.
func bare(leaves map[int64]proof.Leaf, n int64) []tlog.Hash {
	out := make([]tlog.Hash, 0, n)
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		out = append(out, leaves[at].Hash())
	}
	return out
}

// signedAmong returns the checkpoints of more than from leaves and of at most to, by size.
func (w *way) signedAmong(ctx context.Context, from, to int64) (map[int64]string, error) {
	type one struct {
		size int64
		text string
	}
	rows, err := w.DB.QueryContext(ctx, "SELECT size, signed FROM proof_checkpoints WHERE campaign = $1 AND size > $2 AND size <= $3", w.campaign, from, to)
	all, err := sqldb.Collect(rows, err, func(r *sql.Rows) (c one, err error) { return c, r.Scan(&c.size, &c.text) })
	if err != nil {
		return nil, fmt.Errorf("read the checkpoints of %s from %d to %d: %w", w.campaign, from, to, err)
	}
	out := make(map[int64]string, len(all))
	for _, c := range all {
		out[c.size] = c.text
	}
	return out, nil
}

// checkpoint compares a checkpoint with the leaves before it.
func (w *way) checkpoint(ctx context.Context, size int64, text string) {
	s := proof.Signed{Note: text}
	err := w.check(ctx, w.campaign, &s)
	tree := w.climb.Tree()
	switch {
	case err != nil:
		w.fault(proof.PartCheckpoint, -1, fmt.Sprintf("that of %d leaves: %v", size, err))
	case s.Tree != tree:
		w.fault(proof.PartCheckpoint, -1, fmt.Sprintf("that of %d leaves is of the tree %d %s, and the leaves give %s", size, s.N, s.Hash, tree.Hash))
	case w.totals.Leaves() == tree.N && !maps.Equal(nonzero(w.totals), nonzero(s.Totals)):
		w.fault(proof.PartCheckpoint, -1, fmt.Sprintf("that of %d leaves has totals that are not those of the leaves", size))
	}
}

// nonzero leaves out the types of which there is none.
func nonzero(t proof.Totals) proof.Totals {
	out := maps.Clone(t)
	maps.DeleteFunc(out, func(_ proof.Type, n int64) bool { return n == 0 })
	return out
}

// people works the leaves of the next participants out again.
func (w *way) people(ctx context.Context, most int) error {
	rows, err := w.DB.QueryContext(ctx, "SELECT DISTINCT participant FROM proof_links WHERE campaign = $1 AND participant > $2 ORDER BY participant LIMIT $3",
		w.campaign, w.person, most)
	ids, err := sqldb.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return fmt.Errorf("list those who lead to leaves of %s: %w", w.campaign, err)
	}
	for _, id := range ids {
		all, err := w.deeds(ctx, w.campaign, id)
		if err != nil {
			return err
		}
		if _, err := w.compare(ctx, w.campaign, id, all, w.last.N, func(k link) error { return w.changed(ctx, id, k) }); err != nil {
			return err
		}
		w.person = id
	}
	w.all = len(ids) < most
	return nil
}

// changed notes that a leaf is not what the ledger says, unless nothing leads to it any
// more: its participant was erased just now.
func (w *way) changed(ctx context.Context, participant string, k link) error {
	now, err := w.links(ctx, w.campaign, participant, k.act)
	if err == nil && slices.ContainsFunc(now, func(o link) bool { return o.index == k.index }) {
		w.fault(proof.PartLeaf, k.index, otherwise(k.act, participant))
	}
	return err
}
