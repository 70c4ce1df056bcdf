// Package quiz holds the rules of the knowledge quiz: questions and their dates
// of validity, drawing a paper, marking it, and the life of an attempt.
//
// Rules are pure functions; the Service joins them to a Store. No answer key
// leaves this package before the submission: what a participant sees is a
// Sheet, which has none.
package quiz

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Kind is the form of a question.
type Kind string

// The kinds of question. Judge questions have the options JudgeOptions.
const (
	Single   Kind = "single"
	Multiple Kind = "multiple"
	Judge    Kind = "judge"
)

// MaxOptions bounds the options of a question: a choice is a bit set.
const MaxOptions = 16

// JudgeOptions are the options of every judge question, right first.
func JudgeOptions() []Option {
	return []Option{{Text: "正确", Pinned: true}, {Text: "错误", Pinned: true}}
}

// Choice is a set of options by their position in the bank: bit 0 is the first
// option. The zero Choice is an unanswered question.
type Choice uint16

// Has tells whether option i is in the set.
func (c Choice) Has(i int) bool { return c&(1<<i) != 0 }

// With returns the set with option i in it.
func (c Choice) With(i int) Choice { return c | 1<<i }

// Option is one answer a participant may choose.
type Option struct {
	Text string `json:"text"`
	// Pinned keeps the option's place when options are shuffled ("以上都对").
	Pinned bool `json:"pinned,omitempty"`
}

// Media is a picture of a question with its text alternative
// (无障碍环境建设法 art. 32).
type Media struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// AllAudiences marks a question that fits every group.
const AllAudiences = "all"

// Question is one question of a bank.
type Question struct {
	ID         string   `json:"id"`
	Kind       Kind     `json:"kind"`
	Topic      string   `json:"topic"`
	Audience   []string `json:"audience"`
	Difficulty int      `json:"difficulty"` // 1 easy, 2 medium, 3 hard
	Stem       string   `json:"stem"`
	Options    []Option `json:"options"`
	Key        Choice   `json:"key"`
	// Explanation tells why the key is right; Basis is the legal basis or the
	// named source; Fact is the editors' own reference to it.
	Explanation string `json:"explanation"`
	Basis       string `json:"basis"`
	Fact        string `json:"fact,omitempty"`
	// ValidFrom and ValidTo are local dates (YYYY-MM-DD), both included, between
	// which the key holds; ValidTo is "" while no end is known.
	ValidFrom string  `json:"valid_from"`
	ValidTo   string  `json:"valid_to,omitempty"`
	Media     []Media `json:"media,omitempty"`
}

// ValidOn tells whether the question's key holds on the local date day.
func (q *Question) ValidOn(day string) bool {
	return q.ValidFrom <= day && (q.ValidTo == "" || day <= q.ValidTo)
}

// Suits tells whether the question is meant for the audience.
func (q *Question) Suits(audience string) bool {
	return slices.Contains(q.Audience, AllAudiences) || slices.Contains(q.Audience, audience)
}

// Check returns every fault of the question by itself.
func (q *Question) Check() []error {
	var errs flaws
	if q.ID == "" {
		errs.add("", "id is empty")
	}
	if q.Stem == "" {
		errs.add("", "stem is empty")
	}
	if q.Basis == "" {
		errs.add("", "basis is empty: name the law or the source")
	}
	if q.Difficulty < 1 || q.Difficulty > 3 {
		errs.add("", "difficulty %d is not 1, 2 or 3", q.Difficulty)
	}
	if len(q.Audience) == 0 {
		errs.add("", "audience is empty")
	}
	errs = append(errs, q.checkDates()...)
	return append(errs, q.checkOptions()...)
}

func (q *Question) checkDates() []error {
	var errs flaws
	for name, day := range map[string]string{"valid_from": q.ValidFrom, "valid_to": q.ValidTo} {
		if day == "" && name == "valid_to" {
			continue
		}
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			errs.add("", "%s %q is not a date", name, day)
		}
	}
	if q.ValidTo != "" && q.ValidTo < q.ValidFrom {
		errs.add("", "valid_to %s is before valid_from %s", q.ValidTo, q.ValidFrom)
	}
	return errs
}

func (q *Question) checkOptions() []error {
	var errs flaws
	if n := len(q.Options); n < 2 || n > MaxOptions {
		errs.add("", "%d options, want 2 to %d", n, MaxOptions)
	}
	seen := map[string]bool{}
	for _, o := range q.Options {
		if o.Text == "" || seen[o.Text] {
			errs.add("", "option %q is empty or stands twice", o.Text)
		}
		seen[o.Text] = true
	}
	right := 0
	for i := range MaxOptions {
		if !q.Key.Has(i) {
			continue
		}
		right++
		if i >= len(q.Options) {
			errs.add("", "key names option %c, which does not exist", 'A'+i)
		}
	}
	if q.Kind == Judge && !slices.Equal(q.Options, JudgeOptions()) {
		errs.add("", "a judge question has the options 正确 and 错误, in this order, and no other")
	}
	switch q.Kind {
	case Single, Judge:
		if right != 1 {
			errs.add("", "a %s question has one right option, not %d", q.Kind, right)
		}
	case Multiple:
		if right < 2 {
			errs.add("", "a multiple question has two right options or more, not %d", right)
		}
	default:
		errs.add("", "kind %q is not single, multiple or judge", q.Kind)
	}
	return errs
}

// Bank is one immutable version of a question bank.
type Bank struct {
	ID string `json:"id"`
	// Digest names this version: two banks with one digest are the same.
	Digest    string     `json:"-"`
	Questions []Question `json:"questions"`
}

// NewBank numbers a version by the digest of its content. The order of the
// questions is part of it, because papers refer to questions by position.
func NewBank(id string, questions []Question) (*Bank, error) {
	b := &Bank{ID: id, Questions: questions}
	raw, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode bank %s: %w", id, err)
	}
	sum := sha256.Sum256(raw)
	b.Digest = hex.EncodeToString(sum[:6])
	return b, nil
}
