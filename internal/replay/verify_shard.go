package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/internal/replay/state"
	"qingyuan/leaderboard"
)

// shardCheck compares one shard.
type shardCheck struct {
	*verification
	ledger.Shard

	// live is what Redis says the participants add up to, part by part, and reach
	// up to where it says so.
	live  state.Sums
	reach reach
	// ends is where the streams were when the last of the sums was read, and heads
	// up to where the ledger is compared: there too, unless it does not arrive.
	ends  state.Ends
	heads ledger.Heads
}

// run reads the sums first and the participants after them, so that the ledger,
// once it has arrived where the streams were then, has everything that the sums
// count.
func (s *shardCheck) run(ctx context.Context, names *state.Names, fold event.Position) error {
	s.unknownKeys(names)
	s.reach.Rest = fold
	if err := s.snapshot(ctx, names); err != nil {
		return err
	}
	sums, err := s.lives(ctx)
	if err != nil {
		return err
	}
	return s.recount(ctx, s.compareSums(sums))
}

func (s *shardCheck) unknownKeys(names *state.Names) {
	for _, key := range names.Others {
		s.differ(Difference{Shard: s.Number, Cell: key, Field: "key", Want: "none", Got: "some"})
	}
}

// Bounds of what is read in one step, so that nobody else waits for long.
const (
	hoursAtOnce  = 24
	boardsAtOnce = 500
)

// snapshot reads the sums, and waits for the ledger to arrive where the last of
// them was read.
func (s *shardCheck) snapshot(ctx context.Context, names *state.Names) error {
	s.live.Hours, s.live.Boards = map[leaderboard.BucketCell]int64{}, map[string]state.Cards{}
	s.reach.Hours, s.reach.Boards = map[int64]event.Position{}, map[string]event.Position{}
	for hours := range slices.Chunk(names.Hours, hoursAtOnce) {
		cells, at, err := s.Live.Hours(ctx, s.Campaign, s.Number, hours)
		if err != nil {
			return err
		}
		addAll(s.live.Hours, cells)
		for _, h := range hours {
			s.reach.Hours[h] = at
		}
	}
	if err := s.readBoards(ctx, names.Scopes); err != nil {
		return err
	}
	totals, err := s.ending(ctx)
	if err != nil {
		return err
	}
	totals.Hours, totals.Boards = s.live.Hours, s.live.Boards
	s.live = totals
	return nil
}

// readBoards reads how many entries some scoped boards have.
func (s *shardCheck) readBoards(ctx context.Context, scopes []string) error {
	for some := range slices.Chunk(scopes, boardsAtOnce) {
		cards, at, err := s.Live.Boards(ctx, s.Campaign, s.Number, some)
		if err != nil {
			return err
		}
		maps.Copy(s.live.Boards, cards)
		for _, scope := range some {
			s.reach.Boards[scope] = at
		}
	}
	return nil
}

// ending reads the last of the sums and waits for the ledger to arrive there. It
// is asked where it is before: a stream that ends before that has lost its end.
func (s *shardCheck) ending(ctx context.Context) (state.Sums, error) {
	at, err := cursors(ctx, s.Ledger, s.Shard)
	if err != nil {
		return state.Sums{}, err
	}
	totals, head, err := s.Live.Totals(ctx, s.Campaign, s.Number)
	if err != nil {
		return state.Sums{}, err
	}
	s.reach.Totals, s.ends = head.Fold, head.Ends
	s.checkEnd(event.Facts, at.Facts, head.Facts)
	s.checkEnd(event.Personal, at.Personal, head.Personal)
	s.checkFold(&head)
	s.heads, err = s.await(ctx, head.Ends)
	return totals, err
}

func (s *shardCheck) checkEnd(stream event.Stream, at, end event.Position) {
	if !arrived(end, at) {
		s.differ(Difference{Shard: s.Number, Field: "end of the " + string(stream), Want: "not before " + at.String(), Got: end.String()})
	}
}

// checkFold looks at the fold's cursor.
func (s *shardCheck) checkFold(h *state.Head) {
	if !arrived(h.Facts, h.Fold) {
		s.differ(Difference{Shard: s.Number, Field: "fold", Want: "not after " + h.Facts.String(), Got: h.Fold.String()})
	}
	if want := itoa(leaderboard.FoldVersion); h.FoldVersion != "" && h.FoldVersion != want {
		s.differ(Difference{Shard: s.Number, Field: "fold version", Want: want, Got: h.FoldVersion})
	}
}

