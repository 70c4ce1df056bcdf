package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "qingyuan"
	root   = "../.."

	fiber    = "github.com/gofiber/fiber"
	goredis  = "github.com/redis/go-redis"
	sqldb    = "database/sql"
	nethttp  = "net/http"
	slog     = "log/slog"
	anything = "*"
)

// drivers are watched in every package although they are not ours. An entry
// stands for the packages below it as well.
var drivers = []string{fiber, goredis, sqldb}

// edges are watched in the domain: it returns errors and knows no transport.
var edges = []string{nethttp, slog}

// domain lists the packages that decide. They know no edge.
var domain = []string{
	"campaign", "quiz", "pledge", "leaderboard", "prize", "prize/draw", "proof",
	"internal/event", "internal/fault", "internal/live",
}

// helpers are made for tests: any test may use them, and else only a helper whose rule
// says so.
var helpers = []string{
	"leaderboard/boardtest", "leaderboard/casetest", "pledge/pledgetest", "prize/prizetest", "quiz/quiztest",
	"internal/ledger/ledgertest", "internal/porttest", "internal/rapidtest", "internal/redistest", "internal/session/sessiontest", "internal/sqltest",
	"internal/waittest", "internal/wechattest",
}

// rule says what a package may import directly, of this module and of the
// watched drivers.
type rule struct {
	may []string
	// tests may be imported in addition by the package's test files.
	tests []string
}

