package redisstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"qingyuan/internal/event"
	"qingyuan/leaderboard"
)

var foldApply = script("fold_apply")

// recentKept is how many of a shard's newest acts are kept.
const recentKept = leaderboard.RecentActs

// Cursor implements leaderboard.Store.
func (b *Boards) Cursor(ctx context.Context, id string, shard int) (event.Position, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return event.Position{}, err
	}
	f, err := b.campaigns.read(ctx, o, o.shards[shard], o.shards[shard].cursor(), "pos")
	if err != nil {
		return event.Position{}, err
	}
	return parseCursor(f[0])
}

func parseCursor(s string) (event.Position, error) {
	if s == "" {
		return event.Position{}, nil
	}
	return event.ParsePosition(s)
}

// Apply implements leaderboard.Store.
func (b *Boards) Apply(ctx context.Context, id string, shard int, batch leaderboard.Batch) (bool, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return false, err
	}
	def, err := b.define(id)
	if err != nil {
		return false, err
	}
	keys, args := foldCall(o, shard, &batch, !def.Freeze.At.IsZero())
	r, err := run(ctx, b.campaigns.db, foldApply, keys, args...)
	if err != nil {
		return false, err
	}
	switch r.outcome {
	case "ok":
		return true, nil
	case "moved":
		return false, nil
	case "epoch":
		return false, o.wrongEpoch()
	case "older":
		return false, fmt.Errorf("fold of %s:%d: version %d is older than the one in redis", id, shard, leaderboard.FoldVersion)
	case "newer":
		return false, fmt.Errorf("fold of %s:%d by version %d: %w", id, shard, leaderboard.FoldVersion, ErrFoldOlder)
	default:
		return false, r.unknown()
	}
}

func unpackAct(s string) (leaderboard.Act, error) {
	p := strings.Split(s, "|")
	if len(p) != 4 {
		return leaderboard.Act{}, fmt.Errorf("stored act has %d parts, want 4", len(p))
	}
	d := decoder{}
	return leaderboard.Act{Kind: event.Kind(p[0]), At: d.time(p[1]), Participant: p[2], Unit: p[3]}, d.err
}

// shardState is what one shard says of its tallies.
type shardState struct {
	tally, minutes *redis.MapStringStringCmd
	// The others may be missing, where nobody asks for them.
	late, scores, scoresLate *redis.MapStringStringCmd
	recent                   *redis.StringSliceCmd
	cursor                   *redis.SliceCmd
	newest                   *redis.XMessageSliceCmd
}

// Tallies implements leaderboard.Store.
func (b *Boards) Tallies(ctx context.Context, id string) (leaderboard.Tallies, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return leaderboard.Tallies{}, err
	}
	states := make([]shardState, len(o.shards))
	err = b.campaigns.ask(ctx, o, o.shards, func(p redis.Pipeliner) {
		for i, k := range o.shards {
			states[i] = shardState{
				tally: p.HGetAll(ctx, k.tally()), minutes: p.HGetAll(ctx, k.minutes()), late: p.HGetAll(ctx, k.tallyLate()),
				scores: p.HGetAll(ctx, k.scores()), scoresLate: p.HGetAll(ctx, k.scoresLate()),
				recent: p.LRange(ctx, k.recent(), 0, recentKept-1), cursor: p.HMGet(ctx, k.cursor(), "pos"),
				newest: p.XRevRangeN(ctx, k.facts(), "+", "-", 1),
			}
		}
	})
	if err != nil {
		return leaderboard.Tallies{}, fmt.Errorf("tallies of %s: %w", id, err)
	}
	t := leaderboard.Tallies{
		Public: leaderboard.NewFigures(), Late: leaderboard.NewFigures(), Minutes: map[leaderboard.BucketCell]int64{},
	}
	for i := range states {
		if err := states[i].addTo(&t); err != nil {
			return leaderboard.Tallies{}, fmt.Errorf("tallies of %s:%d: %w", id, i, err)
		}
	}
	slices.SortStableFunc(t.Recent, func(a, b leaderboard.Act) int { return b.At.Compare(a.At) })
	return t, nil
}

