package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bankText holds five questions: two are fine, one of them twice, and two are not.
const bankText = `一、单选题
1. 社区戒毒的期限是（ ）
A. 二年
B. 三年
答案：B
2. 社区康复最长（ ）
A. 三年
B. 五年
答案：AB
3. 社区戒毒的期限是（　）。
A. 二年
B. 三年
答案：B
二、判断题
4. 戒毒人员在就业方面不受歧视。（√）
5. 邮寄毒品不算犯罪。
`

// inFile writes a file into a folder of its own.
func inFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkedBank runs bank check --json.
func checkedBank(t *testing.T, want int, args ...string) map[string]any {
	t.Helper()
	status, out, errs := command(t, append([]string{"bank", "check", "--json"}, args...)...)
	if status != want {
		t.Fatalf("bank check %q = %d, want %d\n%s%s", args, status, want, out, errs)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return got
}

func TestBankCheck(t *testing.T) {
	t.Parallel()
	file := inFile(t, "题库.txt", bankText)
	got := checkedBank(t, exitDone, file)
	want := map[string]any{
		"found": 5.0, "imported": 2.0, "refused": 2.0, "skipped": 1.0,
		"by_type": map[string]any{"single": 3.0, "judge": 2.0},
		"refusals": []any{
			map[string]any{
				"file": "题库.txt", "line": 6.0, "line_to": 9.0, "title": "社区康复最长（ ）", "type": "single",
				"code": "kind_mismatch", "reason": "标为“单选”，答案却有多个（AB）",
			},
			map[string]any{
				"file": "题库.txt", "line": 16.0, "line_to": 16.0, "title": "邮寄毒品不算犯罪。", "type": "judge",
				"code": "key_missing", "reason": "没有找到答案",
			},
		},
		"skips": []any{map[string]any{
			"file": "题库.txt", "line": 10.0, "line_to": 13.0, "title": "社区戒毒的期限是（ ）。", "type": "single",
			"code": "duplicate", "reason": "与第 2 行的题目相同，答案也是 B「三年」",
		}},
		"questions": []any{
			map[string]any{
				"type": "single", "stem": "社区戒毒的期限是（ ）", "options": []any{"二年", "三年"}, "key": "B",
				"file": "题库.txt", "line": 2.0, "line_to": 5.0, "number": "1",
			},
			map[string]any{
				"type": "judge", "stem": "戒毒人员在就业方面不受歧视。", "options": []any{"正确", "错误"}, "key": "A",
				"file": "题库.txt", "line": 15.0, "line_to": 15.0, "number": "4",
			},
		},
		"files": []any{map[string]any{"file": "题库.txt", "format": "text", "found": 5.0, "notes": []any{}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	checkedBank(t, exitFailed, "--strict", file)

	answers := inFile(t, "答案.txt", "5. ×\n")
	if got := checkedBank(t, exitDone, file, "--answers", answers); got["imported"] != 3.0 {
		t.Errorf("with a second file for the keys: %v", got)
	}
}

func TestBankCheckForPeople(t *testing.T) {
	t.Parallel()
	status, out, errs := command(t, "bank", "check", inFile(t, "题库.txt", bankText))
	if status != exitDone {
		t.Fatalf("= %d\n%s%s", status, out, errs)
	}
	for _, want := range []string{"共找到 5 道题：可导入 2，拒绝 2，跳过 1", "单选题", "题库.txt:6–9", "标为“单选”，答案却有多个（AB）", "题库.txt:10–13"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

// TestBankRefusedWhole reads files of which nothing can be read.
func TestBankRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{"旧.doc": "legacy_office", "空.txt": "empty", "乱.txt": "encoding_unknown"} {
		text := map[string]string{"旧.doc": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "空.txt": "\n", "乱.txt": "1. \xff\xfe\xfd"}[name]
		got := checkedBank(t, exitFailed, inFile(t, name, text))
		list, ok := got["refusals"].([]any)
		if !ok || len(list) != 1 || got["found"] != 0.0 || got["refused"] != 0.0 {
			t.Fatalf("%s: %v", name, got)
		}
		if r, ok := list[0].(map[string]any); !ok || r["code"] != code || r["line"] != 0.0 || r["reason"] == "" {
			t.Errorf("%s: %v, want %s", name, list[0], code)
		}
	}
	if status, _, errs := command(t, "bank", "check", filepath.Join(t.TempDir(), "nowhere.txt")); status != exitFailed || !strings.Contains(errs, "nowhere.txt") {
		t.Errorf("a file that is not there: %d %s", status, errs)
	}
	file := inFile(t, "a.txt", bankText)
	if status, _, _ := command(t, "bank", "check", file, file, "--answers", file); status != exitUsage {
		t.Errorf("answers for two files: %d", status)
	}
}

// TestBankImport imports twice, from two forms, dry first, into a folder that
// holds a bank already.
func TestBankImport(t *testing.T) {
	t.Parallel()
	bank := filepath.Join(t.TempDir(), "bank")
	file := inFile(t, "题库.txt", bankText)
	run := func(want int, args ...string) string {
		t.Helper()
		status, out, errs := command(t, append([]string{"bank", "import", "--into", bank}, args...)...)
		if status != want {
			t.Fatalf("bank import %q = %d\n%s%s", args, status, out, errs)
		}
		return out
	}
	content := func() string {
		raw, err := os.ReadFile(filepath.Join(bank, importedFile))
		if err != nil {
			return ""
		}
		return string(raw)
	}
	if out := run(exitDone, "--dry-run", file); !strings.Contains(out, "可导入 2") || content() != "" {
		t.Errorf("a dry run writes %q\n%s", content(), out)
	}
	run(exitFailed, "--strict", file)
	if content() != "" {
		t.Errorf("a strict import of a file with faults writes %q", content())
	}
	if out := run(exitDone, file); !strings.Contains(out, "已写入") {
		t.Errorf("an import does not say where to:\n%s", out)
	}
	first := content()
	if out := run(exitDone, file); content() != first || !strings.Contains(out, "可导入 0，拒绝 2，跳过 3") {
		t.Errorf("the same file again changes the bank, or says otherwise:\n%s\n%s", content(), out)
	}
	more := inFile(t, "更多.csv", "题干,A,B,答案\n社区戒毒的期限是（）,三年,二年,A\n社区戒毒的期限是,二年,三年,A\n麻醉药品的运输,须有许可,不须许可,A\n")
	run(exitFailed, inFile(t, "旧.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), more)
	if content() != first {
		t.Error("beside a file that is refused as a whole another one is imported")
	}
	out := run(exitDone, more)
	if !strings.HasPrefix(content(), first) || !strings.Contains(out, "可导入 1，拒绝 2，跳过 0") {
		t.Errorf("%s\n%s", content(), out)
	}

	for _, form := range []string{"xlsx", "csv", "gift", "moodle"} {
		target := filepath.Join(t.TempDir(), "题库."+map[string]string{"moodle": "xml"}[form]+strings.TrimPrefix(form, "moodle"))
		if status, out, errs := command(t, "bank", "export", bank, "--format", form, "-o", target); status != exitDone {
			t.Fatalf("bank export = %d\n%s%s", status, out, errs)
		}
		if got := checkedBank(t, exitDone, target); got["imported"] != 3.0 || got["found"] != 3.0 {
			t.Errorf("%s brings back %v", form, got)
		}
		if status, _, _ := command(t, "bank", "export", bank, "--format", form, "-o", target); status != exitUsage {
			t.Errorf("an export over a file that is there = %d", status)
		}
		if out := run(exitDone, target); !strings.Contains(out, "可导入 0，拒绝 0，跳过 3") {
			t.Errorf("what was exported as %s is not known again:\n%s", form, out)
		}
	}
}

// TestBankFileUnreadable leaves a bank alone that it does not understand.
func TestBankFileUnreadable(t *testing.T) {
	t.Parallel()
	bank := inFile(t, "bank.yaml", "questions:\n  - id: a\n    kind: judge\n    stem: 甲\n    key: maybe\n")
	file := inFile(t, "题库.txt", bankText)
	if status, _, errs := command(t, "bank", "import", file, "--into", bank); status != exitFailed || !strings.Contains(errs, "bank.yaml") {
		t.Errorf("= %d %s", status, errs)
	}
	if status, _, errs := command(t, "bank", "export", filepath.Join(t.TempDir(), "x"), "--format", "gift", "-o", filepath.Join(t.TempDir(), "y")); status != exitFailed || errs == "" {
		t.Errorf("an export of nothing = %d", status)
	}
}

// TestBankPicture takes a picture in beside no server at all, and says what is wrong with others.
func TestBankPicture(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var raw bytes.Buffer
	if err := png.Encode(&raw, image.NewGray(image.Rect(0, 0, 5, 4))); err != nil {
		t.Fatal(err)
	}
	file := inFile(t, "图.png", raw.String())
	var kept [2]keptPicture
	for i := range kept {
		status, out, errs := command(t, "bank", "picture", file, "--json", "--data", data)
		if err := json.Unmarshal([]byte(out), &kept[i]); status != exitDone || err != nil {
			t.Fatalf("%d %s%s: %v", status, out, errs, err)
		}
	}
	if kept[0] != kept[1] || kept[0].Width != 5 || kept[0].Height != 4 || !strings.HasPrefix(kept[0].URL, "/media/") {
		t.Errorf("kept %+v", kept)
	}
	if status, _, errs := command(t, "bank", "picture", inFile(t, "图.svg", "<svg/>"), "--data", data); status != exitFailed || !strings.Contains(errs, "图片无法读取") {
		t.Errorf("a drawing: %d %s", status, errs)
	}
}

// TestApplyWantsPictures refuses a campaign whose question shows a picture that nobody has
// taken in, wherever campaigns are kept, and takes it once it is there.
func TestApplyWantsPictures(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/known")); err != nil {
		t.Fatal(err)
	}
	var raw bytes.Buffer
	if err := png.Encode(&raw, image.NewGray(image.Rect(0, 0, 5, 4))); err != nil {
		t.Fatal(err)
	}
	picture := inFile(t, "图.png", raw.String())
	_, out, _ := command(t, "bank", "picture", picture, "--json", "--data", t.TempDir()) // of another deployment
	var kept keptPicture
	if err := json.Unmarshal([]byte(out), &kept); err != nil {
		t.Fatal(err)
	}
	bank := filepath.Join(dir, "questions.yaml")
	was, err := os.ReadFile(bank)
	if err != nil {
		t.Fatal(err)
	}
	shown := strings.Replace(string(was), "{id: k1,", "{id: k1, media: [{url: "+kept.URL+", alt: 图}],", 1)
	if err := os.WriteFile(bank, []byte(shown), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "campaign.yaml")
	apply := func(how ...string) (int, string) {
		status, out, errs := command(t, append([]string{"campaign", "apply", file, "--data", data}, how...)...)
		return status, out + errs
	}
	for _, how := range []string{"--unreviewed", "--draft", "--files"} {
		if status, said := apply(how); status != exitFailed || !strings.Contains(said, "media.0: 没有图片 "+kept.URL+"，请先上传") {
			t.Errorf("%s without the picture = %d %s", how, status, said)
		}
	}
	if status, _, errs := command(t, "bank", "picture", picture, "--data", data); status != exitDone {
		t.Fatal(errs)
	}
	for _, how := range []string{"--unreviewed", "--files"} {
		if status, said := apply(how); status != exitDone {
			t.Errorf("%s with the picture = %d %s", how, status, said)
		}
	}
}
