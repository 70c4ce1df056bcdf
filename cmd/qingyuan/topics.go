package main

import (
	"slices"
	"time"

	"qingyuan/internal/httpapi"
	"qingyuan/internal/report"
	"qingyuan/quiz"
)

// newTopics follows the ledger for what screens tell of knowledge, and for questions
// whose answers may be going round.
func newTopics(p *program, now func() time.Time) *report.Topics {
	return &report.Topics{
		Ledger: p.archive.ledger, Campaigns: p.catalog.Campaigns, Now: now, Rulings: rulingsIn(p.catalog),
		Failed: func(id string, err error) { p.log.Warn("topics were not read on", "campaign", id, "err", err) },
		Drawn:  drawnIn(p.catalog),
		Suspected: func(id string, l report.Leak) {
			p.log.Warn("the answer of a question may be going round", "campaign", id, "question", l.Question.ID, "since", l.Since)
		},
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

// offers finds the quiz of a campaign.
type offers interface {
	Quiz(id string) (quiz.Offer, error)
}

// drawnIn tells whether new papers of a campaign may have a question.
func drawnIn(b offers) func(campaignID string, q *quiz.Question) bool {
	return func(campaignID string, q *quiz.Question) bool {
		o, err := b.Quiz(campaignID)
		if err != nil || o.Bank == nil { // there is nothing to draw
			return false
		}
		place := slices.IndexFunc(o.Bank.Questions, func(one quiz.Question) bool { return one.ID == q.ID })
		return place >= 0 && o.Bank.Questions[place].Fingerprint() == q.Fingerprint() && !o.Withdrawn.Has(place)
	}
}

// rulingsIn tells what was ruled on the contested questions of campaigns.
func rulingsIn(b offers) report.Rulings {
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
