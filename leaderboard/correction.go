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
func (b *Batch) correct(r Rules, f *event.Fact, whole event.Corrected) error {
	before := RecordOf(f, whole)
	after, err := After(before, f)
	if err != nil {
		return err
	}
	if err := b.exchange(r, f, &before, &after); err != nil {
		return err
	}
	return b.replace(r, f, &before, &after)
}

// RecordOf returns the record of a participant as a correction, a transfer or a
// re-mark found it.
func RecordOf(f *event.Fact, whole event.Corrected) Record {
	rec := Record{
		Unit: f.Unit, Group: f.Group, Attempts: whole.Attempts, SignedVoid: whole.SignedVoid, Hidden: whole.Hidden, Stays: whole.Stays,
	}
	if t, ok := f.Body.(event.Transferred); ok {
		rec.Unit, rec.Group = t.FromUnit, t.FromGroup
	}
	if whole.SignedAt != 0 {
		rec.SignedAt = time.UnixMilli(whole.SignedAt)
	}
	return rec
}

// After returns what a correction, a transfer, a re-mark, a join or its end makes of the
// record that it found. It does not change its argument. An attempt or a signature that is not
// there is an error.
func After(rec Record, f *event.Fact) (Record, error) {
	switch body := f.Body.(type) {
	case event.Corrected:
		return Corrected(rec, f.Kind, body.Number)
	case event.Transferred:
		return Transferred(rec, f.Unit, f.Group, f.At, body.Request), nil
	case event.Remarked:
		return Remarked(rec, body.Number, body.After)
	case event.Joined:
		return Joined(rec)
	case event.Parted:
		return Parted(rec)
	default:
		return Record{}, fmt.Errorf("correction: %T is none", f.Body)
	}
}

// Transferred returns the record of somebody who belongs elsewhere from a moment on,
// because a request was granted. It does not change its argument.
func Transferred(rec Record, unit, group string, at time.Time, request string) Record {
	rec.Stays = append(slices.Clone(rec.Stays), event.Stay{
		Unit: rec.Unit, Group: rec.Group, Until: at.UnixMilli(), Request: request,
	})
	rec.Unit, rec.Group = unit, group
	return rec
}

// Joined returns the record of somebody who is counted as another participant from then
// on. It does not change its argument. An act that counts is an error: which of two
// people's acts are those of the one person is for an office to decide first.
func Joined(rec Record) (Record, error) {
	if rec.Joined {
		return Record{}, errors.New("join with another participant: they are joined already")
	}
	if rec.Counts() {
		return Record{}, errors.New("join with another participant: an act of theirs counts")
	}
	rec.Joined = true
	return rec, nil
}

// Parted returns the record of somebody who is counted as themselves again. It does not
// change its argument. Somebody who was not joined is an error.
func Parted(rec Record) (Record, error) {
	if !rec.Joined {
		return Record{}, errors.New("part from another participant: they are not joined")
	}
	rec.Joined = false
	return rec, nil
}

// Remarked returns a record in which an attempt has other marks. It does not change
// its argument. An attempt that is not there is an error.
func Remarked(rec Record, number int, m event.Marks) (Record, error) {
	i, err := rec.own(number)
	if err != nil {
		return Record{}, err
	}
	a := &rec.Attempts[i]
	a.Score, a.Passed, a.Full = m.Score, m.Passed, m.Full()
	return rec, nil
}

// own gives the record a list of attempts of its own, and returns the place of one in
// it.
func (rec *Record) own(number int) (int, error) {
	rec.Attempts = slices.Clone(rec.Attempts)
	i := slices.IndexFunc(rec.Attempts, func(a event.Counted) bool { return a.Number == number })
	if i < 0 {
		return 0, fmt.Errorf("correction of attempt %d: it is not among the accepted", number)
	}
	return i, nil
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
	i, err := rec.own(number)
	if err != nil {
		return Record{}, err
	}
	rec.Attempts[i].Void = kind != event.KindRestored
	return rec, nil
}

// exchange moves the tallies from what the record was to what it is. While the boards
// stand still, the public figures change by what was done before the freeze and in the
// unit of then; the rest goes into the late ones.
func (b *Batch) exchange(r Rules, f *event.Fact, before, after *Record) error {
	x := exchange{rules: r, frozen: r.Campaign.Freeze.Active(f.At), public: NewFigures(), late: NewFigures()}
	if before.Unit != after.Unit {
		to := x.newest()
		to.count(before.Unit, Enrolled, -1)
		to.count(after.Unit, Enrolled, 1)
	}
	if after.Joined && !before.Joined {
		x.newest().count(before.Unit, Enrolled, -1)
	}
	hours, minutes := map[BucketCell]int64{}, map[BucketCell]int64{}
	for _, side := range []struct {
		rec   *Record
		times int64
	}{{before, -1}, {after, 1}} {
		now, err := x.add(side.rec, side.times)
		if err != nil {
			return err
		}
		for at, n := range now.hours {
			hours[BucketCell{at.bucket, Cell{side.rec.Unit, at.metric}}] += side.times * n
		}
		for at, n := range now.minutes {
			minutes[BucketCell{at.bucket, Cell{Metric: at.metric}}] += side.times * n
		}
	}
	// Minutes that nobody looks at any more may be gone.
	maps.DeleteFunc(minutes, func(c BucketCell, _ int64) bool { return c.Bucket <= minuteOf(f.At)-minutesInRow })
	merge(b.Hours, hours)
	merge(b.Minutes, minutes)
	b.Tally.merge(&x.public)
	b.Late.merge(&x.late)
	return nil
}

// exchange collects by how much one participant's shares change the figures.
type exchange struct {
	rules        Rules
	frozen       bool
	public, late Figures
}

// newest are the figures that count what is done now.
func (x *exchange) newest() *Figures {
	if x.frozen {
		return &x.late
	}
	return &x.public
}

// add counts a record so many times, and returns its share by everything.
func (x *exchange) add(rec *Record, times int64) (share, error) {
	now, err := x.rules.share(rec, false)
	if err != nil {
		return share{}, err
	}
	x.newest().add(rec.Unit, now, times)
	if !x.frozen {
		return now, nil
	}
	past, err := x.rules.share(rec, true)
	unit, _ := rec.frozenIn(x.rules.Campaign.Freeze)
	x.public.add(unit, past, times)
	x.late.add(unit, past, -times)
	return now, err
}

// merge adds what is not nothing.
func merge[K comparable](to, from map[K]int64) {
	for k, n := range from {
		if n != 0 {
			to[k] += n
		}
	}
}

func (t *Figures) merge(from *Figures) {
	merge(t.Cells, from.Cells)
	merge(t.Scores, from.Scores)
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
	if r.Campaign.Freeze.Over(f.At) && len(before.Stays) > 0 { // they may wait to be thawed on boards that they have left
		frozen, err := r.Placements(before, r.Campaign.Freeze.At)
		if err != nil {
			return err
		}
		maps.Copy(was, frozen)
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
