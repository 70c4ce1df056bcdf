package rehearse

import (
	"fmt"
	"io"
	"strings"

	"qingyuan/internal/simulate"
)

// Verdict is the end of a rehearsal in one word.
type Verdict string

// The verdicts.
const (
	// Held everything, each hundredth slowest request within a second.
	Held Verdict = "held"
	// Bent where people had to wait or to repeat themselves, and lost nothing.
	Bent Verdict = "bent"
	// Broke where something was lost, wrong, or stayed an error.
	Broke Verdict = "broke"
)

// Report is what a rehearsal ends with.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// HeldPerSecond is the most people a second that came while all was well.
	HeldPerSecond float64   `json:"held_people_per_second"`
	WorstP99MS    float64   `json:"worst_p99_ms"`
	Findings      []Finding `json:"findings"`
	Measured      Measured  `json:"measured"`
}

// NewReport judges what was measured.
func NewReport(m Measured) Report {
	r := Report{Verdict: Held, HeldPerSecond: m.held(), Findings: Judge(&m), Measured: m}
	r.WorstP99MS, _, _ = m.worst()
	if _, isBent := m.bend(); isBent {
		r.Verdict = Bent
	}
	if !m.Load.OK() {
		r.Verdict = Broke
	}
	return r
}

// What fits on one page of A4.
const (
	findingsOnPage = 7
	rowsOnPage     = 10
)

// WritePage writes the report on one page, in Markdown.
func (r *Report) WritePage(w io.Writer, lang string) error {
	p := page{lang: lang}
	p.head(r)
	p.figures(r)
	p.course(r.Measured.Load.Timeline)
	p.findings(r.Findings)
	_, err := io.WriteString(w, p.String())
	return err
}

// page is a report as it is being written.
type page struct {
	strings.Builder

	lang string
}

// say writes a line in the page's language.
func (p *page) say(zh, en string, args ...any) {
	p.WriteString(both(zh, en, args...).In(p.lang) + "\n")
}

func (p *page) head(r *Report) {
	m := &r.Measured
	p.say("# 开放前演练：晚八点高峰\n", "# Rehearsal before the opening: the rush at eight\n")
	p.say("%s · 清源 %s · %d 核 · 内存 %s · %d 人，%.0f 分钟，最陡每秒 %.0f 人\n",
		"%s · Qingyuan %s · %d cores · %s of memory · %d people in %.0f minutes, %.0f in the steepest second\n",
		m.At.Format("2006-01-02 15:04"), m.Version, m.CPUs, size(m.MemoryBytes), m.Load.Participants.Asked,
		planned(m).Minutes, m.steepest())
	at, _ := m.bend()
	switch r.Verdict {
	case Held:
		p.say("**结论：撑住了。** 每秒 %.0f 人到来时，最慢的百分之一请求仍在 %.2f 秒以内，计数与确认完全一致。\n",
			"**It held.** With %.0f people a second coming, the slowest hundredth of requests took at most %.2f s, and the counts equal what was acknowledged.\n",
			r.HeldPerSecond, r.WorstP99MS/1000)
	case Bent:
		p.say("**结论：变慢了，没有丢失。** 每秒 %.0f 人以内正常；从第 %.0f 秒（每秒 %.0f 人）起，最慢的百分之一达到 %.2f 秒。计数与确认完全一致。\n",
			"**It bent and lost nothing.** Up to %.0f people a second all was well; from second %.0f on (%.0f a second) the slowest hundredth took %.2f s. The counts equal what was acknowledged.\n",
			r.HeldPerSecond, at.Second, perSecond(at), r.WorstP99MS/1000)
	case Broke:
		p.say("**结论：没有撑住，先不要开放。**\n", "**It did not hold: do not open yet.**\n")
	}
}

// span is how long the plan lasted.
type span struct{ Minutes float64 }

func planned(m *Measured) span {
	if m.Load.Arrivals == nil {
		return span{}
	}
	return span{m.Load.Arrivals.Seconds / 60}
}

