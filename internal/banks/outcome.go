package banks

import "qingyuan/quiz/bankfile"

// maxFound is how many questions of each sort an outcome lists; the counts are whole.
const maxFound = 1000

// Outcome is what became of a file, as it is told: Found = Imported + Refused + Skipped.
type Outcome struct {
	Format    bankfile.Format `json:"format"`
	DryRun    bool            `json:"dry_run"`
	Found     int             `json:"found"`
	Imported  int             `json:"imported"`
	Revised   int             `json:"revised"` // of the imported
	Refused   int             `json:"refused"`
	Skipped   int             `json:"skipped"`
	ByType    map[string]int  `json:"by_type"`
	Notes     []string        `json:"notes"`
	Questions []Found         `json:"questions"`
	Refusals  []Refusal       `json:"refusals"`
	Skips     []Refusal       `json:"skips"`
	Truncated bool            `json:"truncated"`
}

// Found is an imported question as the file has it. Amends is the id of the question of
// which it is the next version, "" for a new one.
type Found struct {
	ID      string   `json:"id"` // "" in a dry run
	Amends  string   `json:"amends"`
	Type    string   `json:"type"`
	Stem    string   `json:"stem"`
	Options []string `json:"options"`
	Key     string   `json:"key"`
	Number  string   `json:"number"`
	Sheet   string   `json:"sheet"`
	Line    int      `json:"line"`
	LineTo  int      `json:"line_to"`
	Notes   []string `json:"notes"`
}

// Refusal is a question that was not taken, and why.
type Refusal struct {
	Sheet  string `json:"sheet"`
	Line   int    `json:"line"`
	LineTo int    `json:"line_to"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// OutcomeOf tells what became of a file.
func OutcomeOf(in *Imported, dry bool) Outcome {
	r := &in.Report
	out := Outcome{
		Format: r.Format, DryRun: dry, Found: r.Found(), Imported: len(r.Imported), Revised: in.Revised(), Refused: len(r.Refused), Skipped: len(r.Skipped),
		ByType: r.ByType(), Notes: orNone(r.Notes), Questions: []Found{}, Refusals: refusalsOf(r.Refused), Skips: refusalsOf(r.Skipped),
		Truncated: max(len(r.Imported), len(r.Refused), len(r.Skipped)) > maxFound,
	}
	for i := range r.Imported[:min(len(r.Imported), maxFound)] {
		q := &r.Imported[i]
		f := Found{
			Amends: in.Amended[i], Type: string(q.Kind), Stem: q.Stem, Options: orNone(q.Options), Key: q.Letters(), Number: q.Number, Sheet: q.Sheet,
			Line: q.Line, LineTo: max(q.Line, q.LineTo), Notes: orNone(q.Notes),
		}
		if i < len(in.IDs) {
			f.ID = in.IDs[i]
		}
		out.Questions = append(out.Questions, f)
	}
	return out
}

func refusalsOf(all []bankfile.Refusal) []Refusal {
	out := []Refusal{}
	for _, f := range all[:min(len(all), maxFound)] {
		out = append(out, Refusal{f.Sheet, f.Line, f.LineTo, f.Title, f.Type, f.Code, f.Reason})
	}
	return out
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
