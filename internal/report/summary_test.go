package report_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"qingyuan/campaign"
	"qingyuan/internal/report"
	"qingyuan/leaderboard"
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

// openWorkbook reads the workbook of a summary, as whoever gets it does.
func openWorkbook(t *testing.T, s *report.Summary) *excelize.File {
	t.Helper()
	var out bytes.Buffer
	if err := s.Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	f := openWorkbook(t, newSummary(t, campaign.TopN))
	if got := strings.Join(f.GetSheetList(), " "); got != "概况 各地区 每日 成绩分布 各人群 错题" {
		t.Errorf("sheets %s", got)
	}
	for cell, want := range map[string]string{
		"各地区!A2": "榆次区", "各地区!E2": "1", "各地区!G2": "14.29%", "每日!A2": "2026-06-26", "每日!B2": "4",
		"各地区!A4": "未选择单位", "各地区!E4": "1", "各地区!A5": "合计", "各地区!E5": "4", "各地区!F5": "8", "各地区!A6": "",
		"成绩分布!A2": "60", "各人群!A2": "学生", "错题!A2": "q1", "错题!B2": "A. 甲", "错题!D2": "0.00%",
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

// TestChartsBeginAtNothing: bars that begin elsewhere tell of other proportions. Sums are
// in no chart.
func TestChartsBeginAtNothing(t *testing.T) {
	t.Parallel()
	f := openWorkbook(t, newSummary(t, campaign.TopN))
	for i := range 4 {
		part, ok := f.Pkg.Load(fmt.Sprintf("xl/charts/chart%d.xml", i+1))
		if !ok {
			t.Fatalf("chart %d is missing", i+1)
		}
		xml := string(part.([]byte)) //nolint:forcetypeassert // What excelize keeps of a part.
		if _, axis, _ := strings.Cut(xml, "<valAx>"); !strings.Contains(axis, `<min val="0">`) {
			t.Errorf("chart %d begins anywhere: %s", i+1, axis)
		}
		if i < 2 && !strings.Contains(xml, "$A$2:$A$3<") {
			t.Errorf("chart %d draws others than the regions: %s", i+1, xml)
		}
	}
}

// TestReportSaysOfWhat: the report on a part of the campaign says which part that is, and
// leaves those out who have no unit.
func TestReportSaysOfWhat(t *testing.T) {
	t.Parallel()
	m := newSummary(t, campaign.TopN)
	m.Scope, m.Parent = "yc", "yc"
	var out bytes.Buffer
	if err := m.Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{
		"概况!A2": "统计范围", "概况!B2": "晋中市 / 榆次区", "概况!A3": "统计截至",
		"各地区!A2": "'=榆次一中", "各地区!A3": "榆次二中", "各地区!A4": "合计", "各地区!E4": "1", "各地区!A5": "",
	} {
		name, at, _ := strings.Cut(cell, "!")
		if got, err := f.GetCellValue(name, at); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", cell, got, err, want)
		}
	}
}

// TestRowsShowTheirTexts: a text of several lines is not cut at the first.
func TestRowsShowTheirTexts(t *testing.T) {
	t.Parallel()
	m := newSummary(t, campaign.TopN)
	for _, i := range m.Items.All() {
		i.Question.Stem = strings.Repeat("关于毒品的说法", 10)
	}
	var out bytes.Buffer
	if err := m.Workbook(&out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if high, err := f.GetRowHeight("错题", 2); err != nil || high != 45 { // 140 wide in 47
		t.Errorf("the row is %v high, %v", high, err)
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

// TestQuestionsStayTogether: wherever the pages turn, no question is parted, neither from
// its answer nor from the head above it.
func TestQuestionsStayTogether(t *testing.T) {
	t.Parallel()
	for days := range 12 {
		m := newSummary(t, campaign.TopN)
		for _, i := range m.Items.All() {
			i.Question.Stem = strings.Repeat("关于毒品的说法", 30)
		}
		for n := range 14 + days {
			m.Figures.Days[opening.AddDate(0, 0, n).Format(time.DateOnly)] = leaderboard.Window{Participants: 1}
		}
		var out bytes.Buffer
		if err := m.PDF(&out); err != nil {
			t.Fatal(err)
		}
		const question = " 14 10.5 10.5 10.5 10.5 10.5 8.5 8.5 " // its head, its text, its answer and its basis
		var told int
		for _, sizes := range pagesOf(t, out.Bytes()) {
			told += strings.Count(" "+strings.Join(sizes, " ")+" ", question)
		}
		if told != 1 {
			t.Errorf("with %d days the question is parted: %v", 14+days, pagesOf(t, out.Bytes()))
		}
	}
}

// pagesOf returns the sizes of type on each page of a document, in order.
func pagesOf(t *testing.T, raw []byte) [][]string {
	t.Helper()
	var pages [][]string
	for _, part := range bytes.Split(raw, []byte("stream\n"))[1:] {
		z, err := zlib.NewReader(bytes.NewReader(part))
		if err != nil {
			continue // not one that is compressed
		}
		text, _ := io.ReadAll(z)
		var sizes []string
		for _, match := range regexp.MustCompile(`/F1 ([0-9.]+) Tf`).FindAllSubmatch(text, -1) {
			sizes = append(sizes, string(match[1]))
		}
		if len(sizes) > 0 {
			pages = append(pages, sizes)
		}
	}
	return pages
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
	now := m.Announced
	now.Total.Attempts, before.Total.Signatures = 12_345, 2_002
	if got := report.Brief(m.Campaign, &now, &before); !strings.Contains(got, "答题12,345人次（较昨日+12,341），签署承诺书2人（较昨日-2,000）") {
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
