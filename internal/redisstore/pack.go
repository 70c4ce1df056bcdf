package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"qingyuan/quiz"
)

// An open attempt is "number|started|deadline|bank|seed|items"; a finished one is
// "state|by|" and the same without the number, then
// "choices|score|max|correct|passed|used|submitted". Scripts read the number and
// the deadline; everything else is Go's.

const (
	openParts     = 6
	finishedParts = 14
	bestParts     = 6
)

// packOpen writes an open attempt without its number, which the script gives.
func packOpen(a *quiz.Attempt) string {
	return strings.Join([]string{
		millis(a.StartedAt), millis(a.Deadline), a.Paper.Bank,
		strconv.FormatUint(a.Paper.Seed, 36), a.Paper.EncodeItems(),
	}, "|")
}

func packFinished(a *quiz.Attempt) string {
	r := &a.Result
	return strings.Join([]string{
		string(a.State), string(a.ClosedBy), packOpen(a), r.Choices.String(),
		strconv.Itoa(r.Score), strconv.Itoa(r.MaxScore), strconv.Itoa(r.Correct), flag(r.Passed),
		strconv.FormatInt(r.Used.Milliseconds(), 10), millis(r.SubmittedAt),
	}, "|")
}

func unpackOpen(s, saved string) (quiz.Attempt, error) {
	p := strings.Split(s, "|")
	if len(p) != openParts {
		return quiz.Attempt{}, fmt.Errorf("stored open attempt has %d parts, want %d", len(p), openParts)
	}
	d := decoder{}
	a := quiz.Attempt{Number: d.int(p[0]), State: quiz.StateOpen}
	d.paper(&a, p[1:])
	if d.err == nil && saved != "" {
		a.Saved, d.err = unpackSaved(saved)
	}
	return a, d.err
}

func unpackFinished(number int, s string) (quiz.Attempt, error) {
	p := strings.Split(s, "|")
	if len(p) != finishedParts {
		return quiz.Attempt{}, fmt.Errorf("stored attempt %d has %d parts, want %d", number, len(p), finishedParts)
	}
	d := decoder{}
	a := quiz.Attempt{Number: number, State: quiz.State(p[0]), ClosedBy: quiz.Closer(p[1])}
	d.paper(&a, p[2:7])
	a.Result = quiz.Result{
		Mark: quiz.Mark{
			Score: d.int(p[8]), MaxScore: d.int(p[9]), Correct: d.int(p[10]), Questions: len(a.Paper.Items),
		},
		Passed: p[11] == "1", Used: time.Duration(d.int64(p[12])) * time.Millisecond, SubmittedAt: d.time(p[13]),
		Choices: d.choices(p[7]),
	}
	return a, d.err
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

// packBest writes "place|score|used|at|passed|full".
func packBest(place uint64, r *quiz.Result) string {
	return strings.Join([]string{
		strconv.FormatUint(place, 10), strconv.Itoa(r.Score), strconv.FormatInt(r.Used.Milliseconds(), 10),
		millis(r.SubmittedAt), flag(r.Passed), flag(r.Score == r.MaxScore),
	}, "|")
}

// unpackBest reads what packBest wrote; "" is no best attempt.
func unpackBest(s string) (*quiz.Best, uint64, error) {
	if s == "" {
		return nil, 0, nil
	}
	p := strings.Split(s, "|")
	if len(p) != bestParts {
		return nil, 0, fmt.Errorf("stored best attempt has %d parts, want %d", len(p), bestParts)
	}
	place, err := strconv.ParseUint(p[0], 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("stored best attempt: %w", err)
	}
	d := decoder{}
	b := &quiz.Best{
		Score: d.int(p[1]), Used: time.Duration(d.int64(p[2])) * time.Millisecond, At: d.time(p[3]),
		Passed: p[4] == "1", Full: p[5] == "1",
	}
	return b, place, d.err
}

// unpackLimits reads "last|day|on day" into st; "" is nobody's first.
func unpackLimits(s string, st *quiz.Standing) error {
	if s == "" {
		return nil
	}
	p := strings.Split(s, "|")
	if len(p) != 3 {
		return fmt.Errorf("stored limits %q have %d parts, want 3", s, len(p))
	}
	d := decoder{}
	st.Last, st.Day, st.OnDay = d.int(p[0]), p[1], d.int(p[2])
	return d.err
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

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

func (d *decoder) int(s string) int {
	v, err := strconv.Atoi(s)
	d.keep("number", err)
	return v
}

func (d *decoder) time(s string) time.Time { return time.UnixMilli(d.int64(s)) }

func (d *decoder) choices(s string) quiz.Choices {
	if s == "" {
		return nil
	}
	c, err := quiz.ParseChoices(s)
	d.keep("choices", err)
	return c
}

// paper reads started, deadline, bank, seed and items.
func (d *decoder) paper(a *quiz.Attempt, p []string) {
	a.StartedAt, a.Deadline, a.Paper.Bank = d.time(p[0]), d.time(p[1]), p[2]
	var err error
	a.Paper.Seed, err = strconv.ParseUint(p[3], 36, 64)
	d.keep("seed", err)
	a.Paper.Items, err = quiz.ParseItems(p[4])
	d.keep("items", err)
}
