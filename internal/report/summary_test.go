package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qingyuan/campaign"
	"qingyuan/internal/report"
	"qingyuan/quiz"
)

// newSummary is a report of the crowd, with hostile names and rare characters.
func newSummary(t *testing.T, mode campaign.RankingMode) *report.Summary {
	t.Helper()
	c := newCampaign(t)
	c.Title = campaign.Text{campaign.DefaultLanguage: "=晋中市禁毒知识答题𠮷\U0001F600"}
	c.Ranking = mode
	b := newBank(t)
	var attempts []quiz.Attempt
	for range 40 {
		attempts = append(attempts, sat(b, opening, time.Minute, 2, 1, 1))
	}
	f := collect(t, c)
	return &report.Summary{
		Campaign: c, AsOf: opening, Announced: f.Announce(opening), Figures: f, Items: newItems(t, b, attempts...), Parent: "jz",
	}
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := newSummary(t, campaign.TopN).Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := strings.Join(f.GetSheetList(), " "); got != "概况 各地区 每日 成绩分布 各人群 错题" {
		t.Errorf("sheets %s", got)
	}
	for cell, want := range map[string]string{
		"各地区!A2": "榆次区", "各地区!E2": "1", "各地区!G2": "14.29%", "每日!A2": "2026-06-26", "每日!B2": "4",
		"成绩分布!A2": "60", "各人群!A2": "学生", "错题!A2": "q1", "错题!D2": "0.00%",
	} {
		name, at, _ := strings.Cut(cell, "!")
		if got, err := f.GetCellValue(name, at); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", cell, got, err, want)
		}
	}
	for i := range 4 {
		if _, ok := f.Pkg.Load(fmt.Sprintf("xl/charts/chart%d.xml", i+1)); !ok {
			t.Errorf("chart %d is missing", i+1)
		}
	}
}

func TestPDF(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := newSummary(t, campaign.TopN).PDF(&out); err != nil {
		t.Fatal(err)
	}
	raw := out.Bytes()
	if !bytes.HasPrefix(raw, []byte("%PDF-")) || !bytes.Contains(raw[len(raw)-32:], []byte("%%EOF")) || !bytes.Contains(raw, []byte("/FontFile2")) {
		t.Errorf("%d bytes are no PDF with a font of its own", len(raw))
	}
	if len(raw) > 2<<20 {
		t.Errorf("%d bytes: the whole font is in it", len(raw))
	}
}

func TestBrief(t *testing.T) {
	t.Parallel()
	m := newSummary(t, campaign.TopN)
	const first = "截至6月26日20时00分，累计参与4人，答题4人次，签署承诺书2人，参与率50.00%，及格率100.00%，平均分76.67。"
	if got := report.Brief(m.Campaign, &m.Announced, nil); !strings.HasSuffix(got, first+"参与率居前的地区：太谷区100.00%、榆次区14.29%。") {
		t.Error(got)
	}
	before := m.Announced
	before.Total.Participants, before.Total.Signatures = 1, 5
	got := report.Brief(m.Campaign, &m.Announced, &before)
	if !strings.Contains(got, "累计参与4人（较昨日+3），答题4人次（较昨日+0），签署承诺书2人（较昨日-3）") {
		t.Error(got)
	}
	// Where appraisal is to be feared nobody is held against anybody.
	m = newSummary(t, campaign.ProgressOnly)
	if got := report.Brief(m.Campaign, &m.Announced, nil); strings.Contains(got, "居前") {
		t.Error(got)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	m := newSummary(t, campaign.TopN)
	was, now := m.Announced, m.Announced
	if got := report.Differences(&was, &now); len(got) != 0 {
		t.Errorf("the same differs: %+v", got)
	}
	now.Nodes = append([]report.Line(nil), was.Nodes...)
	now.Nodes[1].Passed--
	now.Total.Passed--
	now.Nodes = append(now.Nodes, report.Line{ID: "new", Name: "新", Enrolled: 1})
	got := report.Differences(&was, &now)
	want := []report.Difference{
		{"", "合计", "passed", was.Total.Passed, was.Total.Passed - 1},
		{was.Nodes[1].ID, was.Nodes[1].Name, "passed", was.Nodes[1].Passed, was.Nodes[1].Passed - 1},
		{"new", "新", "enrolled", 0, 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
