package bankfile

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSamplesOfTheManual reads every sample of docs/QUESTION-BANKS.md and compares
// with the result that stands below it.
func TestSamplesOfTheManual(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/QUESTION-BANKS.md")
	if err != nil {
		t.Fatal(err)
	}
	samples := strings.Split(string(raw), "```text\n")[1:]
	if len(samples) < 5 {
		t.Fatalf("only %d samples", len(samples))
	}
	for _, s := range samples {
		text, rest, _ := strings.Cut(s, "```\n```result\n")
		want, _, ok := strings.Cut(rest, "```")
		if !ok {
			t.Fatalf("a sample without a result:\n%s", s)
		}
		r, err := Read(t.Context(), File{Name: "样例.txt", Raw: []byte(text)}, Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), inOrder(r)); diff != "" {
			t.Errorf("(-want +got)\n%s\n%s", diff, text)
		}
	}
}

// inOrder tells number, kind and key of what was imported and the code of what was
// refused, as they stand in the file.
func inOrder(r Report) []string {
	type told struct {
		line int
		text string
	}
	var list []told
	for i := range r.Imported {
		q := &r.Imported[i]
		list = append(list, told{q.Line, q.Number + " " + string(q.Kind) + " " + q.Letters()})
	}
	for _, f := range r.Refused {
		list = append(list, told{f.Line, "refused " + f.Code})
	}
	slices.SortStableFunc(list, func(a, b told) int { return a.line - b.line })
	var out []string
	for i, l := range list {
		if strings.HasPrefix(l.text, "refused") {
			l.text = string(rune('1'+i)) + " " + l.text
		}
		out = append(out, l.text)
	}
	return out
}
