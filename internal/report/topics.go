package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
	"qingyuan/internal/ledger"
	"qingyuan/quiz"
)

// Topics keeps how well topics are known, live, and which questions may be leaking: each
// minute it reads the facts that the ledger has got since, and holds a few numbers a
// topic, and for each question a few an hour. What it holds is worked out anew by every
// server from the first fact on; nothing else hangs on it.
type Topics struct {
	Ledger    TopicLedger
	Campaigns func() []*campaign.Campaign
	Now       func() time.Time
	// Rulings are those in force on contested questions; nil where nobody rules.
	Rulings Rulings
	// Drawn tells whether papers may still get a question of a campaign: what nobody is
	// asked any more is no leak.
	Drawn func(campaign string, q *quiz.Question) bool
	// Suspected is told once of each question whose answer may be going round.
	Suspected func(campaign string, l Leak)
	// Every is the time between two readings; a minute when zero.
	Every time.Duration
	// Failed is told of a reading that broke off; the next one goes on where it did.
	Failed func(campaign string, err error)

	mu    sync.Mutex
	known map[string]knownTopics
	// Of the reader alone.
	readers map[string]*topicReader
}

// TopicLedger is what Topics reads of *ledger.Ledger.
type TopicLedger interface {
	Campaign(ctx context.Context, id string) (ledger.Opened, bool, error)
	After(ctx context.Context, campaign string, shard int, after event.Position, limit int) ([]event.Fact, error)
	History(ctx context.Context, s ledger.Shard, participant string) (ledger.History, error)
	Bank(ctx context.Context, digest string) ([]byte, bool, error)
}

// knownTopics is what was worked out of one campaign.
type knownTopics struct {
	asOf  time.Time
	items []TopicShare
	asked map[string]Asked // by the question's fingerprint
	leaks []Leak
}

// Asked is how often a question was answered, and how often as its own key says, whatever
// was ruled on it since.
type Asked struct{ Shown, Right int64 }

// Asked returns what became of a question of a campaign; false where nobody has answered
// it, or that is not worked out yet.
func (t *Topics) Asked(campaignID, fingerprint string) (Asked, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.known[campaignID].asked[fingerprint]
	return a, ok
}

// TopicShare is how often questions of a topic were answered, and how often otherwise
// than the key says. What was left blank was answered otherwise.
type TopicShare struct {
	Topic            string
	Answered, Missed int64
}

const topicsEvery = time.Minute

// Missed lists the topics of a campaign, the most missed first, and as of when; false
// before they were worked out once.
func (t *Topics) Missed(campaignID string) ([]TopicShare, time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.known[campaignID]
	return k.items, k.asOf, ok
}

// Run reads until ctx ends.
func (t *Topics) Run(ctx context.Context) {
	every := t.Every
	if every == 0 {
		every = topicsEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		t.Refresh(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Refresh reads on in every campaign. It is not safe to be called beside Run or itself.
func (t *Topics) Refresh(ctx context.Context) {
	for _, c := range t.Campaigns() {
		r, ok := t.readers[c.ID]
		if !ok {
			r = newTopicReader(t.Ledger, c)
			if t.readers == nil {
				t.readers = map[string]*topicReader{}
			}
			t.readers[c.ID] = r
		}
		asOf := t.Now()
		known, err := r.read(ctx)
		if err != nil {
			if ctx.Err() == nil {
				t.Failed(c.ID, err)
			}
			continue
		}
		if known {
			t.keep(c.ID, knownTopics{asOf, r.missed(t.Rulings.of(c.ID)), r.asked(), t.suspects(c, r, asOf)})
		}
	}
}

func (t *Topics) keep(campaignID string, k knownTopics) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]knownTopics{}
	}
	t.known[campaignID] = k
}

// topicReader follows the facts of one campaign.
type topicReader struct {
	ledger   TopicLedger
	campaign string
	zone     *time.Location
	cursors  map[int]event.Position
	// questions are those of each bank version, in its order.
	questions map[string][]*answered
	// watched are the questions of all versions, by fingerprint.
	watched map[string]*watched
}

// answered is how often each choice was made of a question: what is right is asked when
// somebody looks, because rulings come and go.
type answered struct {
	*quiz.Question

	fingerprint string
	chosen      map[quiz.Choice]int64
	hours       hourly // the same for all versions that have the question
}

func newTopicReader(l TopicLedger, c *campaign.Campaign) *topicReader {
	return &topicReader{
		ledger: l, campaign: c.ID, zone: c.Zone, cursors: map[int]event.Position{}, questions: map[string][]*answered{},
		watched: map[string]*watched{},
	}
}

// factsAtOnce is how many facts are read at a time.
const factsAtOnce = 1000

