// Package duty says how a server is, in a glance: for whoever is on duty on the busiest
// evening. It samples the metrics of its own process, and judges each figure by fixed
// thresholds. It holds back nothing and decides nothing.
package duty

import "time"

// Level is what a figure asks of whoever looks.
type Level string

// The levels: nothing, to keep an eye on it, to do something.
const (
	OK    Level = "ok"
	Watch Level = "watch"
	Act   Level = "act"
)

// rank orders the levels.
func (l Level) rank() int {
	switch l {
	case Act:
		return 2
	case Watch:
		return 1
	case OK:
	}
	return 0
}

// Worse returns the worse of two levels.
func Worse(a, b Level) Level {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Figure is one number with what it asks for.
type Figure struct {
	// ID is stable: "redis.memory".
	ID string
	// Name is Chinese.
	Name string
	// Value is nil where it could not be asked for.
	Value *float64
	// Unit is Chinese, "" for a plain number.
	Unit  string
	Level Level
	// Hint says in Chinese what to do, "" for a figure that is OK.
	Hint string
}

// Refusals are requests refused with one error code.
type Refusals struct {
	Code                string
	Minute, FiveMinutes int64
}

// Route is how long a hot route took within the last minute.
type Route struct {
	// Name is Chinese, Pattern the route's as the metrics have it.
	Name, Method, Pattern string
	Requests              int64
	// P50 and P99 are 0 where nobody asked. They are read off a histogram whose last
	// bucket ends at 3 s: a P99 of 3 s may be more.
	P50, P99 time.Duration
	Level    Level
	Hint     string
}

// Leaks are the questions of a campaign whose answers may be going round, the surest
// first.
type Leaks struct {
	// Title is the campaign's, in Chinese.
	Campaign, Title string
	Questions       []Leak
}

// Leak is a question that suddenly more people answer rightly, and faster.
type Leak struct {
	// Question is its id in the bank.
	Question string
	// Since is the hour from which on it shows, in the campaign's zone.
	Since time.Time
	// Before and After are the shares of right answers, 0 to 1, PaceBefore and PaceAfter
	// the mean time that attempts with it took for each question.
	Before, After         float64
	PaceBefore, PaceAfter time.Duration
}

// Report is what whoever is on duty sees.
type Report struct {
	At time.Time
	// Since is how much of the last five minutes was seen: a server that was just
	// started knows less.
	Since time.Duration
	// Level is the worst of all.
	Level             Level
	Ready             bool
	Reasons, Warnings []string
	Figures           []Figure
	Refusals          []Refusals
	Routes            []Route
	Leaks             []Leaks
}

// Readings are what a Report is worked out from.
type Readings struct {
	At                time.Time
	Reasons, Warnings []string
	Activity          Activity
	// QueuePerSecond is how many people a second the line lets in over all servers; 0
	// where there is none.
	QueuePerSecond float64
	// MostWatchers is how many live streams this server takes.
	MostWatchers int
	// Fold is what waits to be counted, and the age of the figures that are published;
	// Ledger what waits for SQL.
	Fold, Ledger Lag
	// Redis is nil where it does not answer.
	Redis *Redis
	// BrokenLogs are the logs of acts that are not what was signed of them.
	BrokenLogs int
	// JobsRunning, JobsQueued and Approvals are nil where the database does not answer.
	JobsRunning, JobsQueued, Approvals *int
	// Leaks are those of the campaigns whose figures the reader may see.
	Leaks []Leaks
}

// Lag is how far something is behind, over all campaigns: the sum of what waits, and the
// age of the oldest.
type Lag struct {
	Waiting int64
	Oldest  time.Duration
}

// Redis is how the fullest of its servers is.
type Redis struct {
	// Used and Most are bytes; Most is 0 without a limit.
	Used, Most int64
	// LogOK says that its log is written and that the last rewrite succeeded, on every
	// server; Rewriting that one writes its log anew.
	LogOK, Rewriting bool
}
