//go:build chaos

package chaos

import (
	"fmt"
	"strings"
)

// The kinds of fault.
const (
	faultLost    = "lost"    // acknowledged and not there
	faultDoubled = "doubled" // there more than once, or without having been accepted
	faultWrong   = "wrong grade"
	faultCrossed = "crossed" // somebody else's answer
	faultOther   = "other"
)

// Fault is one thing that must not be.
type Fault struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Verdict is what a judgement has found.
type Verdict struct {
	People       int
	Acknowledged int
	Unknown      int // acts whose outcome was unknown for a time
	Repeats      int // sendings beyond the first
	Faults       []Fault
}

// OK tells whether nothing was found.
func (v *Verdict) OK() bool { return len(v.Faults) == 0 }

// String tells the first faults.
func (v *Verdict) String() string {
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "%d people, %d acts acknowledged, %d unknown for a time, %d repeats, %d faults",
		v.People, v.Acknowledged, v.Unknown, v.Repeats, len(v.Faults))
	for i, f := range v.Faults {
		if i == most {
			b.WriteString("\n  …")
			break
		}
		fmt.Fprintf(&b, "\n  %s: %s", f.Kind, f.Text)
	}
	return b.String()
}

func (v *Verdict) fault(kind, format string, args ...any) {
	v.Faults = append(v.Faults, Fault{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// number books a figure that is not what it should be: too few is lost, too many
// is counted twice.
func (v *Verdict) number(what string, got, want int) {
	switch {
	case got < want:
		v.fault(faultLost, "%s is %d, acknowledged were %d", what, got, want)
	case got > want:
		v.fault(faultDoubled, "%s is %d, acknowledged were %d", what, got, want)
	}
}

// figures compares counts.
func (v *Verdict) figures(where string, got, want figures) {
	v.number(where+": enrolled", got.Enrolled, want.Enrolled)
	v.number(where+": participants", got.Participants, want.Participants)
	v.number(where+": attempts", got.Attempts, want.Attempts)
	v.number(where+": signatures", got.Signatures, want.Signatures)
	if got.Passed != nil && want.Passed != nil {
		v.number(where+": passed", *got.Passed, *want.Passed)
	}
}
