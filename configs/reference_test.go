package configs

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

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

const docsHead = `# Configuration

Layers, the later over the earlier: **defaults → YAML file (` + "`--config FILE`" + `) → environment → flags**. The whole is
checked at start; ` + "`qingyuan check-config --config FILE`" + ` does only that and names every fault at once. An unknown key
in the file, or an unknown variable that begins with ` + "`QINGYUAN_`" + `, is refused by name.

In the environment lists are separated by commas, sets of keys are written ` + "`id=secret,id=secret`" + ` and apps
` + "`appid=secret,appid=secret`" + `. An empty variable counts as not set. Durations need a unit (` + "`3s`, `2h`" + `), networks are CIDR
(` + "`10.0.0.0/8`" + `) or a single address.

Secrets never appear in a log, an error or a dump. On one machine (` + "`redis.addrs`" + ` empty) the first start makes them in
` + "`<data.dir>/secrets.yaml`" + `, mode 0600; the file has the keys of the section ` + "`secrets`" + ` without that prefix, and is refused
when others may read it. With an external Redis ` + "`secrets.master`" + ` must be configured, the same on every server.

To rotate the key of tokens: add a key to ` + "`secrets.token_keys`" + ` on every server, then name it in
` + "`secrets.token_current`" + `. The keys before it stay valid until they are taken out; the key ` + "`master`" + ` is replaced by giving one
of that id. Sealing keys are rotated alike and never taken out while data is kept.

This table is made from the struct in ` + "`configs/config.go`" + ` (` + "`go test ./configs -run TestReference -update`" + `), and so
is [` + "`configs/example.yaml`" + `](../configs/example.yaml).

| key | variable | type | default | meaning |
|---|---|---|---|---|
`

func TestReference(t *testing.T) {
	for name, want := range map[string]string{
		"example.yaml":             exampleYAML(t),
		"../docs/CONFIGURATION.md": docsTable(),
	} {
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

func docsTable() string {
	var b strings.Builder
	b.WriteString(docsHead)
	for _, k := range Keys() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | `%s` | %s |\n", k.Name, k.Env, k.Type, k.Default, strings.ReplaceAll(k.Doc, "|", `\|`))
	}
	return b.String()
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
