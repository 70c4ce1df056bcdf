package archtest

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// fieldWords is the table in which the console says the fields of a campaign in Chinese.
const fieldWords = "web/src/shared/locale/fields.ts"

// fieldSources read the file of a campaign, and list what is kept beside it. The tree has
// words of its own where it is shown.
var fieldSources = []string{
	"campaign/retention.go", "configs/campaignboards.go", "configs/campaignfile.go", "configs/campaignprizes.go", "configs/campaignquiz.go", "internal/catalog/difference.go",
}

// beside are fields that no file has: what the check of a campaign blames as a whole.
var beside = []string{"campaign", "definition"}

// TestFieldsHaveWords shows that every field in which two versions of a campaign may differ
// has words on the console, and that it has no words for what does not exist.
func TestFieldsHaveWords(t *testing.T) {
	table, _, whole := strings.Cut(contents(t, fieldWords), "\n}\n")
	if !whole {
		t.Fatalf("%s does not begin with its table", fieldWords)
	}
	said := namesIn(`(?m)^  ([a-z_]+): '.*\p{Han}.*',$`, table)
	written := map[string]string{}
	for _, name := range beside {
		written[name] = "internal/catalog/errors.go"
	}
	for _, source := range fieldSources {
		fieldsOf(t, source, written)
	}
	sameWords(t, fieldWords, said, written, "title", "strata", "odds", "stage", "clocks", "until", "school_rate")
}

// fieldsOf adds the fields that a source names: those that it reads from an object or
// by their kind, and those that it puts into a difference.
func fieldsOf(t *testing.T, source string, into map[string]string) {
	t.Helper()
	add := func(e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			for name := range strings.SplitSeq(unquote(lit), ".") {
				into[name] = source
			}
		}
	}
	ast.Inspect(parsed(t, source), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch typeName(n.Fun) {
			case "object", "must", "may", "join":
				for _, arg := range n.Args {
					add(arg)
				}
			}
		case *ast.ValueSpec:
			if typeName(n.Type) == "Kept" {
				add(n.Values[0])
			}
		case *ast.IndexExpr:
			add(n.Index)
		case *ast.KeyValueExpr:
			add(n.Key)
		}
		return true
	})
}
