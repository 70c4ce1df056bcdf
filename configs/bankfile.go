package configs

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"qingyuan/quiz"
)

// LoadBank reads a question bank: one YAML file, or a folder whose files are
// merged in the order of their names. The bank's id is the name without its
// ending. Every fault of every file is in the error, with file and line.
//
// A file has a list of questions:
//
//	questions:
//	  - id: law-001            # unique in the bank
//	    kind: single           # single, multiple, judge
//	    topic: law
//	    audience: [all]        # or groups: public, student, driver, …
//	    difficulty: 1          # 1 easy, 2 medium, 3 hard
//	    stem: …
//	    options: [甲, 乙, 丙]    # a judge question has none
//	    key: A                 # letters; true or false for judge
//	    pinned: [C]            # options that keep their place, such as 以上都对
//	    explanation: …
//	    basis: 《…法》第…条
//	    fact: F001             # optional: the editors' own reference
//	    valid_from: 2008-06-01
//	    valid_to: 2025-12-31   # optional, included
//	    media: [{url: …, alt: …}]
func LoadBank(fsys fs.FS, name string) (*quiz.Bank, error) {
	l := newLoader(fsys)
	b := l.bank(name, value{report: l.report(name)})
	return b, l.err()
}

// bankReader gathers the questions of a bank's files.
type bankReader struct {
	questions []quiz.Question
	seen      map[string]string // where an id stood first
}

// bank reads the bank called name, nil where it has faults. What cannot be read
// at all is a fault of the reference that names it.
func (l *loader) bank(name string, ref value) *quiz.Bank {
	before := len(l.reports)
	files, err := bankFiles(l.fsys, name)
	if err != nil {
		ref.bad("%v", err)
		return nil
	}
	r := bankReader{seen: map[string]string{}}
	for _, file := range files {
		raw, err := fs.ReadFile(l.fsys, file)
		if err != nil {
			ref.bad("%v", err)
			return nil
		}
		r.file(l.parse(file, raw))
	}
	for _, rep := range l.reports[before:] {
		if len(rep.faults) > 0 {
			return nil
		}
	}
	id := strings.TrimSuffix(path.Base(name), path.Ext(name))
	b, err := quiz.NewBank(id, r.questions)
	if err != nil {
		ref.bad("%v", err)
	}
	return b
}

// bankFiles returns the files of the bank called name.
func bankFiles(fsys fs.FS, name string) ([]string, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := fs.ReadDir(fsys, name) // sorted by name
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".")
		if ext := path.Ext(e.Name()); !hidden && !e.IsDir() && (ext == ".yaml" || ext == ".yml") {
			out = append(out, path.Join(name, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, &fs.PathError{Op: "read bank", Path: name, Err: fs.ErrNotExist}
	}
	return out, nil
}

func (r *bankReader) file(doc value) {
	if doc.absent() {
		if len(doc.faults) == 0 {
			doc.bad("holds no questions")
		}
		return
	}
	o := doc.object("questions")
	for _, v := range o.must("questions").list() {
		r.questions = append(r.questions, r.question(v))
	}
}

func (r *bankReader) question(v value) quiz.Question {
	before := len(v.faults)
	q := readQuestion(v)
	if where, taken := r.seen[q.ID]; taken && q.ID != "" {
		v.under("id").bad("%q is taken by %s", q.ID, where)
	}
	r.seen[q.ID] = v.where()
	if len(v.faults) == before { // else Check would say the same again
		for _, err := range q.Check() {
			v.bad("question %s: %v", q.ID, err)
		}
	}
	return q
}

// The forms of the names in a bank.
var (
	questionID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	bankWord   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	bankTopic  = regexp.MustCompile(`^\PC{1,64}$`)
)

const (
	wordForm  = "want small letters, digits and _, at most 32"
	topicForm = "want at most 64 characters on one line"
)

func readQuestion(v value) quiz.Question {
	o := v.object("id", "kind", "topic", "audience", "difficulty", "stem", "options", "key", "pinned",
		"explanation", "basis", "fact", "valid_from", "valid_to", "media")
	q := quiz.Question{
		ID:          o.must("id").matching(questionID, "want letters, digits, dots and hyphens, at most 64"),
		Kind:        oneOf(o.must("kind"), quiz.Single, quiz.Multiple, quiz.Judge),
		Topic:       o.must("topic").matching(bankTopic, topicForm),
		Difficulty:  o.must("difficulty").whole(1, 3),
		Stem:        o.must("stem").text(),
		Explanation: o.must("explanation").text(),
		Basis:       o.must("basis").text(),
		Fact:        o.may("fact").text(),
		ValidFrom:   o.must("valid_from").text(),
		ValidTo:     o.may("valid_to").text(),
	}
	for _, a := range o.must("audience").list() {
		q.Audience = append(q.Audience, a.matching(bankWord, wordForm))
	}
	for _, m := range o.may("media").list() {
		q.Media = append(q.Media, readMedia(m))
	}
	if q.Kind == quiz.Judge {
		readJudge(o, &q)
	} else {
		readChoices(o, &q)
	}
	return q
}

func readMedia(v value) quiz.Media {
	o := v.object("url", "alt")
	m := quiz.Media{URL: o.must("url").text(), Alt: o.must("alt").text()}
	if m.URL != "" && !strings.HasPrefix(m.URL, "https://") && !strings.HasPrefix(m.URL, "/") {
		o.may("url").bad("%q is neither https nor a path of this server", m.URL)
	}
	return m
}

// readJudge reads a question whose options are given: right, then wrong.
func readJudge(o *object, q *quiz.Question) {
	for _, name := range []string{"options", "pinned"} {
		if o.has(name) {
			o.may(name).bad("a judge question has none of its own")
		}
	}
	q.Options = quiz.JudgeOptions()
	key := o.must("key")
	before := len(key.faults)
	right := key.yes()
	switch {
	case key.absent() || len(key.faults) > before:
	case right:
		q.Key = q.Key.With(0)
	default:
		q.Key = q.Key.With(1)
	}
}

func readChoices(o *object, q *quiz.Question) {
	for _, v := range o.must("options").list() {
		q.Options = append(q.Options, quiz.Option{Text: v.text()})
	}
	for _, i := range letters(o.must("key")) {
		q.Key = q.Key.With(i)
	}
	for _, v := range o.may("pinned").list() {
		for _, i := range letters(v) {
			if i >= len(q.Options) {
				v.bad("names option %c, which does not exist", 'A'+i)
				continue
			}
			q.Options[i].Pinned = true
		}
	}
}

// letters reads "ACD" as the positions 0, 2 and 3.
func letters(v value) []int {
	if v.absent() {
		return nil
	}
	if v.node.Kind != yaml.ScalarNode || v.node.Tag != "!!str" || v.node.Value == "" {
		v.bad("want letters such as C or ACD")
		return nil
	}
	var out []int
	for _, r := range v.node.Value {
		i := int(r - 'A')
		if i < 0 || i >= quiz.MaxOptions || slices.Contains(out, i) {
			v.bad("%q: want letters from A to %c, each once", v.node.Value, 'A'+quiz.MaxOptions-1)
			return nil
		}
		out = append(out, i)
	}
	return out
}

// where names the place of the value, for a message about another one.
func (v value) where() string {
	return v.file + ":" + strconv.Itoa(v.line)
}
