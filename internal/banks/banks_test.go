package banks_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/configs"
	"qingyuan/internal/banks"
	"qingyuan/internal/fault"
	"qingyuan/internal/operator"
	"qingyuan/internal/pictures"
	"qingyuan/internal/sqldb"
	"qingyuan/internal/sqltest"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
	"qingyuan/quiz/bankfile"
)

// TestFromFileToCampaign is the whole way of questions.
func TestFromFileToCampaign(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		in := r.take(t, "law", table(3))
		if !slices.Equal(in.IDs, []string{"law-1", "law-2", "law-3"}) || in.Found() != 3 {
			t.Fatalf("imported %+v", in)
		}
		if _, err := r.Publish(ctx, r.signer, "law", ""); !errors.Is(err, bankbook.ErrEmpty) {
			t.Errorf("drafts are published: %v", err)
		}
		r.sign(t, "law", picks(1, "law-1", "law-2"))
		p, err := r.Publish(ctx, r.signer, "law", "六月活动")
		if err != nil || p.Ref != "bank:law/1" || p.Questions != 2 {
			t.Fatalf("published %+v, %v", p, err)
		}
		if again, err := r.Publish(ctx, r.signer, "law", ""); err != nil || again != p {
			t.Errorf("published again %+v, %v", again, err)
		}
		b, err := r.Bank(ctx, p.Ref)
		if err != nil || b.Digest != p.Digest || len(b.Questions) != 2 || b.Questions[1].Key != 2 {
			t.Fatalf("bank %+v, %v", b, err)
		}
		d := configs.Definition{Campaign: town(t), Bank: b}
		if err := r.Gate(ctx, d); err != nil {
			t.Errorf("a signed bank is refused: %v", err)
		}
		if _, err := r.Withdraw(ctx, r.signer, "law", picks(1, "law-1"), "有误"); err != nil {
			t.Fatal(err)
		}
		err = r.Gate(ctx, d)
		if f := fault.From(err); !errors.Is(err, bankbook.ErrUnreviewed) || len(f.Fields) != 2 || f.Fields[1].Name != "quiz.bank.law-1" {
			t.Errorf("a withdrawn question passes: %v", err)
		}
		if p, err = r.Publish(ctx, r.signer, "law", ""); err != nil || p.Version != 2 || p.Questions != 1 {
			t.Errorf("published %+v, %v", p, err)
		}
		if list, err := r.Publications(ctx, r.editor, "law"); err != nil || len(list) != 2 || list[0].Version != 2 {
			t.Errorf("publications %+v, %v", list, err)
		}
		if b, err := r.Bank(ctx, "bank:law/1"); err != nil || len(b.Questions) != 2 {
			t.Errorf("the first publication has changed: %v", err)
		}
		for _, ref := range []string{"bank:law", "bank:law/9", "bank:law/x", "law/1", "bank:none/1"} {
			if _, err := r.Bank(ctx, ref); !errors.Is(err, banks.ErrNotFound) {
				t.Errorf("%s: %v", ref, err)
			}
		}
		for action, want := range map[string]int{
			"bank.create": 1, "bank.import": 1, "bank.submit": 1, "bank.sign_off": 1, "bank.withdraw": 1, "bank.publish": 2,
		} {
			if got := r.audited(t, action); got != want {
				t.Errorf("%d entries of %s, want %d", got, action, want)
			}
		}
	})
}

// TestGateOfFiles asks for signatures wherever the bank's files came from, and lets
// the demonstration pass.
func TestGateOfFiles(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(2))
		h, err := r.Question(ctx, r.editor, "law", "law-1")
		if err != nil {
			t.Fatal(err)
		}
		same := h.Latest().Question
		same.ID = "called-otherwise"
		b, err := quiz.NewBank("files", []quiz.Question{same})
		if err != nil {
			t.Fatal(err)
		}
		d := configs.Definition{Campaign: town(t), Bank: b}
		if err := r.Gate(ctx, d); !errors.Is(err, bankbook.ErrUnreviewed) {
			t.Errorf("a draft passes: %v", err)
		}
		r.sign(t, "law", picks(1, "law-1"))
		if err := r.Gate(ctx, d); err != nil {
			t.Errorf("what was signed is refused: %v", err)
		}
		b.Questions[0].Key = 2
		if err := r.Gate(ctx, d); !errors.Is(err, bankbook.ErrUnreviewed) {
			t.Errorf("another key passes: %v", err)
		}
		demo := *d.Campaign
		demo.AlwaysOpen = true
		if err := r.Gate(ctx, configs.Definition{Campaign: &demo, Bank: b}); err != nil {
			t.Errorf("the demonstration is refused: %v", err)
		}
		if err := r.Gate(ctx, configs.Definition{Campaign: d.Campaign}); err != nil {
			t.Errorf("a campaign without a quiz is refused: %v", err)
		}
	})
}

