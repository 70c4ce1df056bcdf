package bankfile

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// textSeeds are pieces of which texts are made.
var textSeeds = []string{
	"1. 甲题（A）\nA. 一\nB. 二\n答案：A\n", "2.乙题()A.一B.二C.三答案:AC解析:因为。3.丙题（√）\n", "一、判断题\n1. 丁题。（×）\n", "参考答案\n1-3 ABA\n4.√\n",
	"题号\t1\t2\n答案\tA\tB\n", "根据材料回答1-2题\n材料\n", "第一章\n一、单选题：1-2 AB\n", "（1）甲\n（A）一（B）二\n【答案】B【解析】x\n", "A.①② B.①③\n",
	"（√）1、甲\n(B)2. 乙\nA甲 B乙\n", "1. 甲 [多选题] *\n○一(正确答案)\n□二√\n", "题目：甲\n选项：A. 一 B. 二【A】\n解析：故选B。\n", "一、甲\n二、乙\n",
	"**答案：C**\n", "\\ans:AB\n", "___A___", "<b>x</b>", "\ufeff", "考试结束\n", "难度：易 我的答案：A 正确答案：B\n", "答案：全选\n", "| 题干 | A | B | 答案 |\n|---|---|---|---|\n| 甲 | 一 | 二 | A |\n",
}

// fuzzRead reads a file and holds what is true of every report.
func fuzzRead(t *testing.T, f File) {
	t.Helper()
	r, err := Read(t.Context(), f, Options{})
	if err != nil {
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Fatalf("%v", err)
		}
		return
	}
	checkReport(t, r)
	again, err := Read(t.Context(), f, Options{Existing: r.Imported})
	if err != nil {
		t.Fatalf("the same file again: %v", err)
	}
	if len(again.Imported) != 0 || again.Found() != r.Found() {
		t.Errorf("the same file again imports %d of %d", len(again.Imported), again.Found())
	}
}

func FuzzText(f *testing.F) {
	for _, s := range textSeeds {
		f.Add(s)
	}
	f.Add(strings.Join(textSeeds, ""))
	f.Fuzz(func(t *testing.T, text string) {
		fuzzRead(t, File{Name: "x.txt", Raw: []byte(text), Format: Text})
		fuzzRead(t, File{Name: "x.txt", Raw: []byte(text)})
	})
}

func FuzzTable(f *testing.F) {
	f.Add("题干,题型,A,B,C,答案\n甲,单选,一,二,,A\n乙,判断,,,,对\n")
	f.Add("题目\t选项\t正确答案\n甲\tA.一 B.二\tB\n")
	f.Add("| 题干 | A | B | 答案 |\n|---|---|---|---|\n| 甲 | 一 | 二 | A |\n")
	f.Add("是否启用;题干;选项1;选项2;答案\nTURE;甲;\"一\n二\";三;2\n")
	f.Fuzz(func(t *testing.T, text string) { fuzzRead(t, File{Name: "x.csv", Raw: []byte(text)}) })
}

func FuzzDOCX(f *testing.F) {
	f.Add(paragraphs("1. 甲题（A）\nA. 一\nB. 二"), lists)
	f.Add(item("1", "0", "甲（ ）")+item("2", "0", "一")+item("2", "0", "二")+para("", "答案：A")+table([]string{"题干", "A", "B", "答案"}, []string{"乙", "一", "二", "A"}), lists)
	f.Add(`<w:p><w:del><w:r><w:t>x</w:t></w:r></w:del><w:r><w:rPr><w:b/></w:rPr><w:sym w:char="F0FC"/></w:r></w:p>`, `<w:numbering xmlns:w="w"/>`)
	f.Fuzz(func(t *testing.T, body, numbering string) {
		fuzzRead(t, docx(t, body, map[string]string{"word/numbering.xml": numbering}))
	})
}

// TestNothingIsLost mixes pieces of texts in every order: each report adds up, and
// no question gets a key that its options do not have.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		pieces := rapid.SliceOfN(rapid.SampledFrom(textSeeds), 1, 30).Draw(rt, "pieces")
		text := []byte(strings.Join(pieces, ""))
		for range rapid.IntRange(0, 5).Draw(rt, "cuts") {
			from := rapid.IntRange(0, len(text)).Draw(rt, "from")
			to := min(len(text), from+rapid.IntRange(0, 12).Draw(rt, "length"))
			text = slices.Delete(text, from, to)
		}
		fuzzRead(t, File{Name: "x.txt", Raw: bytes.ToValidUTF8(text, nil), Format: Text})
	})
}

// cpu is the time that this process has worked.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// costs is the processor time that reading a file takes.
func costs(t *testing.T, f File) time.Duration {
	t.Helper()
	at := cpu(t)
	if _, err := Read(t.Context(), f, Options{}); err != nil {
		if _, ok := errors.AsType[*FileError](err); !ok {
			t.Fatal(err)
		}
	}
	return cpu(t) - at
}

