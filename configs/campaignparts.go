package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// Parts are a campaign as the catalog keeps it: what a file holds, apart from what
// has a home of its own.
type Parts struct {
	// Text is a campaign file without its tree.
	Text []byte
	// Files are those of the bank, by the path that Text refers to them by.
	Files map[string][]byte
	// Bank spares reading Files where it is at hand.
	Bank *quiz.Bank
	// Tree is the organisation tree; nil for an empty one.
	Tree *campaign.Tree
	// Draft allows what a campaign may still lack while it is prepared: units.
	Draft bool
}

// Assemble makes a definition out of its parts. The error has every fault, each a
// FileError.
func Assemble(p Parts) (Definition, error) {
	files := fstest.MapFS{CampaignFile: {Data: p.Text}}
	for name, raw := range p.Files {
		files[name] = &fstest.MapFile{Data: raw}
	}
	l := newLoader(files)
	l.parts = &p
	return l.definition(CampaignFile, time.Time{})
}

// Faults returns the faults in an error of this package, and those wrapped in it.
func Faults(err error) []*FileError {
	if f, ok := err.(*FileError); ok { //nolint:errorlint // The tree of errors is walked here.
		return []*FileError{f}
	}
	switch e := err.(type) { //nolint:errorlint // As above.
	case interface{ Unwrap() []error }:
		var out []*FileError
		for _, inner := range e.Unwrap() {
			out = append(out, Faults(inner)...)
		}
		return out
	case interface{ Unwrap() error }:
		return Faults(e.Unwrap())
	}
	return nil
}

// Normalised returns a campaign file without its tree and without the switches that
// the catalog keeps by themselves. A file in JSON becomes one in YAML. Comments
// stay. Text that is no mapping is returned as it is: reading it says what is wrong.
func Normalised(text []byte) ([]byte, error) {
	return edit(text, func(m *yaml.Node) error {
		drop(m, "tree")
		drop(m, "paused")
		if m.Style&yaml.FlowStyle != 0 {
			unmarked(m)
		}
		return nil
	})
}

// Patched returns the campaign file with a JSON merge patch (RFC 7396) applied to it:
// what the patch names is replaced, null takes a field out, objects are merged.
func Patched(text, patch []byte) ([]byte, error) {
	var changes map[string]json.RawMessage
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, fmt.Errorf("read the changes: %w", err)
	}
	return edit(text, func(m *yaml.Node) error {
		var doc yaml.Node
		if err := yaml.Unmarshal(patch, &doc); err != nil {
			return fmt.Errorf("read the changes: %w", err)
		}
		if len(doc.Content) == 1 {
			unmarked(doc.Content[0])
			merge(m, doc.Content[0])
		}
		return nil
	})
}

// WithBank returns the campaign file with another reference to its bank.
func WithBank(text []byte, ref string) ([]byte, error) {
	patch, err := json.Marshal(map[string]any{"quiz": map[string]any{"bank": ref}})
	if err != nil {
		return nil, err
	}
	return Patched(text, patch)
}

// BankRef returns where a campaign file says that its bank is, "" where it has none.
func BankRef(text []byte) string {
	var doc struct {
		Quiz struct {
			Bank string `yaml:"bank"`
		} `yaml:"quiz"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return ""
	}
	return doc.Quiz.Bank
}

// ClosesAtOf returns the closes_at of a campaign file, the zero time where it has
// none.
func ClosesAtOf(text []byte) time.Time {
	doc, _ := parseYAML(CampaignFile, text)
	return doc.object().may("closes_at").moment(Zone())
}

// TreeOf reads the tree of a campaign file alone, and tells whether it has one.
func TreeOf(text []byte) (tree *campaign.Tree, there bool, err error) {
	l := newLoader(nil)
	v := l.parse(CampaignFile, text).object().may("tree")
	if v.absent() {
		return nil, false, nil
	}
	var r treeReader
	tree = r.read(v)
	return tree, true, l.err()
}

// IDOf returns the id that a campaign file gives itself, "" where it has none that
// could be one.
func IDOf(text []byte) string {
	var doc struct {
		ID string `yaml:"id"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil || !campaignID.MatchString(doc.ID) {
		return ""
	}
	return doc.ID
}

// BankFiles returns the files of a bundle's bank with its reference, nil without one.
func (b Bundle) BankFiles() map[string][]byte {
	out := map[string][]byte{}
	for name, raw := range b.Files {
		if name != CampaignFile {
			out[path.Clean(name)] = raw
		}
	}
	return out
}

// Field is a top-level field of a campaign file that tells whether it is true, and
// whether it is there at all.
func Field(text []byte, name string) (yes, there bool) {
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return false, false
	}
	n, there := doc[name]
	if there {
		_ = n.Decode(&yes) // what is no truth value was refused when the file was read
	}
	return yes, there
}

// errShape is a file that is no mapping.
var errShape = errors.New("a campaign is a list of names with values")

// edit changes the top mapping of a file and writes it down again.
func edit(text []byte, change func(m *yaml.Node) error) ([]byte, error) {
	if len(text) > maxYAML {
		return nil, fmt.Errorf("the file has %d bytes, at most %d", len(text), maxYAML)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errShape
	}
	if err := change(doc.Content[0]); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(&doc), enc.Close()); err != nil {
		return nil, fmt.Errorf("write the file: %w", err)
	}
	return out.Bytes(), nil
}

// find returns where the value of a name stands in a mapping, -1 for nowhere.
func find(m *yaml.Node, name string) int {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return i + 1
		}
	}
	return -1
}

func drop(m *yaml.Node, name string) {
	if i := find(m, name); i > 0 {
		m.Content = slices.Delete(m.Content, i-1, i+1)
	}
}

func merge(to, from *yaml.Node) {
	for i := 0; i+1 < len(from.Content); i += 2 {
		name, v := from.Content[i], from.Content[i+1]
		at := find(to, name.Value)
		switch {
		case v.Tag == "!!null":
			drop(to, name.Value)
		case at < 0:
			to.Content = append(to.Content, name, v)
		case v.Kind == yaml.MappingNode && to.Content[at].Kind == yaml.MappingNode:
			merge(to.Content[at], v)
		default:
			to.Content[at] = v
		}
	}
}

// unmarked takes the marks of JSON away. Texts that would be read as something else
// without quotes keep them, because the encoder sees to that.
func unmarked(n *yaml.Node) {
	n.Style = 0
	for _, c := range n.Content {
		unmarked(c)
	}
}
