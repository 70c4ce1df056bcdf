package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"qingyuan/quiz/bankfile"
)

// bankCmds are what is done with question banks and files of questions.
type bankCmds struct {
	Check  bankCheckCmd  `cmd:"" help:"Read files of questions and say what would be imported, what not, and why."`
	Import bankImportCmd `cmd:"" help:"Add the questions of files to a bank, as drafts."`
	Export bankExportCmd `cmd:"" help:"Write a bank as XLSX, CSV, GIFT, Moodle XML or YAML."`

	Picture bankPictureCmd `cmd:"" help:"Take pictures of questions in, and print what questions write to show them."`
}

// readFlags say how files of questions are read.
type readFlags struct {
	Files   []string `arg:"" name:"file" help:"Files of questions: text, CSV, XLSX, DOCX, GIFT, Moodle XML, Aiken, YAML."`
	Format  string   `help:"Format of the files where name and content do not tell (${enum})." enum:"auto,text,csv,xlsx,docx,gift,moodle,aiken,yaml" default:"auto"`
	Answers string   `help:"A second file that holds the keys, by number." type:"path" placeholder:"FILE"`
	JSON    bool     `help:"Print JSON."`
}

// bankCheckCmd reads files and changes nothing.
type bankCheckCmd struct {
	readFlags

	Strict bool `help:"Exit with 1 when anything was refused."`
}

// Run implements the command. A file that is refused as a whole ends it with 1.
func (c bankCheckCmd) Run(e env) error {
	out, err := c.read(e, nil)
	if err != nil {
		return err
	}
	if err := out.tell(e.stdout, c.JSON); err != nil {
		return err
	}
	if out.wholly || c.Strict && out.Refused > 0 {
		return errReported
	}
	return nil
}

// read reads all files, each compared with those before it and with existing.
func (f readFlags) read(e env, existing []bankfile.Question) (*bankReport, error) {
	if f.Answers != "" && len(f.Files) != 1 {
		return nil, fmt.Errorf("%w: --answers goes with one file", errUsage)
	}
	o := bankfile.Options{Existing: existing}
	if f.Answers != "" {
		raw, err := readBounded(f.Answers)
		if err != nil {
			return nil, err
		}
		o.Answers = &bankfile.File{Name: f.Answers, Raw: raw}
	}
	out := newBankReport()
	for _, name := range f.Files {
		raw, err := readBounded(name)
		if err != nil {
			return nil, err
		}
		r, err := bankfile.Read(e.ctx, bankfile.File{Name: name, Raw: raw, Format: f.format()}, o)
		if err := out.add(name, r, err); err != nil {
			return nil, err
		}
		o.Existing = append(o.Existing, r.Imported...)
	}
	return out, nil
}

func (f readFlags) format() bankfile.Format {
	if f.Format == "auto" {
		return bankfile.Auto
	}
	return bankfile.Format(f.Format)
}

