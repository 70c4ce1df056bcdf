package main

import (
	"time"

	"qingyuan/internal/httpapi"
	"qingyuan/internal/report"
	"qingyuan/quiz"
)

// newTopics follows the ledger for what screens tell of knowledge.
func newTopics(p *program, now func() time.Time) *report.Topics {
	return &report.Topics{
		Ledger: p.archive.ledger, Campaigns: p.catalog.Campaigns, Now: now, Rulings: rulingsIn(p.catalog),
		Failed: func(id string, err error) { p.log.Warn("topics were not read on", "campaign", id, "err", err) },
	}
}

// topicBoard shows the topics of package report to the edge.
type topicBoard struct{ *report.Topics }

var _ httpapi.Topics = topicBoard{}

// Asked implements httpapi.Topics.
func (b topicBoard) Asked(campaignID, fingerprint string) (shown, right int64, ok bool) {
	a, ok := b.Topics.Asked(campaignID, fingerprint)
	return a.Shown, a.Right, ok
}

// rulingsIn tells what was ruled on the contested questions of campaigns.
func rulingsIn(b interface {
	Quiz(id string) (quiz.Offer, error)
},
) report.Rulings {
	return func(campaignID string) []quiz.Ruled {
		o, err := b.Quiz(campaignID)
		if err != nil { // it has no quiz
			return nil
		}
		return o.Rulings
	}
}

// Missed implements httpapi.Topics.
func (b topicBoard) Missed(campaignID string) ([]httpapi.MissedTopic, time.Time, bool) {
	items, asOf, ok := b.Topics.Missed(campaignID)
	out := make([]httpapi.MissedTopic, len(items))
	for i, t := range items {
		out[i] = httpapi.MissedTopic(t)
	}
	return out, asOf, ok
}
