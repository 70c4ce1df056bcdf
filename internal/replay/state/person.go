// Package state says what Redis must hold, in the words of the domains. Package
// replay works it out from the ledger, and the store of Redis packs it, writes it
// and compares it with what lies there. It knows neither.
package state

import (
	"time"

	"qingyuan/campaign"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// Person is what Redis must hold of one participant in one campaign. The answers
// kept in an open attempt lie only in Redis and are no part of it.
type Person struct {
	Participant string
	// Enrolment is who they enrolled as; its Unit is "" before they did. Its
	// DisplayName is "" once their personal data was erased.
	Enrolment campaign.Enrolment
	// Digest recognises the personal data behind the enrolment; "" once erased.
	Digest string
	// FirstAct is when their first act was accepted; zero before it.
	FirstAct time.Time
	// Last is the number of the newest attempt, Day the local date of its start
	// and OnDay how many were started on it.
	Last  int
	Day   string
	OnDay int
	// Open is the open attempt, or nil, and Finished are the others, by number.
	Open     *quiz.Attempt
	Finished []quiz.Attempt
	// Best is nil before the first accepted submission, and so is BestOfDay, the
	// best of the newest day.
	Best      *Best
	BestOfDay *DayPlace
	// Signature is nil where there is none.
	Signature *pledge.Signature
	// Places are those on the scoped boards, one for each.
	Places []leaderboard.Place
}

// Best is a best attempt and its place on a board.
type Best struct {
	Place  uint64
	Result quiz.Result
}

// DayPlace is the place of the best attempt of one local date.
type DayPlace struct {
	Day   string
	Place uint64
}

// Scopes names the scoped boards on which the person has a place.
func (p *Person) Scopes() []string {
	out := make([]string, len(p.Places))
	for i := range p.Places {
		out[i] = p.Places[i].Scope
	}
	return out
}

// Disclosed is what a personal record says once it is opened.
type Disclosed struct {
	campaign.Personal

	// PublishName and Notice belong to an enrolment: whether the full name may
	// be shown, and the version of the notice that was agreed to.
	PublishName bool
	Notice      string
	// Commitment is what the fact of a signature holds of the record, Digest what
	// Redis holds of the personal data of an enrolment.
	Commitment, Digest string
}
