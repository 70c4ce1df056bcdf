package bankfile

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"qingyuan/internal/sheet"
	"qingyuan/quiz"
)

// written returns the rows of a table as another program would read them.
func written(t failer, f Format, qs []Question) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f, "题库", qs); err != nil {
		t.Fatalf("%v", err)
	}
	if f == CSV {
		text, marked := strings.CutPrefix(b.String(), "\ufeff")
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || !marked {
			t.Fatalf("marked %v, %v", marked, err)
		}
		return rows
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatalf("%v", err)
	}
	rows, err := book.GetRows(bankSheet, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatalf("%v", err)
	}
	for i := range rows {
		for len(rows[i]) < len(rows[0]) { // empty cells at the end are not kept
			rows[i] = append(rows[i], "")
		}
	}
	return rows
}

// TestTables compares every cell.
func TestTables(t *testing.T) {
	t.Parallel()
	qs := []Question{
		{
			Number: "law-1", Kind: quiz.Multiple, Stem: "=甲？", Options: []string{"-一", "二", "三", "四", "＝五"}, Key: 0b10011, Explanation: "解\n析",
			Basis: "《禁毒法》", Topic: "法律", Difficulty: 2, ValidFrom: "2008-06-01", ValidTo: "2030-12-31", Pinned: 4, Audience: []string{"all", "student"},
			Fact: "F001", Media: []quiz.Media{{URL: "/a.png", Alt: "一 图"}, {URL: "/b.png", Alt: "二\n图"}},
		},
		{Kind: quiz.Judge, Stem: "乙", Options: judgeTexts(), Key: 2},
	}
	want := [][]string{
		{
			"题号", "题型", "题干", "选项A", "选项B", "选项C", "选项D", "选项E", "答案", "解析", "法律依据", "知识点", "难度", "有效期起", "有效期止",
			"适用对象", "固定选项", "资料编号", "配图",
		},
		{
			"law-1", "多选题", "'=甲？", "'-一", "二", "三", "四", "'＝五", "ABE", "解\n析", "《禁毒法》", "法律", "中", "2008-06-01", "2030-12-31",
			"all、student", "C", "F001", "/a.png 一 图\n/b.png 二 图",
		},
		{"", "判断题", "乙", "", "", "", "", "", "错误", "", "", "", "", "", "", "", "", "", ""},
	}
	for _, f := range []Format{CSV, XLSX} {
		if diff := cmp.Diff(want, written(t, f, qs)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f, diff)
		}
	}
}

// TestWorkbookForm is what makes a form of the workbook.
func TestWorkbookForm(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := Write(&b, XLSX, "禁毒题库", demoQuestions(t)); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	panes, err := book.GetPanes(bankSheet)
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("panes %+v, %v", panes, err)
	}
	lists, err := book.GetDataValidations(bankSheet)
	if err != nil || len(lists) != 2 || !strings.Contains(lists[0].Formula1, "多选题") {
		t.Errorf("lists %+v, %v", lists, err)
	}
	props, err := book.GetDocProps()
	if err != nil || props.Title != "禁毒题库" {
		t.Errorf("properties %+v, %v", props, err)
	}
	rows, err := book.GetRows(bankSheet)
	if err != nil {
		t.Fatal(err)
	}
	for r := range rows {
		for c := range rows[r] {
			cell, err := excelize.CoordinatesToCellName(c+1, r+1)
			if err != nil {
				t.Fatal(err)
			}
			if formula, err := book.GetCellFormula(bankSheet, cell); err != nil || formula != "" {
				t.Errorf("%s has the formula %q, %v", cell, formula, err)
			}
		}
	}
	if style, err := book.GetCellStyle(bankSheet, "C2"); err != nil || style == 0 {
		t.Errorf("style %d, %v", style, err)
	}
}