// awaitStep is how often the ledger is asked how far it is.
const awaitStep = 50 * time.Millisecond

// await waits until the ledger has arrived where the streams were, and returns up
// to where they can be compared.
func (s *shardCheck) await(ctx context.Context, ends state.Ends) (ledger.Heads, error) {
	tick := time.NewTicker(awaitStep)
	defer tick.Stop()
	for left := cmp.Or(s.Patience, defaultPatience); ; left -= awaitStep {
		at, err := cursors(ctx, s.Ledger, s.Shard)
		if err != nil {
			return at, err
		}
		if left <= 0 || arrived(at.Facts, ends.Facts) && arrived(at.Personal, ends.Personal) {
			return ledger.Heads{
				Facts: s.settle(event.Facts, at.Facts, ends.Facts), Personal: s.settle(event.Personal, at.Personal, ends.Personal),
			}, nil
		}
		select {
		case <-ctx.Done():
			return at, ctx.Err()
		case <-tick.C:
		}
	}
}

func arrived(at, end event.Position) bool { return at.Compare(end) >= 0 }

// settle returns up to where a stream is compared.
func (s *shardCheck) settle(stream event.Stream, at, end event.Position) event.Position {
	if arrived(at, end) {
		return end
	}
	s.incomplete(fmt.Sprintf("shard %d: the ledger holds the %s up to %s and the stream goes to %s, so counts and boards were not compared",
		s.Number, stream, at, end))
	return at
}

// livesAtOnce is how many participants are read from Redis in one go.
const livesAtOnce = 500

// lives replays and compares every participant of the shard, and adds them up.
func (s *shardCheck) lives(ctx context.Context) (*counter, error) {
	batches := make(chan []ledger.History)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		return s.read(ctx, batches)
	})
	counters := make([]*counter, s.hands())
	for i := range counters {
		counters[i] = newCounter(&s.rules, &s.reach)
		g.Go(func() error {
			for batch := range batches {
				err := s.pace().work(ctx, func() error { return s.batch(ctx, batch, counters[i]) })
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, c := range counters[1:] {
		counters[0].merge(c)
	}
	return counters[0], nil
}

// read hands out the histories of the shard, and remembers whose they are.
func (s *shardCheck) read(ctx context.Context, batches chan<- []ledger.History) error {
	return inBatches(s.Ledger.Histories(ctx, s.Shard, s.heads), livesAtOnce, func(batch []ledger.History) error {
		for i := range batch {
			s.known.add(s.Number, batch[i].Participant)
		}
		return send(ctx, batches, batch)
	})
}

// batch replays and compares some participants, and looks again at those who
// seem to differ.
func (s *shardCheck) batch(ctx context.Context, histories []ledger.History, sum *counter) error {
	lives := make([]Life, len(histories))
	people := make([]state.Person, len(histories))
	var facts int64
	for i := range histories {
		lives[i] = s.rules.Replay(histories[i], s.heads.Facts)
		people[i] = lives[i].Person
		facts += int64(len(lives[i].Facts))
		_ = sum.add(&lives[i]) // what the fold cannot count is a fault of that life
	}
	images, err := s.Live.Images(ctx, s.Campaign, s.Number, people)
	if err != nil {
		return err
	}
	var suspects []state.Person
	for i := range people {
		diff, err := s.Live.Diff(&people[i], &images[i], s.rules.standStill())
		if err != nil {
			return err
		}
		if len(diff) > 0 || len(lives[i].Faults) > 0 {
			suspects = append(suspects, people[i])
		}
	}
	s.counted(lives, facts)
	return s.recheck(ctx, suspects)
}

func (s *shardCheck) counted(lives []Life, facts int64) {
	s.count(func(r *Report) {
		r.Facts += facts
		r.Participants += int64(len(lives))
		for i := range lives {
			l := &lives[i]
			r.Regraded += int64(l.Regraded)
			r.Commitments += int64(l.Commitments)
			r.Receipts += int64(len(l.Finished))
			if l.Signature != nil {
				r.Receipts++
			}
			s.named.add(&l.Person)
		}
		s.done.add(facts)
	})
}