// TestOffices has the signature of a county: it counts for the county alone.
func TestOffices(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		if _, err := r.Create(ctx, r.yuci, banks.Bank{ID: "all", Name: "全市"}, ""); !errors.Is(err, operator.ErrForbidden) {
			t.Errorf("a county makes the bank of all: %v", err)
		}
		for id, office := range map[string]operator.Place{
			"county": {Scope: "140702"}, "town": {Scope: "140700"}, "ours": {Campaign: "jinzhong"}, "part": {Campaign: "jinzhong", Scope: "yc"},
		} {
			by := r.editor
			if id == "county" || id == "part" {
				by = r.yuci
			}
			if _, err := r.Create(ctx, by, banks.Bank{ID: id, Name: id, Office: office}, ""); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		for id, counts := range map[string]bool{"county": false, "part": false, "town": true, "ours": true} {
			r.take(t, id, table(1))
			r.sign(t, id, picks(1, "law-1"))
			p, err := r.Publish(ctx, r.signer, id, "")
			if err != nil {
				t.Fatal(err)
			}
			b, err := r.Bank(ctx, p.Ref)
			if err != nil {
				t.Fatal(err)
			}
			err = r.Gate(ctx, configs.Definition{Campaign: town(t), Bank: b})
			if (err == nil) != counts {
				t.Errorf("signed for %s: %v", id, err)
			}
			if _, err := r.Withdraw(ctx, r.signer, id, picks(1, "law-1"), "下一例"); err != nil {
				t.Fatal(err)
			}
		}
		list, err := r.Banks(ctx, r.yuci)
		if err != nil || len(list) != 2 || list[0].ID != "county" || list[1].ID != "part" {
			t.Errorf("a county sees %+v, %v", list, err)
		}
		if _, _, err := r.Questions(ctx, r.yuci, "town", banks.Filter{}); !errors.Is(err, banks.ErrNotFound) {
			t.Errorf("a county reads the town's: %v", err)
		}
		for _, office := range []operator.Place{{Campaign: "none"}, {Campaign: "jinzhong", Scope: "nowhere"}, {Scope: "somewhere"}} {
			if _, err := r.Create(ctx, r.editor, banks.Bank{ID: "x1", Name: "x", Office: office}, ""); !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%+v: %v", office, err)
			}
		}
	})
}

