package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// Banks finds versions of question banks by digest.
type Banks func(digest string) (*quiz.Bank, error)

// NewBanks remembers the versions that a ledger holds.
func NewBanks(ctx context.Context, l Ledger) Banks {
	known := map[string]*quiz.Bank{}
	return func(digest string) (*quiz.Bank, error) {
		if b, ok := known[digest]; ok {
			return b, nil
		}
		packed, ok, err := l.Bank(ctx, digest)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("bank version %s is not in the ledger", digest)
		}
		b, err := quiz.UnpackBank(digest, packed)
		if err == nil {
			known[digest] = b
		}
		return b, err
	}
}

// Items are the statistics of every question, from the attempts that count. Use
// NewItems.
type Items struct {
	campaign *campaign.Campaign
	banks    Banks
	rulings  []quiz.Ruled
	// versions tells the questions of a bank version, by their places in it.
	versions map[string][]*Item
	items    map[itemKey]*Item
	topics   map[topicKey]*share
}

// itemKey tells questions apart: one whose key or wording was changed is another.
type itemKey struct {
	id, stem string
	key      quiz.Choice
}

type topicKey struct{ topic, group string }

// share is how many of those who saw something knew it.
type share struct{ shown, right int64 }

// NewItems returns statistics of nothing. Questions that were contested count as the
// rulings in force have it.
func NewItems(c *campaign.Campaign, banks Banks, rulings []quiz.Ruled) *Items {
	return &Items{
		campaign: c, banks: banks, rulings: rulings, versions: map[string][]*Item{}, items: map[itemKey]*Item{}, topics: map[topicKey]*share{},
	}
}

// Item is what became of one question.
type Item struct {
	Question *quiz.Question
	// Ruling is what was decided of the question, nil where it was not contested.
	Ruling *quiz.Ruling
	// Shown counts the attempts that had it, Right those that answered as the key or the
	// ruling says, Blank those that left it out.
	Shown, Right, Blank int64
	// Chosen counts, by option, those who took it.
	Chosen [quiz.MaxOptions]int64

	// What the correlation with the rest of the paper is made of, the rest in
	// per cent of what it is worth.
	sumX, sumY, sumXY, sumYY float64
	paces                    map[int]int64 // attempts by time a question, in tenths of a second
	hours                    hourly
}

// Facility is the share of those who answered rightly, 0 to 1, and false where nobody
// saw the question or it counts for nobody.
func (i *Item) Facility() (float64, bool) {
	return float64(i.Right) / float64(max(i.Shown, 1)), i.Counted() > 0
}

// Counted is how many attempts the question counted in: none where it was dropped.
func (i *Item) Counted() int64 {
	if i.Ruling != nil && i.Ruling.Rule == quiz.Drop {
		return 0
	}
	return i.Shown
}

// Discrimination is the correlation between answering this question rightly and the
// score in the rest of the paper (the corrected item–total correlation), -1 to 1. One
// near or below 0 is a question that the knowing miss: its key may be wrong. It is
// false where everybody answered alike.
func (i *Item) Discrimination() (float64, bool) {
	n := float64(i.Shown)
	varX, varY := n*i.sumX-i.sumX*i.sumX, n*i.sumYY-i.sumY*i.sumY
	const nothing = 1e-9
	if varX <= nothing || varY <= nothing {
		return 0, false
	}
	return (n*i.sumXY - i.sumX*i.sumY) / math.Sqrt(varX*varY), true
}

// Pace is the median of the time that attempts with this question took, for each of
// their questions: how long somebody looks at a single question is not recorded. It is
// false where nobody saw the question.
func (i *Item) Pace() (time.Duration, bool) {
	var before int64
	for _, tenth := range slices.Sorted(maps.Keys(i.paces)) {
		before += i.paces[tenth]
		if 2*before >= i.Shown {
			return time.Duration(tenth) * 100 * time.Millisecond, true
		}
	}
	return 0, false
}

// Add counts the attempts of one person that count.
func (s *Items) Add(p *Person) error {
	for i := range p.Attempts {
		if a := &p.Attempts[i]; !a.State.Void() {
			if err := s.attempt(a, p.Group); err != nil {
				return fmt.Errorf("statistics of attempt %d of %s: %w", a.Number, p.ID, err)
			}
		}
	}
	return nil
}

