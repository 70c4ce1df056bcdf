package httpapi

import (
	"errors"
	"time"

	"qingyuan/internal/fault"
)

// Feature is a part of a campaign that an operator may switch off while everything
// else goes on.
type Feature string

// What can be switched off. Enrolling, answering, signing and the counts cannot.
const (
	// FeatureBoards are the boards of participants, units and regions, and one's
	// own place on them.
	FeatureBoards Feature = "boards"
	// FeatureBreakdown are the counts of regions and units.
	FeatureBreakdown Feature = "breakdown"
	// FeatureHistory are the counts by hour and day.
	FeatureHistory Feature = "history"
	// FeatureLive are the event streams; the same can still be polled.
	FeatureLive Feature = "live"
)

// Features lists everything that can be switched off.
func Features() []Feature {
	return []Feature{FeatureBoards, FeatureBreakdown, FeatureHistory, FeatureLive}
}

var (
	errOff = errors.New("switched off by an operator")
	// errSwitchedOff answers for what is off. It asks for patience: somebody has to
	// switch it on again.
	errSwitchedOff = fault.ErrUnavailable.Because(errOff).WithRetry(30 * time.Second)
)

// off tells whether a feature of a campaign is switched off.
func (s *Server) off(campaignID string, f Feature) bool {
	return s.Switches != nil && s.Switches.Off(campaignID, f)
}