// read follows every shard to its end, and tells whether the campaign was ever opened.
func (r *topicReader) read(ctx context.Context) (opened bool, err error) {
	o, known, err := r.ledger.Campaign(ctx, r.campaign)
	if err != nil || !known {
		return false, err
	}
	for n := range o.Shards {
		for {
			facts, err := r.ledger.After(ctx, r.campaign, n, r.cursors[n], factsAtOnce)
			if err != nil {
				return false, fmt.Errorf("topics of %s: %w", r.campaign, err)
			}
			for i := range facts {
				if err := r.take(ctx, n, &facts[i]); err != nil {
					return false, fmt.Errorf("topics of %s, fact %s: %w", r.campaign, facts[i].Position, err)
				}
				r.cursors[n] = facts[i].Position
			}
			if len(facts) < factsAtOnce {
				break
			}
		}
	}
	return true, nil
}

// take counts a submission, takes it out when it counts no more, and puts it back.
func (r *topicReader) take(ctx context.Context, shard int, f *event.Fact) error {
	switch f.Kind {
	case event.KindSubmitted:
		if body, ok := f.Body.(event.Submitted); ok {
			return r.count(ctx, f.At, &body, 1)
		}
	case event.KindInvalidated, event.KindWithdrawn, event.KindRestored:
		body, ok := f.Body.(event.Corrected)
		if !ok {
			break
		}
		sign := int64(-1)
		if f.Kind == event.KindRestored {
			sign = 1
		}
		return r.correct(ctx, shard, f, body.Number, sign)
	default: // nothing else changes what was answered
	}
	return nil
}

// correct finds the submission that a fact speaks of.
func (r *topicReader) correct(ctx context.Context, shard int, f *event.Fact, number int, sign int64) error {
	h, err := r.ledger.History(ctx, ledger.Shard{Campaign: r.campaign, Number: shard}, f.Participant)
	if err != nil {
		return err
	}
	for i := range h.Facts {
		if body, ok := h.Facts[i].Body.(event.Submitted); ok && body.Number == number {
			return r.count(ctx, h.Facts[i].At, &body, sign)
		}
	}
	return fmt.Errorf("attempt %d was never handed in", number)
}

// count counts a submission of a moment, or takes it out.
func (r *topicReader) count(ctx context.Context, at time.Time, body *event.Submitted, sign int64) error {
	questions, err := r.bank(ctx, body.Bank)
	if err != nil {
		return err
	}
	items, err := quiz.ParseItems(body.Items)
	if err != nil {
		return err
	}
	choices, err := quiz.ParseChoices(body.Choices)
	if err != nil {
		return err
	}
	if len(choices) != len(items) {
		return fmt.Errorf("%d choices for %d questions", len(choices), len(items))
	}
	for _, it := range items {
		if it.Question >= len(questions) {
			return fmt.Errorf("question %d of %d", it.Question, len(questions))
		}
	}
	hour := hourOf(at, r.zone)
	pace := time.Duration(body.UsedMS) * time.Millisecond / time.Duration(max(len(items), 1))
	for i, it := range items {
		q := questions[it.Question]
		q.chosen[choices[i]] += sign
		q.hours.add(hour, sign, choices[i] == q.Key, pace)
	}
	return nil
}

func (r *topicReader) bank(ctx context.Context, digest string) ([]*answered, error) {
	if q, ok := r.questions[digest]; ok {
		return q, nil
	}
	packed, ok, err := r.ledger.Bank(ctx, digest)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("bank version %s is not in the ledger", digest)
	}
	b, err := quiz.UnpackBank(digest, packed)
	if err != nil {
		return nil, err
	}
	q := make([]*answered, len(b.Questions))
	for i := range b.Questions {
		one := &b.Questions[i]
		mark := one.Fingerprint()
		q[i] = &answered{one, mark, map[quiz.Choice]int64{}, r.watch(one, mark)}
	}
	r.questions[digest] = q
	return q, nil
}

// missed lists the topics that anybody was asked, the most missed first, with contested
// questions as the rulings have it.
func (r *topicReader) missed(rulings []quiz.Ruled) []TopicShare {
	out := []TopicShare{}
	for topic, s := range r.topics(rulings) {
		if s.shown > 0 {
			out = append(out, TopicShare{topic, s.shown, s.shown - s.right})
		}
	}
	slices.SortFunc(out, func(a, b TopicShare) int {
		return cmp.Or(cmp.Compare(b.Missed*a.Answered, a.Missed*b.Answered), cmp.Compare(a.Topic, b.Topic))
	})
	return out
}

func (r *topicReader) topics(rulings []quiz.Ruled) map[string]share {
	out := map[string]share{}
	for _, version := range r.questions {
		for _, q := range version {
			ruling, s := quiz.RulingOn(q.Question, rulings), out[q.Topic]
			for choice, n := range q.chosen {
				right, counts := ruling.Right(q.Question, choice)
				if counts {
					s.shown += n
				}
				if right {
					s.right += n
				}
			}
			out[q.Topic] = s
		}
	}
	return out
}

// asked sums up what became of each question, over all versions of its bank.
func (r *topicReader) asked() map[string]Asked {
	out := map[string]Asked{}
	for _, version := range r.questions {
		for _, q := range version {
			a := out[q.fingerprint]
			for choice, n := range q.chosen {
				a.Shown += n
				if choice == q.Key {
					a.Right += n
				}
			}
			if a.Shown > 0 {
				out[q.fingerprint] = a
			}
		}
	}
	return out
}