// TestLinear reads long texts made of one piece again and again. What grows with
// the square of the length takes minutes here; the bound leaves room for slow
// machines.
func TestLinear(t *testing.T) {
	const size, bound = 1 << 17, time.Second
	for _, piece := range slices.Concat(textSeeds, []string{
		"A.", "1.", "1\n", "答", "答案", "答案：", "（A）", "1.A ", "A\n", "A.\n", "解析：\n1. ", "1.甲A.一B.二\n", "1.甲（√）\n", "((((", "____", "\\(", "1.甲 2.乙 ", "第1题",
		"题", "甲\n", "|\n", "1.A\n2.B\n甲\n", "（", "1-", "A、", "\t", "|", "\"", "①",
	}) {
		text := strings.Repeat(piece, size/len(piece))
		for _, f := range []File{{Name: "x.txt", Format: Text, Raw: []byte(text)}, {Name: "x.csv", Format: CSV, Raw: []byte("题干,A,B,答案\n" + text)}} {
			if f.Format == CSV && len(piece) > 2 {
				continue // what matters to tables are single signs
			}
			took := time.Duration(math.MaxInt64)
			for range 3 { // what slows a machine for a while slows not all of them
				if took = min(took, costs(t, f)); took <= bound {
					break
				}
			}
			if took > bound {
				t.Errorf("%d bytes of %q as %s take %v", len(text), piece, f.Format, took)
			}
		}
	}
}

// TestTextAgreesWithTable reads one bank in two forms: what both import has the same key.
func TestTextAgreesWithTable(t *testing.T) {
	t.Parallel()
	agree(t, agreement{
		folder: "testdata", text: "agree.txt", table: "agree.csv", found: 2, same: 2,
		types: map[string]int{"single": 1, "multiple": 1},
	})
	if haveFixtures() {
		agree(t, agreement{
			folder: fixtures, text: "zhtxt-exammaster-202505.txt", table: "csv-exammaster-202505.csv", found: 296, same: 270,
			types:   map[string]int{"single": 198, "multiple": 98},
			refused: []string{"option_empty", "option_empty", "key_empty", "key_empty", "key_empty", "key_empty"},
		})
	}
}

// agreement is one bank in two forms.
type agreement struct {
	folder, text, table string
	// found is how many questions the text has, same at least how many both import.
	found, same int
	types       map[string]int
	refused     []string // of the table
}

func agree(t *testing.T, a agreement) {
	t.Helper()
	keys := func(name string) (map[string]string, Report) {
		r, err := Read(t.Context(), fixture(t, a.folder, name), Options{})
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, q := range r.Imported {
			out[spaceless(alikeStem(q.Stem))+strings.Join(q.Options, "")] = q.Letters()
		}
		return out, r
	}
	text, textReport := keys(a.text)
	table, tableReport := keys(a.table)
	if n := textReport.Found(); n != a.found || len(textReport.Imported) != a.found {
		t.Errorf("%d found in the text, %d imported", n, len(textReport.Imported))
	}
	for _, r := range []Report{textReport, tableReport} {
		if diff := cmp.Diff(a.types, r.ByType()); diff != "" {
			t.Errorf("types (-want +got)\n%s", diff)
		}
	}
	same := 0
	for stem, key := range table {
		other, ok := text[stem]
		if ok && other != key {
			t.Errorf("%s: %s in the text, %s in the table", stem, other, key)
		}
		if ok {
			same++
		}
	}
	if same < a.same {
		t.Errorf("only %d questions are the same in both", same)
	}
	var refused []string
	for _, f := range tableReport.Refused {
		refused = append(refused, f.Code)
	}
	if diff := cmp.Diff(a.refused, refused); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestWorkbooks reads a workbook of our own, and those of others where they are here.
func TestWorkbooks(t *testing.T) {
	t.Parallel()
	own, err := Read(t.Context(), fixture(t, "testdata", "agree.txt"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var book bytes.Buffer
	if err := Write(&book, XLSX, "题库", own.Imported); err != nil {
		t.Fatal(err)
	}
	files := map[*File]string{{Name: "own.xlsx", Raw: book.Bytes()}: "A AB"}
	if haveFixtures() {
		for name, want := range map[string]string{
			"xlsx-examassistant-SingleChoice_SC.xlsx":   "A B B B B B B C B",
			"xlsx-examassistant-MultipleChoice_MC.xlsx": "ABD ABCD ABC ABCD ABC ABCDF ABD",
		} {
			f := fixture(t, fixtures, name)
			files[&f] = want
		}
	}
	for f, want := range files {
		r, err := Read(t.Context(), *f, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, q := range r.Imported {
			got = append(got, q.Letters())
		}
		if strings.Join(got, " ") != want || len(r.Refused)+len(r.Skipped) > 0 {
			t.Errorf("%s: %q, want %s; %+v", f.Name, got, want, r.Refused)
		}
	}
}
