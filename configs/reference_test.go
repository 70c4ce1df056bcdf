package configs

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite example.yaml and docs/CONFIGURATION.md from the struct")

const exampleHead = `# Every key of the configuration with its default and its meaning. Made from the
# struct: go test ./configs -run TestReference -update
#
# Layers, the later over the earlier: defaults, this file (serve --config FILE),
# environment (QINGYUAN_…, see docs/CONFIGURATION.md), flags. Unknown keys are
# refused. Keep only what you change.
`

// The table of keys stands between these marks; the rest of the page is prose.
const (
	docsFile  = "../docs/CONFIGURATION.md"
	tableFrom = "<!-- keys: made from the struct by go test ./configs -run TestReference -update -->\n"
	tableTo   = "<!-- end of keys -->\n"
)

func TestReference(t *testing.T) {
	for name, want := range map[string]string{"example.yaml": exampleYAML(t), docsFile: docsPage(t)} {
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not what the struct says; run with -update (-want +got):\n%s", name, diff)
		}
	}
}

// TestExample shows that the example says nothing but the defaults.
func TestExample(t *testing.T) {
	got, err := Load(Options{File: "example.yaml", Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, sameConfig); diff != "" {
		t.Errorf("example.yaml differs from the defaults (-want +got):\n%s", diff)
	}
}

// TestKeys shows that no two keys share a variable and that each is described.
func TestKeys(t *testing.T) {
	seen := map[string]string{}
	for _, k := range Keys() {
		if other, taken := seen[k.Env]; taken {
			t.Errorf("%s and %s share the variable %s", k.Name, other, k.Env)
		}
		seen[k.Env] = k.Name
		if k.Type == "" || k.Doc == "" || !strings.HasSuffix(k.Doc, ".") {
			t.Errorf("%s: type %q, doc %q: want both, the doc as a sentence", k.Name, k.Type, k.Doc)
		}
	}
}

// TestDocsSample reads the question that the page shows.
func TestDocsSample(t *testing.T) {
	page, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	sample, _, _ := strings.Cut(rest, "```")
	b, err := LoadBank(fstest.MapFS{"sample.yaml": {Data: []byte(sample)}}, "sample.yaml")
	if err != nil || len(b.Questions) != 1 {
		t.Errorf("the sample of %s: %v", docsFile, err)
	}
}

// docsPage returns the page as it is, with the table as it should be.
func docsPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), tableFrom)
	_, tail, ok2 := strings.Cut(rest, tableTo)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table of keys", docsFile)
	}
	var b strings.Builder
	b.WriteString(head + tableFrom + "| key | variable | type | default | meaning |\n|---|---|---|---|---|\n")
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` | %s |\n", k.Name, k.Env, k.Type, k.Default, strings.ReplaceAll(k.Doc, "|", `\|`))
	}
	return b.String() + tableTo + tail
}

func exampleYAML(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(exampleHead)
	var open []string // the sections the last key was in
	for _, k := range Keys() {
		path := strings.Split(k.Name, ".")
		sections := path[:len(path)-1]
		for i, s := range sections {
			if i < len(open) && open[i] == s {
				continue
			}
			open = open[:min(i, len(open))]
			fmt.Fprintf(&b, "\n%s%s:\n", strings.Repeat("  ", i), s)
			open = append(open, s)
		}
		if len(sections) == 0 {
			b.WriteByte('\n')
		}
		open = sections
		indent := strings.Repeat("  ", len(sections))
		for _, line := range wrap(k.Doc, 96-len(indent)) {
			fmt.Fprintf(&b, "%s# %s\n", indent, line)
		}
		fmt.Fprintf(&b, "%s%s: %s\n", indent, path[len(path)-1], quoted(t, k))
	}
	return b.String()
}

func quoted(t *testing.T, k Key) string {
	t.Helper()
	if k.Type != "text" || k.Default == `""` {
		return k.Default
	}
	raw, err := yaml.Marshal(k.Default)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
