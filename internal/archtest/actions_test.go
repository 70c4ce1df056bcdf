package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// words is the table in which the console says actions in Chinese.
const words = "web/src/console/locale/actions.ts"

// TestActionsHaveWords shows that whatever the audit log may call an act, the console has
// words for it, and that it has no words for what does not exist.
func TestActionsHaveWords(t *testing.T) {
	said := namesIn(`(?m)^  '([a-z_.]+)': '.+',$`, contents(t, words))
	written := map[string]string{}
	for _, src := range sources(t) {
		if !src.test() && !slices.Contains(helpers, src.pkg) {
			actionsOf(t, src, written)
		}
	}
	sameWords(t, words, said, written, "results.correct", "operator.create", "session.begin", "campaign.paused", "approval.refused", "bank.sign_off", "audit.trim")
}

// actionsOf adds the actions that a file names: constants of the kinds that become one, and
// what is put into a record of the log as a text.
func actionsOf(t *testing.T, src source, into map[string]string) {
	t.Helper()
	add := func(before string, e ast.Expr) {
		if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if action := unquote(lit); action != "" {
				into[before+action] = src.path()
			}
		}
	}
	ast.Inspect(parsed(t, src.path()), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if before, ok := becomes(src.pkg, n); ok {
				for _, v := range n.Values {
					add(before, v)
				}
			}
		case *ast.AssignStmt:
			for i, to := range n.Lhs {
				if sel, ok := to.(*ast.SelectorExpr); ok && sel.Sel.Name == "Action" && len(n.Rhs) == len(n.Lhs) {
					add("", n.Rhs[i])
				}
			}
		case *ast.CompositeLit:
			if typeName(n.Type) == "noted" {
				add("", n.Elts[0])
			}
		case *ast.CallExpr:
			if at, ok := recording[typeName(n.Fun)]; ok && len(n.Args) > at {
				add("", n.Args[at])
			}
		}
		return true
	})
}

// recording names what begins a record of the log, with the place of the action among its
// arguments.
var recording = map[string]int{"Record": 1, "consoleRecord": 0, "own": 2, "record": 2, "remember": 1}

// becomes tells whether a constant becomes an action, and what stands before it there.
func becomes(pkg string, spec *ast.ValueSpec) (before string, ok bool) {
	name := spec.Names[0].Name
	switch {
	case typeName(spec.Type) == "Action":
		return "", true
	case pkg == "internal/catalog" && strings.HasPrefix(name, "Kind"):
		return "campaign.", true
	case pkg == "internal/approval" && typeName(spec.Type) == "State":
		return "approval.", true
	}
	return "", false
}

// typeName is the last part of a name such as operator.Action; "" of anything else.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
