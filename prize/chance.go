package prize

import (
	"slices"
	"strconv"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Why says what kept a chance from winning what it fell on.
type Why string

// What keeps a chance from winning.
const (
	WhyGone Why = "gone" // all that was released is won
	WhyHad  Why = "had"  // the participant has had as many wins as anybody may
)

// Chance is one that was spent.
type Chance struct {
	Number int
	At     time.Time
	// Rolled is the prize that it fell on, "" for none. Item is which of it was won; 0
	// where nothing was, and Why then says what kept it.
	Rolled string
	Item   int
	Why    Why
}

// Standing is how far a participant is with their chances.
type Standing struct {
	// Last is the number of the newest chance, OnDay how many were spent on Day, the
	// local date of that one.
	Last  int
	Day   string
	OnDay int
	// Wins counts their instant wins.
	Wins int
}

// left is how many chances remain on a day; nil where there is no bound.
func (s *Standing) left(c Chances, day string) (today, all *int) {
	if c.PerDay > 0 {
		spent := s.OnDay
		if s.Day != day {
			spent = 0
		}
		today = new(max(c.PerDay-spent, 0))
	}
	if c.InAll > 0 {
		all = new(max(c.InAll-s.Last, 0))
		if today != nil {
			today = new(min(*today, *all))
		}
	}
	return today, all
}

// State is what has become of a prize that was won.
type State string

// The states of a prize that was won.
const (
	Won     State = "won"
	Claimed State = "claimed"
	Sent    State = "sent"
	Expired State = "expired" // nobody claimed it in time
	Refused State = "refused" // it is not given, for a reason that two persons agreed on
)

// Next lists the states that may follow. A refusal may be taken back by an appeal.
func (s State) Next() []State {
	switch s {
	case Won:
		return []State{Claimed, Expired, Refused}
	case Claimed:
		return []State{Sent, Refused}
	case Refused:
		return []State{Won}
	case Sent, Expired:
	}
	return nil
}

// May tells whether a state may follow.
func (s State) May(next State) bool { return slices.Contains(s.Next(), next) }

// WinID names a win within its campaign: which of which prize.
type WinID struct {
	Prize string
	Item  int
}

// String is "prize.item".
func (w WinID) String() string { return w.Prize + "." + strconv.Itoa(w.Item) }

// ParseWinID is the inverse of String.
func ParseWinID(s string) (WinID, error) {
	for i := len(s) - 1; i > 0; i-- {
		if s[i] != '.' {
			continue
		}
		n, err := strconv.Atoi(s[i+1:])
		w := WinID{s[:i], n}
		if err == nil && n > 0 && w.String() == s {
			return w, nil
		}
		break
	}
	return WinID{}, ErrNoWin
}

// Win is a prize that somebody won.
type Win struct {
	WinID

	Participant string
	// Unit and Group are where they belonged when they won.
	Unit, Group string
	// Chance is the number of the chance, 0 for a draw; Draw and Place are which draw
	// and where in its published order.
	Chance int
	Draw   string
	Place  int
	At     time.Time
	State  State
	// Since is when it came into its state.
	Since time.Time
}

// Acts are what a participant has done, as far as qualifying asks.
type Acts struct {
	Unit, Group string
	Signed      bool
	// Attempts are those that were accepted and count, by number.
	Attempts []Attempt
}

// Attempt is one that counts.
type Attempt struct {
	// StartedAt decides its day.
	StartedAt time.Time
	// First says that nothing was begun earlier on that day.
	First  bool
	Score  int
	Passed bool
}

// Meets tells whether somebody who has done this may try at a moment.
func (q *Qualify) Meets(c *campaign.Campaign, a *Acts, now time.Time) bool {
	if q.Signed && !a.Signed || len(q.Groups) > 0 && !slices.Contains(q.Groups, a.Group) {
		return false
	}
	if len(q.Regions) > 0 && !slices.ContainsFunc(q.Regions, func(r string) bool { return c.Tree.Within(a.Unit, r) }) {
		return false
	}
	if !q.asksAttempt() {
		return true
	}
	today := c.Day(now)
	return slices.ContainsFunc(a.Attempts, func(t Attempt) bool {
		day := q.Attempts == AnyAttempt || c.Day(t.StartedAt) == today
		first := q.Attempts != FirstOfDay || t.First
		return day && first && (!q.Passed || t.Passed) && t.Score >= q.MinScore
	})
}

// Ever tells whether somebody who has done this takes part in a draw: what Meets asks of
// the attempts of a day, any day has.
func (q *Qualify) Ever(c *campaign.Campaign, a *Acts) bool {
	whenever := *q
	if q.Attempts != FirstOfDay {
		whenever.Attempts = AnyAttempt
		return whenever.Meets(c, a, c.OpensAt)
	}
	if len(a.Attempts) == 0 {
		return q.Meets(c, a, c.OpensAt)
	}
	return slices.ContainsFunc(a.Attempts, func(t Attempt) bool { return q.Meets(c, a, t.StartedAt) })
}

// Faults of prizes.
var (
	ErrNone = fault.New(fault.NotFound, "prize.none", "本活动没有抽奖")
	// ErrNoWin is a win that is not there, or somebody else's.
	ErrNoWin        = fault.New(fault.NotFound, "prize.not_found", "没有这项中奖记录")
	ErrNotQualified = fault.New(fault.Forbidden, "prize.not_qualified", "暂不符合抽奖条件，请查看活动规则")
	// ErrLimit is a chance beyond those that the rules give.
	ErrLimit = fault.New(fault.Conflict, "prize.limit_reached", "抽奖次数已用完")
	// ErrNumber is a number that is neither a chance that was spent nor the next.
	ErrNumber = fault.New(fault.Conflict, "prize.number", "抽奖序号有误，请刷新后重试")
	// ErrState is a step that does not follow from the state that a win is in.
	ErrState = fault.New(fault.Conflict, "prize.state", "该奖品的状态已经改变，请刷新后重试")
)