// TestRights asks every method for a right that its caller lacks.
func TestRights(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(1))
		one := picks(1, "law-1")
		q := quiz.Question{ID: "law-1", Kind: quiz.Judge, Stem: "x", Options: quiz.JudgeOptions(), Key: 1}
		acts := map[string]func(by operator.Actor) error{
			"import": func(by operator.Actor) error {
				_, err := r.Import(ctx, by, "law", banks.Import{File: table(1)})
				return err
			},
			"dry run": func(by operator.Actor) error {
				_, err := r.Import(ctx, by, "law", banks.Import{File: table(1), DryRun: true})
				return err
			},
			"add":          func(by operator.Actor) error { _, err := r.Add(ctx, by, "law", q, ""); return err },
			"edit":         func(by operator.Actor) error { _, err := r.Edit(ctx, by, "law", q, 1, ""); return err },
			"submit":       func(by operator.Actor) error { _, err := r.Submit(ctx, by, "law", one); return err },
			"sign":         func(by operator.Actor) error { _, err := r.SignOff(ctx, by, "law", one, ""); return err },
			"send back":    func(by operator.Actor) error { _, err := r.SendBack(ctx, by, "law", one, "x"); return err },
			"withdraw":     func(by operator.Actor) error { _, err := r.Withdraw(ctx, by, "law", one, "x"); return err },
			"publish":      func(by operator.Actor) error { _, err := r.Publish(ctx, by, "law", ""); return err },
			"summary":      func(by operator.Actor) error { _, err := r.Summary(ctx, by, "law"); return err },
			"questions":    func(by operator.Actor) error { _, _, err := r.Questions(ctx, by, "law", banks.Filter{}); return err },
			"question":     func(by operator.Actor) error { _, err := r.Question(ctx, by, "law", "law-1"); return err },
			"expiring":     func(by operator.Actor) error { _, err := r.Expiring(ctx, by, "law"); return err },
			"publications": func(by operator.Actor) error { _, err := r.Publications(ctx, by, "law"); return err },
			"export":       func(by operator.Actor) error { return r.Export(ctx, by, "law", bankfile.CSV, true, &bytes.Buffer{}) },
		}
		for name, act := range acts {
			if err := act(r.reader); !errors.Is(err, banks.ErrNotFound) {
				t.Errorf("%s by a stranger: %v", name, err)
			}
		}
		for _, name := range []string{"sign", "send back", "withdraw", "publish"} {
			if err := acts[name](r.editor); !errors.Is(err, operator.ErrForbidden) {
				t.Errorf("%s by an editor: %v", name, err)
			}
		}
		for _, name := range []string{"import", "dry run", "add", "edit", "submit"} {
			if err := acts[name](r.signer); !errors.Is(err, operator.ErrForbidden) {
				t.Errorf("%s by a reviewer: %v", name, err)
			}
		}
		if h, err := r.Question(ctx, r.editor, "law", "law-1"); err != nil || len(h) != 1 || h[0].State != bankbook.Draft {
			t.Errorf("something was changed: %+v, %v", h, err)
		}
	})
}

// TestImportTwice changes nothing the second time, and a dry run never does.
func TestImportTwice(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		dry, err := r.Import(ctx, r.editor, "law", banks.Import{File: table(4), DryRun: true})
		if err != nil || len(dry.Report.Imported) != 4 || dry.IDs != nil {
			t.Fatalf("dry run %+v, %v", dry, err)
		}
		if s, err := r.Summary(ctx, r.editor, "law"); err != nil || s.Questions != 0 {
			t.Fatalf("a dry run has left %d, %v", s.Questions, err)
		}
		r.take(t, "law", table(4))
		again := r.take(t, "law", table(4))
		if len(again.Report.Imported) != 0 || len(again.Skipped) != 4 || again.Found() != 4 {
			t.Errorf("again %+v", again)
		}
		conflict := table(1)
		conflict.Raw = bytes.Replace(conflict.Raw, []byte(",A,见第1条"), []byte(",B,见第1条"), 1)
		got := r.take(t, "law", conflict)
		if len(got.Refused) != 1 || got.Refused[0].Code != "key_conflict" || !strings.Contains(got.Refused[0].Reason, "A「甲」") {
			t.Errorf("another key: %+v", got)
		}
		s, err := r.Summary(ctx, r.editor, "law")
		if err != nil || s.Questions != 4 || s.ByState[bankbook.Draft] != 4 || s.InForce != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if _, err := r.Import(ctx, r.editor, "law", banks.Import{File: bankfile.File{Name: "x.pdf", Raw: []byte("%PDF-1.7")}}); !errors.Is(err, banks.ErrFile) {
			t.Errorf("a file that cannot be read: %v", err)
		}
	})
}

