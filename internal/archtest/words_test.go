package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// contents is a file of the project.
func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parsed is a Go file of the project.
func parsed(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(path)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// namesIn are the names that a pattern finds in a table of the pages.
func namesIn(pattern, table string) map[string]bool {
	said := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(table, -1) {
		said[m[1]] = true
	}
	return said
}

// sameWords wants a table of the pages to have words for exactly the names that the sources
// write; known are some that they must be found to write.
func sameWords(t *testing.T, table string, said map[string]bool, written map[string]string, known ...string) {
	t.Helper()
	for _, name := range known {
		if written[name] == "" {
			t.Errorf("the sources do not show %s any more: look at what reads them here", name)
		}
	}
	for name, where := range written {
		if !said[name] {
			t.Errorf("%s has no words for %q (%s)", table, name, where)
		}
	}
	for name := range said {
		if written[name] == "" {
			t.Errorf("%s has words for %q, which the sources do not write", table, name)
		}
	}
}