// rules has one entry for each package of the module. A package that is not
// here fails the test.
var rules = map[string]rule{
	// The domain. Its services are proved on the real store.
	"campaign":              {may: []string{"internal/fault"}},
	"quiz":                  {may: ground, tests: slices.Concat(onRedis, []string{"internal/correction/act"})},
	"quiz/quiztest":         {may: suite("quiz")},
	"quiz/bankfile":         {may: []string{"quiz", "configs", "internal/sheet"}},
	"quiz/bankbook":         {may: []string{"quiz", "quiz/bankfile", "internal/fault"}},
	"pledge":                {may: ground, tests: onRedis},
	"pledge/pledgetest":     {may: suite("pledge")},
	"leaderboard":           {may: ground, tests: onRedis},
	"leaderboard/boardtest": {may: append(suite("leaderboard"), "internal/rapidtest")},
	"leaderboard/casetest":  {may: suite("leaderboard"), tests: slices.Concat(onRedis, []string{"quiz", "internal/stream"})},
	"prize":                 {may: append([]string{"prize/draw"}, ground...), tests: onRedis},
	"prize/prizetest":       {may: suite("prize")},
	"prize/draw":            {},
	"proof":                 {},
	"configs":               {may: []string{"campaign", "quiz", "pledge", "prize", "leaderboard", "internal/fault"}},

	// Leaves.
	"internal/archtest": {},
	"internal/event":    {},
	"internal/fault":    {},
	"internal/live":     {},
	"internal/seal":     {},
	"internal/typeface": {},
	"web":               {},
	"internal/sheet":    {may: []string{"internal/fault"}},
	"internal/spool":    {},

	// A picture of a signature: it draws, and keeps nothing.
	"internal/certificate": {may: []string{"pledge", "internal/fault", "internal/typeface"}, tests: []string{"campaign"}},

	// Adapters.
	// The office's side of prizes.
	"internal/prizes": {may: []string{
		"campaign", "prize", "prize/draw", "internal/approval", "internal/audit", "internal/failpoint", "internal/fault", "internal/jobs", "internal/operator", "internal/retention", "internal/seal", "internal/sheet", "internal/sqldb", sqldb,
	}, tests: onRedis},
	"internal/catalog": {may: []string{
		"campaign", "quiz", "pledge", "prize", "leaderboard", "configs",
		"internal/audit", "internal/divisions", "internal/fault", "internal/jobs", "internal/operator", "internal/sheet", "internal/sqldb", sqldb,
	}},
	"internal/banks": {may: []string{
		"campaign", "configs", "quiz", "quiz/bankbook", "quiz/bankfile", "internal/audit", "internal/fault", "internal/jobs", "internal/operator", "internal/pictures", "internal/sqldb", sqldb,
	}},
	"internal/pictures":  {may: []string{"internal/audit", "internal/fault", "internal/operator", "internal/sqldb", sqldb}},
	"internal/redisnode": {may: []string{goredis}},
	"internal/redisstore": {may: []string{
		"campaign", "quiz", "pledge", "prize", "leaderboard",
		"internal/correction/act", "internal/event", "internal/fault", "internal/origin", "internal/replay/state", "internal/session", "internal/waitingroom", goredis,
	}, tests: []string{"internal/seal"}},
	"internal/stream": {may: []string{"internal/event", "internal/fault", goredis}, tests: onRedis},
	"internal/sqldb":  {may: []string{sqldb}, tests: []string{"internal/sqltest"}},
	"internal/ledger": {
		may:   []string{"internal/event", "internal/failpoint", "internal/sqldb", sqldb},
		tests: []string{"leaderboard", "internal/seal", "internal/stream", goredis},
	},
	"internal/ledger/ledgertest": {may: []string{"internal/event", "internal/ledger"}},
	"internal/replay": {may: []string{
		"campaign", "quiz", "pledge", "prize", "leaderboard", "internal/event", "internal/failpoint", "internal/fault", "internal/ledger",
		"internal/replay/state",
	}, tests: slices.Concat(onRedis, []string{"internal/correction/act", "internal/seal", "internal/session", "internal/sqldb", "internal/stream"})},
	"internal/replay/state": {may: []string{"campaign", "quiz", "pledge", "prize", "leaderboard", "internal/event"}},
	"internal/backup": {
		may:   []string{"internal/event", "internal/ledger", "internal/sqldb", goredis},
		tests: []string{"internal/redisnode"},
	},
	// The logs by which outsiders check counts, made of the ledger.
	"internal/prooflog": {may: []string{
		"campaign", "proof", "internal/event", "internal/failpoint", "internal/fault", "internal/ledger", "internal/retention", "internal/sqldb", sqldb,
	}},
	"internal/failpoint": {},
	"internal/divisions": {},

	// Corrections of many acts: found in the ledger, done in Redis through an interface.
	"internal/correction": {
		may: []string{
			"campaign", "quiz", "internal/approval", "internal/audit", "internal/correction/act", "internal/event", "internal/failpoint",
			"internal/fault", "internal/jobs", "internal/ledger", "internal/operator", "internal/origin", "internal/retention", "internal/seal", "internal/sqldb", sqldb,
		},
		// The challenges are what marks again; grants and transfers run on the same cluster.
		tests: slices.Concat(onRedis, []string{"configs", "pledge", "leaderboard", "internal/catalog", "internal/challenge", "internal/grant", "internal/transfer", "internal/replay", "internal/replay/state", "internal/stream"}),
	},
	"internal/correction/act": {may: []string{"internal/event"}},

	// Contested questions: whose attempts are marked again, and how, by the ledger alone.
	"internal/challenge": {
		may: []string{
			"campaign", "quiz", "leaderboard", "configs", "internal/audit", "internal/catalog", "internal/correction", "internal/correction/act",
			"internal/event", "internal/fault", "internal/ledger", "internal/operator", "internal/retention", "internal/seal", "internal/sqldb", sqldb,
		},
		tests: slices.Concat(onRedis, []string{"internal/approval", "internal/banks", "internal/jobs", "internal/replay", "internal/replay/state", "internal/stream"}),
	},
	"internal/grant": {
		may: []string{
			"campaign", "quiz", "internal/audit", "internal/correction/act", "internal/event", "internal/failpoint", "internal/fault", "internal/jobs",
			"internal/ledger", "internal/operator", "internal/sqldb", sqldb,
		},
	},
	"internal/origin": {},

	// The office: who may do what, and the log of what they did.
	"internal/operator": {may: []string{"campaign", "internal/audit", "internal/fault", "internal/sqldb", sqldb}, tests: []string{"internal/seal"}},
	"internal/approval": {may: []string{"campaign", "internal/audit", "internal/fault", "internal/operator", "internal/sqldb", sqldb}},
	"internal/roster": {
		may:   []string{"campaign", "internal/audit", "internal/fault", "internal/jobs", "internal/retention", "internal/seal", "internal/sheet", "internal/sqldb", sqldb},
		tests: []string{"internal/sqltest"},
	},
	"internal/report": {
		may: []string{
			"campaign", "quiz", "pledge", "leaderboard", "proof", "internal/event", "internal/fault", "internal/ledger", "internal/replay",
			"internal/audit", "internal/jobs", "internal/replay/state", "internal/sheet", "internal/sqldb", "internal/typeface", sqldb,
		},
		tests: []string{"internal/prooflog", "internal/sqltest"},
	},
	"internal/inbox": {may: []string{"campaign", "internal/audit", "internal/fault", "internal/operator", "internal/retention", "internal/seal", "internal/sqldb", sqldb}},
	"internal/transfer": {
		may: []string{
			"campaign", "internal/audit", "internal/correction/act", "internal/fault", "internal/operator", "internal/retention", "internal/seal", "internal/sqldb", sqldb,
		},
	},
	"internal/hiding":  {may: []string{"campaign", "internal/audit", "internal/fault", "internal/operator", "internal/retention", "internal/sqldb", sqldb}},
	"internal/offline": {may: []string{"campaign", "internal/audit", "internal/fault", "internal/operator", "internal/retention", "internal/sqldb", sqldb}},
	// Campaigns that have left Redis: read from SQL and the ledger.
	"internal/shelf": {may: []string{
		"campaign", "quiz", "pledge", "leaderboard", "internal/event", "internal/fault", "internal/ledger", "internal/replay", "internal/replay/state",
		"internal/sqldb", sqldb,
	}},
	// Who keeps something of people, and for how long.
	"internal/retention": {may: []string{"campaign", "internal/failpoint", "internal/sqldb", sqldb}, tests: []string{"internal/sqltest"}},
	"internal/duty":      {},
	"internal/audit":     {may: []string{"internal/fault", "internal/sqldb", sqldb}, tests: []string{"internal/sqltest"}},
	"internal/jobs":      {may: []string{"internal/fault", "internal/sqldb", sqldb}, tests: []string{"internal/sqltest"}},
	"internal/token":     {may: []string{"internal/fault", "internal/seal"}},
	"internal/wechat":    {may: []string{"internal/fault"}},
	"internal/wechatpay": {},
	// The rules of the line, whose one store is in internal/redisstore.
	"internal/waitingroom": {may: []string{"internal/fault"}},
	"internal/session": {
		may:   []string{"campaign", "internal/fault", "internal/seal", "internal/token", "internal/wechat"},
		tests: onRedis,
	},
	"internal/session/sessiontest": {may: []string{
		"campaign", "internal/fault", "internal/session", "internal/token", "internal/waittest", "internal/wechat",
	}},
	"internal/httpapi": {
		may: []string{
			"campaign", "quiz", "pledge", "prize", "leaderboard", "proof",
			"internal/approval", "internal/audit", "internal/certificate", "internal/challenge", "internal/correction", "internal/fault", "internal/grant", "internal/live", "internal/operator", "internal/origin", "internal/session", "internal/sheet",
			"internal/inbox", "internal/offline", "internal/hiding", "internal/transfer", "internal/duty", "internal/banks", "internal/pictures", "quiz/bankbook", "quiz/bankfile", "internal/catalog", "internal/divisions", "internal/jobs",
			"internal/prizes", "internal/report", "internal/retention", "internal/roster", "internal/spool", "internal/token", "internal/waitingroom", fiber,
		},
		// The first feeds a fold, the second has faults that pass through; the office lies in SQL.
		tests: slices.Concat(onRedis, []string{"internal/stream", "internal/wechat", "internal/sqldb", "internal/correction/act", "internal/jobs", "internal/ledger", "internal/event", "internal/replay/state", "internal/seal"}),
	},
	"internal/bench": {may: []string{
		"campaign", "quiz", "internal/redisnode", "internal/redisstore", fiber, goredis,
	}},
	"internal/simulate": {may: []string{"internal/fault"}},
	"internal/rehearse": {may: []string{"internal/simulate"}},

	// What a campaign costs as it grows: tests and a benchmark alone.
	"internal/growth": {tests: slices.Concat(onRedis, []string{
		"campaign", "quiz", "pledge", "leaderboard", "proof", "internal/event", "internal/ledger", "internal/prooflog", "internal/seal", "internal/sqldb", "internal/stream",
	})},

	// What live streams cost: the same. The edge, or the whole program, is a process
	// of its own.
	"internal/watching": {tests: []string{"campaign", "leaderboard", "internal/httpapi", "internal/simulate"}},

	// Helpers of tests.
	"internal/porttest":   {},
	"internal/rapidtest":  {},
	"internal/redistest":  {may: []string{"internal/porttest", goredis}},
	"internal/sqltest":    {may: []string{"internal/porttest", "internal/sqldb", sqldb}},
	"internal/waittest":   {},
	"internal/wechattest": {},
	// The harness takes the program as a black box and asks Redis and SQL itself.
	// Where power is cut below one store, its tests write through that store alone.
	"internal/chaos": {may: []string{"internal/fault", "internal/porttest", sqldb}, tests: []string{
		"campaign", "quiz", "pledge", "leaderboard", "configs", "internal/event", "internal/redisstore", "internal/sqldb", goredis,
	}},

	// The program wires everything, and nobody imports it.
	"cmd/qingyuan": {may: []string{anything}},
}