// readBounded reads a file that is no larger than files of questions may be, and
// one byte more of a larger one, which is refused for it.
func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // The operator names it.
	if err != nil {
		return nil, fmt.Errorf("open the file of questions: %w", err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, bankfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return raw, nil
}

// bankReport is what is told of all files together.
type bankReport struct {
	Found     int               `json:"found"`
	Imported  int               `json:"imported"`
	Refused   int               `json:"refused"`
	Skipped   int               `json:"skipped"`
	ByType    map[string]int    `json:"by_type"`
	Refusals  []bankRefusal     `json:"refusals"`
	Skips     []bankRefusal     `json:"skips"`
	Questions []bankQuestion    `json:"questions"`
	Files     []bankFileSummary `json:"files"`

	// Written is the file to which the questions were added, "" for none.
	Written string `json:"written,omitempty"`

	// wholly is set where a file was refused as a whole.
	wholly   bool
	imported []bankfile.Question
}

// bankRefusal is a question that is not imported, or, with line 0, a file.
type bankRefusal struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	LineTo int    `json:"line_to"`
	Sheet  string `json:"sheet,omitempty"`
	Title  string `json:"title"`
	Type   string `json:"type"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// bankQuestion is a question that is imported.
type bankQuestion struct {
	Type        string   `json:"type"`
	Stem        string   `json:"stem"`
	Options     []string `json:"options"`
	Key         string   `json:"key"`
	Explanation string   `json:"explanation,omitempty"`
	Basis       string   `json:"basis,omitempty"`
	Topic       string   `json:"topic,omitempty"`
	Difficulty  int      `json:"difficulty,omitempty"`
	File        string   `json:"file"`
	Sheet       string   `json:"sheet,omitempty"`
	Line        int      `json:"line"`
	LineTo      int      `json:"line_to"`
	Number      string   `json:"number,omitempty"`
	Notes       []string `json:"notes,omitempty"`
}

// bankFileSummary is what is said of one file as a whole.
type bankFileSummary struct {
	File   string   `json:"file"`
	Format string   `json:"format"`
	Found  int      `json:"found"`
	Notes  []string `json:"notes"`
}

func newBankReport() *bankReport {
	return &bankReport{
		ByType: map[string]int{}, Refusals: []bankRefusal{}, Skips: []bankRefusal{},
		Questions: []bankQuestion{}, Files: []bankFileSummary{},
	}
}

// add takes what became of one file. Only an error that is no refusal comes back.
func (b *bankReport) add(name string, r bankfile.Report, err error) error {
	base := filepath.Base(name)
	if refused, ok := errors.AsType[*bankfile.FileError](err); ok {
		b.wholly = true
		b.Refusals = append(b.Refusals, bankRefusal{File: filepath.Base(refused.Name), Type: "file", Code: refused.Code, Reason: refused.Reason})
		b.Files = append(b.Files, bankFileSummary{File: base, Notes: []string{}})
		return nil
	}
	if err != nil {
		return err
	}
	b.Found += r.Found()
	b.Imported += len(r.Imported)
	b.Refused += len(r.Refused)
	b.Skipped += len(r.Skipped)
	for kind, n := range r.ByType() {
		b.ByType[kind] += n
	}
	b.Refusals = append(b.Refusals, refusals(r.Refused)...)
	b.Skips = append(b.Skips, refusals(r.Skipped)...)
	for _, q := range r.Imported {
		b.Questions = append(b.Questions, toldQuestion(q))
	}
	b.imported = append(b.imported, r.Imported...)
	b.Files = append(b.Files, bankFileSummary{File: base, Format: string(r.Format), Found: r.Found(), Notes: append([]string{}, r.Notes...)})
	return nil
}

func refusals(list []bankfile.Refusal) []bankRefusal {
	out := make([]bankRefusal, 0, len(list))
	for _, r := range list {
		out = append(out, bankRefusal{
			File: filepath.Base(r.File), Line: r.Line, LineTo: r.LineTo, Sheet: r.Sheet,
			Title: r.Title, Type: r.Type, Code: r.Code, Reason: r.Reason,
		})
	}
	return out
}

func toldQuestion(q bankfile.Question) bankQuestion {
	return bankQuestion{
		Type: string(q.Kind), Stem: q.Stem, Options: q.Options, Key: q.Letters(),
		Explanation: q.Explanation, Basis: q.Basis, Topic: q.Topic, Difficulty: q.Difficulty,
		File: filepath.Base(q.File), Sheet: q.Sheet, Line: q.Line, LineTo: max(q.Line, q.LineTo), Number: q.Number, Notes: q.Notes,
	}
}

// tell prints the report, for programs or for people.
func (b *bankReport) tell(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(b); err != nil {
			return fmt.Errorf("print the report: %w", err)
		}
		return nil
	}
	return b.print(w)
}

// typeWords are the types in words.
func typeWords() [][2]string {
	return [][2]string{
		{"single", "单选题"},
		{"multiple", "多选题"},
		{"judge", "判断题"},
		{"short_answer", "填空题"},
		{"numeric", "数值题"},
		{"matching", "匹配题"},
		{"ordering", "排序题"},
		{"cloze", "完形题"},
		{"essay", "主观题"},
		{"description", "说明文字"},
		{"calculated", "计算题"},
		{"drag", "拖放题"},
		{"unknown", "不明题型"},
		{"file", "整个文件"},
	}
}

func typeWord(kind string) string {
	for _, w := range typeWords() {
		if w[0] == kind {
			return w[1]
		}
	}
	return kind
}

// print writes the report as a Chinese table.
func (b *bankReport) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(t, "共找到 %d 道题：可导入 %d，拒绝 %d，跳过 %d\n", b.Found, b.Imported, b.Refused, b.Skipped)
	for _, kind := range typeWords() {
		if n := b.ByType[kind[0]]; n > 0 {
			fmt.Fprintf(t, "  %s\t%d\n", kind[1], n)
		}
	}
	for _, f := range b.Files {
		for _, n := range f.Notes {
			fmt.Fprintf(t, "说明\t%s\t%s\n", f.File, n)
		}
	}
	if b.Written != "" {
		fmt.Fprintf(t, "已写入\t%s\t草稿，审核前不能用于活动\n", b.Written)
	}
	printRefusals(t, "拒绝", b.Refusals)
	printRefusals(t, "跳过", b.Skips)
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

func printRefusals(w io.Writer, what string, list []bankRefusal) {
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", what, r.place(), typeWord(r.Type), r.Title, r.Reason)
	}
}

// place is where a refusal points, in words.
func (r bankRefusal) place() string {
	where := []string{r.File}
	if r.Sheet != "" {
		where = append(where, r.Sheet)
	}
	switch {
	case r.Line == 0:
	case r.LineTo > r.Line:
		where = append(where, strconv.Itoa(r.Line)+"–"+strconv.Itoa(r.LineTo))
	default:
		where = append(where, strconv.Itoa(r.Line))
	}
	return strings.Join(where, ":")
}
