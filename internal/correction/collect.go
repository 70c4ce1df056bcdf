package correction

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"iter"
	"slices"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/jobs"
	"qingyuan/internal/ledger"
)

// collect searches the ledger and freezes the list. It begins anew where an attempt
// before it did not come to its end.
func (s *Service) collect(ctx context.Context, j jobs.Job, p *jobs.Progress) (json.RawMessage, error) {
	b, err := s.batchOf(ctx, j)
	if err != nil || b.State != Collecting {
		return nil, err
	}
	err = s.freeze(ctx, b, p)
	f, isFault := errors.AsType[*fault.Error](err)
	if isFault && f.Kind == fault.Invalid {
		err = errors.Join(err, s.DB.WithTx(ctx, func(tx *sql.Tx) error {
			return leadFailed.apply(ctx, tx, b.ID, `, code = $3, error = $4`, f.Code, f.Text)
		}), s.store().clear(ctx, b.ID))
	}
	return nil, err
}

func (s *Service) batchOf(ctx context.Context, j jobs.Job) (*Batch, error) {
	var of params
	if err := json.Unmarshal(j.Params, &of); err != nil {
		return nil, fmt.Errorf("parameters of job %s: %w", j.ID, err)
	}
	return batch(ctx, s.DB, of.Batch)
}

func (s *Service) freeze(ctx context.Context, b *Batch, p *jobs.Progress) error {
	def, err := s.Catalog.Campaign(b.Campaign)
	if err != nil {
		return err
	}
	if err := s.store().clear(ctx, b.ID); err != nil {
		return err
	}
	p.Note("正在查找")
	effect, err := s.find(ctx, b, def, p)
	if err != nil {
		return err
	}
	if n := b.Conditions.SameAnswers; n > 0 {
		if err := s.store().prune(ctx, b.ID, n); err != nil {
			return err
		}
	}
	p.Note("正在汇总")
	if err := s.summarise(ctx, b, def); err != nil {
		return err
	}
	b.Summary.Effect = effect
	summary, err := json.Marshal(b.Summary)
	if err != nil {
		return fmt.Errorf("encode the summary of batch %s: %w", b.ID, err)
	}
	return s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		if err := leadReady.apply(ctx, tx, b.ID, `, items = $3, hash = $4, summary = $5`, b.Items, b.Hash, string(summary)); err != nil {
			return err
		}
		return p.Hold(ctx, tx)
	})
}

// find writes the list of a batch.
func (s *Service) find(ctx context.Context, b *Batch, def *campaign.Campaign, p *jobs.Progress) (*Effect, error) {
	if b.Challenge == "" {
		return nil, s.search(ctx, b, def, p)
	}
	l := list{store: s.store(), batch: b.ID, most: s.most()}
	effect, err := s.choose(ctx, b, p, func(items []Item) error { return l.add(ctx, items) })
	if err != nil {
		return nil, err
	}
	return effect, l.flush(ctx)
}

// toldEvery is after how many participants the progress is told.
const toldEvery = 500

// search writes down every act for which the conditions hold.
func (s *Service) search(ctx context.Context, b *Batch, def *campaign.Campaign, p *jobs.Progress) error {
	c := b.Conditions
	c.Scope = b.Node
	var err error
	if c.marked, c.markedPeople, err = s.marked(ctx, def.ID, c.Flags); err != nil {
		return err
	}
	l := list{store: s.store(), batch: b.ID, most: s.most()}
	m, marks := newMatcher(&c, def), answers{banks: s.Banks}
	seen := int64(0)
	for h, err := range s.histories(ctx, def.ID, &c) {
		if err != nil {
			return err
		}
		if seen++; seen%toldEvery == 0 {
			p.Set(seen, 0)
		}
		person, err := s.person(ctx, def.ID, &h, &c, &marks)
		if err != nil {
			return err
		}
		if err := l.add(ctx, m.match(person)); err != nil {
			return err
		}
	}
	return l.flush(ctx)
}

func (s *Service) most() int64 {
	if s.Most == 0 {
		return 1_000_000
	}
	return s.Most
}

// person reads a history as far as the conditions need it.
func (s *Service) person(ctx context.Context, id string, h *ledger.History, c *Conditions, marks *answers) (*Person, error) {
	p, err := PersonOf(h)
	if err != nil {
		return nil, err
	}
	if c.Name != "" {
		if err := p.named(h, s.opener(id, p.ID)); err != nil {
			return nil, err
		}
	}
	for i := range p.Acts {
		if a := &p.Acts[i]; c.SameAnswers > 0 && !a.Void {
			if err := marks.mark(ctx, a); err != nil {
				return nil, fmt.Errorf("participant %s: %w", p.ID, err)
			}
		}
	}
	return p, nil
}

// histories yields what the ledger holds now of everybody whom the conditions can
// mean.
func (s *Service) histories(ctx context.Context, id string, c *Conditions) iter.Seq2[ledger.History, error] {
	return func(yield func(ledger.History, error) bool) {
		opened, known, err := s.Ledger.Campaign(ctx, id)
		if err == nil && !known {
			err = campaign.ErrNotFound
		}
		if err != nil {
			yield(ledger.History{}, err)
			return
		}
		listed, limited := c.named()
		for n := range opened.Shards {
			shard := ledger.Shard{Campaign: id, Number: n}
			all := s.all(ctx, shard)
			if limited {
				all = s.some(ctx, shard, listed)
			}
			for h, err := range all {
				if !yield(h, err) || err != nil {
					return
				}
			}
		}
	}
}

