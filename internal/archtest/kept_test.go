package archtest

import (
	"go/ast"
	"regexp"
	"testing"
)

// keptWords is the table in which the console says in Chinese what is kept of people.
const keptWords = "web/src/console/locale/kept.ts"

// TestStoresHaveWords shows that every store that keeps something of people has words on the
// console, and that it has no words for what does not exist.
func TestStoresHaveWords(t *testing.T) {
	said := namesIn(`(?m)^  '?([a-z_ ]+)'?: '.*\p{Han}.*',$`, contents(t, keptWords))
	written := map[string]string{}
	for _, src := range sources(t) {
		if !src.test() {
			storesOf(t, src, written)
		}
	}
	sameWords(t, keptWords, said, written, "proof_links", "personal", "question reports", "flags")
}

// storesOf adds the stores that a file names: what has a name and a kind of what is kept.
func storesOf(t *testing.T, src source, into map[string]string) {
	t.Helper()
	ast.Inspect(parsed(t, src.path()), func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		given := map[string]ast.Expr{}
		for _, e := range lit.Elts {
			if kv, ok := e.(*ast.KeyValueExpr); ok {
				given[typeName(kv.Key)] = kv.Value
			}
		}
		name, named := given["Name"].(*ast.BasicLit)
		if kind := typeName(given["Kind"]); named && keptKind.MatchString(kind) {
			into[unquote(name)] = src.path()
		}
		return true
	})
}

var keptKind = regexp.MustCompile(`^Kept[A-Z]`)
