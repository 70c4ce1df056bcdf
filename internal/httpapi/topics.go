package httpapi

import (
	"time"

	"qingyuan/campaign"
)

// Topics tells which parts of the knowledge are missed most. It answers from memory.
type Topics interface {
	// Missed lists topics, the most missed first, as of a moment; false where that is not
	// worked out yet.
	Missed(campaignID string) (items []MissedTopic, asOf time.Time, ok bool)
	// Asked tells how often a question was answered, and how often as its own key says;
	// false where that is not worked out yet, or nobody has.
	Asked(campaignID, fingerprint string) (shown, right int64, ok bool)
}

// MissedTopic is how often questions of a topic were answered, and how often otherwise
// than the key says.
type MissedTopic struct {
	Topic            string
	Answered, Missed int64
}

type topicsAnswer struct {
	AsOf  string        `json:"as_of"`
	Items []topicAnswer `json:"items"`
}

type topicAnswer struct {
	Topic    string  `json:"topic"`
	Answered int64   `json:"answered"`
	Missed   float64 `json:"missed_rate"`
}

// What a screen shows of topics. Fewer answers than leastAnswered say nothing about a
// topic, and something about single persons.
const (
	frameTopics   = 8
	leastAnswered = 30
)

// answeredT is how a contested question was answered so far, by its own key; null where
// that is not worked out yet.
type answeredT struct {
	Shown    *int64   `json:"shown"`
	Facility *float64 `json:"facility"`
}

func (s *Server) answered(c *campaign.Campaign, fingerprint string) (out answeredT) {
	if s.Topics == nil {
		return out
	}
	shown, right, ok := s.Topics.Asked(c.ID, fingerprint)
	if ok {
		out.Shown, out.Facility = &shown, new(rounded(float64(right)/float64(shown), shareScale))
	}
	return out
}

func (s *Server) topicsOf(c *campaign.Campaign) *topicsAnswer {
	if s.Topics == nil {
		return nil
	}
	all, asOf, ok := s.Topics.Missed(c.ID)
	if !ok {
		return nil
	}
	out := &topicsAnswer{AsOf: stamp(asOf, c.Zone), Items: []topicAnswer{}}
	for _, t := range all {
		if t.Answered >= leastAnswered && len(out.Items) < frameTopics {
			out.Items = append(out.Items, topicAnswer{t.Topic, t.Answered, rounded(float64(t.Missed)/float64(t.Answered), shareScale)})
		}
	}
	return out
}