// TestImportSaysMore makes a next version of a question of which a file says something
// else, and leaves the signed one in force; a file that says less takes nothing away.
func TestImportSaysMore(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(3))
		r.sign(t, "law", picks(1, "law-1", "law-2", "law-3"))
		more := bankfile.File{Name: "补充.csv", Raw: []byte("题型,题干,选项A,选项B,选项C,选项D,答案,解析\n" +
			"单选题,第1条说的是什么？,乙,甲,丁,丙,B,第一条写明。\n" + // in another order
			"单选题,第2条说的是什么？,甲,乙,丙,丁,B,\n" +
			"单选题,第1条说的是什么？,甲,乙,丙,丁,A,又一种解析\n")}
		dry, err := r.Import(ctx, r.editor, "law", banks.Import{File: more, DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		told := banks.OutcomeOf(&dry, true)
		if told.Found != 3 || told.Imported != 1 || told.Revised != 1 || told.Skipped != 2 || told.Questions[0].Amends != "law-1" {
			t.Errorf("dry run %+v", told)
		}
		got := r.take(t, "law", more)
		if !slices.Equal(got.IDs, []string{"law-1"}) || got.Revised() != 1 {
			t.Errorf("%+v", got)
		}
		h, err := r.Question(ctx, r.editor, "law", "law-1")
		if err != nil || len(h) != 2 {
			t.Fatalf("%+v, %v", h, err)
		}
		v, was := h[1], h[0].Question
		was.Explanation = "第一条写明。"
		if diff := cmp.Diff(was, v.Question); diff != "" || v.State != bankbook.Draft || v.Origin != "补充.csv:2" {
			t.Errorf("%+v (-want +got):\n%s", v, diff)
		}
		if f, ok := h.InForce(); !ok || f.Number != 1 {
			t.Errorf("in force is %+v, %t", f, ok)
		}
		for _, f := range []bankfile.File{more, table(3)} { // neither says anything new
			if again := r.take(t, "law", f); len(again.Report.Imported) != 0 || len(again.Skipped) != 3 {
				t.Errorf("again %+v", again)
			}
		}
		odd := bankfile.File{Name: "x.csv", Raw: []byte("题型,题干,选项A,选项B,选项C,选项D,答案,有效期止\n单选题,第2条说的是什么？,甲,乙,丙,丁,B,2007-12-31\n")}
		if got := r.take(t, "law", odd); len(got.Refused) != 1 || got.Refused[0].Code != "field_invalid" || got.Revised() != 0 {
			t.Errorf("days that end before they begin: %+v", got)
		}
	})
}

// TestImportedNumbers keeps ids that are names and makes new ones for the others.
func TestImportedNumbers(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		r.bank(t, "law")
		text := head + "1,判断题,甲是对的。,,,,,正确,,,,\nlaw-7,判断题,乙是对的。,,,,,错误,,,,\nlaw-7,判断题,丙是对的。,,,,,错误,,,,\n,判断题,丁是对的。,,,,,错误,,,,\n" +
			"9,判断题,戊是对的。,,,,,错误,,," + strings.Repeat("长", 65) + ",\n"
		got := r.take(t, "law", bankfile.File{Name: "x.csv", Raw: []byte(text)})
		if !slices.Equal(got.IDs, []string{"q00001", "law-7", "q00002", "q00003"}) {
			t.Errorf("ids %v", got.IDs)
		}
		if len(got.Refused) != 1 || got.Refused[0].Code != "field_invalid" || got.Refused[0].Line != 6 {
			t.Errorf("refused %+v", got.Refused)
		}
		more := r.take(t, "law", bankfile.File{Name: "y.csv", Raw: []byte(head + "1,判断题,己是对的。,,,,,正确,,,,\n")})
		if !slices.Equal(more.IDs, []string{"q00004"}) {
			t.Errorf("ids %v", more.IDs)
		}
		h, err := r.Question(t.Context(), r.editor, "law", "law-7")
		if err != nil || h[0].Origin != "x.csv:3" || h[0].Editor.Login != "wei" || !h[0].EditedAt.Equal(r.now) {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

// TestEdit makes versions, and leaves the signed one in force.
func TestEdit(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(1))
		r.sign(t, "law", picks(1, "law-1"))
		h, err := r.Question(ctx, r.editor, "law", "law-1")
		if err != nil {
			t.Fatal(err)
		}
		q := h.Latest().Question
		if v, err := r.Edit(ctx, r.editor, "law", q, 1, ""); err != nil || v.Number != 1 {
			t.Errorf("the same again makes version %d, %v", v.Number, err)
		}
		q.Key = 8
		v, err := r.Edit(ctx, r.editor, "law", q, 1, "答案有误")
		if err != nil || v.Number != 2 || v.State != bankbook.Draft {
			t.Fatalf("%+v, %v", v, err)
		}
		q.Stem = "另一个人同时改的题干"
		if _, err := r.Edit(ctx, r.second, "law", q, 1, ""); !errors.Is(err, bankbook.ErrVersion) {
			t.Errorf("an edit of an old version: %v", err)
		}
		list, _, err := r.Questions(ctx, r.editor, "law", banks.Filter{})
		if err != nil || len(list) != 1 || list[0].Number != 2 || list[0].InForce != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := r.SignOff(ctx, r.signer, "law", picks(1, "law-1"), ""); !errors.Is(err, bankbook.ErrVersion) {
			t.Errorf("an old version is signed: %v", err)
		}
		r.sign(t, "law", picks(2, "law-1"))
		if h, err = r.Question(ctx, r.editor, "law", "law-1"); err != nil || len(h) != 2 {
			t.Fatal(err)
		}
		if f, ok := h.InForce(); !ok || f.Number != 2 || f.Reviewer.Login != "lan" {
			t.Errorf("in force %+v", f)
		}
		want := []bankbook.Change{{Field: "key", Before: "A", After: "D"}}
		if diff := cmp.Diff(want, bankbook.Difference(h[0].Question, h[1].Question)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		q.Stem = ""
		if _, err := r.Edit(ctx, r.editor, "law", q, 2, ""); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("an edit that makes no sense: %v", err)
		}
		q.Stem, q.ID = "x", "none"
		if _, err := r.Edit(ctx, r.editor, "law", q, 1, ""); !errors.Is(err, bankbook.ErrQuestion) {
			t.Errorf("an edit of nothing: %v", err)
		}
	})
}

