package redisstore

import (
	"strconv"
	"strings"
	"time"

	"qingyuan/internal/replay/state"
	"qingyuan/quiz"
)

// surplus finds the fields that should not be there, and kept answers that
// nobody can read.
func surplus(want, got map[string]string) []state.Mismatch {
	var out []state.Mismatch
	for name, value := range got {
		if _, known := want[name]; known {
			continue
		}
		title := titleOf(name)
		if name != "v" {
			out = append(out, state.Mismatch{Field: title, Want: "none", Got: "some"})
			continue
		}
		if _, err := unpackSaved(value); err != nil || want["o"] == "" {
			out = append(out, state.Mismatch{Field: title, Want: "those of an open attempt", Got: "others"})
		}
	}
	return out
}

// fieldMismatches names the parts of a packed field that differ.
func fieldMismatches(name, want, got string) []state.Mismatch {
	title := titleOf(name)
	if got == "" {
		return []state.Mismatch{{Field: title, Want: "some", Got: "none"}}
	}
	w, errWant := partsOf(name, want)
	g, err := partsOf(name, got)
	if errWant != nil || err != nil {
		return []state.Mismatch{{Field: title, Want: "one that can be read", Got: "another"}}
	}
	var out []state.Mismatch
	for i := range w {
		if w[i] != g[i] {
			out = append(out, w[i].mismatch(title, &g[i]))
		}
	}
	if len(out) == 0 { // it says the same in another way
		return []state.Mismatch{{Field: title, Want: "its own way of writing", Got: "another"}}
	}
	return out
}

// part is a part of a packed field.
type part struct {
	name, text string
	hide       bool // it names a person, or is too long for a line
}

func (w *part) mismatch(title string, got *part) state.Mismatch {
	if w.name != "" {
		title += ": " + w.name
	}
	return state.Mismatch{Field: title, Want: w.shown(), Got: got.shown()}
}

func (w *part) shown() string {
	switch {
	case w.text == "":
		return "none"
	case w.hide:
		return "some"
	default:
		return w.text
	}
}

// fieldTitles name the fields of a participant's hash.
var fieldTitles = map[string]string{
	"u": "unit", "g": "group", "w": "transfers", "t": "enrolled at", "f": "has acted", "x": "hidden", "j": "joined with", "v": "kept answers", "e": "enrolment", "l": "limits",
	"o": "open attempt", "b": "best", "d": "best of the day", "p": "best of the phase", "s": "signature",
}

func titleOf(name string) string {
	if title, ok := fieldTitles[name]; ok {
		return title
	}
	if number, ok := attemptOf(name); ok {
		return "attempt " + strconv.Itoa(number)
	}
	return "field " + name
}

func attemptOf(name string) (int, bool) {
	number, err := strconv.Atoi(strings.TrimPrefix(name, "a"))
	return number, err == nil && slot(number) == name
}

// partsOf reads a field part by part, in words that can be compared by eye.
func partsOf(name, value string) ([]part, error) {
	var d decoder
	whole := func(names ...string) []part { return d.parts(value, names...) }
	switch name {
	case "t":
		return []part{{text: millis(d.moment(value))}}, d.err
	case "e":
		parts := whole("publish", "guardian", "digest", "notice", "name")
		parts[len(parts)-1].hide = true
		return parts, d.err
	case "l":
		parts := whole("last", "day", "on day")
		d.reword(parts, 1, d.day)
		return parts, d.err
	case "b":
		parts := whole("place", "score", "used", "at", "passed", "full")
		d.reword(parts, 2, d.span)
		d.reword(parts, 3, d.moments)
		return parts, d.err
	case "d":
		parts := whole("day", "place")
		d.reword(parts, 0, d.day)
		return parts, d.err
	case "p":
		return whole("phase", "place"), d.err
	case "s":
		parts := whole("state", "method", "at", "text", "version", "name")
		d.reword(parts, 2, d.moments)
		parts[len(parts)-1].hide = true
		return parts, d.err
	case "o":
		a, err := unpackOpen(value, "")
		return append([]part{{name: "number", text: strconv.Itoa(a.Number)}}, sittingParts(&a)...), err
	}
	if number, ok := attemptOf(name); ok {
		a, err := unpackFinished(number, value)
		return finishedParts(&a), err
	}
	return []part{{text: value}}, nil
}

// parts splits a value into as many parts as there are names.
func (d *decoder) parts(value string, names ...string) []part {
	texts := strings.SplitN(value, "|", len(names))
	out := make([]part, len(names))
	for i := range out {
		out[i].name = names[i]
		if i < len(texts) {
			out[i].text = texts[i]
		}
	}
	if len(texts) != len(names) {
		d.keep("field", errTruncated)
	}
	return out
}

// reword writes a part in another way.
func (d *decoder) reword(parts []part, i int, how func(string) string) {
	parts[i].text = how(parts[i].text)
}

func (d *decoder) span(s string) string    { return strconv.FormatInt(d.base36(s), 10) }
func (d *decoder) moments(s string) string { return millis(d.moment(s)) }

// sittingParts are those that an open and a finished attempt share.
func sittingParts(a *quiz.Attempt) []part {
	return []part{
		{name: "started", text: millis(a.StartedAt)},
		{name: "deadline", text: millis(a.Deadline)},
		{name: "bank", text: a.Paper.Bank},
		{name: "seed", text: strconv.FormatUint(a.Paper.Seed, 36)},
		{name: "items", text: a.Paper.EncodeItems()},
	}
}

func finishedParts(a *quiz.Attempt) []part {
	r := &a.Result
	parts := []part{{name: "state", text: string(a.State)}, {name: "by", text: string(a.ClosedBy)}}
	return append(append(parts, sittingParts(a)...), []part{
		{name: "choices", text: r.Choices.String()},
		{name: "score", text: strconv.Itoa(r.Score)},
		{name: "max", text: strconv.Itoa(r.MaxScore)},
		{name: "correct", text: strconv.Itoa(r.Correct)},
		{name: "passed", text: flag(r.Passed)},
		{name: "used", text: strconv.FormatInt(int64(r.Used/time.Millisecond), 10)},
		{name: "at", text: millis(r.SubmittedAt)},
		{name: "batch", text: a.Batch},
	}...)
}
