// Package bankfile reads questions out of the files that offices hold, and
// writes them again.
//
// Readers never guess. Whatever a file holds is found, and everything found is
// imported, refused with a reason, or skipped because it is there already: the
// three always add up to what was found. Nothing is cut, shifted or completed so
// that it fits; a question whose key is in doubt is refused, because a wrong key
// marks people wrongly.
package bankfile

import (
	"context"
	"fmt"
	"path/filepath"

	"qingyuan/quiz"
)

// Format is a way of writing questions down.
type Format string

// The formats. Auto looks at the name and the content.
const (
	Auto   Format = ""
	Text   Format = "text" // Chinese plain text, in all its layouts
	CSV    Format = "csv"  // a table with a head row; tabs and semicolons too
	XLSX   Format = "xlsx"
	DOCX   Format = "docx"
	GIFT   Format = "gift"
	Moodle Format = "moodle" // Moodle XML
	Aiken  Format = "aiken"
	YAML   Format = "yaml" // ours, see configs.LoadBank
)

// The types of a found question that quiz.Kind has no word for. They are found,
// counted and refused.
const (
	TypeShortAnswer = "short_answer"
	TypeNumeric     = "numeric"
	TypeMatching    = "matching"
	TypeOrdering    = "ordering"
	TypeCloze       = "cloze"
	TypeEssay       = "essay"
	TypeDescription = "description"
	TypeCalculated  = "calculated"
	TypeDrag        = "drag"
	TypeUnknown     = "unknown"
)

// File is one file as it came.
type File struct {
	// Name is shown in refusals and tells the format where Format is Auto.
	Name string
	Raw  []byte
	// Format is Auto unless the operator said what it is.
	Format Format
}

// Question is an imported question. It is a draft: nobody has reviewed it.
type Question struct {
	Kind    quiz.Kind
	Stem    string
	Options []string // of a judge question 正确 and 错误
	Key     quiz.Choice
	// The rest is "" or 0 where the file does not say.
	Explanation, Basis, Topic string
	Difficulty                int
	// ValidFrom and ValidTo are local dates, YYYY-MM-DD.
	ValidFrom, ValidTo string
	// Pinned are the options that keep their place when options are shuffled.
	Pinned quiz.Choice
	// Audience, Fact and Media are what only our own form knows: see quiz.Question.
	Audience []string
	Fact     string
	Media    []quiz.Media
	// Number is what the file calls the question. Line and LineTo are where it begins
	// and ends there, counted from 1: a line, the row of a sheet, or a paragraph.
	Number       string
	File         string
	Line, LineTo int
	// Sheet names the table of a workbook or document, else "".
	Sheet string
	// Amends is the place among Options.Existing, counted from 1, of the question that
	// this one says more of; 0 for a new question.
	Amends int
	// Notes are what was normalised on the way.
	Notes []string
}

// Letters spells the key as offices do: "A", "ACD".
func (q *Question) Letters() string {
	var out []byte
	for i := range len(q.Options) {
		if q.Key.Has(i) {
			out = append(out, byte('A'+i))
		}
	}
	return string(out)
}

// Refusal says why something found was not imported.
type Refusal struct {
	File string
	// Line and LineTo are the first and last line, counted from 1; 0 where the
	// file as a whole is meant.
	Line, LineTo int
	// Sheet names the table of a workbook or document, else "".
	Sheet string
	Title string // the beginning of the stem, or the question's name
	Type  string
	// Code is stable: "key_missing". Reason is Chinese and ready to be shown.
	Code, Reason string
}

// Report is what became of everything in a file.
type Report struct {
	Format Format
	// Found = Imported + Refused + Skipped, by construction: see Count.
	Imported []Question
	Refused  []Refusal
	// Skipped are questions that are there already with the same key, in this
	// file or in the bank it is read for.
	Skipped []Refusal
	// Notes are what was normalised in the file as a whole, such as its encoding.
	Notes []string
}

// Found is how many questions the file holds.
func (r *Report) Found() int { return len(r.Imported) + len(r.Refused) + len(r.Skipped) }

// ByType counts what was found, by kind or type.
func (r *Report) ByType() map[string]int {
	out := map[string]int{}
	for _, q := range r.Imported {
		out[string(q.Kind)]++
	}
	for _, list := range [][]Refusal{r.Refused, r.Skipped} {
		for _, f := range list {
			out[f.Type]++
		}
	}
	return out
}

// FileError refuses a file as a whole: nothing in it can be trusted or read.
type FileError struct {
	Name string
	// Code is stable: "encoding_unknown". Reason is Chinese.
	Code, Reason string
	Err          error
}

// Error implements error.
func (e *FileError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("read %s: %s: %v", filepath.Base(e.Name), e.Code, e.Err)
	}
	return fmt.Sprintf("read %s: %s", filepath.Base(e.Name), e.Code)
}

// Unwrap returns what led to it, or nil.
func (e *FileError) Unwrap() error { return e.Err }

// Options say how files are read.
type Options struct {
	// Existing are the questions of the bank that the file is read for. Those found
	// again are skipped, those found with another key are conflicts.
	Existing []Question
	// Amends tells whether q, which is Existing[at] by stem, options and key, says
	// something else of it that is to be taken: then it is imported instead of skipped.
	// Nil is never.
	Amends func(at int, q *Question) bool
	// Answers is a second file that holds nothing but keys, by number.
	Answers *File
}

// A reader takes a file apart. The text was converted to UTF-8 where the format
// is one of text. What it returns is neither compared with itself nor with a
// bank: Read does that for all formats.
type reader func(ctx context.Context, f File, o Options) (Report, error)

// Limits of a file. What is larger is refused as a whole.
const (
	MaxBytes     = 64 << 20 // as it came
	MaxUnpacked  = 256 << 20
	MaxQuestions = 100_000
)
