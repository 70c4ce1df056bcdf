package redisstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"qingyuan/internal/event"
	"qingyuan/internal/replay/state"
	"qingyuan/quiz"
)

// The hash of a participant is small: its fields have names of a letter or two,
// digests go by their short names (names.go), and what no script reads of an
// attempt is packed as bytes (bytes.go). Moments are Unix ms, in base 36 where no
// script reads them; days are counted from 1970, in base 36 as well.
//
//	u, g    unit and group
//	w       where they belonged before each transfer: "until|unit|group|request" of each
//	e, t    the rest of the enrolment, and when it was made
//	l       "last|day|on day": number of the newest attempt, day of its start; where
//	        attempts were given back, and behind it "|started of them|act,act,"
//	o       "number|deadline|" and the paper of the open attempt, v what is kept of it
//	a<n>    a finished attempt, whatever became of it, and the batch that invalidated it
//	b       "place|score|used|at|passed|full": place on the main board, and the best
//	        attempt, also where points are added up
//	d, p    "day|place" and "phase|place": place on the board of the newest day or
//	        phase that they have an accepted attempt in, "" where it is that of b
//	s       the signature
//	f       "1" once an accepted act of theirs counts
//	x       "1" while they are hidden
//	j       who they are counted as, of somebody who is one person with another
//
// b, d and p are missing where no accepted attempt counts.

const (
	openParts = 3
	bestParts = 6
)

// packOpen writes an open attempt without its number, which the script gives.
func packOpen(a *quiz.Attempt) string {
	p := newPacker()
	p.int(a.Deadline.UnixMilli() - a.StartedAt.UnixMilli())
	p.paper(&a.Paper)
	return millis(a.Deadline) + "|" + string(p)
}

func unpackOpen(s, saved string) (quiz.Attempt, error) {
	head := strings.SplitN(s, "|", openParts)
	if len(head) != openParts {
		return quiz.Attempt{}, fmt.Errorf("stored open attempt has %d parts, want %d", len(head), openParts)
	}
	d := decoder{}
	a := quiz.Attempt{Number: d.int(head[0]), State: quiz.StateOpen}
	a.Deadline = d.time(head[1])
	rest := unpacker{rest: head[2]}
	a.StartedAt = a.Deadline.Add(-rest.duration())
	a.Paper = rest.paper()
	d.keep("open attempt", rest.end())
	if d.err == nil && saved != "" {
		a.Saved, d.err = unpackSaved(saved)
	}
	return a, d.err
}

// States and closers of a finished attempt, by the number they are packed as.
var (
	packedStates  = []quiz.State{quiz.StateSubmitted, quiz.StateExpired, quiz.StateInvalidated, quiz.StateWithdrawn}
	packedClosers = []quiz.Closer{quiz.ByParticipant, quiz.ByDeadline}
)

func packFinished(a *quiz.Attempt) string {
	p := newPacker()
	r := &a.Result
	p.uint(uint64(slices.Index(packedStates, a.State)))     //nolint:gosec // Every finished attempt has one of them.
	p.uint(uint64(slices.Index(packedClosers, a.ClosedBy))) //nolint:gosec // As above.
	p.int(a.StartedAt.UnixMilli())
	p.int(a.Deadline.UnixMilli() - a.StartedAt.UnixMilli())
	p.paper(&a.Paper)
	p.choices(r.Choices)
	p.int(int64(r.Score))
	p.int(int64(r.MaxScore))
	p.int(int64(r.Correct))
	p.bool(r.Passed)
	p.int(r.Used.Milliseconds())
	p.int(r.SubmittedAt.UnixMilli() - a.StartedAt.UnixMilli() - r.Used.Milliseconds())
	if a.Batch != "" {
		p.text(a.Batch)
	}
	return string(p)
}

func unpackFinished(number int, s string) (quiz.Attempt, error) {
	u := unpacker{rest: s}
	a := quiz.Attempt{Number: number, State: oneOf(&u, packedStates), ClosedBy: oneOf(&u, packedClosers)}
	a.StartedAt = time.UnixMilli(u.int())
	a.Deadline = a.StartedAt.Add(u.duration())
	a.Paper = u.paper()
	r := &a.Result
	r.Choices = u.choices()
	r.Mark = quiz.Mark{Score: int(u.int()), MaxScore: int(u.int()), Correct: int(u.int()), Questions: len(a.Paper.Items)}
	r.Passed = u.bool()
	r.Used = u.duration()
	r.SubmittedAt = a.StartedAt.Add(r.Used).Add(u.duration())
	if u.rest != "" {
		a.Batch = u.bytes(u.uint())
	}
	if err := u.end(); err != nil {
		return quiz.Attempt{}, fmt.Errorf("stored attempt %d: %w", number, err)
	}
	return a, nil
}

// packSaved writes "revision|choices", or "" where nothing was ever kept.
func packSaved(s quiz.Saved) string {
	if s.Revision == 0 && s.Choices == nil {
		return ""
	}
	return strconv.FormatInt(s.Revision, 10) + "|" + s.Choices.String()
}

// unpackSaved is the inverse of packSaved.
func unpackSaved(s string) (quiz.Saved, error) {
	head, tail, _ := strings.Cut(s, "|")
	d := decoder{}
	return quiz.Saved{Revision: d.int64(head), Choices: d.choices(tail)}, d.err
}

// split takes a text with bars apart. It tells whether it has exactly these parts.
func split(s string, into []string) bool {
	more := true
	for i := range into {
		if !more {
			return false
		}
		into[i], s, more = strings.Cut(s, "|")
	}
	return !more
}

// packBest writes "place|score|used|at|passed|full".
func packBest(place uint64, r *quiz.Result) string { return score(place) + "|" + packBestAttempt(r) }

