// Package state says what Redis must hold, in the words of the domains. Package
// replay works it out from the ledger, and the store of Redis packs it, writes it
// and compares it with what lies there. It knows neither.
package state

import (
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/event"
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
	// Stays are where they belonged before each transfer, oldest first.
	Stays []event.Stay
	// Digest recognises the personal data behind the enrolment; "" once erased.
	Digest string
	// FirstAct is when their first act was accepted; zero before it.
	FirstAct time.Time
	// Last is the number of the newest attempt, Day the local date of its start
	// and OnDay how many were started on it.
	Last  int
	Day   string
	OnDay int
	// Given are the acts that have given them an attempt back, in order. Extra is how
	// many they have started of these; they are in Last and in no OnDay.
	Given []string
	Extra int
	// Open is the open attempt, or nil, and Finished are the others, by number.
	Open     *quiz.Attempt
	Finished []quiz.Attempt
	// Best is nil where no submission counts, and so is OfDay, the place on the board
	// of the newest day on which one does. OfPhase is the same of phases, nil also
	// where there is none.
	Best           *Best
	OfDay, OfPhase *WindowPlace
	// Signature is nil where there is none.
	Signature *pledge.Signature
	// Hidden people stand on no public board.
	Hidden bool
	// Joined is who the person is counted as instead, "" for themselves.
	Joined string
	// Returns says of who is counted as somebody else that the person signs in as them
	// all the same.
	Returns bool
	// Main is their place on the main board, and Places are those on the scoped
	// ones, in order of the scope. The base is by what happened before the freeze,
	// also once that is over.
	Main   leaderboard.Placement
	Places []Place
	// Lot is what they have of prizes, nil for nothing.
	Lot *Lot
}

// Place is a participant's place on a scoped board.
type Place struct {
	Scope string
	leaderboard.Placement
}

// IsLate tells whether a place is kept beside the board during the freeze: it is
// another than the one on the board.
func IsLate(p *leaderboard.Placement) bool {
	return p.Now != nil && (p.Base == nil || *p.Base != *p.Now)
}

// HasLeft tells whether somebody stands on a board as the public sees it during the
// freeze, and left it since.
func HasLeft(p *leaderboard.Placement) bool { return p.Now == nil && p.Base != nil }

// Best is a best attempt and the place on the main board, which is that of a sum
// where the campaign adds points up.
type Best struct {
	Place  uint64
	Result quiz.Result
}

// WindowPlace is the place on the board of a local date or a phase.
type WindowPlace struct {
	Window string
	Place  uint64
}

// Scopes names the scoped boards on which the person has a place.
func (p *Person) Scopes() []string {
	out := make([]string, len(p.Places))
	for i := range p.Places {
		out[i] = p.Places[i].Scope
	}
	return out
}

// Thaw lets the person stand where they stand by everything on every board: the
// freeze is over.
func (p *Person) Thaw() {
	p.Main.Base = p.Main.Now
	for i := range p.Places {
		p.Places[i].Base = p.Places[i].Now
	}
	left := func(at Place) bool { return at.Empty() }
	if slices.ContainsFunc(p.Places, left) {
		p.Places = slices.DeleteFunc(slices.Clone(p.Places), left)
	}
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
