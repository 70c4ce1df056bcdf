package httpapi

import (
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/banks"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// maxFound is how many questions of each sort an answer lists; the counts are whole.
const maxFound = 1000

// importedT is what became of a file.
type importedT struct {
	Format    bankfile.Format `json:"format"`
	DryRun    bool            `json:"dry_run"`
	Found     int             `json:"found"`
	Imported  int             `json:"imported"`
	Refused   int             `json:"refused"`
	Skipped   int             `json:"skipped"`
	ByType    map[string]int  `json:"by_type"`
	Notes     []string        `json:"notes"`
	Questions []foundT        `json:"questions"`
	Refusals  []refusalT      `json:"refusals"`
	Skips     []refusalT      `json:"skips"`
	Truncated bool            `json:"truncated"`
}

// foundT is an imported question as the file has it.
type foundT struct {
	ID      string   `json:"id"` // "" in a dry run
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

type refusalT struct {
	Sheet  string `json:"sheet"`
	Line   int    `json:"line"`
	LineTo int    `json:"line_to"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

func importedOf(in *banks.Imported, dry bool) importedT {
	r := &in.Report
	out := importedT{
		Format: r.Format, DryRun: dry, Found: r.Found(), Imported: len(r.Imported), Refused: len(r.Refused), Skipped: len(r.Skipped),
		ByType: r.ByType(), Notes: orNone(r.Notes), Questions: []foundT{}, Refusals: refusalsOf(r.Refused), Skips: refusalsOf(r.Skipped),
		Truncated: max(len(r.Imported), len(r.Refused), len(r.Skipped)) > maxFound,
	}
	for i := range r.Imported[:min(len(r.Imported), maxFound)] {
		q := &r.Imported[i]
		f := foundT{
			Type: string(q.Kind), Stem: q.Stem, Options: orNone(q.Options), Key: q.Letters(), Number: q.Number, Sheet: q.Sheet,
			Line: q.Line, LineTo: max(q.Line, q.LineTo), Notes: orNone(q.Notes),
		}
		if i < len(in.IDs) {
			f.ID = in.IDs[i]
		}
		out.Questions = append(out.Questions, f)
	}
	return out
}

func refusalsOf(all []bankfile.Refusal) []refusalT {
	out := []refusalT{}
	for _, f := range all[:min(len(all), maxFound)] {
		out = append(out, refusalT{f.Sheet, f.Line, f.LineTo, f.Title, f.Type, f.Code, f.Reason})
	}
	return out
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// importBank handles POST /api/v1/admin/banks/{bank}/imports. The body is the file
// itself; the query says what it is and what holds for all of its questions.
func (s *Server) importBank(k *call) error {
	raw, err := k.file()
	if err != nil {
		return err
	}
	in := banks.Import{Reason: k.Query("reason")}
	if err := checkReason(in.Reason, false); err != nil {
		return err
	}
	if in.DryRun, err = k.flag("dry_run"); err != nil {
		return err
	}
	if in.Defaults, err = k.defaults(); err != nil {
		return err
	}
	name, err := k.words("name", maxTopic)
	if err != nil {
		return err
	}
	// The body belongs to the request, whose memory is used again: a copy is kept as
	// long as questions are cut out of it.
	in.File = bankfile.File{
		Name: path.Base(strings.ReplaceAll(name, `\`, "/")), Raw: append([]byte(nil), raw...), Format: bankfile.Format(strings.Clone(k.Query("format"))),
	}
	got, err := s.Banks.Import(k.ctx, k.actor, k.Params("bank"), in)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, importedOf(&got, in.DryRun))
}

// defaults reads what is said of every question of a file.
func (k *call) defaults() (d bankbook.Defaults, err error) {
	var audience, difficulty string
	for name, into := range map[string]*string{
		"topic": &d.Topic, "basis": &d.Basis, "valid_from": &d.ValidFrom, "valid_to": &d.ValidTo, "audience": &audience, "difficulty": &difficulty,
	} {
		if *into, err = k.words(name, maxBasis); err != nil {
			return d, err
		}
	}
	if audience != "" {
		d.Audience = strings.Split(audience, ",")
	}
	d.Difficulty, err = digits(difficulty)
	return d, err
}
