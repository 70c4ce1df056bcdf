package roster_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"qingyuan/campaign"
	"qingyuan/internal/roster"
	"qingyuan/internal/seal"
	"qingyuan/internal/sheet"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCampaign(t testing.TB, units int) *campaign.Campaign {
	t.Helper()
	text := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	nodes := []campaign.Node{{ID: "r", Kind: campaign.Region, Name: text("榆次区")}}
	for i := range units {
		nodes = append(nodes, campaign.Node{ID: fmt.Sprint("u", i), Kind: campaign.Unit, Name: text(fmt.Sprint("单位", i)), Parent: "r"})
	}
	tree, err := campaign.NewTree(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{ID: "c", Tree: tree, Groups: []campaign.Group{{ID: "staff", Name: text("职工")}}}
}

func newRosters(t testing.TB, db *sqldb.DB) *roster.Rosters {
	t.Helper()
	box, err := seal.New(seal.Keys{Current: "1", Secrets: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return roster.New(db, roster.Keys{Hash: [32]byte{1}, Box: box}, func() time.Time { return time.UnixMilli(1) })
}

// table writes rows below the usual head.
func table(t testing.TB, f sheet.Format, rows ...[]any) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sheet.New(&out, f)
	if err != nil {
		t.Fatal(err)
	}
	columns := []sheet.Column{{Title: "单位编号"}, {Title: "编号"}, {Title: "姓名"}, {Title: "人群"}}
	errs := []error{w.Table("名册", columns...)}
	for _, r := range rows {
		errs = append(errs, w.Row(r...))
	}
	if err := errors.Join(append(errs, w.Close())...); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func everywhere(string) bool { return true }

func imported(t testing.TB, db *sqldb.DB, raw []byte, m roster.Mode, units int) roster.Outcome {
	t.Helper()
	out, err := newRosters(t, db).Import(t.Context(), newCampaign(t, units), raw, m, roster.Hands{May: everywhere, Write: db.WithTx})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImport(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
			if _, err := db.ExecContext(t.Context(), "DELETE FROM roster"); err != nil {
				t.Fatal(err)
			}
			raw := table(t, f,
				[]any{"u0", "001", "张三", "职工"}, []any{"u0", "００２", "李　四", "staff"}, []any{},
				[]any{"u1", "001", "王五", ""}, []any{"u9", "1", "赵六", ""}, []any{"u0", "", "赵六", ""},
				[]any{"u0", "3", "赵6", ""}, []any{"u0", "3", "赵六", "学生"}, []any{"u0", "001", "张三", "职工"})
			want := roster.Outcome{Found: 8, Written: 3, Refused: 5, Units: 2, Applied: true, Errors: []roster.RowError{
				{6, "没有这个单位"},
				{7, "编号应为 1 至 40 位字母、数字或连字符"},
				{8, "姓名不能为空，且只能是文字"},
				{9, "本活动没有这类人群"},
				{10, "与第 2 行的单位和编号重复"},
			}}
			if f == sheet.CSV { // an empty row ends in nothing
				want.Errors = slices.Clone(want.Errors)
			}
			if diff := cmp.Diff(want, imported(t, db, raw, roster.Mode{}, 2)); diff != "" {
				t.Errorf("%s: %s", f, diff)
			}
			want.Written, want.Same = 0, 3
			if diff := cmp.Diff(want, imported(t, db, raw, roster.Mode{}, 2)); diff != "" {
				t.Errorf("%s again: %s", f, diff)
			}
		}
	})
}

func TestImportModes(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r, c := newRosters(t, db), newCampaign(t, 2)
		first := table(t, sheet.CSV, []any{"u0", "1", "张三", ""}, []any{"u0", "2", "李四", ""}, []any{"u1", "1", "王五", ""})
		faulty := table(t, sheet.CSV, []any{"u0", "3", "孙七", ""}, []any{"u0", "", "李四", ""})
		sizes := func(want map[string]int64) {
			t.Helper()
			got, err := r.Sizes(t.Context(), "c")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
		if out := imported(t, db, first, roster.Mode{DryRun: true}, 2); out.Applied || out.Written != 3 {
			t.Errorf("dry run %+v", out)
		}
		if out := imported(t, db, faulty, roster.Mode{All: true}, 2); out.Applied || out.Refused != 1 {
			t.Errorf("all or nothing %+v", out)
		}
		sizes(map[string]int64{})
		imported(t, db, first, roster.Mode{All: true}, 2)
		imported(t, db, faulty, roster.Mode{}, 2)
		sizes(map[string]int64{"u0": 3, "u1": 1})
		second := table(t, sheet.CSV, []any{"u0", "2", "李四四", "职工"}, []any{"u0", "4", "周八", ""})
		// Nothing is told as written that stands there already, and what is said beforehand
		// is what happens.
		kept := table(t, sheet.CSV, []any{"u0", "1", "张三", ""}, []any{"u0", "2", "李四四", ""}, []any{"u0", "", "孙七", ""})
		for _, m := range []roster.Mode{{DryRun: true, Replace: true}, {All: true, Replace: true}, {Replace: true}} {
			out := imported(t, db, kept, m, 2)
			if out.Written != 1 || out.Same != 1 || out.Refused != 1 || out.Removed != 1 || out.Applied == (m.DryRun || m.All) {
				t.Errorf("%+v: %+v", m, out)
			}
		}
		imported(t, db, table(t, sheet.CSV, []any{"u0", "3", "孙七", ""}), roster.Mode{}, 2)
		if out := imported(t, db, second, roster.Mode{Replace: true}, 2); out.Removed != 2 || out.Written != 2 {
			t.Errorf("replace %+v", out)
		}
		sizes(map[string]int64{"u0": 2, "u1": 1}) // a unit that is not in the file stays
		var names []string
		for p, err := range r.People(t.Context(), "c", "u0") {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, p.Number+p.Name+p.Group)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"2李四四staff", "4周八"}, names); diff != "" {
			t.Error(diff)
		}
		only := func(unit string) bool { return unit == "u1" }
		out, err := r.Import(t.Context(), c, first, roster.Mode{}, roster.Hands{May: only, Write: db.WithTx})
		if err != nil || out.Refused != 2 || out.Same != 1 {
			t.Errorf("another office's units: %+v, %v", out, err)
		}
		if _, err := r.Import(t.Context(), c, []byte("姓名,年龄\n张三,3\n"), roster.Mode{}, roster.Hands{May: everywhere, Write: db.WithTx}); !errors.Is(err, roster.ErrHead) {
			t.Errorf("a table of something else: %v", err)
		}
		err = db.WithTx(t.Context(), func(tx *sql.Tx) error {
			n, err := r.Remove(t.Context(), tx, "c", "u0", " 2 ", "17")
			if n != 1 {
				t.Errorf("%d removed", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		sizes(map[string]int64{"u0": 1, "u1": 1})
	})
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		imported(t, db, table(t, sheet.CSV, []any{"u0", "A-1", "买买提·艾山", "staff"}, []any{"u1", "A-1", "王五", ""}), roster.Mode{}, 2)
		r, c := newRosters(t, db), newCampaign(t, 2)
		for _, q := range []struct {
			unit, number, name string
			ok                 bool
		}{
			{"u0", "A-1", "买买提·艾山", true},
			{"u0", " ａ-1 ", "买买提•艾山 ", true},
			{"u1", "A-1", "王　五", true},
			{"u0", "A-1", "王五", false},
			{"u1", "A-1", "买买提·艾山", false},
			{"u0", "A-2", "买买提·艾山", false},
			{"gone", "A-1", "买买提·艾山", false},
			{"u0", "", "", false},
			{"u0", "A-1", "", false},
		} {
			p, err := r.Recognise(t.Context(), c, q.unit, q.number, q.name)
			if q.ok && (err != nil || (p.Group == "staff") != (q.unit == "u0") || p.Number != "A-1") {
				t.Errorf("%v: %+v, %v", q, p, err)
			}
			if !q.ok && !errors.Is(err, roster.ErrMismatch) {
				t.Errorf("%v: %+v, %v", q, p, err)
			}
		}
	})
}