// ground is what a domain package may stand on. The domains never import each
// other.
var ground = []string{"campaign", "internal/event", "internal/fault"}

// onRedis is what a test needs that runs a service on its real store.
var onRedis = []string{"internal/redisstore", goredis}

// suite returns what a conformance suite may import: the package whose store
// it exercises, and what that one stands on.
func suite(of string) []string { return append([]string{of}, ground...) }

// source is one file of the module.
type source struct {
	pkg     string // folder, relative to the module
	name    string // file name
	imports []string
	strings []string // string literals, without those of imports
}

func (s source) path() string { return path.Join(s.pkg, s.name) }

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func TestImports(t *testing.T) {
	for _, src := range sources(t) {
		for _, fault := range violations(src) {
			t.Error(fault)
		}
	}
}

// violations returns a sentence for each import that the rules do not allow.
func violations(src source) []string {
	r, known := rules[src.pkg]
	if !known {
		return []string{fmt.Sprintf("%s: package %q has no entry in the import rules", src.path(), src.pkg)}
	}
	var found []string
	for _, imp := range src.imports {
		dep, watched := watch(src.pkg, imp)
		if watched && dep != src.pkg && !r.allows(dep, src.test()) {
			found = append(found, fmt.Sprintf("%s must not import %q", src.path(), imp))
		}
	}
	return found
}

