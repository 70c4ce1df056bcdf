package redisstore

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// keptAtOnce is how many open attempts are looked at together.
const keptAtOnce = 500

// KeepAnswers implements replay.Refiller. Answers that an interrupted rebuild has
// set aside stay: the attempts they belong to may be gone already.
func (r *Refill) KeepAnswers(ctx context.Context, t state.Ticket, shard int) (int, error) {
	k := keysOf(t.Campaign, shard)
	kept := 0
	for from := int64(0); ; from += keptAtOnce {
		ids, err := r.db.ZRange(ctx, k.open(), from, from+keptAtOnce-1).Result()
		if err != nil {
			return kept, fmt.Errorf("open attempts of %s:%d: %w", t.Campaign, shard, outage(err))
		}
		if len(ids) == 0 {
			return kept, nil
		}
		answers, err := r.answers(ctx, k, ids)
		if err != nil {
			return kept, err
		}
		kept += len(answers)
		err = r.fenced(ctx, t, shard, nil, func(p redis.Pipeliner) {
			for id, v := range answers {
				p.HSetNX(ctx, k.kept(), id, v)
			}
		})
		if err != nil {
			return kept, err
		}
	}
}

// answers returns what is kept in the open attempts of some participants, behind
// the attempt that it belongs to.
func (r *Refill) answers(ctx context.Context, k shardKeys, ids []string) (map[string]string, error) {
	cmds := make([]*redis.SliceCmd, len(ids))
	err := ask(ctx, r.db, func(p redis.Pipeliner) {
		for i, id := range ids {
			cmds[i] = p.HMGet(ctx, k.participant(id), "o", "v")
		}
	})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, id := range ids {
		f, err := texts(cmds[i].Val())
		if err != nil {
			return nil, err
		}
		if open, saved := f[0], f[1]; open != "" && saved != "" {
			out[id] = answersOf(open) + saved
		}
	}
	return out, nil
}

// answersOf is what answers are kept behind: number and deadline of their attempt.
func answersOf(open string) string {
	p := strings.SplitN(open, "|", 3) //nolint:mnd // Number, deadline and the rest.
	return strings.Join(p[:min(len(p), 2)], "|") + "|"
}

// People implements replay.Refiller.
func (r *Refill) People(ctx context.Context, t state.Ticket, shard int, people []state.Person) error {
	b := refillBatch{Refill: r, keys: keysOf(t.Campaign, shard), people: people, saved: map[string]string{}}
	for i := range people {
		f, err := personFields(&people[i])
		if err != nil {
			return err
		}
		b.fields = append(b.fields, f)
		lot, err := lotFieldsOf(people[i].Lot)
		if err != nil {
			return err
		}
		b.lots = append(b.lots, lot)
	}
	if err := b.introduce(ctx, t); err != nil {
		return err
	}
	return r.fenced(ctx, t, shard,
		func(tx *redis.Tx) error { return b.readSaved(ctx, tx) },
		func(p redis.Pipeliner) { b.write(ctx, p) })
}

// refillBatch writes some participants.
type refillBatch struct {
	*Refill

	keys   shardKeys
	people []state.Person
	fields []map[string]string
	lots   []lotFields
	saved  map[string]string // answers set aside, by participant
}

// introduce writes down what the short names of these participants stand for.
func (b *refillBatch) introduce(ctx context.Context, t state.Ticket) error {
	names := map[string]string{}
	add := func(digest string) {
		if short := shortName(digest); short != digest && !b.introduced.has(t, short) {
			names[short] = digest
		}
	}
	for i := range b.people {
		p := &b.people[i]
		if p.Open != nil {
			add(p.Open.Paper.Bank)
		}
		for j := range p.Finished {
			add(p.Finished[j].Paper.Bank)
		}
		if p.Signature != nil {
			add(p.Signature.TextSHA256)
		}
	}
	if len(names) == 0 {
		return nil
	}
	key := namesKey(t.Campaign)
	if err := b.writes.Confirmed(ctx, key, func(p redis.Pipeliner) { p.HSet(ctx, key, names) }); err != nil {
		return fmt.Errorf("short names in %s: %w", t.Campaign, err)
	}
	for short := range names {
		b.introduced.add(t, short)
	}
	return nil
}

// introduced remembers which short names a rebuild has written down.
type introduced struct{ names sync.Map }

func (i *introduced) add(t state.Ticket, short string) { i.names.Store(t.Token+short, true) }

func (i *introduced) has(t state.Ticket, short string) bool {
	_, ok := i.names.Load(t.Token + short)
	return ok
}

func (b *refillBatch) readSaved(ctx context.Context, tx *redis.Tx) error {
	var ids []string
	for i := range b.people {
		if b.people[i].Open != nil {
			ids = append(ids, b.people[i].Participant)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := tx.HMGet(ctx, b.keys.kept(), ids...).Result()
	if err != nil {
		return outage(err)
	}
	values, err := texts(found)
	for i, v := range values {
		b.saved[ids[i]] = v
	}
	return err
}

func (b *refillBatch) write(ctx context.Context, p redis.Pipeliner) {
	w := boardWriter{keys: b.keys, entries: map[string][]any{}, thaw: map[string]bool{}}
	for i := range b.people {
		who, f := &b.people[i], b.fields[i]
		b.lots[i].write(ctx, p, b.keys, who.Participant)
		if len(f) == 0 {
			continue
		}
		if who.Open != nil {
			if v, ok := strings.CutPrefix(b.saved[who.Participant], answersOf(f["o"])); ok {
				f["v"] = v
			}
			w.add(b.keys.open(), deadlineOf(who), who.Participant)
		}
		p.HSet(ctx, b.keys.participant(who.Participant), f)
		w.place("", &who.Main, who.Participant)
		for j := range who.Places {
			w.place(who.Places[j].Scope, &who.Places[j].Placement, who.Participant)
		}
	}
	w.write(ctx, p)
}

// boardWriter collects the entries of each sorted set, and the boards that have
// something to be thawed.
type boardWriter struct {
	keys    shardKeys
	entries map[string][]any
	thaw    map[string]bool
}

func (w *boardWriter) add(key, score, id string) {
	if score != "" {
		w.entries[key] = append(w.entries[key], score, id)
	}
}

// place puts somebody on a board, or beside it.
func (w *boardWriter) place(scope string, p *leaderboard.Placement, id string) {
	layers, l := &shownLayers, layersOf(p)
	if p.Hidden {
		layers = &hiddenLayers
	}
	for i, v := range []string{l.Board, l.Late, l.Kept} {
		w.add(w.keys.layer(scope, layers[i]), v, id)
	}
	if l.Late != "" || l.Kept != "" {
		w.thaw[scope] = true
	}
}

func (w *boardWriter) write(ctx context.Context, p redis.Pipeliner) {
	for key, entries := range w.entries {
		p.Do(ctx, append([]any{"zadd", key}, entries...)...)
	}
	for scope := range w.thaw {
		p.SAdd(ctx, w.keys.thaw(), scope)
	}
}
