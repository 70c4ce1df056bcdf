package bankfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	textunicode "golang.org/x/text/encoding/unicode"
)

const oneQuestion = "1. 社区戒毒的期限是（　）。\r\nＡ．一年\r\nＢ．三年\r\n答案：Ｂ\r\n"

func TestEncodings(t *testing.T) {
	t.Parallel()
	const ok = "1-4 single B 社区戒毒的期限是（ ）。|一年|三年"
	encoded := func(e encoding.Encoding, s string) []byte {
		raw, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	tests := map[string]struct {
		raw  []byte
		want string
		note string
	}{
		"UTF-8":             {[]byte(oneQuestion), ok, ""},
		"UTF-8 with BOM":    {[]byte("\ufeff" + oneQuestion), ok, "BOM"},
		"returns alone":     {[]byte(strings.ReplaceAll(oneQuestion, "\r\n", "\r")), ok, ""},
		"UTF-16LE with BOM": {encoded(textunicode.UTF16(textunicode.LittleEndian, textunicode.UseBOM), oneQuestion), ok, "UTF-16LE"},
		"UTF-16BE with BOM": {encoded(textunicode.UTF16(textunicode.BigEndian, textunicode.UseBOM), oneQuestion), ok, "UTF-16BE"},
		"UTF-16 without":    {encoded(textunicode.UTF16(textunicode.LittleEndian, textunicode.IgnoreBOM), oneQuestion), "file encoding_unknown", ""},
		"half of UTF-16":    {encoded(textunicode.UTF16(textunicode.LittleEndian, textunicode.UseBOM), oneQuestion)[:21], "file encoding_unknown", ""},
		"GBK":               {encoded(simplifiedchinese.GBK, oneQuestion), ok, "GB18030"},
		"GB18030":           {encoded(simplifiedchinese.GB18030, oneQuestion), ok, "GB18030"},
		"Big5":              {encoded(traditionalchinese.Big5, "1. 社區戒毒的期限是( )。\nA. 一年\nB. 三年\n答案：B\n"), "file encoding_unknown", ""},
		"cut GBK":           {encoded(simplifiedchinese.GBK, oneQuestion)[:6], "file encoding_unknown", ""},
		"western, in text":  {encoded(charmap.Windows1252, "1. déjà vu\nA. été\nB. hiver\n答"[:30]), "file encoding_unknown", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := File{Name: "题库.txt", Raw: test.raw}
			if got := told(t, f, Options{}); got[0] != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if test.want != ok {
				return
			}
			r, err := Read(t.Context(), f, Options{})
			if err != nil || test.note != "" && !strings.Contains(strings.Join(r.Notes, ""), test.note) || test.note == "" && len(r.Notes) > 0 {
				t.Errorf("notes %q, want %q", r.Notes, test.note)
			}
		})
	}
}

