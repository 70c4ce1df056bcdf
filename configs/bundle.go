package configs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"qingyuan/quiz"
)

// CampaignFile is the name of the campaign in a folder of its own.
const CampaignFile = "campaign.yaml"

// Bundle is a campaign with everything it was read from, laid out as it is
// installed: the campaign file, and its bank in a folder that is named for the
// bank's version. So one rename of the campaign file exchanges both.
type Bundle struct {
	Definition

	// Files are contents by path, relative to the campaign's folder.
	Files map[string][]byte
}

// LoadBundle reads the campaign called file. Its bank may lie anywhere. What the
// bundle holds is what was checked, even when the files change meanwhile.
func LoadBundle(file string) (Bundle, error) { return loadBundle(file, false, nil) }

// KeptBanks finds a bank that lies in no file by what quiz.bank says, and tells whether
// that is a reference of such a kind.
type KeptBanks func(ref string) (b *quiz.Bank, ok bool, err error)

// LoadBundleOfParts is LoadBundle for a file that may leave the tree out, because
// that is kept elsewhere, and then has none; and that may refer to a bank which is kept
// elsewhere too.
func LoadBundleOfParts(file string, kept KeptBanks) (Bundle, error) {
	return loadBundle(file, true, kept)
}

func loadBundle(file string, treeless bool, kept KeptBanks) (Bundle, error) {
	full, err := filepath.Abs(file)
	if err != nil {
		return Bundle{}, fmt.Errorf("read campaign %s: %w", file, err)
	}
	root := filepath.VolumeName(full) + string(filepath.Separator)
	show := func(name string) string {
		if rel, err := filepath.Rel(filepath.Dir(full), filepath.Join(root, filepath.FromSlash(name))); err == nil {
			return filepath.Join(filepath.Dir(file), rel)
		}
		return name
	}
	l := newLoader(&recorder{FS: os.DirFS(root), files: map[string][]byte{}})
	l.treeless, l.kept, l.show = treeless, kept, show
	return bundle(l, filepath.ToSlash(strings.TrimPrefix(full, root)))
}

// bundle reads the campaign called name by a loader whose files are recorded.
func bundle(l *loader, name string) (Bundle, error) {
	rec, _ := l.fsys.(*recorder)
	d, err := l.definition(name, time.Time{})
	if err != nil {
		return Bundle{}, err
	}
	laid, err := layOut(l, rec.files, name, d)
	if err != nil {
		return Bundle{}, err
	}
	return Bundle{Definition: d, Files: laid}, nil
}

// recorder keeps what is read through it.
type recorder struct {
	fs.FS

	files map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (r *recorder) ReadFile(name string) ([]byte, error) {
	raw, err := fs.ReadFile(r.FS, name)
	if err == nil {
		r.files[name] = raw
	}
	return raw, err
}

// layOut places the files read for the campaign called name. Only the reference
// to the bank is written anew; the rest of the file stays as its author wrote
// it, comments and all.
func layOut(l *loader, read map[string][]byte, name string, d Definition) (map[string][]byte, error) {
	text := read[name]
	out := map[string][]byte{}
	if d.Bank != nil && !l.apart {
		ref := l.bankRef.text()
		at := path.Join(path.Dir(name), ref)
		to := path.Join("banks", d.Bank.Digest, path.Base(at))
		for file, raw := range read {
			if rel, ok := strings.CutPrefix(file, at); ok && (rel == "" || rel[0] == '/') {
				out[to+rel] = raw
			}
		}
		var err error
		if text, err = rewrite(text, l.bankRef.node, to); err != nil {
			return nil, fmt.Errorf("%s: %w", l.bankRef.where(), err)
		}
	}
	out[CampaignFile] = text
	return out, nil
}

// rewrite replaces the scalar that node was read from.
func rewrite(text []byte, node *yaml.Node, value string) ([]byte, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if node.Line < 1 || node.Line > len(lines) {
		return nil, fmt.Errorf("%q has no line", node.Value)
	}
	line := []rune(string(lines[node.Line-1])) // columns count characters
	if node.Column < 1 || node.Column > len(line) {
		return nil, fmt.Errorf("%q has no column", node.Value)
	}
	before, rest := string(line[:node.Column-1]), string(line[node.Column-1:])
	for _, quote := range []string{"", `"`, "'"} {
		if after, ok := strings.CutPrefix(rest, quote+node.Value+quote); ok {
			lines[node.Line-1] = []byte(before + quote + value + quote + after)
			return bytes.Join(lines, nil), nil
		}
	}
	return nil, fmt.Errorf("write %q on one line without escapes, so that it can be replaced", node.Value)
}
