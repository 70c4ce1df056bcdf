package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runbook is what somebody reads at night, when a name that has changed costs an
// hour.
const runbook = "../../docs/OPERATIONS.md"

var (
	quoted   = regexp.MustCompile("`([^`\n]+)`")
	metric   = regexp.MustCompile(`^qingyuan_[a-z_]+$`)
	sentence = regexp.MustCompile(`^[^<>=/\\$*()]+ [^<>=/\\$*()]+ [^<>=/\\$*()]+$`)
	link     = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// foreign is what the runbook quotes of others: Redis, the system, the shell, SQL.
var foreign = []string{
	"No space left on device", "Bad file format reading the append only file", "Unexpected end of file",
	"tar -xzf FILE qingyuan.db", "SELECT stream, epoch, seq, reason, at FROM dead_letters",
}

// TestRunbookNamesWhatExists looks for every metric, message, command and link
// of the runbook where it comes from.
func TestRunbookNamesWhatExists(t *testing.T) {
	t.Parallel()
	text, source := read(t, runbook), sources(t)
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		switch name := m[1]; {
		case slices.Contains(foreign, name):
		case metric.MatchString(name):
			short := strings.TrimPrefix(name, "qingyuan_")
			if !strings.Contains(source, `"`+name+`"`) && !strings.Contains(source, `"`+short+`"`) {
				t.Errorf("the metric %s does not exist", name)
			}
		case strings.HasPrefix(name, "qingyuan "):
			requireCommand(t, name)
		case sentence.MatchString(name):
			requireSaid(t, source, name)
		}
	}
	for _, name := range regexp.MustCompile(`(?m)^qingyuan .*`).FindAllString(text, -1) {
		requireCommand(t, name)
	}
	requireLinks(t, text)
}

// TestRunbookKnowsEveryReason looks in the runbook for everything that can keep a
// server from accepting acts.
func TestRunbookKnowsEveryReason(t *testing.T) {
	t.Parallel()
	text := read(t, runbook)
	for _, from := range []struct{ pattern, source string }{
		{`Problem\w+ += "(redis\.\w+)"`, "../../internal/redisstore/health.go"},
		{`Err\w+ += errors\.New\("(.+)"\)`, "../../internal/redisstore/opening.go"},
		{`Err\w+ += errors\.New\("(.+)"\)`, "../../internal/redisstore/deployment.go"},
		{`"(redis\.\w+): `, "readiness.go"},
	} {
		reasons := regexp.MustCompile(from.pattern).FindAllStringSubmatch(read(t, from.source), -1)
		if len(reasons) == 0 {
			t.Errorf("%s has no reasons: did they move?", from.source)
		}
		for _, r := range reasons {
			if !strings.Contains(text, r[1]) {
				t.Errorf("the runbook does not know %q", r[1])
			}
		}
	}
}

// requireCommand asks the program for help on what a line of the runbook runs.
func requireCommand(t *testing.T, line string) {
	t.Helper()
	if status, _, errs := command(t, strings.Fields(line)[1], "--help"); status != exitDone {
		t.Errorf("%q is no command: %s", line, errs)
	}
}

// requireSaid looks for the parts of a message between what varies in it.
func requireSaid(t *testing.T, source, message string) {
	t.Helper()
	for part := range strings.SplitSeq(strings.ReplaceAll(message, "…", ": "), ": ") {
		part = strings.Trim(part, " :")
		if !strings.Contains(source, part) {
			t.Errorf("nothing says %q of %q", part, message)
		}
	}
}

func requireLinks(t *testing.T, text string) {
	t.Helper()
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		target := text
		if m[1] != "" {
			target = read(t, filepath.Join(filepath.Dir(runbook), m[1]))
		}
		if m[2] != "" && !slices.Contains(anchors(target), m[2]) {
			t.Errorf("no heading for the link %s%s", m[1], m[2])
		}
	}
}

// anchors are the headings of a page as links name them.
func anchors(text string) []string {
	var out []string
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return out
}

// sources is the source of everything that can say something.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"../../cmd", "../../internal"} {
		err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				all.WriteString(read(t, name))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
