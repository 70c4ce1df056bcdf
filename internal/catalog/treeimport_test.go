package catalog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqltest"
)

// everything is an import by somebody who may change the whole tree.
var everything = TreeImport{All: true, Scopes: []string{""}}

func (d *desk) importing(t *testing.T, text string, o TreeImport) TreeReport {
	t.Helper()
	r, err := d.ImportTree(t.Context(), by("导入"), "town-2026", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Found != r.Added+r.Changed+r.Unchanged+r.Refused {
		t.Errorf("the report does not add up: %+v", r)
	}
	return r
}

func (d *desk) tree(t *testing.T) *campaign.Tree {
	t.Helper()
	e, err := d.Entry(t.Context(), "town-2026")
	if err != nil {
		t.Fatal(err)
	}
	def, err := d.Definition(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return def.Campaign.Tree
}

func exportOf(t *testing.T, tree *campaign.Tree, f sheet.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := sheet.New(&b, f)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ExportTree(tree, []string{""}, w), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outline draws a tree with names, two blanks a level.
func outline(tree *campaign.Tree) string {
	var b strings.Builder
	for n := range tree.Nodes {
		fmt.Fprintf(&b, "%s%s %s %d\n", strings.Repeat("  ", len(tree.Regions(n.ID))), name(n), n.Kind, n.Roster)
	}
	return b.String()
}

// TestImportForms reads what offices have, in the forms they have it in.
func TestImportForms(t *testing.T) {
	t.Parallel()
	const want = "榆次区 region 30\n  锦纶街道 region 30\n    一中 unit 10\n    二中 unit 20\n太谷区 region 5\n  太谷中学 unit 5\n"
	for form, text := range map[string]string{
		"ids":      "编号,上级,名称,类型,代码,应参与人数\ny,,榆次区,区划,140702,\nj,y,锦纶街道,区划,,\na,j,一中,单位,,10\nb,j,二中,单位,,20\nt,,太谷区,区划,140703,\nc,t,太谷中学,单位,,5\n",
		"codes":    "上级,名称,区划代码,应参与人数\n,榆次区,140702,\n140702,锦纶街道,,\n锦纶街道,一中,,10\n锦纶街道,二中,,20\n,太谷区,140703,\n140703,太谷中学,,5\n",
		"names":    "2026 年全民禁毒组织架构\n\n名称（必填）,所属上级,人数（人）\n榆次区,,\n锦纶街道,榆次区,\n一中,锦纶街道,10\n二中,榆次区/锦纶街道,20\n太谷区,,\n太谷中学,太谷区,5\n",
		"upwards":  "上级,名称,类型,人数\n榆次区,锦纶街道,,\n太谷区,太谷中学,,5\n锦纶街道,一中,,10\n锦纶街道,二中,,20\n,榆次区,,\n,太谷区,,\n",
		"levels":   "县（市、区）,乡镇,单位,应参与人数\n榆次区,锦纶街道,一中,10\n榆次区,锦纶街道,二中,20\n太谷区,,太谷中学,5\n",
		"tabs":     "县\t街道\t单位名称\t人数\t备注\n榆次区\t锦纶街道\t一中\t10\tx\n榆次区\t锦纶街道\t二中\t\"20\"\t\n太谷区\t\t太谷中学\t5.0\t\n",
		"commas":   "县,乡,单位,人数\n榆次区,锦纶街道,一中,\"10人\"\n榆次区,锦纶街道,二中,20\n太谷区,,太谷中学,5\n\n",
		"deepened": "县,乡,单位,人数\n榆次区,,,\n榆次区,锦纶街道,,\n榆次区,锦纶街道,一中,10\n榆次区,锦纶街道,二中,20\n太谷区,,太谷中学,5\n",
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, sqltest.SQLite(t))
			d.create(t)
			r := d.importing(t, text, everything)
			if !r.Applied || r.Refused > 0 {
				t.Fatalf("%+v", r)
			}
			got := outline(d.tree(t))
			if form == "upwards" { // its regions stand where they were first spoken of
				lines, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
				slices.Sort(lines)
				slices.Sort(wanted)
				if diff := cmp.Diff(wanted, lines); diff != "" {
					t.Error(diff)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if again := d.importing(t, text, everything); again.Applied || again.Added+again.Changed+again.Refused > 0 {
				t.Errorf("the same file once more: %+v", again)
			}
			for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
				again := d.importing(t, string(exportOf(t, d.tree(t), f)), everything)
				if again.Applied || again.Unchanged != again.Found {
					t.Errorf("what was exported as %s: %+v", f, again)
				}
			}
		})
	}
}

// create puts a campaign without a tree into the store.
func (d *desk) create(t *testing.T) {
	t.Helper()
	_, err := d.Create(t.Context(), by(""), []byte(town[:strings.Index(town, "tree:")]), map[string][]byte{"bank/1.yaml": []byte(bank)}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// TestImportRefusesRows has a fault in every row, each told with its line, and one
// good row.
func TestImportRefusesRows(t *testing.T) {
	t.Parallel()
	const head = "编号,上级,名称,类型,代码,人数,状态\n"
	d := newDesk(t, sqltest.SQLite(t))
	d.apply(t, town)
	rows := []struct{ row, field string }{
		{"n1,r1,,单位,,1,", "name"},
		{"n1,r1,甲,班子,,1,", "kind"},
		{"n1,r1,甲,区划,14,,", "code"},
		{"n1,r1,甲,单位,,许多,", "roster"},
		{"n1,r1,甲,单位,,1.5,", "roster"},
		{"n1,r1,甲,单位,,-3,", "roster"},
		{"n1,r1,甲,单位,,1,关", "retired"},
		{"n1,nowhere,甲,单位,,1,", "parent"},
		{"n1,a,甲,单位,,1,", "parent"},
		{"n 1,r1,甲,单位,,1,", "id"},
		{"unassigned,r1,甲,单位,,1,", "id"},
		{"n1,r1,=HYPERLINK(1),单位,,1,", "name"},
		{"n1,r1,甲区,区划,,7,", "roster"},
		{"a,r1,甲,区划,,,", "kind"},
		{"x,y,圈,区划,,,", "parent"},
		{"y,x,圈二,区划,,,", "parent"},
	}
	text := head
	for _, r := range rows {
		text += r.row + "\n"
	}
	text += "good,r1,好的,单位,,8,\n"
	report := d.importing(t, text, everything)
	if report.Applied || report.Refused != len(rows) || report.Added != 1 {
		t.Errorf("all or nothing: %+v", report)
	}
	lines := map[int]string{}
	for _, f := range report.Faults {
		lines[f.Line] = f.Field
		if f.Reason == "" {
			t.Errorf("line %d is refused for no reason", f.Line)
		}
	}
	for i, r := range rows {
		if lines[i+2] != r.field {
			t.Errorf("line %d %q is refused at %q, want %s", i+2, r.row, lines[i+2], r.field)
		}
	}
	o := everything
	o.All = false
	report = d.importing(t, text, o)
	if _, there := d.tree(t).Node("good"); !report.Applied || !there || report.Refused != len(rows) {
		t.Errorf("the good rows: %+v", report)
	}
	twice := d.importing(t, head+"good,r1,好的,单位,,8,\ngood,r1,好的,单位,,9,\n", o)
	if twice.Refused != 1 || twice.Faults[0].Line != 3 {
		t.Errorf("twice: %+v", twice)
	}
}

// TestImportKeepsToItsScope is the county office: its own part, and nothing else.
func TestImportKeepsToItsScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqltest.SQLite(t))
	d.apply(t, town)
	own := TreeImport{Scopes: []string{"r1"}, Below: "r1"}
	report := d.importing(t, "编号,上级,名称,人数\na,r1,甲,100\nc,r2,丙,100\nnew1,r2,新,1\nb,r2,乙,4\nnew2,,新二,2\nr1,,一区,\n", own)
	var refused []int
	for _, f := range report.Faults {
		refused = append(refused, f.Line)
		if !strings.Contains(f.Reason, "管辖") {
			t.Errorf("line %d: %s", f.Line, f.Reason)
		}
	}
	tree := d.tree(t)
	a, _ := tree.Node("a")
	c, _ := tree.Node("c")
	n, added := tree.Node("new2")
	if !slices.Equal(refused, []int{3, 4, 5}) || a.Roster != 100 || c.Roster != 5 || !added || n.Parent != "r1" {
		t.Errorf("refused %v; a %d, c %d, %+v", refused, a.Roster, c.Roster, n)
	}
}

// TestImportWhileOpen adds and counts, and moves nobody.
func TestImportWhileOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqltest.SQLite(t))
	d.apply(t, town)
	d.at = during()
	o := everything
	o.All = false
	report := d.importing(t, "编号,上级,名称,人数\na,r2,甲,1\nb,r1,乙,40\nx,r2,新,6\n", o)
	if report.Refused != 1 || report.Faults[0].Line != 2 || report.Changed != 1 || report.Added != 1 || !report.Applied {
		t.Errorf("%+v", report)
	}
}