// watch returns the name under which the rules speak of an import, and whether
// they speak of it at all.
func watch(pkg, imp string) (string, bool) {
	if own, ok := strings.CutPrefix(imp, module+"/"); ok {
		return own, true
	}
	watched := drivers
	if slices.Contains(domain, pkg) {
		watched = slices.Concat(drivers, edges)
	}
	for _, w := range watched {
		if imp == w || strings.HasPrefix(imp, w+"/") {
			return w, true
		}
	}
	return "", false
}

func (r rule) allows(dep string, inTest bool) bool {
	if slices.Contains(helpers, dep) && inTest {
		return true
	}
	if slices.Contains(r.may, dep) || slices.Contains(r.may, anything) && !slices.Contains(helpers, dep) {
		return true
	}
	return inTest && slices.Contains(r.tests, dep)
}

// TestRules shows that the rules bite: without it, a mistake in this file would
// let everything pass.
func TestRules(t *testing.T) {
	tests := []struct {
		pkg, file, imp string
		wrong          bool
	}{
		{pkg: "quiz", file: "x.go", imp: "qingyuan/campaign"},
		{pkg: "quiz", file: "x.go", imp: "crypto/sha256"},
		{pkg: "quiz", file: "x.go", imp: "qingyuan/pledge", wrong: true},
		{pkg: "quiz", file: "x_test.go", imp: "qingyuan/quiz"},
		{pkg: "quiz", file: "x_test.go", imp: "qingyuan/pledge", wrong: true},
		{pkg: "quiz", file: "x.go", imp: "github.com/redis/go-redis/v9", wrong: true},
		{pkg: "quiz", file: "x.go", imp: "net/http", wrong: true},
		{pkg: "quiz", file: "x_test.go", imp: "net/http/httptest", wrong: true},
		{pkg: "quiz", file: "x.go", imp: "log/slog", wrong: true},
		{pkg: "quiz", file: "x_test.go", imp: "qingyuan/internal/redisstore"},
		{pkg: "quiz", file: "x_test.go", imp: "qingyuan/internal/redistest"},
		{pkg: "quiz", file: "x.go", imp: "qingyuan/internal/redisstore", wrong: true},
		{pkg: "quiz", file: "x.go", imp: "qingyuan/internal/redistest", wrong: true},
		{pkg: "quiz/quiztest", file: "x.go", imp: "qingyuan/quiz"},
		{pkg: "quiz/quiztest", file: "x.go", imp: "qingyuan/internal/redistest", wrong: true},
		{pkg: "campaign", file: "x.go", imp: "database/sql/driver", wrong: true},
		{pkg: "internal/fault", file: "x.go", imp: "qingyuan/internal/event", wrong: true},
		{pkg: "internal/redisstore", file: "x.go", imp: "github.com/redis/go-redis/v9"},
		{pkg: "internal/redisstore", file: "x.go", imp: "log/slog"},
		{pkg: "internal/redisstore", file: "x.go", imp: "github.com/gofiber/fiber/v2", wrong: true},
		{pkg: "internal/stream", file: "x.go", imp: "qingyuan/quiz", wrong: true},
		{pkg: "internal/httpapi", file: "x.go", imp: "github.com/gofiber/fiber/v2/middleware/recover"},
		{pkg: "internal/httpapi", file: "x.go", imp: "qingyuan/internal/redisstore", wrong: true},
		{pkg: "internal/httpapi", file: "x.go", imp: "qingyuan/cmd/qingyuan", wrong: true},
		{pkg: "cmd/qingyuan", file: "x.go", imp: "qingyuan/internal/redisstore"},
		{pkg: "cmd/qingyuan", file: "x.go", imp: "qingyuan/internal/wechattest", wrong: true},
		{pkg: "utils", file: "x.go", imp: "strings", wrong: true},
	}
	for _, tt := range tests {
		got := violations(source{pkg: tt.pkg, name: tt.file, imports: []string{tt.imp}})
		if wrong := len(got) > 0; wrong != tt.wrong {
			t.Errorf("%s/%s importing %q: violations %q, want some: %t", tt.pkg, tt.file, tt.imp, got, tt.wrong)
		}
	}
}