// TestNothingIsReadable looks for names and numbers in what the database holds.
func TestNothingIsReadable(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	imported(t, db, table(t, sheet.CSV, []any{"u0", "140702199001011234", "欧阳锋", ""}), roster.Mode{}, 1)
	var all string
	err := db.QueryRowContext(t.Context(), "SELECT hex(key) || hex(name) || hex(sealed) || grp FROM roster").Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"欧阳锋", "140702199001011234"} {
		if strings.Contains(all, fmt.Sprintf("%X", secret)) {
			t.Errorf("%s lies there for everybody", secret)
		}
	}
}

// TestInterruptedImport is begun again after each of its transactions in turn, and ends
// as if nothing had happened.
func TestInterruptedImport(t *testing.T) {
	t.Parallel()
	db := sqltest.SQLite(t)
	var rows [][]any
	for i := range 5000 {
		rows = append(rows, []any{fmt.Sprint("u", i%3), fmt.Sprint(i), "张三", ""})
	}
	raw, r, c := table(t, sheet.CSV, rows...), newRosters(t, db), newCampaign(t, 3)
	gone := errors.New("the server is gone")
	var before roster.Done
	keep := func(_ context.Context, _ *sql.Tx, d roster.Done) error {
		before = d // every transaction that gets here is committed
		return nil
	}
	for left := 0; ; left++ {
		n := left
		dying := func(ctx context.Context, fn func(tx *sql.Tx) error) error {
			if n--; n < 0 {
				return gone
			}
			return db.WithTx(ctx, fn)
		}
		out, err := r.Import(t.Context(), c, raw, roster.Mode{All: true}, roster.Hands{May: everywhere, Write: dying, Before: before, Keep: keep})
		if errors.Is(err, gone) {
			continue
		}
		if err != nil || out.Written != 5000 || out.Same != 0 || left < 3 {
			t.Fatalf("%+v, %v", out, err)
		}
		break
	}
	sizes, err := r.Sizes(t.Context(), "c")
	if err != nil || sizes["u0"]+sizes["u1"]+sizes["u2"] != 5000 {
		t.Errorf("%v, %v", sizes, err)
	}
}

// BenchmarkImport reads 300,000 rows, as a city brings them.
func BenchmarkImport(b *testing.B) {
	const units, people = 1000, 300_000
	var rows [][]any
	for i := range people {
		rows = append(rows, []any{fmt.Sprint("u", i%units), fmt.Sprint("N", i), "张三丰", "staff"})
	}
	for _, f := range []sheet.Format{sheet.XLSX, sheet.CSV} {
		raw := table(b, f, rows...)
		b.Run(string(f), func(b *testing.B) {
			for b.Loop() {
				db := sqltest.SQLite(b)
				var out roster.Outcome
				cost := sqltest.Measure(b, db, func() { out = imported(b, db, raw, roster.Mode{All: true}, units) })
				if out.Written != people {
					b.Fatalf("%+v", out)
				}
				b.ReportMetric(float64(cost.Heap)/(1<<20), "heap-MiB")
				b.ReportMetric(cost.Wait.Seconds()*1000, "longest-wait-ms")
			}
		})
	}
}
