package bankfile

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// told reads a file by the whole way and tells what became of it.
func told(t *testing.T, f File, o Options) []string {
	t.Helper()
	r, err := Read(t.Context(), f, o)
	if refused, ok := errors.AsType[*FileError](err); ok {
		return []string{"file " + refused.Code}
	}
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, r)
	out := outline(r)
	for _, s := range r.Skipped {
		out = append(out, "skipped "+s.Code)
	}
	return out
}

// TestLongCells refuses what no question can be before anything is searched for in it.
func TestLongCells(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("；", MaxText)
	for _, row := range []string{long + ",A,一,二", "甲？,A," + long + ",二", "甲？," + long + ",一,二"} {
		r, err := Read(t.Context(), File{Name: "x.csv", Raw: []byte("题干,答案,A,B\n" + row + "\n乙？,A,一,二\n")}, Options{})
		if err != nil || len(r.Refused) != 1 || r.Refused[0].Code != "too_long" || len(r.Refused[0].Title) > 1000 || len(r.Imported) != 1 {
			t.Errorf("%.20q: %v, %d imported, refused %.300v", row, err, len(r.Imported), r.Refused)
		}
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"columns of options": {
			"\ufeff题号,题型,题干,A,B,C,D,答案,解析\r\n1,单选题,社区戒毒期限,一年,二年,三年,,C,第33条\r\n2,多选题,四禁,禁种,禁制,禁贩,禁吸,ABCD,\r\n3,判断题,罂粟可以种植,,,,,错,\r\n",
			[]string{"2-2 single C 社区戒毒期限|一年|二年|三年", "3-3 multiple ABCD 四禁|禁种|禁制|禁贩|禁吸", "4-4 judge B 罂粟可以种植|正确|错误"},
		},
		"other names, tabs": {
			"序号\t试题\t选项A\t选项B\t正确选项\t知识点\n1\t甲题\t一\t二\tB\t法律\n",
			[]string{"2-2 single B 甲题|一|二"},
		},
		"a title above the head, a heading within": {
			"禁毒题库,,,,\n\n问题描述,选项A,选项B,标准答案,分数\n一、单选题,,,,\n甲题,一,二,AB,2\n乙题,一,二,B,2\n问题描述,选项A,选项B,标准答案,分数\n丙题,一,二,A,2\n",
			[]string{"5-5 refused single kind_mismatch", "6-6 single B 乙题|一|二", "8-8 single A 丙题|一|二"},
		},
		"digits whose meaning the head gives": {
			"问题,题型（0单选，1判断，2多选）,选项A,选项B,选项C,答案（英文逗号分隔）\n甲题,0,一,二,三,B\n乙题,1,对,错,,A\n丙题,2,一,二,三,\"A,C\"\n丁题,0,一,二,三,\"A,C\"\n",
			[]string{"2-2 single B 甲题|一|二|三", "3-3 judge A 乙题|正确|错误", "4-4 multiple AC 丙题|一|二|三", "5-5 refused single kind_mismatch"},
		},
		"digits without a meaning": {
			"题目,类型,A,B,C,答案\n甲题,1,一,二,三,AB\n乙题,2,一,二,三,A\n",
			[]string{"2-2 multiple AB 甲题|一|二|三", "3-3 single A 乙题|一|二|三"},
		},
		"all options in one cell": {
			"题目,选项,答案\n甲题,A.一 B.二 C.三,C\n乙题,\"A、一\nB、二\",A\n丙题,一|二|三,B\n丁题,\"[\"\"一\"\",\"\"二\"\"]\",B\n戊题,一；二；三,AC\n己题,只有一个,A\n",
			[]string{
				"2-2 single C 甲题|一|二|三", "3-4 single A 乙题|一|二", "5-5 single B 丙题|一|二|三", "6-6 single B 丁题|一|二",
				"7-7 multiple AC 戊题|一|二|三", "8-8 refused single options_missing",
			},
		},
		"options within the stem": {
			"题目,答案\n\"甲题（ ）\nA. 一\nB. 二\",B\n乙题( ) A.一 B.二 C.三,AC\n丙题A、B、C三项,对\n",
			[]string{"2-4 single B 甲题（ ）|一|二", "5-5 multiple AC 乙题( )|一|二|三", "6-6 judge A 丙题A、B、C三项|正确|错误"},
		},
		"letters within the cells": {
			"题干,选项1,选项2,选项3,答案\n甲题,A.一,B.二,C.三,B\n乙题,一,二,三,2\n丙题,一,二,三,\"1,3\"\n丁题,一,二,三,二\n",
			[]string{"2-2 single B 甲题|一|二|三", "3-3 single B 乙题|一|二|三", "4-4 multiple AC 丙题|一|二|三", "5-5 single B 丁题|一|二|三"},
		},
		"gaps": {
			"题干,A,B,C,D,答案\n甲题,一,,三,,A\n乙题,一,,三,,B\n丙题,一,二,,,D\n,一,二,,,A\n戊题,一,二,,,\n己题,,,,,A\n",
			[]string{
				"2-2 refused single option_empty", "3-3 refused single key_empty", "4-4 refused single key_empty",
				"5-5 refused single stem_missing", "6-6 refused single key_missing", "7-7 refused essay type_unsupported",
			},
		},
		"rows of unequal length": {
			"题干,A,B,答案,解析\n甲题,一,二,A\n乙题，一,二,三,四,A,因为\n",
			[]string{"2-2 single A 甲题|一|二", "3-3 refused essay row_ragged"},
		},
		"switched off": {
			"是否启用,题干,A,B,答案\nTURE,甲题,一,二,A\nFALSE,乙题,一,二,A\n是,丙题,一,二,B\n",
			[]string{"2-2 single A 甲题|一|二", "4-4 single B 丙题|一|二", "skipped disabled"},
		},
		"guarded against formulas": {
			"题干,A,B,答案\n'=1+1 等于几,'-2,2,B\n",
			[]string{"2-2 single B =1+1 等于几|-2|2"},
		},
		"quotes within cells, copied from a sheet": {
			"题干\tA\tB\t答案\n什么叫\"跳跳糖\"\t毒品\t糖\tA\n",
			[]string{"2-2 single A 什么叫\"跳跳糖\"|毒品|糖"},
		},
		"a quote that never ends": {"题干,A,B,答案\n\"甲题,一,二,A\n乙题,一,二,B\n", []string{"file csv_quotes"}},
		"drawn with lines":        {"| 题干 | A | B | 答案 |\n|---|---|---|---|\n| 甲题 | 一 | 二 | B |\n", []string{"3-3 single B 甲题|一|二"}},
		"no head":                 {"甲题,一,二,A\n", []string{"file head_missing"}},
		"nothing below the head":  {"题干,A,B,答案\n", []string{"file no_questions"}},
		"types that are not ours": {"题干,题型,A,B,答案\n甲题,连线题,一,二,A\n乙题,简答题,,,略\n丙题,填空题,,,略\n丁题,怪题,一,二,A\n", []string{
			"2-2 refused unknown type_unsupported", "3-3 refused essay type_unsupported", "4-4 refused short_answer type_unsupported", "5-5 refused unknown type_unsupported",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, told(t, File{Name: "题库.csv", Raw: []byte(test.text)}, Options{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if test.want[0] == "file head_missing" {
				return
			}
			if diff := cmp.Diff(test.want, told(t, File{Name: "题库.txt", Raw: []byte(test.text)}, Options{})); diff != "" {
				t.Errorf("as .txt (-want +got)\n%s", diff)
			}
		})
	}
}

// workbook makes a workbook; edit may change it.
func workbook(t *testing.T, sheets map[string][][]any, edit func(*excelize.File)) File {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for name, rows := range sheets {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, cells := range rows {
			at, _ := excelize.CoordinatesToCellName(1, i+1)
			if err := f.SetSheetRow(name, at, &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	if edit != nil {
		edit(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return File{Name: "题库.xlsx", Raw: b.Bytes()}
}

func TestXLSX(t *testing.T) {
	t.Parallel()
	head := []any{"题型", "题干", "A", "B", "C", "答案"}
	tests := map[string]struct {
		sheets map[string][][]any
		edit   func(*excelize.File)
		want   []string
	}{
		"two sheets, one without questions": {
			map[string][][]any{
				"单选": {{"禁毒题库"}, head, {"单选", "社区戒毒期限几年", 1, 2, 3, "C"}, {}, {"判断", "罂粟可以种植", nil, nil, nil, false}},
				"说明": {{"填写说明"}},
			},
			nil,
			[]string{"3-3 single C 社区戒毒期限几年|1|2|3", "5-5 judge B 罂粟可以种植|正确|错误"},
		},
		"the sheet's name gives the type": {
			map[string][][]any{"多选题": {{"题目", "A", "B", "C", "答案"}, {"甲题", "一", "二", "三", "AB"}, {"乙题", "一", "二", "三", "A"}}},
			nil,
			[]string{"2-2 multiple AB 甲题|一|二|三", "3-3 refused multiple kind_mismatch"},
		},
		"numbers and dates as they look": {
			map[string][][]any{"单选": {head, {"单选", "甲题", 0.5, 6.26, "x", "B"}}},
			func(f *excelize.File) {
				percent, _ := f.NewStyle(&excelize.Style{NumFmt: 9})
				_ = f.SetCellStyle("单选", "C2", "C2", percent)
				date, _ := f.NewStyle(&excelize.Style{NumFmt: 14})
				_ = f.SetCellValue("单选", "E2", 39600)
				_ = f.SetCellStyle("单选", "E2", "E2", date)
			},
			[]string{"2-2 single B 甲题|50%|6.26|2008/6/1"},
		},
		"the type merged over rows": {
			map[string][][]any{"单选": {head, {"多选题", "甲题", "一", "二", "三", "AB"}, {nil, "乙题", "一", "二", "三", "A"}}},
			func(f *excelize.File) { _ = f.MergeCell("单选", "A2", "A3") },
			[]string{"2-2 multiple AB 甲题|一|二|三", "3-3 refused multiple kind_mismatch"},
		},
		"a stem merged over rows": {
			map[string][][]any{"单选": {head, {"单选", "甲题", "一", "二", "三", "A"}, {nil, nil, "四", "五", "六", "A"}, {"单选", "乙题", "一", "二", "三", "A"}}},
			func(f *excelize.File) { _ = f.MergeCell("单选", "B2", "B3") },
			[]string{"2-2 refused single cells_merged", "3-3 refused single cells_merged", "4-4 single A 乙题|一|二|三"},
		},
		"a formula": {
			map[string][][]any{"单选": {head, {"单选", "甲题", "一", "二", "三", "A"}}},
			func(f *excelize.File) { _ = f.SetCellFormula("单选", "F2", `=CHAR(65)`) },
			[]string{"file formula"},
		},
		"no head": {map[string][][]any{"单选": {{"甲题", "一", "二", "A"}}}, nil, []string{"file head_missing"}},
		"a picture on a row": {
			map[string][][]any{"单选": {head, {"单选", "甲题", "一", "二", "三", "A"}, {"单选", "乙题", "一", "二", "三", "A"}}},
			func(f *excelize.File) {
				_ = f.AddPictureFromBytes("单选", "B2", &excelize.Picture{Extension: ".png", File: onePixel, Format: &excelize.GraphicOptions{}})
			},
			[]string{"2-2 refused single picture", "3-3 single A 乙题|一|二|三"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, told(t, workbook(t, test.sheets, test.edit), Options{})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// onePixel is a picture.
var onePixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82")

// packed makes a zip archive.
func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDangerousFiles holds files that are refused as a whole.
func TestDangerousFiles(t *testing.T) {
	t.Parallel()
	const body = `<?xml version="1.0"?><w:document xmlns:w="w"><w:body><w:p/></w:body></w:document>`
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("x", 600)
	tests := map[string]struct {
		name, want string
		raw        []byte
	}{
		"nothing":               {"a.txt", "empty", []byte(" \n")},
		"old Word":              {"a.doc", "legacy_office", []byte(ole)},
		"old Excel, renamed":    {"a.xlsx", "legacy_office", []byte(ole)},
		"PDF":                   {"a.txt", "pdf", []byte("%PDF-1.7\n")},
		"RTF":                   {"a.doc", "rtf", []byte(`{\rtf1\ansi x}`)},
		"another archive":       {"a.zip", "archive", zipped(t, map[string]string{"a.txt": "x"})},
		"cut off":               {"a.docx", "damaged", zipped(t, map[string]string{"word/document.xml": body})[:40]},
		"bytes":                 {"a.txt", "encoding_unknown", []byte("1. \xff\xfe\xfd\x81 x")},
		"zeros":                 {"a.txt", "binary", []byte("1. 甲\x00乙")},
		"a web page":            {"a.html", "format_unknown", []byte("<!DOCTYPE html><html></html>")},
		"QTI":                   {"a.xml", "format_unknown", []byte(`<?xml version="1.0"?><assessmentItem/>`)},
		"JSON":                  {"a.json", "format_unknown", []byte(`[{"a":1}]`)},
		"entities":              {"a.docx", "entities", zipped(t, map[string]string{"word/document.xml": `<!DOCTYPE x [<!ENTITY a "b">]>` + body})},
		"entities in a sheet":   {"a.xlsx", "entities", zipped(t, map[string]string{"xl/workbook.xml": `<!DOCTYPE x>`})},
		"a path that leads out": {"a.docx", "zip_path", zipped(t, map[string]string{"word/document.xml": body, "../x.xml": "x"})},
		"a bomb":                {"a.docx", "zip_bomb", zipped(t, map[string]string{"word/document.xml": body, "word/media/x.bin": strings.Repeat("\x00", 8<<20)})},
		"macros":                {"a.xlsx", "macro", zipped(t, map[string]string{"xl/workbook.xml": "<x/>", "xl/vbaProject.bin": "x"})},
		"a foreign workbook":    {"a.xlsx", "external", zipped(t, map[string]string{"xl/workbook.xml": "<x/>", "xl/externalLinks/externalLink1.xml": "<x/>"})},
		"a foreign picture": {"a.docx", "external", zipped(t, map[string]string{
			"word/document.xml": body, "word/_rels/document.xml.rels": `<Relationships><Relationship Id="r" Type="http://x/image" Target="http://127.0.0.1/x.png" TargetMode="External"/></Relationships>`,
		})},
		"a foreign template": {"a.docx", "external", zipped(t, map[string]string{
			"word/document.xml": body, "word/_rels/settings.xml.rels": `<Relationships><Relationship Id="r" Type="http://x/attachedTemplate" Target="http://127.0.0.1/x.dotm" TargetMode="External"/></Relationships>`,
		})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(t.Context(), File{Name: test.name, Raw: test.raw}, Options{})
			refused, ok := errors.AsType[*FileError](err)
			if !ok {
				t.Fatalf("%v", err)
			}
			if refused.Code != test.want || refused.Reason == "" {
				t.Errorf("refused with %s %q, want %s", refused.Code, refused.Reason, test.want)
			}
		})
	}
	if _, err := Read(t.Context(), File{Name: "a.txt", Raw: make([]byte, MaxBytes+1)}, Options{}); !strings.Contains(err.Error(), "too_large") {
		t.Errorf("a file that is too large: %v", err)
	}
}

func TestReadEnds(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"a.txt", "a.csv"} {
		if _, err := Read(ended, File{Name: name, Raw: []byte("题干,A,B,答案\n甲,一,二,A\n")}, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