// TestImportDry works everything out and changes nothing.
func TestImportDry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqltest.SQLite(t))
	d.apply(t, town)
	act := by("试")
	act.DryRun = true
	report, err := d.ImportTree(t.Context(), act, "town-2026", []byte("编号,上级,名称\nx,r1,新\n"), everything)
	if _, there := d.tree(t).Node("x"); err != nil || there || report.Applied || report.Added != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	lost := everything
	lost.Hold = func(context.Context, *sql.Tx) error { return errDown }
	if _, err := d.ImportTree(t.Context(), by(""), "town-2026", []byte("编号,上级,名称\nx,r1,新\n"), lost); !errors.Is(err, errDown) {
		t.Errorf("a job that was lost: %v", err)
	}
	if _, there := d.tree(t).Node("x"); there {
		t.Error("a job that was lost changed the tree")
	}
}

// TestNoTable refuses files that are none.
func TestNoTable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqltest.SQLite(t))
	d.apply(t, town)
	for name, text := range map[string]string{"no head": "a,b\n1,2\n", "empty": " ", "binary": "PK\x03\x04xx"} {
		_, err := d.ImportTree(t.Context(), by(""), "town-2026", []byte(text), everything)
		want(t, name, err, sheet.ErrFile, "file")
	}
	if _, err := d.ImportTree(t.Context(), by(""), "none-2026", []byte("上级,名称\n,甲\n"), everything); !errors.Is(err, campaign.ErrNotFound) {
		t.Errorf("an unknown campaign: %v", err)
	}
}