func (s *shardState) addTo(t *leaderboard.Tallies) error {
	if err := s.addCounts(t); err != nil {
		return err
	}
	return s.addLag(t)
}

func (s *shardState) addCounts(t *leaderboard.Tallies) error {
	if err := s.addFigures(t); err != nil {
		return err
	}
	for field, value := range s.minutes.Val() {
		minute, metric, _ := strings.Cut(field, "|")
		d := decoder{}
		cell := leaderboard.BucketCell{Bucket: d.int64(minute), Cell: leaderboard.Cell{Metric: leaderboard.Metric(metric)}}
		t.Minutes[cell] += d.int64(value)
		if d.err != nil {
			return d.err
		}
	}
	for _, packed := range s.recent.Val() {
		a, err := unpackAct(packed)
		if err != nil {
			return err
		}
		t.Recent = append(t.Recent, a)
	}
	return nil
}

func (s *shardState) addFigures(t *leaderboard.Tallies) error {
	err := addCells(t.Public.Cells, s.tally.Val())
	if s.late == nil || err != nil {
		return err
	}
	return errors.Join(addCells(t.Late.Cells, s.late.Val()),
		addScores(t.Public.Scores, s.scores.Val()), addScores(t.Late.Scores, s.scoresLate.Val()))
}

func addScores(scores map[int]int64, fields map[string]string) error {
	for points, people := range fields {
		d := decoder{}
		scores[d.int(points)] += d.int64(people)
		if d.err != nil {
			return fmt.Errorf("people with %s points: %w", points, d.err)
		}
	}
	return nil
}

func (s *shardState) addLag(t *leaderboard.Tallies) error {
	f, err := texts(s.cursor.Val())
	if err != nil || len(s.newest.Val()) == 0 {
		return err
	}
	at, err := parseCursor(f[0])
	if err != nil {
		return err
	}
	newest, err := event.ParsePosition(s.newest.Val()[0].ID)
	if err != nil {
		return err
	}
	lag := newest.Seq - at.Seq
	if newest.Epoch != at.Epoch {
		lag = newest.Seq + 1 // an epoch's first fact has number 0
	}
	t.Lag += int64(lag) //nolint:gosec // A count of facts.
	return nil
}

// addCells adds "unit|metric" fields to cells.
func addCells(cells map[leaderboard.Cell]int64, fields map[string]string) error {
	for field, value := range fields {
		unit, metric, _ := strings.Cut(field, "|")
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("tally of %s: %w", field, err)
		}
		cells[leaderboard.Cell{Unit: unit, Metric: leaderboard.Metric(metric)}] += n
	}
	return nil
}

// hoursAtOnce bounds one pipeline of a long history.
const hoursAtOnce = 500

// Hours implements leaderboard.Store.
func (b *Boards) Hours(ctx context.Context, id string, first, last int64) (map[leaderboard.BucketCell]int64, error) {
	o, err := b.campaigns.of(id)
	if err != nil {
		return nil, err
	}
	out := map[leaderboard.BucketCell]int64{}
	for ; first <= last; first += hoursAtOnce {
		if err := b.hours(ctx, o, first, min(first+hoursAtOnce-1, last), out); err != nil {
			return nil, fmt.Errorf("hours of %s: %w", id, err)
		}
	}
	return out, nil
}

func (b *Boards) hours(ctx context.Context, o *opened, first, last int64, out map[leaderboard.BucketCell]int64) error {
	answers := map[int64][]*redis.MapStringStringCmd{}
	err := b.campaigns.ask(ctx, o, o.shards, func(p redis.Pipeliner) {
		for h := first; h <= last; h++ {
			for _, k := range o.shards {
				answers[h] = append(answers[h], p.HGetAll(ctx, k.hour(h)))
			}
		}
	})
	if err != nil {
		return err
	}
	for h, shards := range answers {
		cells := map[leaderboard.Cell]int64{}
		for _, a := range shards {
			if err := addCells(cells, a.Val()); err != nil {
				return err
			}
		}
		for cell, n := range maps.All(cells) {
			out[leaderboard.BucketCell{Bucket: h, Cell: cell}] = n
		}
	}
	return nil
}
