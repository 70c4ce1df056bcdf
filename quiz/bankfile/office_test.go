package bankfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOfficeFiles reads files such as offices hold, and compares question by question with
// what a careful person reads in them: kind, key, stem and options, or why not.
func TestOfficeFiles(t *testing.T) {
	t.Parallel()
	wants, err := filepath.Glob("testdata/office/*.want")
	if err != nil || len(wants) == 0 {
		t.Fatalf("%d files, %v", len(wants), err)
	}
	for _, want := range wants {
		name := strings.TrimSuffix(filepath.Base(want), ".want")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(told(t, fixture(t, "testdata/office", name), Options{}), "\n") + "\n"
			if diff := cmp.Diff(string(raw), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