func (s *Items) attempt(a *quiz.Attempt, group string) error {
	questions, err := s.version(a.Paper.Bank)
	if err != nil {
		return err
	}
	if len(a.Result.Choices) != len(a.Paper.Items) {
		return fmt.Errorf("%d choices for %d questions", len(a.Result.Choices), len(a.Paper.Items))
	}
	pace := a.Result.Used / time.Duration(max(len(a.Paper.Items), 1))
	hour := hourOf(a.Result.SubmittedAt, s.campaign.Zone)
	for i, it := range a.Paper.Items {
		if it.Question >= len(questions) {
			return fmt.Errorf("question %d of %d", it.Question, len(questions))
		}
		item, choice := questions[it.Question], a.Result.Choices[i]
		item.paces[int(pace/(100*time.Millisecond))]++
		item.chose(choice)
		right, counts := item.Ruling.Right(item.Question, choice)
		if !counts {
			continue
		}
		item.count(right, restOf(&a.Result, it.Points, right))
		item.hours.add(hour, 1, right, pace)
		s.topic(topicKey{item.Question.Topic, group}, right)
	}
	return nil
}

// restOf is what the rest of the paper gave, in per cent. An attempt that was marked
// again by a ruling on this question may have more or fewer points than its answers say:
// the rest is never less than nothing, nor more than all.
func restOf(r *quiz.Result, points int, right bool) float64 {
	score, worth := r.Score, r.MaxScore-points
	if right {
		score -= points
	}
	if worth <= 0 {
		return 0
	}
	return min(max(100*float64(score)/float64(worth), 0), 100)
}

func (i *Item) count(right bool, rest float64) {
	i.sumY += rest
	i.sumYY += rest * rest
	if right {
		i.Right++
		i.sumX++
		i.sumXY += rest
	}
}

func (i *Item) chose(choice quiz.Choice) {
	i.Shown++
	if choice == 0 {
		i.Blank++
	}
	for o := range i.Question.Options {
		if choice.Has(o) {
			i.Chosen[o]++
		}
	}
}

func (s *Items) topic(k topicKey, right bool) {
	t, ok := s.topics[k]
	if !ok {
		t = &share{}
		s.topics[k] = t
	}
	t.shown++
	if right {
		t.right++
	}
}

// version returns the statistics of each question of a bank version.
func (s *Items) version(digest string) ([]*Item, error) {
	if v, ok := s.versions[digest]; ok {
		return v, nil
	}
	b, err := s.banks(digest)
	if err != nil {
		return nil, err
	}
	v := make([]*Item, len(b.Questions))
	for i := range b.Questions {
		q := &b.Questions[i]
		k := itemKey{q.ID, q.Stem, q.Key}
		if s.items[k] == nil {
			s.items[k] = &Item{Question: q, Ruling: quiz.RulingOn(q, s.rulings), paces: map[int]int64{}, hours: hourly{}}
		}
		v[i] = s.items[k]
	}
	s.versions[digest] = v
	return v, nil
}

// All lists the questions that anybody saw, in order of id.
func (s *Items) All() []*Item {
	var out []*Item
	for _, i := range s.items {
		if i.Shown > 0 {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b *Item) int { return compareQuestions(a.Question, b.Question) })
	return out
}

// compareQuestions orders by id, and by wording and key what has one id in several
// versions.
func compareQuestions(a, b *quiz.Question) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Stem, b.Stem), cmp.Compare(a.Key, b.Key))
}

// leastShown is how many must have seen a question before anything is concluded.
const leastShown = 30

// MostMissed lists at most n questions that fewest answered rightly, of those that
// enough people saw.
func (s *Items) MostMissed(n int) []*Item {
	out := slices.DeleteFunc(s.All(), func(i *Item) bool { return i.Counted() < leastShown || i.Right == i.Shown })
	slices.SortStableFunc(out, func(a, b *Item) int { return cmp.Compare(a.Right*b.Shown, b.Right*a.Shown) })
	return out[:min(n, len(out))]
}

// Topic is how well a group knows a topic.
type Topic struct {
	Topic, Group string
	// Shown counts questions answered, Right those answered as the key says.
	Shown, Right int64
}

// Topics lists knowledge by topic and group.
func (s *Items) Topics() []Topic {
	out := make([]Topic, 0, len(s.topics))
	for k, t := range s.topics {
		out = append(out, Topic{k.topic, k.group, t.shown, t.right})
	}
	slices.SortFunc(out, func(a, b Topic) int { return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Group, b.Group)) })
	return out
}
