package bankfile

import "fmt"

// found gathers what becomes of the questions of one file, in their order.
type found struct {
	file File
	rep  Report
}

// spot is where something was found and what it is.
type spot struct {
	from, to int
	title    string
	kind     string // a quiz.Kind or one of the types
}

// titleLength is how much of a stem names a question, in characters.
const titleLength = 40

func (f *found) refuse(p spot, why doubt) {
	f.rep.Refused = append(f.rep.Refused, Refusal{
		File: f.file.Name, Line: p.from, LineTo: p.to, Title: shortened(p.title, titleLength),
		Type: p.kind, Code: why.code, Reason: why.reason,
	})
}

// take imports the question. Whether its parts go together is looked at for all
// formats alike.
func (f *found) take(p spot, q Question) {
	q.File, q.Line, q.LineTo = f.file.Name, p.from, p.to
	q.Pinned &= 1<<len(q.Options) - 1
	f.rep.Imported = append(f.rep.Imported, q)
}

// full refuses a file with more questions than can be read.
func (f *found) full() error {
	if f.rep.Found() < MaxQuestions {
		return nil
	}
	return &FileError{
		Name: f.file.Name, Code: "too_many",
		Reason: fmt.Sprintf("题目超过 %d 道，请分成几个文件", MaxQuestions),
	}
}

// Title is the beginning of the stem, for a list.
func (q *Question) Title() string { return title(q.Stem) }
