package bankfile

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// compared finds the questions that are there already: in the same file, or in the
// bank. The same question with the same key is skipped, unless it is the first one
// that says something else of the bank's. With another key one of the two is wrong,
// and nobody can tell which from here: what comes new is refused. Questions that are
// merely like each other are left alone.
func compared(r Report, o Options) Report {
	c := comparison{byStem: map[string]*meeting{}}
	there := make(map[*Question]int, len(o.Existing)) // until the file has come to it
	for i := range o.Existing {
		c.meet(&o.Existing[i])
		there[&o.Existing[i]] = i
	}
	for i := range r.Imported {
		c.meet(&r.Imported[i])
	}
	kept := make([]Question, 0, len(r.Imported))
	for i := range r.Imported {
		q := &r.Imported[i]
		m := c.byStem[alikeStem(q.Stem)]
		if other := m.conflict(q); other != nil {
			r.Refused = append(r.Refused, q.refusal(&doubt{"key_conflict", conflictReason(q, other)}))
			continue
		}
		if first := m.first[sameAs(q, true)]; first != q {
			at, inBank := there[first]
			delete(there, first)
			if inBank && o.Amends != nil && o.Amends(at, q) {
				q.Amends = at + 1
				kept = append(kept, *q)
				continue
			}
			r.Skipped = append(r.Skipped, q.refusal(&doubt{"duplicate", fmt.Sprintf("与%s的题目相同，答案也是 %s", place(q, first), q.answer())}))
			continue
		}
		kept = append(kept, *q)
	}
	r.Imported = kept
	sortRefusals(r.Refused)
	sortRefusals(r.Skipped)
	return r
}

// comparison gathers questions by their stems.
type comparison struct{ byStem map[string]*meeting }

// meeting is what is known of the questions with one stem.
type meeting struct {
	first map[string]*Question // by options and key
	// sets holds questions by their options alone, right and wrong those that have an
	// option among the right, or the wrong ones. Each list has the first question for
	// each pair of dates (in sets: and each key), and at most mostDates.
	sets, right, wrong map[string][]*Question
}

// mostDates bounds how often the answer to one question may have changed.
const mostDates = 16

func (c *comparison) meet(q *Question) {
	stem := alikeStem(q.Stem)
	m := c.byStem[stem]
	if m == nil {
		m = &meeting{first: map[string]*Question{}, sets: map[string][]*Question{}, right: map[string][]*Question{}, wrong: map[string][]*Question{}}
		c.byStem[stem] = m
	}
	if id := sameAs(q, true); m.first[id] == nil {
		m.first[id] = q
	}
	remember(m.sets, sameAs(q, false), q, func(other *Question) bool { return q.sameDates(other) && q.Key == other.Key })
	all := q.pointsAtAll()
	for i, o := range q.Options {
		o = alike(o)
		if pointsAtOthers(o) || all && !q.Key.Has(i) {
			continue
		}
		side := m.wrong
		if q.Key.Has(i) {
			side = m.right
		}
		remember(side, o, q, q.sameDates)
	}
}

// remember adds q to a list unless one stands there that does as well.
func remember(in map[string][]*Question, what string, q *Question, asWell func(*Question) bool) {
	if list := in[what]; len(list) < mostDates && !slices.ContainsFunc(list, asWell) {
		in[what] = append(list, q)
	}
}

// conflict returns a question with this stem that calls an option wrong which q
// calls right, or the other way round; or one with the same options and another key.
func (m *meeting) conflict(q *Question) *Question {
	all := q.pointsAtAll()
	for i, o := range q.Options {
		o = alike(o)
		if all && !q.Key.Has(i) {
			continue
		}
		side := m.right
		if q.Key.Has(i) {
			side = m.wrong
		}
		if at := slices.IndexFunc(side[o], q.meets); at >= 0 {
			return side[o][at]
		}
	}
	for _, other := range m.sets[sameAs(q, false)] {
		if q.meets(other) && sameAs(other, true) != sameAs(q, true) {
			return other
		}
	}
	return nil
}

func (q *Question) sameDates(other *Question) bool {
	return q.ValidFrom == other.ValidFrom && q.ValidTo == other.ValidTo
}

// meets tells whether there is a day on which both hold: when a law changes, the same
// question has another answer from that day on.
func (q *Question) meets(other *Question) bool {
	return (q.ValidTo == "" || other.ValidFrom <= q.ValidTo) && (other.ValidTo == "" || q.ValidFrom <= other.ValidTo)
}

// sameAs names a question by what makes it the same: its options, in whatever
// order, and where keyed is asked for, which of them are right.
func sameAs(q *Question, keyed bool) string {
	var list []string
	for i, o := range q.Options {
		mark := "-"
		if keyed && q.Key.Has(i) {
			mark = "+"
		}
		list = append(list, mark+alike(o))
	}
	slices.Sort(list)
	return strings.Join(list, "\x00")
}

// pointsAtAll tells whether the right answer is one such as 以上都对: the other
// options are then not wrong by themselves.
func (q *Question) pointsAtAll() bool {
	for i, o := range q.Options {
		if q.Key.Has(i) && pointsAtOthers(o) {
			return true
		}
	}
	return false
}

// pointsAtOthers tells options such as 以上都对, which are right or wrong by what
// stands beside them.
func pointsAtOthers(option string) bool {
	o := norm.NFKC.String(option)
	if len([]rune(o)) > 16 {
		return false
	}
	for _, w := range []string{"以上", "上述", "都对", "都是", "都不", "均", "全部", "全都", "皆"} {
		if strings.Contains(o, w) {
			return true
		}
	}
	return strings.Trim(o, "ABCDEFGHabcdefgh、,和与及. ") == ""
}

func conflictReason(q, other *Question) string {
	return fmt.Sprintf("与%s的题目相同而答案不同（这里是 %s，那里是 %s），两处都请核对", place(q, other), q.answer(), other.answer())
}

// answer shows a key with the words that it stands for.
func (q *Question) answer() string {
	var words []string
	for i, o := range q.Options {
		if q.Key.Has(i) {
			words = append(words, shortened(o, 20))
		}
	}
	return q.Letters() + "「" + strings.Join(words, "；") + "」"
}

// place says where another question stands, seen from q.
func place(q, other *Question) string {
	var b strings.Builder
	if other.File != q.File && other.File != "" {
		b.WriteString(" " + filepath.Base(other.File))
	}
	if other.Sheet != "" && other.Sheet != q.Sheet {
		b.WriteString("「" + other.Sheet + "」")
	}
	if other.Line > 0 {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		return b.String() + fmt.Sprintf("第 %d 行", other.Line)
	}
	return "题库中已有" + b.String()
}

// sortRefusals puts refusals in the order of the file.
func sortRefusals(list []Refusal) {
	slices.SortStableFunc(list, func(a, b Refusal) int { return a.Line - b.Line })
}
