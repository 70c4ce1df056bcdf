package main

import (
	"time"

	"qingyuan/internal/httpapi"
	"qingyuan/internal/report"
)

// newTopics follows the ledger for what screens tell of knowledge.
func newTopics(p *program, now func() time.Time) *report.Topics {
	return &report.Topics{
		Ledger: p.archive.ledger, Campaigns: p.catalog.Campaigns, Now: now,
		Failed: func(id string, err error) { p.log.Warn("topics were not read on", "campaign", id, "err", err) },
	}
}

// topicBoard shows the topics of package report to the edge.
type topicBoard struct{ *report.Topics }

var _ httpapi.Topics = topicBoard{}

// Missed implements httpapi.Topics.
func (b topicBoard) Missed(campaignID string) ([]httpapi.MissedTopic, time.Time, bool) {
	items, asOf, ok := b.Topics.Missed(campaignID)
	out := make([]httpapi.MissedTopic, len(items))
	for i, t := range items {
		out[i] = httpapi.MissedTopic(t)
	}
	return out, asOf, ok
}
