package configs

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"qingyuan/quiz"
)

// BankEntry is one question of a bank file: read, or with the faults that stand
// against it. Then Question holds what could be read.
type BankEntry struct {
	Question quiz.Question
	// Line and LineTo are where it begins and ends in the file, counted from 1.
	Line, LineTo int
	Faults       []*FileError
}

// ReadBank reads one bank file, as LoadBank does, but question by question, so that
// one fault does not hide the others. The error, of type *FileError or several of
// them joined, says that the file as a whole is no list of questions.
func ReadBank(name string, raw []byte) ([]BankEntry, error) {
	doc, rep := parseYAML(name, raw)
	if doc.absent() && len(rep.faults) == 0 {
		doc.bad("holds no questions")
	}
	o := doc.object("questions")
	list := o.must("questions").list()
	if err := rep.err(); err != nil {
		return nil, err
	}
	r := bankReader{seen: map[string]string{}}
	out := make([]BankEntry, len(list))
	for i, v := range list {
		before := len(rep.faults)
		out[i] = BankEntry{Question: r.question(v), Line: v.line, LineTo: lastLine(v.node)}
		out[i].Faults = slices.Clip(rep.faults[before:])
	}
	return out, nil
}

// lastLine returns the line on which the node ends.
func lastLine(n *yaml.Node) int {
	last := n.Line
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		last += strings.Count(strings.TrimRight(n.Value, "\n"), "\n") + 1
	}
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}