func perSecond(s simulate.Slice) float64 {
	if s.Seconds == 0 {
		return 0
	}
	return float64(s.Arrived) / s.Seconds
}

func (p *page) figures(r *Report) {
	m := &r.Measured
	_, limited, away := m.worst()
	p.say("| 项目 | 测得 |\n|---|--:|", "| | measured |\n|---|--:|")
	p.say("| 走完全程 / 失败 | %d / %d |", "| came to their end / failed | %d / %d |", m.Load.Participants.Done, m.Load.Participants.Failed)
	p.say("| 答复的请求 | %d（每秒 %.0f） |", "| requests answered | %d (%.0f a second) |", m.Load.Requests, m.Load.RequestsPerSecond)
	for _, o := range m.Load.Operations {
		if o.Name == "submit" {
			p.say("| 交卷 p50 / p99 | %.0f / %.0f 毫秒 |", "| submit p50 / p99 | %.0f / %.0f ms |", o.P50MS, o.P99MS)
		}
	}
	p.say("| 重试后成功：429 / 503 | %d / %d |", "| mended by a repeat: 429 / 503 | %d / %d |", limited, away)
	if len(m.Samples) > 0 {
		p.say("| 最忙 5 秒：全机 / 服务器 / Redis / 人群（核） | %.1f / %.1f / %.2f / %.1f |", "| busiest 5 s: machine / server / Redis / people (cores) | %.1f / %.1f / %.2f / %.1f |",
			m.busiest(func(s Sample) float64 { return s.Busy }), m.busiest(func(s Sample) float64 { return s.Server }),
			m.busiest(func(s Sample) float64 { return s.Redis }), m.busiest(func(s Sample) float64 { return s.People }))
	}
	if m.SyncBusy.Count > 0 {
		p.say("| 磁盘同步 p99：空闲 / 高峰 | %.1f / %.1f 毫秒 |", "| disk sync p99: alone / in the rush | %.1f / %.1f ms |", m.SyncAlone.P99MS, m.SyncBusy.P99MS)
	}
	p.WriteString("\n")
}

// course tells how the time went, in a few rows.
func (p *page) course(all []simulate.Slice) {
	p.say("| 时间（秒） | 每秒到来 | p99 毫秒 | 429 | 503 |\n|--:|--:|--:|--:|--:|", "| second | people a second | p99 ms | 429 | 503 |\n|--:|--:|--:|--:|--:|")
	each := max(1, (len(all)+rowsOnPage-1)/rowsOnPage)
	for i := 0; i < len(all); i += each {
		sum := simulate.Slice{Second: all[i].Second}
		for _, s := range all[i:min(i+each, len(all))] {
			sum.Seconds += s.Seconds
			sum.Arrived += s.Arrived
			sum.P99MS = max(sum.P99MS, s.P99MS)
			sum.Limited += s.Limited
			sum.Unavailable += s.Unavailable + s.Broken
		}
		fmt.Fprintf(p, "| %.0f–%.0f | %.0f | %.0f | %d | %d |\n",
			sum.Second, sum.Second+sum.Seconds, perSecond(sum), sum.P99MS, sum.Limited, sum.Unavailable)
	}
	p.WriteString("\n")
}

func (p *page) findings(all []Finding) {
	p.say("## 要改什么\n", "## What to change\n")
	if len(all) == 0 {
		p.say("没有。", "Nothing.")
	}
	signs := map[Grade]Text{Bad: {"必须", "must"}, Weak: {"应当", "should"}, Note: {"说明", "note"}}
	for i, f := range all {
		if i == findingsOnPage {
			p.say("另有 %d 条，见 --json。", "%d more with --json.", len(all)-i)
			return
		}
		p.say("%d. **%s**　%s。→ %s。", "%d. **%s**: %s. → %s.", i+1, signs[f.Grade].In(p.lang), f.Figure.In(p.lang), f.Advice.In(p.lang))
	}
}
