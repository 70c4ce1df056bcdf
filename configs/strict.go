package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// FileError is one mistake in a file, at the line where it can be mended.
type FileError struct {
	File string
	Line int
	// Key is the path inside the file, dots between levels: "quiz.strata.0.count".
	Key    string
	Reason string

	form string // of the reason, by which it is said in Chinese
	args []any
}

// Error implements error: configs/x.yaml:12: quiz.strata.0.count: ….
func (f *FileError) Error() string {
	where := f.File
	if f.Line > 0 {
		where += ":" + strconv.Itoa(f.Line)
	}
	if f.Key != "" {
		where += ": " + f.Key
	}
	return where + ": " + f.Reason
}

// Missing tells whether the fault is that nothing stands there.
func (f *FileError) Missing() bool { return f.form == missing }

// missing is the form of a fault where nothing stands.
const missing = "is missing"

// report collects the faults of one file, so that all are told at once.
type report struct {
	file   string
	faults []*FileError
}

// err returns the faults in the order of the file, or nil.
func (r *report) err() error {
	slices.SortStableFunc(r.faults, func(a, b *FileError) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(r.faults))
	for i, f := range r.faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// value is one node of a file and the path to it. A value whose node is nil is
// absent; reading it gives the zero of whatever is asked for and reports
// nothing, because its absence was reported where it was looked up.
type value struct {
	*report

	node *yaml.Node
	key  string
	line int // of the name where it has one, else of the value
}

// maxYAML bounds a file: the largest trees and banks are far below it.
const maxYAML = 32 << 20

// parseYAML reads one document. Every fault goes to the report; the value is
// absent when the text is no YAML or empty.
func parseYAML(file string, raw []byte) (value, *report) {
	rep := &report{file: file}
	v := value{report: rep}
	if len(raw) > maxYAML {
		v.bad("has %d bytes, at most %d", len(raw), maxYAML)
		return v, rep
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return v, rep
	case err != nil:
		rep.syntax(err)
		return v, rep
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		v.bad("holds more than one document")
		return v, rep
	}
	if len(doc.Content) == 1 && doc.Content[0].Tag != "!!null" {
		v.node, v.line = doc.Content[0], doc.Content[0].Line
	}
	return v, rep
}

var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports the parser's own error, with its line as ours.
func (r *report) syntax(err error) {
	m := syntaxLine.FindStringSubmatch(err.Error())
	f := &FileError{File: r.file, Reason: err.Error()}
	if m != nil {
		f.Line, _ = strconv.Atoi(m[1]) // "" is 0: no line is known
		f.Reason = strings.TrimPrefix(err.Error(), m[0])
	}
	r.faults = append(r.faults, f)
}

func (v value) absent() bool { return v.node == nil }

// bad reports a fault at the value.
func (v value) bad(format string, args ...any) {
	f := &FileError{File: v.file, Line: v.line, Key: v.key, Reason: fmt.Sprintf(format, args...), form: format, args: args}
	v.faults = append(v.faults, f)
}

// under names something below the value, for a fault of a part that is not
// there.
func (v value) under(name string) value {
	v.key = strings.TrimPrefix(v.key+"."+name, ".")
	return v
}

func (v value) child(name string, node *yaml.Node) value {
	c := v.under(name)
	c.node, c.line = node, node.Line
	return c
}

// text returns a scalar as it is written. Numbers and dates are texts too, so
// that a code needs no quotes.
func (v value) text() string {
	if v.absent() {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		v.bad("want a text")
		return ""
	}
	s := strings.TrimSpace(v.node.Value)
	if s == "" {
		v.bad("is empty")
	}
	return s
}

// list returns the entries of a list.
func (v value) list() []value {
	if v.absent() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.bad("want a list")
		return nil
	}
	out := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		out[i] = v.child(strconv.Itoa(i), n)
	}
	return out
}

// object is a mapping whose names were checked.
type object struct {
	value

	fields map[string]value
	names  []string // in the order of the file
}

// object reads a mapping and refuses names that are not allowed or stand twice.
// Without any allowed name, every name is.
func (v value) object(allowed ...string) *object {
	o := &object{value: v, fields: map[string]value{}}
	if v.absent() {
		return o
	}
	if v.node.Kind != yaml.MappingNode {
		v.bad("want names with values")
		o.node = nil
		return o
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		o.field(v.node.Content[i], v.node.Content[i+1], allowed)
	}
	return o
}

func (o *object) field(name, content *yaml.Node, allowed []string) {
	f := o.child(name.Value, name)
	_, twice := o.fields[name.Value]
	switch {
	case name.Kind != yaml.ScalarNode:
		f.bad("a name is a text")
	case len(allowed) > 0 && !slices.Contains(allowed, name.Value):
		f.bad("unknown field")
	case twice:
		f.bad("stands twice")
	default:
		f.node = content
		o.fields[name.Value] = f
		o.names = append(o.names, name.Value)
	}
}

// may returns a field that may be left out.
func (o *object) may(name string) value {
	if f, ok := o.fields[name]; ok {
		return f
	}
	return value{report: o.report, key: o.under(name).key, line: o.line}
}
