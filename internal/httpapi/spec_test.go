package httpapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// TestSpecMatchesRoutes fails when a route is not in the contract, or the other
// way round.
func TestSpecMatchesRoutes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	served := map[string]bool{}
	for _, r := range b.app.GetRoutes() {
		if r.Method != http.MethodHead {
			served[r.Method+" "+specPath(r.Path)] = true
		}
	}
	doc, _ := contract()
	written := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			written[method+" "+path] = true
		}
	}
	if !maps.Equal(served, written) {
		for r := range served {
			if !written[r] {
				t.Errorf("%s is not in openapi.yaml", r)
			}
		}
		for r := range written {
			if !served[r] {
				t.Errorf("%s is in openapi.yaml and not served", r)
			}
		}
	}
}

// specPath writes /a/:b as /a/{b}.
func specPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
		if p == "*" { // the one path that is open to the end: that of tiles
			parts[i] = "{tile}"
		}
	}
	return strings.Join(parts, "/")
}

func TestSpecIsSound(t *testing.T) {
	t.Parallel()
	doc, _ := contract()
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err) // examples are compared with their schemas too
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			where := method + " " + path
			if o.OperationID == "" || ids[o.OperationID] || o.Summary == "" || len(o.Tags) != 1 {
				t.Errorf("%s: operation id %q, summary %q, tags %q", where, o.OperationID, o.Summary, o.Tags)
			}
			ids[o.OperationID] = true
			checkResponses(t, where, o)
		}
	}
}

// checkResponses wants a closed schema of every good answer and codes of every
// failure, each at its own status.
func checkResponses(t *testing.T, where string, o *openapi3.Operation) {
	t.Helper()
	known := map[string]int{}
	for _, row := range errorCodes() {
		known[row.Code] = row.Status
	}
	for status, ref := range o.Responses.Map() {
		codes := codesOf(t, ref.Value)
		if n, _ := strconv.Atoi(status); n >= 400 {
			if len(codes) == 0 {
				t.Errorf("%s: %s names no code", where, status)
			}
			for _, c := range codes {
				if known[c] != n {
					t.Errorf("%s: %s at %s, the table says %d", where, c, status, known[c])
				}
			}
		}
		if media := ref.Value.Content.Get("application/json"); media != nil && o.OperationID != "showSpec" {
			closed(t, where+" "+status, media.Schema, map[*openapi3.Schema]bool{})
		}
	}
	for _, always := range []string{"400", "415", "500"} {
		if o.Responses.Value(always) == nil {
			t.Errorf("%s: %s is not described", where, always)
		}
	}
}

// closed wants every object to refuse what it does not name.
func closed(t *testing.T, where string, ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	t.Helper()
	if ref == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if s.Type.Is("object") {
		extra := s.AdditionalProperties
		if extra.Schema == nil && (extra.Has == nil || *extra.Has) {
			t.Errorf("%s: an object is open: %v", where, slices.Sorted(maps.Keys(s.Properties)))
		}
		closed(t, where, extra.Schema, seen)
	}
	for _, p := range s.Properties {
		closed(t, where, p, seen)
	}
	for _, one := range s.OneOf {
		closed(t, where, one, seen)
	}
	closed(t, where, s.Items, seen)
}

// TestErrorCodes compares the table with every fault declared in this module
// and with the contract's own list.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	table := map[string]codeRow{}
	for _, row := range errorCodes() {
		if _, twice := table[row.Code]; twice {
			t.Errorf("%s stands twice", row.Code)
		}
		table[row.Code] = row
	}
	seen := map[string]bool{}
	for _, d := range declarations(t) {
		row, ok := table[d.code]
		if !ok {
			t.Errorf("%s declares %s, which the table lacks", d.file, d.code)
			continue
		}
		if want := statusOfCode(d); row.Status != want {
			t.Errorf("%s: status %d, its declaration in %s means %d", d.code, row.Status, d.file, want)
		}
		seen[d.code] = seen[d.code] || row.Message == d.text
	}
	for code := range table {
		if told, declared := seen[code]; !declared || !told {
			t.Errorf("%s is declared nowhere with the table's message", code)
		}
	}
	doc, _ := contract()
	var listed []string
	for _, v := range doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		listed = append(listed, v.(string))
	}
	slices.Sort(listed)
	if want := slices.Sorted(maps.Keys(table)); !slices.Equal(listed, want) {
		t.Errorf("openapi.yaml lists %q, the table %q", listed, want)
	}
}

func TestErrorCodesAreServed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := decoded[list[codeRow]](t, b.get(t, "/api/v1/error-codes", ""))
	if !slices.Equal(got.Items, errorCodes()) {
		t.Errorf("served %v", got.Items)
	}
}

// declaration is one call of fault.New.
type declaration struct{ file, kind, code, text string }

func statusOfCode(d declaration) int {
	switch d.code {
	case "request.method":
		return 405
	case "request.too_large":
		return 413
	case "request.unsupported":
		return 415
	}
	return map[string]int{
		"Internal": 500, "Invalid": 400, "Unauthenticated": 401, "Forbidden": 403, "NotFound": 404,
		"Conflict": 409, "Limited": 429, "Unavailable": 503,
	}[d.kind]
}

// declarations parses the module's sources: a code that is declared anywhere can
// reach a client.
func declarations(t *testing.T) []declaration {
	t.Helper()
	var all []declaration
	const root = "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains([]string{"bin", "data", "web", "testdata"}, d.Name())) {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			all = append(all, declaredIn(t, path)...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func declaredIn(t *testing.T, path string) []declaration {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []declaration
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 3 || nameOf(call.Fun) != "New" {
			return true
		}
		code, text := textOf(call.Args[1]), textOf(call.Args[2])
		if strings.Contains(code, ".") || code == "internal" {
			found = append(found, declaration{path, nameOf(call.Args[0]), code, text})
		}
		return true
	})
	return found
}

// nameOf is the last part of a name: fault.New is New.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func textOf(e ast.Expr) string {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return ""
}

func TestSpecIsServedWhole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	got := decoded[map[string]any](t, b.get(t, "/openapi.json", ""))
	if got["openapi"] != "3.0.3" || len(got["paths"].(map[string]any)) < 25 {
		t.Errorf("served %v", got["openapi"])
	}
	if body, err := json.Marshal(got); err != nil || len(body) < 10_000 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