// TestReviewInBatches moves all or none, bears a repeat, and names every question that
// stands in the way.
func TestReviewInBatches(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(2))
		bare, err := r.Add(ctx, r.second, "law", quiz.Question{Kind: quiz.Judge, Stem: "没有依据的题。", Options: quiz.JudgeOptions(), Key: 1}, "")
		if err != nil || bare.Question.ID != "q00001" {
			t.Fatalf("%+v, %v", bare, err)
		}
		all := picks(1, "law-1", "law-2", "q00001", "none")
		_, err = r.Submit(ctx, r.editor, "law", all)
		f := fault.From(err)
		var names []string
		for _, field := range f.Fields {
			names = append(names, field.Name)
		}
		for _, want := range []string{"q00001.basis", "q00001.valid_from", "q00001.difficulty", "none"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s is not named in %v", want, names)
			}
		}
		if s, err := r.Summary(ctx, r.editor, "law"); err != nil || s.ByState[bankbook.Submitted] != 0 {
			t.Errorf("some were submitted: %+v, %v", s, err)
		}
		full := bare.Question
		full.Basis, full.Explanation, full.Topic, full.Difficulty, full.Audience, full.ValidFrom = "《禁毒法》", "说明", "law", 1, []string{"all"}, "2008-06-01"
		if _, err := r.Edit(ctx, r.second, "law", full, 1, ""); err != nil {
			t.Fatal(err)
		}
		all = append(picks(1, "law-1", "law-2"), banks.Pick{ID: "q00001", Version: 2})
		for range 2 { // the second time is a repeat
			if _, err := r.Submit(ctx, r.editor, "law", all); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.SignOff(ctx, r.second, "law", all, ""); !errors.Is(err, bankbook.ErrOwnWork) {
			t.Errorf("somebody signs their own: %v", err)
		}
		if s, err := r.Summary(ctx, r.editor, "law"); err != nil || s.InForce != 0 {
			t.Errorf("some were signed: %+v, %v", s, err)
		}
		back, err := r.SendBack(ctx, r.signer, "law", picks(1, "law-2"), "选项有歧义")
		if err != nil || back[0].State != bankbook.Draft {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := r.SignOff(ctx, r.signer, "law", []banks.Pick{all[0], all[2]}, ""); err != nil {
				t.Fatal(err)
			}
		}
		drafts, _, err := r.Questions(ctx, r.editor, "law", banks.Filter{State: bankbook.Draft})
		if err != nil || len(drafts) != 1 || drafts[0].Question.ID != "law-2" || drafts[0].Reason != "选项有歧义" || drafts[0].Reviewer.Login != "lan" {
			t.Errorf("%+v, %v", drafts, err)
		}
		if got := r.audited(t, "bank.sign_off") + r.audited(t, "bank.submit"); got != 2 {
			t.Errorf("repeats are in the audit log: %d entries", got)
		}
		if _, err := r.Submit(ctx, r.editor, "law", nil); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("nothing is chosen: %v", err)
		}
	})
}

