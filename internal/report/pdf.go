package report

import (
	"fmt"
	"io"
)

// PDF writes the campaign's report as a document to print, with charts.
func (m *Summary) PDF(out io.Writer) error {
	p, err := newPaper()
	if err != nil {
		return fmt.Errorf("print the report on %s: %w", m.Campaign.ID, err)
	}
	m.print(p)
	if p.err != nil {
		return fmt.Errorf("print the report on %s: %w", m.Campaign.ID, p.err)
	}
	if _, err := p.pdf.WriteTo(out); err != nil {
		return fmt.Errorf("print the report on %s: %w", m.Campaign.ID, err)
	}
	return nil
}

func (m *Summary) print(p *paper) {
	p.line(sizeTitle, m.title())
	p.line(sizeText, "活动情况报告")
	p.gap(8)
	for _, f := range m.facts() {
		p.pair(f[0], f[1])
	}
	p.head("各地区参与人数")
	var bars []bar
	for _, l := range m.regions() {
		text := grouped(l.Participants)
		if compares(m.Campaign) && l.Roster > 0 {
			text += "  " + percent(min(l.Participants, l.Roster), l.Roster)
		}
		bars = append(bars, bar{l.Name, l.Participants, text})
	}
	p.bars(bars)
	p.head("每日新增参与人数")
	bars = nil
	for _, day := range m.Figures.DaysInOrder() {
		n := m.Figures.Days[day].Participants
		bars = append(bars, bar{day, n, grouped(n)})
	}
	p.bars(bars)
	m.printMissed(p)
	p.head("说明")
	for _, d := range m.Definitions {
		p.line(sizeSmall, d)
	}
}

func (m *Summary) printMissed(p *paper) {
	items := m.Items.MostMissed(missed)
	if len(items) == 0 {
		return
	}
	for n, i := range items {
		q := i.Question
		told := []passage{
			{sizeText, fmt.Sprintf("%d. %s", n+1, q.Stem)},
			{sizeSmall, "答案：" + i.answer()},
			{sizeSmall, fmt.Sprintf("答对率 %s（%s 人次）  依据：%s", percent(i.Right, i.Shown), grouped(i.Shown), q.Basis)},
		}
		if n == 0 {
			p.head("错误率较高的题目", told...)
		}
		p.together(told...)
		p.gap(4)
	}
}