// TestKeys shows that one file spells the keys of Redis.
func TestKeys(t *testing.T) {
	const (
		keys   = "internal/redisstore/keys.go"
		prefix = "qy" + ":" // in two parts, or this file would break its own rule
	)
	spelt := false
	for _, src := range sources(t) {
		for _, s := range src.strings {
			switch {
			case !strings.HasPrefix(s, prefix):
			case src.path() == keys:
				spelt = true
			default:
				t.Errorf("%s spells the key %q; only %s may", src.path(), s, keys)
			}
		}
	}
	if !spelt {
		t.Errorf("%s spells no key that begins with %q: has the prefix changed?", keys, prefix)
	}

	scripts, err := filepath.Glob(filepath.Join(root, "internal/redisstore/lua/*.lua"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), prefix) {
			t.Errorf("%s spells a key; scripts take theirs from KEYS", name)
		}
	}
}

// sources parses every Go file of the module, tests and all build tags
// included.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone since the folder was read, such as an editor's temporary file
		case err != nil:
			return err
		case d.IsDir() && foreign(name, d.Name()):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		src, err := parse(name)
		all = append(all, src)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("found no Go files")
	}
	return all
}

// foreign reports whether a folder holds no packages of this module: the go
// command ignores some names, and some folders are made by the Makefile.
func foreign(name, base string) bool {
	if name == root {
		return false
	}
	rel, _ := filepath.Rel(root, name)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") ||
		slices.Contains([]string{"testdata", "vendor", "node_modules"}, base) ||
		slices.Contains([]string{"bin", "data"}, rel)
}

func parse(name string) (source, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	rel, err := filepath.Rel(root, filepath.Dir(name))
	if err != nil {
		return source{}, err
	}
	src := source{pkg: filepath.ToSlash(rel), name: filepath.Base(name)}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			src.imports = append(src.imports, unquote(n.Path))
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				src.strings = append(src.strings, unquote(n))
			}
		}
		return true
	})
	return src, nil
}

// unquote returns the value of a string literal, which the parser has checked.
func unquote(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		panic(err)
	}
	return s
}
