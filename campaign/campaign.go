// Package campaign is the ground the other domains stand on: a campaign, its
// window of time, its organisation tree, and who takes part.
//
// It knows no store, no transport and no clock: time is an argument, and what
// must be kept goes through the Store interface.
package campaign

import (
	"time"

	"qingyuan/internal/fault"
)

// DefaultLanguage is the language every text of a campaign exists in.
const DefaultLanguage = "zh-CN"

// Text is one text in several languages, keyed by BCP 47 tag. It always has
// DefaultLanguage.
type Text map[string]string

// In returns the text in lang, or in DefaultLanguage where lang is missing.
func (t Text) In(lang string) string {
	if s, ok := t[lang]; ok {
		return s
	}
	return t[DefaultLanguage]
}

// State is what a campaign allows at one moment.
type State string

// The states a participant can see. Before Scheduled there is only the file.
const (
	Scheduled State = "scheduled"
	Open      State = "open"
	Paused    State = "paused"
	Closed    State = "closed"
)

// Breakdown says how deep the public may look into the counts.
type Breakdown string

// The depths of the public breakdown.
const (
	BreakdownNone    Breakdown = "none"
	BreakdownRegions Breakdown = "regions"
	BreakdownUnits   Breakdown = "units"
)

// Group is one kind of participant, such as drivers or pupils.
type Group struct {
	ID   string
	Name Text
	// Audience chooses the questions of the group's papers; empty means ID. A
	// file may let the groups of pupils share the questions for students.
	Audience string
	// Guardian is true where a guardian must consent: children under 14
	// (个人信息保护法 arts. 28 and 31).
	Guardian bool
}

// Field is one thing asked at enrolment: "name", "phone" or "unit".
type Field struct {
	Name     string
	Required bool
}

// Consent is the notice a participant agrees to before anything is stored
// (个人信息保护法 arts. 14 and 17). Its version changes with its text.
type Consent struct {
	Version string
	Text    Text
}

// Campaign is one window of time with a quiz, a pledge, or both.
type Campaign struct {
	// ID is stable, lower-case letters, digits and hyphens; it names keys.
	ID string
	// Version counts what operators changed of it, rosters among it; 0 for a campaign
	// that lies in files. Figures that are announced say which it was.
	Version int64
	Title   Text
	// OpensAt and ClosesAt bound the window: [OpensAt, ClosesAt).
	OpensAt, ClosesAt time.Time
	// Zone is where the campaign's days begin and end.
	Zone   *time.Location
	Paused bool
	// AlwaysOpen ignores OpensAt and ClosesAt: only demonstrations use it.
	AlwaysOpen bool
	Groups     []Group
	Fields     []Field
	Consent    Consent
	// Retention is part of the notice: how long what is known of people is kept after
	// the close.
	Retention Retention
	Ranking   RankingMode
	// TopN is how many places of a board are public under RankingMode TopN.
	TopN int
	// Tiers are those of RankingMode Tiers, best first.
	Tiers []Tier
	// Policy makes places out of attempts. It is fixed when the campaign is opened.
	Policy Policy
	// Clocks are what was done to the time of running attempts.
	Clocks Clocks
	// Banner is told to everybody who looks, nil where there is nothing to tell.
	Banner *Banner
	// Phases have boards of their own, besides those of the days.
	Phases []Phase
	// Combined keeps the boards of every region, unit and group for each day and
	// phase as well, at about 120 bytes a participant and board.
	Combined bool
	// Freeze is when the public boards stand still. It is announced beforehand.
	Freeze Freeze
	// Composite weighs the parts of the units' composite.
	Composite Weights
	// FullMarks is the score of an attempt in which everything is right; 0 without a
	// quiz.
	FullMarks       int
	PublicBreakdown Breakdown
	// Shards is how many parts the campaign's keys are split into: a power of
	// two, fixed when the campaign is opened.
	Shards int
	Tree   *Tree
}

// StateAt tells what the campaign allows at now.
func (c *Campaign) StateAt(now time.Time) State {
	switch {
	case !c.AlwaysOpen && !now.Before(c.ClosesAt):
		return Closed
	case c.Paused:
		return Paused
	case !c.AlwaysOpen && now.Before(c.OpensAt):
		return Scheduled
	default:
		return Open
	}
}

// CheckOpen returns nil while new acts are allowed at now, and otherwise which
// fault to answer.
func (c *Campaign) CheckOpen(now time.Time) error {
	switch c.StateAt(now) {
	case Open:
		return nil
	case Paused:
		return ErrPaused
	case Scheduled:
		return ErrNotOpen
	default:
		return ErrClosed
	}
}

// Over tells whether the campaign is past its close at now.
func (c *Campaign) Over(now time.Time) bool { return c.StateAt(now) == Closed }

// Ranks tells whether participants are told their place at now: where the campaign
// ranks them, and not while the boards stand still.
func (c *Campaign) Ranks(now time.Time) bool { return c.Ranking == TopN && !c.Freeze.Active(now) }

// Day returns the local date of at, as YYYY-MM-DD.
func (c *Campaign) Day(at time.Time) string { return at.In(c.Zone).Format(time.DateOnly) }

// NextDay returns the first moment of the local day after at.
func (c *Campaign) NextDay(at time.Time) time.Time {
	y, m, d := at.In(c.Zone).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, c.Zone)
}

// Group returns the group with the given id.
func (c *Campaign) Group(id string) (Group, bool) {
	for _, g := range c.Groups {
		if g.ID == id {
			return g, true
		}
	}
	return Group{}, false
}

// Audience returns for whom the papers of a group's members are drawn.
func (c *Campaign) Audience(group string) string {
	if g, ok := c.Group(group); ok && g.Audience != "" {
		return g.Audience
	}
	return group
}

// Errors of the window and of the campaign itself.
var (
	ErrNotFound = fault.New(fault.NotFound, "campaign.not_found", "活动不存在")
	ErrNotOpen  = fault.New(fault.Forbidden, "campaign.not_open", "活动尚未开始")
	ErrPaused   = fault.New(fault.Forbidden, "campaign.paused", "活动已暂停，请稍后再来")
	ErrClosed   = fault.New(fault.Forbidden, "campaign.closed", "活动已结束")
)
