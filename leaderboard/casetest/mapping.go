package casetest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// mapping says how a case is put to boards that keep small whole numbers, 0.1 s of
// used time and whole seconds, and order by score from above, less time and earlier:
// values that do not fit, and values in another order, are replaced by where they
// stand among all of the case. That keeps their order, which is all that places are
// made of.
type mapping struct {
	rule  *Rule
	score axis
	// first and second are the used time and the moment, or the other way round where
	// the rule looks at the moment first.
	first, second axis
	swapped       bool
}

// axis maps one kind of value.
type axis struct {
	values []int64 // in the order of the board; nil where they are as they are
	unit   int64
	flat   bool // all are the same, because they decide nothing
}

func (a axis) to(v int64) int64 {
	n, _ := a.find(v)
	return n
}

func (a axis) find(v int64) (int64, bool) {
	switch {
	case a.flat:
		return 0, true
	case a.values == nil:
		return v, true
	}
	i := slices.Index(a.values, v)
	return int64(i) * a.unit, i >= 0
}

func (a axis) back(v int64) int64 {
	if a.values == nil || v%a.unit != 0 || v/a.unit >= int64(len(a.values)) {
		return v
	}
	return a.values[v/a.unit]
}

// spec is what a board can hold of one kind of value.
type spec struct {
	unit, most int64
	flip, flat bool
	raw        bool // the case says itself how coarse its values are
}

// axis keeps values that fit as they are, and lists others.
func (s spec) axis(values []int64) axis {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	fits := !slices.ContainsFunc(values, func(v int64) bool { return v < 0 || v > s.most || v%s.unit != 0 })
	switch {
	case s.flat:
		return axis{flat: true}
	case s.raw || fits && !s.flip:
		return axis{}
	case s.flip:
		slices.Reverse(values)
	}
	return axis{values: values, unit: s.unit}
}

// The bounds of the finest layout: scores below 2^11, used times below 2^18 tenths
// of a second, 190 days; and those of sums.
const (
	maxScore = 1<<11 - 1
	maxSum   = 1<<21 - 1
	maxUsed  = (1<<18 - 1) * 100
	maxAt    = 190 * 24 * 60 * 60 * 1000
)

// newMapping finds how a script is put to a store, or says why it cannot be.
func newMapping(s *script) (*mapping, error) {
	m := &mapping{rule: s.rule}
	var scores, used, at []int64
	for _, a := range s.acts {
		if a.kind == submits && a.accepted {
			scores, used, at = append(scores, a.score), append(used, a.used), append(at, int64(a.at))
		}
	}
	m.times(used, at)
	if s.rule.sums() {
		if err := m.checkSums(scores); err != nil {
			return nil, err
		}
		return m, m.checkTies(s)
	}
	m.score = spec{unit: 1, most: maxScore, flip: s.rule.Order == "asc"}.axis(scores)
	if err := checkLast(s); err != nil {
		return nil, err
	}
	for what, n := range map[string]int{
		"scores": len(m.score.values) - maxScore, "used times": len(m.first.values) - maxUsed/100,
	} {
		if n > 1 {
			return nil, fmt.Errorf("it has %d different %s more than a board holds", n-1, what)
		}
	}
	return m, m.checkTies(s)
}

// breaks tells whether the rule breaks ties by a kind of value, and how early.
func (r *Rule) breaks(name string) (place int, ok bool) {
	place = slices.IndexFunc(r.Tie, func(tie string) bool { return tie == name+"_asc" || tie == name+"_desc" })
	return place, place >= 0
}

func (r *Rule) falling(name string) bool { return slices.Contains(r.Tie, name+"_desc") }

