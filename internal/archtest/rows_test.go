package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// TestRowsAreReadInOnePlace shows that what goes through the rows of a query are sqldb.Each and
// Collect, which look at the error behind the last row. The linter that watches for that cannot
// follow rows into another package, and is told so in .golangci.yml.
func TestRowsAreReadInOnePlace(t *testing.T) {
	t.Parallel()
	for _, src := range sources(t) {
		own := src.pkg == "internal/sqldb" || src.pkg == "internal/chaos" // chaos looks into files that others wrote
		if own || src.test() || !slices.Contains(src.imports, "database/sql") {
			continue
		}
		if goesThroughRows(parsed(t, src.path())) {
			t.Errorf("%s goes through rows by itself; sqldb.Each and Collect do that", src.path())
		}
	}
}

func TestGoesThroughRows(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"for rows.Next() { }":              true,
		"for n := 0; rows.Next(); n++ { }": true,
		"if rows.Next() { }":               true,
		"for range n { }":                  false,
		"line, err := r.Next(); _ = line":  false,
		"_ = sqldb.Each(rows, err, f)":     false,
		"for it.NextOf(3) { }":             false,
		"for more := true; more; { }":      false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() {\n"+text+"\n}", 0)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got := goesThroughRows(file); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}

// goesThroughRows tells whether anything is asked for a next row as a condition.
func goesThroughRows(file *ast.File) (found bool) {
	ast.Inspect(file, func(n ast.Node) bool {
		var condition ast.Expr
		switch n := n.(type) {
		case *ast.ForStmt:
			condition = n.Cond
		case *ast.IfStmt:
			condition = n.Cond
		}
		if call, ok := condition.(*ast.CallExpr); ok && len(call.Args) == 0 {
			if of, ok := call.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Next" {
				found = true
			}
		}
		return !found
	})
	return found
}