func TestWestern(t *testing.T) {
	t.Parallel()
	raw, err := charmap.Windows1252.NewEncoder().Bytes([]byte("Où est l’été ?\nA. là\nB. ici\nANSWER: A\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"1-4 single A Où est l’été ?|là|ici"}
	if diff := cmp.Diff(want, told(t, File{Name: "q.txt", Raw: raw}, Options{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	r, err := Read(t.Context(), File{Name: "a.csv", Raw: []byte("题干,A,B,答案\n甲\u00a0题\u200b,Ｋ粉,<b>大麻</b>,Ｂ\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	q := r.Imported[0]
	if q.Stem != "甲 题" || q.Options[0] != "K粉" || q.Options[1] != "大麻" {
		t.Errorf("%+v", q)
	}
	for _, want := range []string{noteSpace, noteHidden, noteWidth, noteHTML} {
		if !slices.Contains(q.Notes, want) {
			t.Errorf("%q is not among the notes %q", want, q.Notes)
		}
	}
	if got := told(t, File{Name: "a.csv", Raw: []byte("题干,A,B,答案\n<img src=x.png>是什么,一,二,A\n")}, Options{}); got[0] != "2-2 refused single markup" {
		t.Errorf("a picture: %q", got)
	}
}

func TestCompared(t *testing.T) {
	t.Parallel()
	one := func(stem, key string, options ...string) string {
		var b strings.Builder
		b.WriteString(stem)
		for i, o := range options {
			b.WriteString("\n" + string(rune('A'+i)) + ". " + o)
		}
		return b.String() + "\n答案：" + key + "\n"
	}
	tests := map[string]struct {
		there string
		text  string
		want  string // imported, refused, skipped
	}{
		"twice":                             {"", "1. " + one("甲题（ ）", "A", "一", "二") + "2. " + one("甲题（　）。", "A", "一", "二"), "1 0 1"},
		"other order of options":            {"", "1. " + one("甲题", "A", "一", "二") + "2. " + one("甲题", "B", "二", "一"), "1 0 1"},
		"another key":                       {"", "1. " + one("甲题", "A", "一", "二") + "2. " + one("甲题", "B", "一", "二"), "0 2 0"},
		"another key for one of three":      {"", "1. " + one("甲题", "A", "一", "二") + "2. " + one("甲题", "A", "一", "二") + "3. " + one("甲题", "B", "一", "二"), "0 3 0"},
		"the same stem, other options":      {"", "1. " + one("下列正确的是", "A", "一", "二") + "2. " + one("下列正确的是", "A", "三", "四"), "2 0 0"},
		"right here, wrong there":           {"", "1. " + one("下列正确的是", "A", "一", "二") + "2. " + one("下列正确的是", "A", "二", "三"), "0 2 0"},
		"以上都对 is right or wrong by others":  {"", "1. " + one("下列正确的是", "C", "一", "二", "以上都对") + "2. " + one("下列正确的是", "A", "三", "四", "以上都对"), "2 0 0"},
		"以上都对 makes none of them wrong":     {"", "1. " + one("下列正确的是", "C", "一", "二", "以上都对") + "2. " + one("下列正确的是", "A", "一", "四"), "2 0 0"},
		"combinations of the same":          {"", "1. " + one("甲题①乙②丙", "A", "①", "①②") + "2. " + one("甲题①乙②丙", "B", "①", "①②"), "0 2 0"},
		"letters of others":                 {"", "1. " + one("甲题", "C", "一", "二", "A和B", "A") + "2. " + one("甲题", "D", "一", "二", "A和B", "A"), "0 2 0"},
		"one character turns the sense":     {"", "1. 冰毒是毒品。（√）\n2. 冰毒不是毒品。（×）\n3. 冰毒是毒品（√）", "2 0 1"},
		"judged differently":                {"", "1. 冰毒是毒品。（√）\n2. 冰毒是毒品。（×）\n", "0 2 0"},
		"in the bank":                       {"1. " + one("甲题", "A", "一", "二"), "1. " + one("甲题", "A", "一", "二") + "2. " + one("乙题", "A", "一", "二"), "1 0 1"},
		"in the bank with another key":      {"1. " + one("甲题", "A", "一", "二"), "1. " + one("甲题", "B", "一", "二"), "0 1 0"},
		"right answers of different length": {"", "1. " + one("甲题", "AB", "一", "二", "三") + "2. " + one("甲题", "A", "一", "二", "三"), "0 2 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o Options
			if test.there != "" {
				r, err := Read(t.Context(), File{Name: "bank.txt", Raw: []byte(test.there)}, Options{})
				if err != nil {
					t.Fatal(err)
				}
				o.Existing = r.Imported
			}
			r, err := Read(t.Context(), File{Name: "new.txt", Raw: []byte(test.text)}, o)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Trim(strings.Join([]string{digits(len(r.Imported)), digits(len(r.Refused)), digits(len(r.Skipped))}, " "), " ")
			if got != test.want {
				t.Errorf("imported, refused, skipped: %s, want %s\n%+v\n%+v", got, test.want, r.Refused, r.Skipped)
			}
			for _, f := range r.Refused {
				if f.Code != "key_conflict" || !strings.Contains(f.Reason, "第 ") {
					t.Errorf("a conflict does not say with what: %+v", f)
				}
			}
		})
	}
}

func digits(n int) string { return string(rune('0' + n)) }

// TestSameBankTwice compares a bank of several forms with itself.
func TestSameBankTwice(t *testing.T) {
	t.Parallel()
	f := File{Name: "a.txt", Raw: []byte("1. 甲题（A）\nA. 一\nB. 二\n2. 乙题。（√）\n3. 丙题（AB）\nA. 一\nB. 二\n")}
	first, err := Read(t.Context(), f, Options{})
	if err != nil || len(first.Imported) != 3 {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := Read(t.Context(), f, Options{Existing: first.Imported})
	if err != nil || len(again.Imported) != 0 || len(again.Skipped) != 3 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestExtendBank(t *testing.T) {
	t.Parallel()
	r, err := Read(t.Context(), File{Name: "a.txt", Raw: []byte("1. 甲题（A）\nA. 一\nB. 二\n2. 乙题。（√）\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := ExtendBank("b.yaml", nil, r.Imported[:1])
	if err != nil {
		t.Fatal(err)
	}
	full, err := ExtendBank("b.yaml", empty, r.Imported[1:])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(full), string(empty)) {
		t.Errorf("what was there has changed:\n%s\n%s", empty, full)
	}
	got, err := ReadBank("b.yaml", full)
	if err != nil || len(got) != 2 || got[0].Letters() != "A" || got[1].Stem != "乙题。" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, odd := range []string{"questions: [{id: a, kind: judge, stem: 甲, key: true}]\n", "questions:\n    - {id: a, kind: judge, stem: 甲, key: true}\n"} {
		if _, err := ExtendBank("b.yaml", []byte(odd), r.Imported); err == nil {
			t.Errorf("a bank that is laid out otherwise is added to:\n%s", odd)
		}
	}
}
