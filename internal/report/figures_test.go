package report_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qingyuan/campaign"
	"qingyuan/internal/report"
	"qingyuan/internal/sheet"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

var (
	china = time.FixedZone("CST", 8*3600)
	// opening is eight in the evening of the International Day against Drug Abuse.
	opening = time.Date(2026, 6, 26, 20, 0, 0, 0, china)
)

func newCampaign(t testing.TB) *campaign.Campaign {
	t.Helper()
	text := func(s string) campaign.Text { return campaign.Text{campaign.DefaultLanguage: s} }
	tree, err := campaign.NewTree([]campaign.Node{
		{ID: "jz", Kind: campaign.Region, Name: text("晋中市")},
		{ID: "yc", Kind: campaign.Region, Name: text("榆次区"), Parent: "jz"},
		{ID: "tg", Kind: campaign.Region, Name: text("太谷区"), Parent: "jz"},
		{ID: "yc1", Kind: campaign.Unit, Name: text("=榆次一中"), Parent: "yc", Roster: 4},
		{ID: "yc2", Kind: campaign.Unit, Name: text("榆次二中"), Parent: "yc", Roster: 3},
		{ID: "tg1", Kind: campaign.Unit, Name: text("太谷一中"), Parent: "tg", Roster: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &campaign.Campaign{
		ID: "c", Zone: china, Tree: tree,
		Groups: []campaign.Group{{ID: "student", Name: text("学生")}, {ID: "driver", Name: text("驾驶员")}},
	}
}

// attempt is one that was accepted, so many hours after the opening.
func attempt(number, score int, hours float64, state quiz.State) quiz.Attempt {
	at := opening.Add(time.Duration(hours * float64(time.Hour)))
	return quiz.Attempt{
		Number: number, State: state, ClosedBy: quiz.ByParticipant, Window: quiz.Window{StartedAt: at.Add(-time.Minute)},
		Result: quiz.Result{
			Mark: quiz.Mark{Score: score, MaxScore: 100}, Passed: score >= 60, Used: time.Minute, SubmittedAt: at,
		},
	}
}

func person(id, unit, group string, signed bool, attempts ...quiz.Attempt) *report.Person {
	p := &report.Person{ID: id, Name: "王*", Attempts: attempts}
	p.Unit, p.Group, p.At = unit, group, opening
	for i := range p.Attempts {
		a := &p.Attempts[i]
		if a.State.Void() {
			continue
		}
		if p.FirstAct.IsZero() {
			p.FirstAct = a.Result.SubmittedAt
		}
		if p.Best == nil || a.Result.Score > p.Best.Result.Score {
			p.Best = a
		}
	}
	if signed {
		p.Signature = &pledge.Signature{SignedAt: opening, State: pledge.Valid, Method: pledge.Drawn}
		p.FirstAct = opening
	}
	return p
}

func crowd() []*report.Person {
	return []*report.Person{
		person("a", "yc1", "student", true, attempt(1, 50, 1, quiz.StateSubmitted), attempt(2, 100, 30, quiz.StateSubmitted)),
		person("b", "yc1", "student", false, attempt(1, 100, 1, quiz.StateInvalidated)),
		person("c", "yc1", "driver", false),
		person("d", "tg1", "driver", true),
		person("e", "tg1", "driver", false, attempt(1, 70, 2, quiz.StateSubmitted)),
		person("f", "gone", "student", false, attempt(1, 60, 2, quiz.StateSubmitted)),
	}
}

func collect(t *testing.T, c *campaign.Campaign) *report.Figures {
	t.Helper()
	f := report.NewFigures(c)
	for _, p := range crowd() {
		if err := f.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestFigures(t *testing.T) {
	t.Parallel()
	f := collect(t, newCampaign(t))
	want := leaderboard.Counts{
		Enrolled: 6, Participants: 4, Attempts: 4, Signatures: 2, Passed: 3, Full: 1, Scored: 3, Score: 230, Active: 2,
	}
	roll := f.Roll()
	if diff := cmp.Diff(want, roll.Total); diff != "" {
		t.Error(diff)
	}
	if got := roll.Nodes["yc"]; got.Enrolled != 3 || got.Participants != 1 || got.Active != 1 {
		t.Errorf("yc: %+v", got)
	}
	if got := roll.Nodes[campaign.Unassigned]; got.Enrolled != 1 || got.Scored != 1 {
		t.Errorf("a unit that left the tree is not unassigned: %+v", got)
	}
	days := map[string]leaderboard.Window{
		"2026-06-26": {Participants: 4, Attempts: 3, Signatures: 2}, "2026-06-28": {Attempts: 1},
	}
	if diff := cmp.Diff(days, f.Days); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[int]int64{100: 1, 70: 1, 60: 1}, f.Scores); diff != "" {
		t.Error(diff)
	}
}

// table writes with fn and reads the CSV back, with empty lines left out.
func table(t *testing.T, fn func(w sheet.Writer) error) [][]string {
	t.Helper()
	var out bytes.Buffer
	w, err := sheet.New(&out, sheet.CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := fn(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff")))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestOfficial(t *testing.T) {
	t.Parallel()
	f := collect(t, newCampaign(t))
	f.Paper = map[string]int64{"yc1": 12, "a unit that left": 3} // a figure of its own
	rows := table(t, func(w sheet.Writer) error { return report.Official(w, f, "jz") })
	want := [][]string{
		{"榆次区", "1", "2", "50.00%", "1", "7", "14.29%", "3", "2", "1", "100.00%", "100.00%", "100", "100", "12"},
		// Two of a roster of one: the rate is cut, the figures are not.
		{"太谷区", "1", "1", "100.00%", "2", "1", "100.00%", "2", "1", "1", "100.00%", "0.00%", "70", "70", "0"},
		{"合计", "2", "3", "66.67%", "3", "8", "37.50%", "5", "3", "2", "100.00%", "50.00%", "85", "170", "12"},
	}
	if diff := cmp.Diff(want, rows[1:4]); diff != "" {
		t.Error(diff)
	}
	if rows[4][0] != report.Notice {
		t.Errorf("the notice is missing: %q", rows[4])
	}
	whole := table(t, func(w sheet.Writer) error { return report.Official(w, f, "") })
	if got := whole[1][0] + " " + whole[3][0] + whole[3][7] + " " + whole[4][0] + whole[4][7] + whole[4][5]; got != "榆次区 未选择单位1 合计68" {
		t.Errorf("the whole campaign is %q", got)
	}
	units := table(t, func(w sheet.Writer) error { return report.Official(w, f, "yc") })
	if units[1][0] != "'=榆次一中" {
		t.Errorf("a name acts as a formula: %q", units[1][0])
	}
	w, err := sheet.New(&bytes.Buffer{}, sheet.CSV)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Units(w, f, "nowhere"); err == nil {
		t.Error("units of nowhere were written")
	}
	if err := report.Official(w, f, "nowhere"); err == nil {
		t.Error("a table of nowhere was written")
	}
}

// TestUnits wants every unit once, and the sum that the official table has.
func TestUnits(t *testing.T) {
	t.Parallel()
	f := collect(t, newCampaign(t))
	f.Paper = map[string]int64{"yc1": 12, "a unit that left": 3}
	rows := table(t, func(w sheet.Writer) error { return report.Units(w, f, "") })
	want := [][]string{
		{"所属地区", "单位", "单位编号", "参与人数", "应参与人数", "参与率", "报名人数", "答题人次", "签署人数", "及格率", "满分率", "平均分", "总分", "纸质承诺人数"},
		{"晋中市 / 榆次区", "'=榆次一中", "yc1", "1", "4", "25.00%", "3", "2", "1", "100.00%", "100.00%", "100", "100", "12"},
		{"晋中市 / 榆次区", "榆次二中", "yc2", "0", "3", "0.00%", "0", "0", "0", "", "", "", "0", "0"},
		{"晋中市 / 太谷区", "太谷一中", "tg1", "2", "1", "100.00%", "2", "1", "1", "100.00%", "0.00%", "70", "70", "0"},
		{"", "未选择单位", "", "1", "0", "", "1", "1", "0", "100.00%", "0.00%", "60", "60", "3"},
		{"", "合计", "", "4", "8", "50.00%", "6", "4", "2", "100.00%", "33.33%", "76.67", "230", "15"},
	}
	if diff := cmp.Diff(want, rows[:6]); diff != "" {
		t.Error(diff)
	}
	part := table(t, func(w sheet.Writer) error { return report.Units(w, f, "tg") })
	if len(part) < 3 || part[1][2] != "tg1" || part[2][1] != "合计" || part[2][3] != "2" {
		t.Errorf("a region's units: %q", part)
	}
}