// times maps used times and moments. Those that break no tie are all the same,
// except that a freeze and days need the moments.
func (m *mapping) times(used, at []int64) {
	r := m.rule
	usedAt, byUsed := r.breaks("used")
	atAt, byAt := r.breaks("at")
	raw := r.Encoding != nil
	short := spec{unit: 100, most: maxUsed, flip: r.falling("used"), flat: !byUsed, raw: raw}
	early := spec{unit: 1000, most: maxAt, flip: r.falling("at"), flat: !byAt && r.Freeze == nil && r.Policy != "sum_days", raw: raw}
	if r.sums() {
		early.unit = 100
	}
	if r.Freeze != nil {
		at = append(at, int64(*r.Freeze), int64(r.Unfreeze.or(*r.Freeze)))
	}
	if m.swapped = byUsed && byAt && atAt < usedAt; m.swapped {
		early.unit, early.most, short.unit = 100, maxUsed, 1000
		m.first, m.second = early.axis(at), short.axis(used)
		return
	}
	m.first, m.second = short.axis(used), early.axis(at)
}

// checkSums says which sums a store cannot hold.
func (m *mapping) checkSums(scores []int64) error {
	var sum int64
	for _, v := range scores {
		if v < 0 {
			return fmt.Errorf("it adds %d points, and no attempt has less than none", v)
		}
		sum += v
	}
	_, byUsed := m.rule.breaks("used")
	switch {
	case m.rule.Order == "asc":
		return errors.New("a sum is ranked from above")
	case sum > maxSum:
		return fmt.Errorf("%d points are more than a sum holds", sum)
	case m.rule.Policy == "sum_days" && m.second.values != nil:
		return errors.New("its days are not those of a campaign")
	case byUsed:
		return errors.New("a sum has no used time")
	case m.rule.falling("at"):
		return errors.New("whoever reached a sum first leads")
	}
	return nil
}

// checkLast says where the last attempt alone cannot count: what was submitted
// before it is taken back, and so would be gone from boards that stood still.
func checkLast(s *script) error {
	r := s.rule
	if !r.last() || r.Freeze == nil {
		return nil
	}
	for _, m := range s.truth.members {
		before := slices.ContainsFunc(m.attempts, func(a attempt) bool { return a.at < *r.Freeze })
		since := slices.ContainsFunc(m.attempts, func(a attempt) bool { return a.at >= *r.Freeze })
		if before && since {
			return fmt.Errorf("%s's last attempt is of a freeze, and the one before it stands on boards that stand still", m.name)
		}
	}
	return nil
}

// checkTies says where the store would break a tie that the rule does not, or in
// another way: with a freeze, or days, moments are what they are.
func (m *mapping) checkTies(s *script) error {
	if s.rule.Freeze != nil && (m.swapped || s.rule.falling("at")) {
		return errors.New("with a freeze the shorter time comes before the earlier, and the earlier before the later")
	}
	if _, byAt := s.rule.breaks("at"); byAt || m.second.flat {
		return nil
	}
	for _, frozen := range []bool{false, s.rule.Freeze != nil} {
		all := s.truth.list(sight{admin: true, frozen: frozen})
		for i := range all {
			if i > 0 && all[i].Rank == all[i-1].Rank && all[i].at != all[i-1].at {
				return fmt.Errorf("%s and %s are equal but for the moment, which a store orders by", all[i-1].Member, all[i].Member)
			}
		}
	}
	return nil
}

// place maps a place.
func (m *mapping) place(p place) place {
	first, second := p.used, int64(p.at)
	if m.swapped {
		first, second = second, first
	}
	return place{m.score.to(p.score), m.first.to(first), Moment(m.second.to(second))}
}

// when maps a moment at which a board is looked at, or stands still.
func (m *mapping) when(at Moment) time.Time {
	ms := int64(at)
	switch {
	case m.rule.Freeze == nil:
		ms = maxAt // nothing depends on it
	case m.second.values != nil:
		n, found := slices.BinarySearch(m.second.values, ms)
		if !found {
			n--
		}
		ms = int64(n) * m.second.unit
	}
	return opened().Add(time.Duration(ms) * time.Millisecond)
}
