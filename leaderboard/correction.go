package leaderboard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"qingyuan/internal/event"
)

// correct takes out what a participant added to the figures until the fact and
// puts in what they add from then on.
func (b *Batch) correct(r Rules, f *event.Fact, body event.Corrected) error {
	before := RecordOf(f, body)
	after, err := Corrected(before, f.Kind, body.Number)
	if err != nil {
		return err
	}
	if err := b.exchange(r, f, &before, &after); err != nil {
		return err
	}
	return b.replace(r, f, &before, &after)
}

// RecordOf returns the record of a participant as a correction found it.
func RecordOf(f *event.Fact, body event.Corrected) Record {
	rec := Record{Unit: f.Unit, Group: f.Group, Attempts: body.Attempts, SignedVoid: body.SignedVoid, Hidden: body.Hidden}
	if body.SignedAt != 0 {
		rec.SignedAt = time.UnixMilli(body.SignedAt)
	}
	return rec
}

// Corrected returns what a correction makes of a record. It does not change its
// argument. An attempt or a signature that is not there is an error.
func Corrected(rec Record, kind event.Kind, number int) (Record, error) {
	switch kind {
	case event.KindHidden, event.KindShown:
		rec.Hidden = kind == event.KindHidden
		return rec, nil
	case event.KindSignatureInvalidated, event.KindSignatureWithdrawn, event.KindSignatureRestored:
		if rec.SignedAt.IsZero() {
			return Record{}, errors.New("correction of a signature: there is none")
		}
		rec.SignedVoid = kind != event.KindSignatureRestored
		return rec, nil
	default:
	}
	rec.Attempts = slices.Clone(rec.Attempts)
	i := slices.IndexFunc(rec.Attempts, func(a event.Counted) bool { return a.Number == number })
	if i < 0 {
		return Record{}, fmt.Errorf("correction of attempt %d: it is not among the accepted", number)
	}
	rec.Attempts[i].Void = kind != event.KindRestored
	return rec, nil
}

// exchange moves the tallies. What was done since the freeze counts in the late
// ones, as long as the boards stand still.
func (b *Batch) exchange(r Rules, f *event.Fact, before, after *Record) error {
	now, err := r.change(before, after, false)
	if err != nil {
		return err
	}
	b.times(f, now)
	if !r.Campaign.Freeze.Active(f.At) {
		b.Tally.add(f.Unit, now, 1)
		return nil
	}
	past, err := r.change(before, after, true)
	if err != nil {
		return err
	}
	b.Tally.add(f.Unit, past, 1)
	b.Late.add(f.Unit, now, 1)
	b.Late.add(f.Unit, past, -1)
	return nil
}

// times moves the hours, and those minutes that are still looked at.
func (b *Batch) times(f *event.Fact, s share) {
	for at, n := range s.hours {
		b.Hours[BucketCell{at.bucket, Cell{f.Unit, at.metric}}] += n
	}
	for at, n := range s.minutes {
		if at.bucket > minuteOf(f.At)-minutesInRow {
			b.Minutes[BucketCell{at.bucket, Cell{Metric: at.metric}}] += n
		}
	}
}

// change returns by how much the shares of two records differ.
func (r Rules) change(before, after *Record, past bool) (share, error) {
	out, err := r.share(after, past)
	if err != nil {
		return share{}, err
	}
	gone, err := r.share(before, past)
	if err != nil {
		return share{}, err
	}
	subtract(out.metrics, gone.metrics)
	subtract(out.hours, gone.hours)
	subtract(out.minutes, gone.minutes)
	subtract(out.scores, gone.scores)
	return out, nil
}

func subtract[K comparable](from, what map[K]int64) {
	for k, n := range what {
		if from[k] -= n; from[k] == 0 {
			delete(from, k)
		}
	}
}

func (t *Figures) add(unit string, s share, times int64) {
	for m, n := range s.metrics {
		t.count(unit, m, times*n)
	}
	for points, n := range s.scores {
		t.Scores[points] += times * n
	}
}

// replace sets the participant's places on every scoped board on which they had
// or have one.
func (b *Batch) replace(r Rules, f *event.Fact, before, after *Record) error {
	was, err := r.Placements(before, f.At)
	if err != nil {
		return err
	}
	is, err := r.Placements(after, f.At)
	if err != nil {
		return err
	}
	for scope := range was {
		if _, ok := is[scope]; !ok {
			is[scope] = Placement{Hidden: after.Hidden}
		}
	}
	delete(is, "") // the main board was written with the fact
	for _, scope := range slices.Sorted(maps.Keys(is)) {
		b.Moves = append(b.Moves, Move{Op: Set, Scope: scope, Participant: f.Participant, To: is[scope]})
	}
	return nil
}