// TestConsole has two people at the console of the server.
func TestConsole(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		wang, zhao := operator.Console("wang"), operator.Console("zhao")
		if _, err := r.Create(ctx, wang, banks.Bank{ID: "law", Name: "题库"}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Import(ctx, wang, "law", banks.Import{File: table(1), Defaults: dated}); err != nil {
			t.Fatal(err)
		}
		one := picks(1, "law-1")
		if _, err := r.Submit(ctx, wang, "law", one); err != nil {
			t.Fatal(err)
		}
		if _, err := r.SignOff(ctx, wang, "law", one, ""); !errors.Is(err, bankbook.ErrOwnWork) {
			t.Errorf("the same person at the console: %v", err)
		}
		if _, err := r.SignOff(ctx, zhao, "law", one, ""); err != nil {
			t.Errorf("another person at the console: %v", err)
		}
	})
}

func TestFilters(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		text := head + "a1,单选题,冰毒的学名是？,甲基苯丙胺,吗啡,可卡因,大麻,A,x,《禁毒法》,识别,易\n" +
			"a2,判断题,100%_纯的说法。,,,,,错误,x,某通知,识别,中\na3,多选题,四禁包括？,禁种,禁制,禁贩,禁烟,ABC,x,《禁毒法》,law,难\n"
		r.take(t, "law", bankfile.File{Name: "x.csv", Raw: []byte(text)})
		for name, tt := range map[string]struct {
			f    banks.Filter
			want string
		}{
			"all": {banks.Filter{}, "a1 a2 a3"}, "kind": {banks.Filter{Kind: quiz.Judge}, "a2"}, "topic": {banks.Filter{Topic: "识别"}, "a1 a2"},
			"option": {banks.Filter{Text: "苯丙"}, "a1"}, "basis": {banks.Filter{Text: "禁毒法"}, "a1 a3"}, "id": {banks.Filter{Text: "A2"}, "a2"},
			"percent": {banks.Filter{Text: "%_"}, "a2"}, "nothing": {banks.Filter{Text: `\`}, ""}, "state": {banks.Filter{State: bankbook.Reviewed}, ""},
			"both": {banks.Filter{Topic: "识别", Text: "甲"}, "a1"}, "after": {banks.Filter{After: "a1"}, "a2 a3"},
		} {
			list, next, err := r.Questions(ctx, r.editor, "law", tt.f)
			var ids []string
			for _, e := range list {
				ids = append(ids, e.Question.ID)
			}
			if got := strings.Join(ids, " "); err != nil || got != tt.want || next != "" {
				t.Errorf("%s: %q and then %q, %v; want %q", name, got, next, err, tt.want)
			}
		}
		if list, next, err := r.Questions(ctx, r.editor, "law", banks.Filter{Limit: 2}); err != nil || len(list) != 2 || next != "a2" {
			t.Errorf("a page of %d, next %q, %v", len(list), next, err)
		}
	})
}

// TestExpiringByLocalDate looks from half past midnight in China, when it is still
// yesterday in UTC.
func TestExpiringByLocalDate(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		var ids []string
		for i, to := range []string{"2026-05-31", "2026-06-01", "2026-07-01", "2026-07-02", ""} {
			q := quiz.Question{
				ID: fmt.Sprintf("e%d", i), Kind: quiz.Judge, Stem: fmt.Sprintf("第%d题。", i), Options: quiz.JudgeOptions(), Key: 1, Explanation: "x",
				Basis: "x", Topic: "law", Difficulty: 1, Audience: []string{"all"}, ValidFrom: "2020-01-01", ValidTo: to,
			}
			if _, err := r.Add(ctx, r.editor, "law", q, ""); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, q.ID)
		}
		if _, err := r.Submit(ctx, r.editor, "law", picks(1, ids...)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.SignOff(ctx, r.signer, "law", picks(1, "e0"), ""); !errors.Is(err, bankbook.ErrIncomplete) {
			t.Errorf("what ended yesterday is signed: %v", err)
		}
		if _, err := r.SignOff(ctx, r.signer, "law", picks(1, ids[1:]...), ""); err != nil {
			t.Fatal(err)
		}
		list, err := r.Expiring(ctx, r.editor, "law")
		if err != nil || len(list) != 2 || list[0].Question.ID != "e1" || list[1].Question.ID != "e2" {
			t.Errorf("%+v, %v", list, err)
		}
		if p, err := r.Publish(ctx, r.signer, "law", ""); err != nil || p.Questions != 4 {
			t.Errorf("%+v, %v", p, err)
		}
		r.now = r.now.Add(24 * time.Hour)
		if p, err := r.Publish(ctx, r.signer, "law", ""); err != nil || p.Questions != 3 || p.Version != 2 {
			t.Errorf("the day after: %+v, %v", p, err)
		}
	})
}

// TestExportComesBack writes a bank in every format and takes the files into another.
func TestExportComesBack(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		r.take(t, "law", table(3))
		r.sign(t, "law", picks(1, "law-1", "law-3"))
		for i, f := range []bankfile.Format{bankfile.XLSX, bankfile.CSV, bankfile.GIFT, bankfile.Moodle, bankfile.YAML} {
			var b bytes.Buffer
			if err := r.Export(ctx, r.editor, "law", f, false, &b); err != nil {
				t.Fatal(err)
			}
			to := fmt.Sprintf("copy-%d", i)
			r.bank(t, to)
			got, err := r.Import(ctx, r.second, to, banks.Import{File: bankfile.File{Name: "bank", Raw: b.Bytes(), Format: f}})
			if err != nil || len(got.Report.Imported) != 2 {
				t.Errorf("%s: %+v, %v", f, got, err)
				continue
			}
			list, _, err := r.Questions(ctx, r.editor, to, banks.Filter{})
			if err != nil || len(list) != 2 || list[1].Question.Basis != "《禁毒法》第3条" || list[1].Question.Key != 4 || list[1].State != bankbook.Draft {
				t.Errorf("%s: %+v, %v", f, list, err)
			}
		}
		if got := r.audited(t, "bank.export"); got != 5 {
			t.Errorf("%d exports in the audit log", got)
		}
	})
}

// TestAtOnce lets several people act on one bank: nothing is lost, no id is given
// twice, and each version is made by one of them.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		var wait sync.WaitGroup
		for n := range 6 {
			wait.Go(func() {
				q := quiz.Question{Kind: quiz.Judge, Stem: fmt.Sprintf("第%d题。", n), Options: quiz.JudgeOptions(), Key: 1}
				if _, err := r.Add(ctx, r.editor, "law", q, ""); err != nil {
					t.Error(err)
				}
				if _, err := r.Import(ctx, r.editor, "law", banks.Import{File: table(5)}); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		s, err := r.Summary(ctx, r.editor, "law")
		if err != nil || s.Questions != 11 {
			t.Errorf("%d questions, %v", s.Questions, err)
		}
		q := quiz.Question{ID: "q00001", Kind: quiz.Judge, Options: quiz.JudgeOptions(), Key: 1}
		won := make(chan int, 6)
		for n := range 6 {
			wait.Go(func() {
				mine := q
				mine.Stem = fmt.Sprintf("改法%d。", n)
				_, err := r.Edit(ctx, r.editor, "law", mine, 1, "")
				switch {
				case err == nil:
					won <- n
				case !errors.Is(err, bankbook.ErrVersion):
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if len(won) != 1 {
			t.Errorf("%d edits of one version", len(won))
		}
	})
}

// TestImportAmongOthers takes a file into a bank that never stands still meanwhile.
func TestImportAmongOthers(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		r.bank(t, "law")
		ctx, done := context.WithCancel(t.Context())
		var others sync.WaitGroup
		var added atomic.Int64
		for n := range 4 {
			others.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					q := quiz.Question{Kind: quiz.Judge, Stem: fmt.Sprintf("第%d人的第%d题。", n, i), Options: quiz.JudgeOptions(), Key: 1}
					if _, err := r.Add(t.Context(), r.editor, "law", q, ""); err != nil {
						t.Error(err)
						return
					}
					added.Add(1)
				}
			})
		}
		const found = 300
		got, err := r.Import(t.Context(), r.second, "law", banks.Import{File: table(found)})
		done()
		others.Wait()
		if err != nil || len(got.IDs) != found {
			t.Fatalf("%d imported, %v", len(got.IDs), err)
		}
		s, err := r.Summary(t.Context(), r.editor, "law")
		if want := found + int(added.Load()); err != nil || s.Questions != want {
			t.Errorf("%d questions, not %d, %v", s.Questions, want, err)
		}
	})
}

func TestFaultsOfBanks(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		if _, err := r.Create(ctx, r.editor, banks.Bank{ID: "law", Name: "又一个"}, ""); !errors.Is(err, banks.ErrExists) {
			t.Errorf("an id twice: %v", err)
		}
		for _, b := range []banks.Bank{{ID: "Law", Name: "x"}, {ID: "x", Name: "x"}, {ID: "ok", Name: " "}, {ID: "ok", Name: "a\nb"}} {
			if _, err := r.Create(ctx, r.editor, b, ""); !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%+v: %v", b, err)
			}
		}
		q := quiz.Question{ID: "a", Kind: quiz.Judge, Stem: "x", Options: quiz.JudgeOptions(), Key: 1}
		if _, err := r.Add(ctx, r.editor, "law", q, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Add(ctx, r.editor, "law", q, ""); !errors.Is(err, banks.ErrTaken) {
			t.Errorf("an id twice: %v", err)
		}
		if _, err := r.Summary(ctx, r.editor, "none"); !errors.Is(err, banks.ErrNotFound) {
			t.Errorf("no bank: %v", err)
		}
		if _, err := r.Question(ctx, r.editor, "law", "none"); !errors.Is(err, bankbook.ErrQuestion) {
			t.Errorf("no question: %v", err)
		}
		if err := r.Export(ctx, r.editor, "law", bankfile.Aiken, true, &bytes.Buffer{}); err == nil {
			t.Error("a format that is not written")
		}
	})
}

// TestPicturesAreThere lets no question in that shows a picture which nobody took in.
func TestPicturesAreThere(t *testing.T) {
	t.Parallel()
	sqltest.Each(t, func(t *testing.T, db *sqldb.DB) {
		r := newRig(t, db)
		ctx := t.Context()
		r.bank(t, "law")
		var raw bytes.Buffer
		if err := png.Encode(&raw, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
			t.Fatal(err)
		}
		shelf := &pictures.Service{DB: db, Now: func() time.Time { return r.now }}
		p, err := shelf.Add(ctx, r.editor, &raw, "")
		if err != nil {
			t.Fatal(err)
		}
		file := table(2)
		lines := strings.Split(strings.TrimSpace(string(file.Raw)), "\n")
		lines[0] += ",配图"
		lines[1] += "," + p.URL() + " 一株植物"
		lines[2] += ",/media/none.png 一株植物"
		file.Raw = []byte(strings.Join(lines, "\n") + "\n")
		out := r.take(t, "law", file)
		if len(out.IDs) != 1 || len(out.Refused) != 1 || !strings.Contains(out.Refused[0].Reason, "media.0：没有图片 /media/") {
			t.Fatalf("imported %v, refused %+v", out.IDs, out.Refused)
		}
		h, err := r.Question(ctx, r.editor, "law", out.IDs[0])
		if err != nil || len(h.Latest().Question.Media) != 1 {
			t.Fatalf("%+v, %v", h, err)
		}
		q := h.Latest().Question
		q.Media = append(q.Media, quiz.Media{URL: "/media/none.png", Alt: "没有的图"}, quiz.Media{URL: "/pics/1.png", Alt: "代理服务器上的图"})
		_, err = r.Edit(ctx, r.editor, "law", q, 1, "")
		if f := fault.From(err); !errors.Is(err, fault.ErrInvalid) || len(f.Fields) != 1 || f.Fields[0].Name != "media.1" {
			t.Errorf("edited: %v", err)
		}
		q.ID = ""
		if _, err = r.Add(ctx, r.editor, "law", q, ""); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("added: %v", err)
		}
	})
}
