package campaign

import "time"

// Kept is a kind of what a campaign keeps of people.
type Kept string

// What is kept of people, each for as long as it is needed (个人信息保护法 art. 19).
const (
	// KeptPersonal are names, phones, guardians and the strokes of signatures.
	KeptPersonal Kept = "personal"
	// KeptMessages are what people wrote to the office and were answered: feedback,
	// appeals, what they asked for and reported.
	KeptMessages Kept = "messages"
	// KeptRosters are the names on rosters and the hashes by which they are found.
	KeptRosters Kept = "rosters"
	// KeptOrigins are the keys by which acts from one place are known.
	KeptOrigins Kept = "origins"
	// KeptFlags are the marks of what rules noticed, and whom a flag names.
	KeptFlags Kept = "flags"
	// KeptPapers are the proofs of pledges on paper.
	KeptPapers Kept = "papers"
)

// AllKept lists every kind, in the order in which notices name them.
func AllKept() []Kept {
	return []Kept{KeptPersonal, KeptMessages, KeptRosters, KeptOrigins, KeptFlags, KeptPapers}
}

// Retention says for how many days after its close a campaign keeps each kind. A kind
// that is not there is kept until somebody takes it away.
type Retention map[Kept]int

// ForgetsAt returns when a kind is taken away, and false where that is never: the
// campaign has no rule, or no end.
func (c *Campaign) ForgetsAt(k Kept) (time.Time, bool) {
	days, ruled := c.Retention[k]
	if !ruled || c.AlwaysOpen {
		return time.Time{}, false
	}
	return c.ClosesAt.AddDate(0, 0, days), true
}

// Forgets lists the kinds whose time is over at now.
func (c *Campaign) Forgets(now time.Time) []Kept {
	var out []Kept
	for _, k := range AllKept() {
		if at, ruled := c.ForgetsAt(k); ruled && !now.Before(at) {
			out = append(out, k)
		}
	}
	return out
}