// packBestAttempt writes what comes behind the place in b.
func packBestAttempt(r *quiz.Result) string {
	return strings.Join([]string{
		strconv.Itoa(r.Score), strconv.FormatInt(r.Used.Milliseconds(), 36), moment(r.SubmittedAt),
		flag(r.Passed), flag(r.Score == r.MaxScore),
	}, "|")
}

// unpackBest reads what packBest wrote; "" is no best attempt.
func unpackBest(s string) (*quiz.Best, uint64, error) {
	if s == "" {
		return nil, 0, nil
	}
	var p [bestParts]string
	if !split(s, p[:]) {
		return nil, 0, fmt.Errorf("stored best attempt %q has not %d parts", s, bestParts)
	}
	d := decoder{}
	place := d.place(p[0])
	b := &quiz.Best{
		Score: d.int(p[1]), Used: time.Duration(d.base36(p[2])) * time.Millisecond, At: d.moment(p[3]),
		Passed: p[4] == "1", Full: p[5] == "1",
	}
	return b, place, d.err
}

// packWindow writes the place in the newest day or phase of somebody who stands
// at main on the main board.
func packWindow(window string, place, main uint64) string {
	if place == main {
		return window + "|"
	}
	return window + "|" + score(place)
}

// unpackWindow reads what packWindow wrote; "" is no window.
func unpackWindow(s string, main uint64) (window string, place uint64, err error) {
	window, text, _ := strings.Cut(s, "|")
	if text == "" {
		return window, main, nil
	}
	d := decoder{}
	return window, d.place(text), d.err
}

// packLimits writes where somebody stands to the limits, see l above.
func packLimits(p *state.Person) (string, error) {
	d, err := packDay(p.Day)
	l := strconv.Itoa(p.Last) + "|" + d + "|" + strconv.Itoa(p.OnDay)
	if len(p.Given) > 0 {
		l += "|" + strconv.Itoa(p.Extra) + "|" + strings.Join(p.Given, ",") + ","
	}
	return l, err
}

// Parts of limits: without attempts given back, and with them.
const (
	limitParts = 3
	givenParts = 5
)

// unpackLimits reads what packLimits wrote into st; "" is nobody's first.
func unpackLimits(s string, st *quiz.Standing) error {
	if s == "" {
		return nil
	}
	var p [givenParts]string
	given := split(s, p[:])
	if !given && !split(s, p[:limitParts]) {
		return fmt.Errorf("stored limits %q have neither %d nor %d parts", s, limitParts, givenParts)
	}
	d := decoder{}
	st.Last, st.Day, st.OnDay = d.int(p[0]), d.day(p[1]), d.int(p[2])
	if given {
		st.Extra, st.Given = d.int(p[3]), strings.Count(p[4], ",")
	}
	return d.err
}

const stayParts = 4

// packStays writes where somebody belonged before each transfer.
func packStays(stays []event.Stay) string {
	parts := make([]string, 0, stayParts*len(stays))
	for _, s := range stays {
		parts = append(parts, moment(time.UnixMilli(s.Until)), s.Unit, s.Group, s.Request)
	}
	return strings.Join(parts, "|")
}

// unpackStays is the inverse of packStays; "" is nobody who was transferred.
func unpackStays(s string) ([]event.Stay, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(s, "|")
	if len(parts)%stayParts != 0 {
		return nil, fmt.Errorf("stored stays have %d parts", len(parts))
	}
	d := decoder{}
	var out []event.Stay
	for p := range slices.Chunk(parts, stayParts) {
		out = append(out, event.Stay{Until: d.base36(p[0]), Unit: p[1], Group: p[2], Request: p[3]})
	}
	return out, d.err
}

const dayLength = 24 * time.Hour

// packDay writes a local date as the number of days since 1970, in base 36: three
// letters whose order is that of the days until 2097.
func packDay(day string) (string, error) {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "", fmt.Errorf("pack a day: %w", err)
	}
	return strconv.FormatInt(at.Unix()/int64(dayLength/time.Second), 36), nil
}

// packDayOf is packDay of the local date of a moment.
func packDayOf(at time.Time, zone *time.Location) string {
	_, offset := at.In(zone).Zone()
	day, length := at.Unix()+int64(offset), int64(dayLength/time.Second)
	return strconv.FormatInt((day-((day%length)+length)%length)/length, 36)
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// moment writes what no script reads.
func moment(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 36) }

// decoder reads stored parts and keeps the first error.
type decoder struct{ err error }

func (d *decoder) keep(what string, err error) {
	if d.err == nil && err != nil {
		d.err = fmt.Errorf("stored %s: %w", what, err)
	}
}

func (d *decoder) int64(s string) int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	d.keep("number", err)
	return v
}

func (d *decoder) base36(s string) int64 {
	v, err := strconv.ParseInt(s, 36, 64)
	d.keep("number", err)
	return v
}

func (d *decoder) int(s string) int {
	v, err := strconv.Atoi(s)
	d.keep("number", err)
	return v
}

func (d *decoder) place(s string) uint64 {
	v, err := strconv.ParseUint(s, 10, 64)
	d.keep("place", err)
	return v
}

func (d *decoder) time(s string) time.Time { return time.UnixMilli(d.int64(s)) }

func (d *decoder) moment(s string) time.Time { return time.UnixMilli(d.base36(s)) }

func (d *decoder) day(s string) string {
	n, err := strconv.ParseInt(s, 36, 32)
	d.keep("day", err)
	return time.Unix(n*int64(dayLength/time.Second), 0).UTC().Format(time.DateOnly)
}

func (d *decoder) choices(s string) quiz.Choices {
	if s == "" {
		return nil
	}
	c, err := quiz.ParseChoices(s)
	d.keep("choices", err)
	return c
}
