package report

import (
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// Leaks lists the questions of a campaign whose answers may be going round, the surest
// first: none once the campaign is over. What the caller gets is not to be changed.
func (t *Topics) Leaks(campaignID string) []Leak {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[campaignID].leaks
}

// suspects finds what of a campaign may be leaking, and tells of what was not before.
func (t *Topics) suspects(c *campaign.Campaign, r *topicReader, now time.Time) []Leak {
	if c.Over(now) {
		return nil
	}
	out := slices.DeleteFunc(r.leaks(), func(l Leak) bool { return !t.Drawn(c.ID, l.Question) })
	for _, l := range out {
		if w := r.watched[l.Question.Fingerprint()]; !w.told {
			w.told = true
			t.Suspected(c.ID, l)
		}
	}
	return out
}

// watched is a question that may be leaking. Its hours count what its own key says: one
// that is marked by a ruling is drawn no more.
type watched struct {
	*quiz.Question

	hours hourly
	told  bool
}

// watch returns the hours of a question, over all versions that have it.
func (r *topicReader) watch(q *quiz.Question, fingerprint string) hourly {
	w, ok := r.watched[fingerprint]
	if !ok {
		w = &watched{Question: q, hours: hourly{}}
		r.watched[fingerprint] = w
	}
	return w.hours
}

// leaks lists the questions that look like one, the surest first.
func (r *topicReader) leaks() []Leak {
	var out []Leak
	for _, w := range r.watched {
		if l, ok := w.hours.leak(w.Question, r.zone); ok {
			out = append(out, l)
		}
	}
	surestFirst(out)
	return out
}