// all yields everybody of a shard.
func (s *Service) all(ctx context.Context, shard ledger.Shard) iter.Seq2[ledger.History, error] {
	heads, err := s.heads(ctx, shard)
	if err != nil {
		return func(yield func(ledger.History, error) bool) { yield(ledger.History{}, err) }
	}
	return s.Ledger.Histories(ctx, shard, heads)
}

func (s *Service) heads(ctx context.Context, shard ledger.Shard) (ledger.Heads, error) {
	all, err := s.Ledger.Cursors(ctx)
	return all[shard], err
}

// some yields those of a shard who are listed.
func (s *Service) some(ctx context.Context, shard ledger.Shard, listed []string) iter.Seq2[ledger.History, error] {
	return func(yield func(ledger.History, error) bool) {
		for _, id := range listed {
			h, err := s.Ledger.History(ctx, shard, id)
			if err == nil && len(h.Facts) == 0 {
				continue
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

// list collects the acts of a batch.
type list struct {
	store

	batch  string
	most   int64
	n      int64
	buffer []Item
}

// listBuffer is how many acts are kept before they are written.
const listBuffer = 4000

func (l *list) add(ctx context.Context, items []Item) error {
	for _, it := range items {
		l.n++
		it.N = l.n
		l.buffer = append(l.buffer, it)
	}
	if l.n > l.most {
		return ErrTooMany
	}
	if len(l.buffer) < listBuffer {
		return nil
	}
	return l.flush(ctx)
}

func (l *list) flush(ctx context.Context) error {
	if len(l.buffer) == 0 {
		return nil
	}
	err := l.insertItems(ctx, l.batch, l.buffer)
	l.buffer = l.buffer[:0]
	return err
}

// summarise reads the list once and describes it.
func (s *Service) summarise(ctx context.Context, b *Batch, def *campaign.Campaign) error {
	d := newDescription(def)
	if err := s.store().each(ctx, b.ID, func(it *Item) error { d.add(it); return nil }); err != nil {
		return err
	}
	if d.items == 0 {
		return ErrEmpty
	}
	b.Items, b.Hash, b.Summary = d.items, d.sum(), d.summary()
	return nil
}

// description is what is said of a list.
type description struct {
	def         *campaign.Campaign
	hash        hash.Hash
	items       int64
	out         Summary
	units, days map[string]int64
	last        string // participant
	sample      sample
}

func newDescription(def *campaign.Campaign) *description {
	return &description{def: def, hash: sha256.New(), units: map[string]int64{}, days: map[string]int64{}, sample: sample{every: 1}}
}

func (d *description) add(it *Item) {
	if it.Remark == nil {
		fmt.Fprintf(d.hash, "%s|%d\n", it.Participant, it.Number)
	} else {
		fmt.Fprintf(d.hash, "%s|%d|%v|%v|%v\n", it.Participant, it.Number, it.Remark.From, it.Remark.To, it.Remark.After)
	}
	d.items++
	if it.Number == 0 {
		d.out.Signatures++
	} else {
		d.out.Attempts++
	}
	if it.Participant != d.last {
		d.out.Participants++
		d.last = it.Participant
	}
	d.units[it.Unit]++
	d.days[d.def.Day(it.At)]++
	d.sample.add(it.N)
}

// sum is the digest of the list.
func (d *description) sum() string { return hex.EncodeToString(d.hash.Sum(nil)) }

// mostUnits is how many units a summary names.
const mostUnits = 100

func (d *description) summary() Summary {
	out := d.out
	out.Units, out.OfUnits, out.Days, out.Sample = shares(d.units), len(d.units), shares(d.days), d.sample.spread()
	slices.SortStableFunc(out.Units, func(a, b Share) int { return int(b.Count - a.Count) })
	out.Units = out.Units[:min(len(out.Units), mostUnits)]
	return out
}

// shares are in the order of their keys.
func shares(of map[string]int64) []Share {
	out := make([]Share, 0, len(of))
	for k, n := range of {
		out = append(out, Share{k, n})
	}
	slices.SortFunc(out, func(a, b Share) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// sampleSize is how many acts are shown of a list.
const sampleSize = 20

// sample keeps every n-th place of a list, and doubles n when it has too many.
type sample struct {
	every, seen int64
	kept        []int64
}

func (s *sample) add(n int64) {
	if s.seen%s.every == 0 {
		s.kept = append(s.kept, n)
	}
	s.seen++
	if len(s.kept) < 2*sampleSize {
		return
	}
	for i := range sampleSize {
		s.kept[i] = s.kept[2*i]
	}
	s.kept, s.every = s.kept[:sampleSize], 2*s.every
}

// spread returns at most sampleSize of what was kept, spread evenly.
func (s *sample) spread() []int64 {
	n := min(len(s.kept), sampleSize)
	out := make([]int64, n)
	for i := range out {
		out[i] = s.kept[i*len(s.kept)/n]
	}
	return out
}
