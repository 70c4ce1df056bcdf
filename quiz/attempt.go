package quiz

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// State is where an attempt stands.
type State string

// The states of an attempt. An expired attempt had nothing kept when its
// deadline came; it counts for the limits and for nothing else.
const (
	StateOpen      State = "open"
	StateSubmitted State = "submitted"
	StateExpired   State = "expired"
	// StateInvalidated and StateWithdrawn are attempts that were submitted and count
	// nowhere any more, by the office's and by the participant's decision.
	StateInvalidated State = "invalidated"
	StateWithdrawn   State = "withdrawn"
)

// Void tells whether an attempt of this state was accepted and counts no more.
func (s State) Void() bool { return s == StateInvalidated || s == StateWithdrawn }

// Accepted tells whether an attempt of this state was accepted, whether or not it
// still counts.
func (s State) Accepted() bool { return s == StateSubmitted || s.Void() }

// Closer tells who handed an attempt in.
type Closer string

// An attempt is closed by its participant, or by the server at the deadline.
const (
	ByParticipant Closer = "participant"
	ByDeadline    Closer = "deadline"
)

// Saved is what was marked so far in an open attempt.
type Saved struct {
	// Revision is the client's counter; only a higher one replaces.
	Revision int64
	Choices  Choices
}

// Result is what marking gave. It is fixed once given.
type Result struct {
	Mark
	Passed      bool
	Used        time.Duration // whole milliseconds
	SubmittedAt time.Time
	Choices     Choices
}

// Attempt is one sitting of one participant.
type Attempt struct {
	// Number counts the participant's attempts in the campaign from 1.
	Number int
	// Window is what it was started with. What became of it since the campaign's clocks
	// say.
	Window
	Paper    Paper
	State    State
	ClosedBy Closer // set unless open
	Saved    Saved  // of an open attempt
	Result   Result // of a submitted attempt
	// Batch is the correction that invalidated the attempt, "" where it was
	// invalidated by itself.
	Batch string
	// Clocks is the number of the campaign's clocks by which an attempt is being handed
	// in.
	Clocks int64
}

// Best is a participant's best attempt: by score, then less time, then earlier.
type Best struct {
	Score  int
	Used   time.Duration
	At     time.Time
	Passed bool
	// Full says that nothing was wrong.
	Full bool
}

// Due returns when the attempt's time is over by the clocks, as far as can be said at
// now. Of a finished attempt it is when it was.
func (a *Attempt) Due(c campaign.Clocks, now time.Time) time.Time {
	if a.State != StateOpen {
		now = a.Result.SubmittedAt
	}
	return c.Deadline(a.StartedAt, a.Deadline, now)
}

// Overdue tells whether the attempt is open though its deadline and grace have
// passed at now.
func (a *Attempt) Overdue(c campaign.Clocks, now time.Time, grace time.Duration) bool {
	return a.State == StateOpen && now.After(a.Due(c, now).Add(grace))
}

// finish closes the attempt with what marking gave. A hand-in by the deadline
// counts as made at the deadline, and one by a server whose clock is behind that
// of the start as made at the start. While the clocks stood no time was used.
func (a *Attempt) finish(m Mark, choices Choices, c campaign.Clocks, at time.Time, by Closer, pass int) {
	due := a.Due(c, at)
	switch {
	case at.After(due):
		at = due
	case at.Before(a.StartedAt):
		at = a.StartedAt
	}
	a.State, a.ClosedBy, a.Clocks = StateSubmitted, by, c.Number()
	a.Result = Result{
		Mark: m, Passed: m.Score >= pass, SubmittedAt: at.Truncate(time.Millisecond),
		Used: c.Ran(a.StartedAt, at).Truncate(time.Millisecond), Choices: choices,
	}
}

// Expired returns the open attempt, in which nothing was kept, as its deadline closes
// it.
func (a *Attempt) Expired(c campaign.Clocks, now time.Time) Attempt {
	gone := *a
	gone.State, gone.ClosedBy, gone.Clocks, gone.Result = StateExpired, ByDeadline, c.Number(), Result{SubmittedAt: a.Due(c, now)}
	return gone
}

// keyedMAC is a keyed hash that is used again: to prepare one takes three times as long as
// to hash with it.
type keyedMAC struct {
	hash.Hash

	key []byte
}

// spareMACs are nearly always of one key, that of the deployment.
var spareMACs sync.Pool

func macWith(key []byte) *keyedMAC {
	if mac, ok := spareMACs.Get().(*keyedMAC); ok && bytes.Equal(mac.key, key) {
		mac.Reset()
		return mac
	}
	return &keyedMAC{hmac.New(sha256.New, key), bytes.Clone(key)}
}

// attemptID names an attempt to its participant: its number and 96 bits of a
// keyed hash over campaign, participant and number, so that another person's id
// is refused without looking anything up.
func attemptID(key []byte, campaign, participant string, number int) string {
	var room [128]byte
	text := append(append(append(room[:0], campaign...), '|'), participant...)
	text = strconv.AppendInt(append(text, '|'), int64(number), 10)
	mac := macWith(key)
	mac.Write(text)
	sum := mac.Sum(text[:0])
	spareMACs.Put(mac)
	id := append(strconv.AppendInt(make([]byte, 0, 32), int64(number), 10), '-')
	return string(idEncoding.AppendEncode(id, sum[:12]))
}

// parseAttemptID returns the number behind an id, or ErrAttemptNotFound when the
// id is not this participant's.
func parseAttemptID(key []byte, campaign, participant, id string) (int, error) {
	head, _, _ := strings.Cut(id, "-")
	number, err := strconv.Atoi(head)
	if err != nil || number < 1 || number > maxAttempts ||
		!hmac.Equal([]byte(id), []byte(attemptID(key, campaign, participant, number))) {
		return 0, ErrAttemptNotFound
	}
	return number, nil
}

// Errors of the quiz.
var (
	ErrNoQuiz          = fault.New(fault.NotFound, "request.not_found", "本活动没有答题")
	ErrAttemptNotFound = fault.New(fault.NotFound, "quiz.attempt_not_found", "没有这份答卷")
	ErrLimitReached    = fault.New(fault.Conflict, "quiz.limit_reached", "今日答题次数已用完")
	ErrLimitInAll      = fault.New(fault.Conflict, "quiz.limit_reached", "答题次数已全部用完")
	ErrExpired         = fault.New(fault.Conflict, "quiz.expired", "答题时间已过")
	ErrSubmitted       = fault.New(fault.Conflict, "quiz.submitted", "这份答卷已经交过，不能再改")
	ErrNumber          = fault.InvalidField("number", "答卷序号应为下一份或已有的一份")
)