// FuzzTreeFile takes any table into a tree: what comes out is a tree, the report adds
// up, and what is exported changes nothing.
func FuzzTreeFile(f *testing.F) {
	f.Add("编号,上级,名称,类型,代码,应参与人数,状态\ny,,榆次区,区划,140702,,\na,y,一中,单位,,10,停用\n")
	f.Add("县,乡,单位,人数\n榆次区,锦纶街道,一中,10\n,,一中,3\n")
	f.Add("上级,名称\n甲,乙\n乙,甲\n,甲\n")
	f.Add("parent,name,kind\na/b,c,unit\n,a,\na,b,\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := readTreeFile([]byte(text), func(int) {})
		if err != nil {
			if fault.From(err).Kind != fault.Invalid {
				t.Fatalf("a bad file is no request's fault: %v", err)
			}
			return
		}
		tree, report := grown(t, file)
		if report.Found != report.Added+report.Changed+report.Unchanged+report.Refused {
			t.Errorf("the report does not add up: %+v", report)
		}
		again, err := readTreeFile(exportOf(t, tree, sheet.CSV), func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		i := importerOn(tree, again, &report)
		report = TreeReport{}
		i.run()
		if report.Added+report.Changed+report.Refused > 0 {
			t.Errorf("what was exported changes something: %+v\n%s", report, exportOf(t, tree, sheet.CSV))
		}
	})
}

// grown is the tree that a file makes out of nothing.
func grown(t *testing.T, file *treeFile) (*campaign.Tree, TreeReport) {
	t.Helper()
	empty, err := campaign.NewTree(nil)
	if err != nil {
		t.Fatal(err)
	}
	var report TreeReport
	report.Found = len(file.rows)
	i := importerOn(empty, file, &report)
	i.run()
	tree, err := campaign.NewTree(i.list())
	if err != nil {
		t.Fatalf("what was taken in is no tree: %v", err)
	}
	return tree, report
}

func importerOn(tree *campaign.Tree, file *treeFile, report *TreeReport) *importer {
	e := &edit{wood: &grove{tree: tree}}
	return newImporter(newPlanting(tree), file, TreeImport{Scopes: []string{""}}, report, e)
}

// TestImportsWaitForEachOther holds one table in memory at a time.
func TestImportsWaitForEachOther(t *testing.T) {
	t.Parallel()
	d := newDesk(t, sqltest.SQLite(t))
	d.create(t)
	table := []byte("县,单位,人数\n榆次区,三中,30\n")
	inside, release, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	var once sync.Once
	o := everything
	o.Progress = func(int64, int64, string) { once.Do(func() { close(inside); <-release }) }
	go func() {
		_, err := d.ImportTree(t.Context(), by("导入"), "town-2026", table, o)
		first <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o.Progress = func(int64, int64, string) { t.Error("a second table is read beside the first") }
	if _, err := d.ImportTree(ctx, by("导入"), "town-2026", table, o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second import: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if r := d.importing(t, string(table), everything); r.Unchanged != 1 {
		t.Errorf("afterwards %+v", r)
	}
}