// TestHostileTables wants every text of every cell back, and none that a program
// takes for a formula.
func TestHostileTables(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{CSV, XLSX} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				qs := rapid.SliceOfN(hostileQuestion(), 1, 3).Draw(t, "questions")
				rows := written(t, f, qs)
				for i, q := range qs {
					want := slices.Concat([]string{q.Stem, q.Explanation}, q.Options)
					row := rows[i+1]
					for _, cell := range row {
						if sheet.Risky(cell) && !strings.HasPrefix(cell, "'") {
							t.Fatalf("%q is taken for a formula", cell)
						}
					}
					at := slices.Index(rows[0], "解析")
					got := []string{sheet.Plain(row[2]), sheet.Plain(row[at])}
					for j := range q.Options {
						if q.Kind == quiz.Judge {
							got = append(got, q.Options[j])
						} else {
							got = append(got, sheet.Plain(row[3+j]))
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("(-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

func TestCellTooLong(t *testing.T) {
	t.Parallel()
	q := Question{Kind: quiz.Judge, Stem: "题", Options: judgeTexts(), Key: 1, Basis: strings.Repeat("长", maxCell+1)}
	if err := Write(&bytes.Buffer{}, XLSX, "x", []Question{q}); err == nil {
		t.Error("a cell that a workbook would cut is written")
	}
}

// tidied is a question as tables give it back: with letters of ordinary width, plain
// spaces and nothing invisible.
func tidied(q Question) Question {
	for _, t := range []*string{&q.Stem, &q.Explanation} {
		clean, _ := cleaned(*t)
		*t = trimLines(clean)
	}
	q.Options = slices.Clone(q.Options)
	for i := range q.Options {
		clean, _ := cleaned(q.Options[i])
		q.Options[i] = trimLines(clean)
	}
	return q
}

// TestDemoBankIsReadAgain writes the shipped bank as an office gets it, and reads it as
// an office sends it.
func TestDemoBankIsReadAgain(t *testing.T) {
	t.Parallel()
	want := demoQuestions(t)
	for i := range want {
		want[i] = tidied(want[i])
	}
	for _, f := range []Format{CSV, XLSX, GIFT, Moodle, YAML} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := Write(&b, f, "题库", want); err != nil {
				t.Fatal(err)
			}
			r, err := Read(t.Context(), File{Name: "题库", Raw: b.Bytes(), Format: f}, Options{})
			if err != nil || r.Found() != len(want) {
				t.Fatalf("%d found, refused %+v, %v", r.Found(), r.Refused, err)
			}
			if diff := cmp.Diff(want, r.Imported, sameContent...); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestChangedLaw has one question with two answers, each for its own days.
func TestChangedLaw(t *testing.T) {
	t.Parallel()
	old := Question{Kind: quiz.Single, Stem: "吸毒的罚款上限是？", Options: []string{"二千元", "三千元"}, Key: 1, ValidFrom: "2013-01-01", ValidTo: "2025-12-31"}
	now := old
	now.Key, now.ValidFrom, now.ValidTo = 2, "2026-01-01", ""
	for from, want := range map[string]int{"2026-01-01": 2, "2025-12-31": 0} {
		now.ValidFrom = from
		var b bytes.Buffer
		if err := Write(&b, CSV, "x", []Question{old, now}); err != nil {
			t.Fatal(err)
		}
		r, err := Read(t.Context(), File{Name: "x.csv", Raw: b.Bytes()}, Options{})
		if err != nil || len(r.Imported) != want || len(r.Refused) != 2-want {
			t.Errorf("from %s: %+v, %v", from, r, err)
		}
	}
}

// TestDatesOfTables has the ways in which people and spreadsheets write days.
func TestDatesOfTables(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"2026-01-01": "2026-01-01", "2026/1/1": "2026-01-01", "2026.1.1": "2026-01-01", "2026年1月1日": "2026-01-01", "46023": "2026-01-01",
		"明年": "", "20260101": "", "2026-02-30": "", "1": "",
	} {
		text := "题型,题干,答案,有效期起,固定选项\n判断题,题。,正确," + cell + ",\n"
		r, err := Read(t.Context(), File{Name: "x.csv", Raw: []byte(text)}, Options{})
		if err != nil || r.Found() != 1 {
			t.Fatal(r, err)
		}
		switch {
		case want == "" && (len(r.Refused) != 1 || r.Refused[0].Code != "cell_unreadable"):
			t.Errorf("%s: %+v", cell, r)
		case want != "" && (len(r.Imported) != 1 || r.Imported[0].ValidFrom != want):
			t.Errorf("%s: %+v, want %s", cell, r, want)
		}
	}
}
