package challenge

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"qingyuan/internal/correction"
	"qingyuan/internal/sqldb"
	"qingyuan/leaderboard"
)

// Rank is what marking again means for one participant, by the facts that a list was made
// from.
type Rank struct {
	Participant, Unit string
	// ScoreBefore and ScoreAfter are the points of their place on the main board, Before
	// and After that place: 0 where they have none, because nothing of theirs counts or
	// they are hidden.
	ScoreBefore, ScoreAfter int
	Before, After           int64
}

// boards are the main board without a ruling and with it.
type boards struct {
	before, after []uint64
	top           [2][]seat
	listed        []stood
}

// seat is somebody's place on a board.
type seat struct {
	participant, unit string
	value             uint64
	score             int
}

// stood is somebody on the list, with the values of their places.
type stood struct {
	Rank

	before, after uint64
}

// mostTop is how many first places are told.
const mostTop = 20

// stand notes where a participant stands without the ruling and with it.
func (x *choice) stand(participant string, before, after *leaderboard.Record, listed bool) error {
	was, err := x.place(before)
	if err != nil {
		return err
	}
	is, err := x.place(after)
	if err != nil {
		return err
	}
	was.participant, was.unit = participant, before.Unit
	is.participant, is.unit = participant, after.Unit
	x.passes(before, after)
	x.boards.add(was, is)
	if listed {
		x.boards.listed = append(x.boards.listed, stood{
			Rank:   Rank{Participant: participant, Unit: before.Unit, ScoreBefore: was.score, ScoreAfter: is.score},
			before: was.value, after: is.value,
		})
	}
	return nil
}

// place is where a record stands; the value 0 is nowhere.
func (x *choice) place(r *leaderboard.Record) (seat, error) {
	if r.Hidden {
		return seat{}, nil
	}
	v, ok, err := x.rules.Place(r.Attempts)
	if err != nil || !ok {
		return seat{}, err
	}
	return seat{value: v + 1, score: x.rules.Layout.Score(v)}, nil // so that no place is 0
}

// passes counts who passes only with the ruling, or only without it: persons whose best
// attempt passes.
func (x *choice) passes(before, after *leaderboard.Record) {
	was, is := passed(before), passed(after)
	switch {
	case is && !was:
		x.effect.PassesGained++
	case was && !is:
		x.effect.PassesLost++
	}
}

func passed(r *leaderboard.Record) bool {
	for i := range r.Attempts {
		if a := &r.Attempts[i]; a.Passed && !a.Void { // a better one passes as well
			return true
		}
	}
	return false
}

func (b *boards) add(was, is seat) {
	for i, s := range []seat{was, is} {
		if s.value == 0 {
			continue
		}
		if i == 0 {
			b.before = append(b.before, s.value)
		} else {
			b.after = append(b.after, s.value)
		}
		if b.top[i] = append(b.top[i], s); len(b.top[i]) >= 8*mostTop {
			b.top[i] = first(b.top[i])
		}
	}
}

// first keeps the first places, the best first.
func first(all []seat) []seat {
	slices.SortFunc(all, func(a, b seat) int {
		return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.participant, b.participant))
	})
	return all[:min(len(all), mostTop)]
}

// ranks are the places of everybody on the list, by those afterwards.
func (b *boards) ranks() []Rank {
	slices.Sort(b.before)
	slices.Sort(b.after)
	out := make([]Rank, len(b.listed))
	for i := range b.listed {
		out[i] = b.listed[i].Rank
		out[i].Before, out[i].After = above(b.before, b.listed[i].before), above(b.after, b.listed[i].after)
	}
	slices.SortStableFunc(out, func(a, b Rank) int {
		return cmp.Or(cmp.Compare(nowhereLast(a.After), nowhereLast(b.After)), cmp.Compare(a.Participant, b.Participant))
	})
	return out
}

// nowhereLast orders those without a place behind all others.
func nowhereLast(rank int64) int64 {
	if rank == 0 {
		return 1 << 62
	}
	return rank
}

// above is the place of a value among sorted ones: 1 and how many are higher.
func above(sorted []uint64, value uint64) int64 {
	if value == 0 {
		return 0
	}
	after, _ := slices.BinarySearch(sorted, value+1)
	return int64(len(sorted)-after) + 1
}

// tops are the first places of both boards.
func (b *boards) tops() (before, after []correction.Placed) {
	return placed(first(b.top[0]), b.before), placed(first(b.top[1]), b.after)
}

func placed(top []seat, all []uint64) []correction.Placed {
	out := make([]correction.Placed, len(top))
	for i, s := range top {
		out[i] = correction.Placed{Rank: above(all, s.value), Participant: s.participant, Unit: s.unit, Score: s.score}
	}
	return out
}

// ranksAtOnce is how many rows one transaction writes: others write as well.
const ranksAtOnce = 2000

// keepRanks replaces what is kept of a list.
func (s *Service) keepRanks(ctx context.Context, batch string, ranks []Rank) error {
	err := s.DB.WithTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM challenge_ranks WHERE correction = $1`, batch)
		return err
	})
	n := 0
	for part := range slices.Chunk(ranks, ranksAtOnce) {
		if err != nil {
			break
		}
		in := sqldb.Insertion{
			Into:  "challenge_ranks (correction, n, participant, unit, score_before, rank_before, score_after, rank_after)",
			Width: 8,
		}
		for i := range part {
			n++
			r := &part[i]
			in.Add(batch, n, r.Participant, r.Unit, r.ScoreBefore, r.Before, r.ScoreAfter, r.After)
		}
		err = s.DB.WithTx(ctx, func(tx *sql.Tx) error { return in.Run(ctx, tx, s.DB.Dialect) })
	}
	if err != nil {
		return fmt.Errorf("keep %d places of list %s: %w", len(ranks), batch, err)
	}
	return nil
}

// Ranks returns at most limit of the people on the list of a challenge, by their places
// afterwards, behind the first so many.
func (s *Service) Ranks(ctx context.Context, c *Challenge, offset, limit int64) ([]Rank, error) {
	rows, err := s.DB.QueryContext(ctx, `SELECT participant, unit, score_before, rank_before, score_after, rank_after FROM challenge_ranks
		WHERE correction = $1 AND n > $2 ORDER BY n LIMIT $3`, c.Correction, offset, limit)
	out, err := sqldb.Collect(rows, err, func(rows *sql.Rows) (r Rank, err error) {
		return r, rows.Scan(&r.Participant, &r.Unit, &r.ScoreBefore, &r.Before, &r.ScoreAfter, &r.After)
	})
	if err != nil {
		return nil, fmt.Errorf("read the places of challenge %s: %w", c.ID, err)
	}
	return out, nil
}
