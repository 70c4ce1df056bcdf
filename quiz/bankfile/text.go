package bankfile

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"qingyuan/quiz"
)

// readText reads Chinese plain text.
func readText(ctx context.Context, f File, o Options) (Report, error) {
	p, err := parseText(ctx, string(f.Raw))
	if err != nil {
		return Report{}, fmt.Errorf("read %s: %w", f.Name, err)
	}
	if err := p.withAnswers(ctx, o.Answers); err != nil {
		return Report{}, err
	}
	return p.report(f, "", nil)
}

// withAnswers reads the keys of a second file.
func (p *textParser) withAnswers(ctx context.Context, answers *File) error {
	if answers == nil {
		return nil
	}
	groups, notes, err := readAnswers(ctx, *answers)
	if err != nil {
		return err
	}
	p.groups = append(p.groups, groups...)
	p.notes = append(p.notes, notes...)
	return nil
}

// errNothing is a text in which no question was found.
var errNothing = errors.New("no question found")

// report makes a report of what was parsed. lineOf maps the index of a line to what
// is told people, nil for the next number.
func (p *textParser) report(f File, sheet string, lineOf func(int) int) (Report, error) {
	if lineOf == nil {
		lineOf = func(i int) int { return i + 1 }
	}
	p.applyKeys()
	r := Report{Notes: p.notes}
	for _, b := range p.blocks {
		d := p.draft(b)
		d.question.File, d.question.Sheet = filepath.Base(f.Name), sheet
		d.question.Line, d.question.LineTo = lineOf(b.line), lineOf(max(b.line, b.last))
		d.into(&r)
	}
	if r.Found() == 0 {
		reason := "没有找到题目"
		if len(p.groups) > 0 {
			reason = "文件里只有答案，没有题目"
		}
		return r, &FileError{Name: f.Name, Code: "no_questions", Reason: reason, Err: errNothing}
	}
	return r, nil
}

// draft makes a draft of a block.
func (p *textParser) draft(b *block) draft {
	h := p.headings[b.section]
	d := draft{hint: h.is, hinted: h.word, why: b.why}
	q := &d.question
	q.Number = b.word
	q.Stem = joinLines(b.stem)
	for _, o := range b.options {
		q.Options = append(q.Options, flowing(o))
	}
	for len(q.Options) > 2 && q.Options[len(q.Options)-1] == "" {
		q.Options = q.Options[:len(q.Options)-1] // F. with nothing behind it
	}
	q.Options = withoutSeparators(q.Options)
	d.ticked()
	q.Explanation = joinLines(b.explain)
	for _, a := range b.answers {
		d.answer(a)
	}
	d.keys = append(d.keys, b.keyed...)
	if g := concluded.FindStringSubmatch(q.Explanation); g != nil {
		d.keys = append(d.keys, g[1])
	}
	d.meta(b.meta)
	d.tags()
	d.stemKeys()
	if b.shared != "" {
		q.Stem = b.shared + "\n" + q.Stem
	}
	return d
}

// answer takes a labelled answer: one line where it names options, else a text.
func (d *draft) answer(lines []string) {
	lines = trimBlank(lines)
	if len(lines) == 0 {
		return
	}
	if k := parseKey(lines[0]); k.form != keyText && k.form != keyNone {
		d.keys = append(d.keys, lines[0])
		if rest := joinLines(lines[1:]); rest != "" && d.question.Explanation == "" {
			d.question.Explanation = rest
		}
		return
	}
	if g := verdict.FindStringSubmatch(lines[0]); g != nil && len(d.question.Options) == 0 && !wantsWords.MatchString(d.question.Stem) {
		d.keys = append(d.keys, g[1])
		if d.question.Explanation == "" {
			d.question.Explanation = joinLines(append([]string{g[2]}, lines[1:]...))
		}
		return
	}
	d.keys = append(d.keys, joinLines(lines))
}

var (
	// verdict is a judgement with its reason behind it: 错误。大麻是毒品。
	verdict    = regexp.MustCompile(`^(正确|错误|√|×)\s*[。；;，,]\s*(\S.*)$`)
	wantsWords = regexp.MustCompile(`为什么|为何|理由|简述|说明|如何|怎样|怎么|哪些|什么|试析|分析`)
)

var (
	tick      = regexp.MustCompile(`\s*(?:[（(【\[]\s*(?:正确答案|正确选项|答案|√|✓|✔)\s*[）)】\]]|[√✓✔])\s*$`)
	drawnTick = regexp.MustCompile(`[打划画填][“"]?[√✓✔×✗✘]|[×✗✘✕]\s*$`)
	lastKey   = regexp.MustCompile(`\s*【\s*([A-P]+)\s*】\s*$`)
)

// ticked reads the answer where the right options are ticked, 甲(正确答案), or where it
// stands behind the last of them, 丁【A】.
func (d *draft) ticked() {
	var key []byte
	drawn := slices.ContainsFunc(d.question.Options, drawnTick.MatchString) // 打√ and 打× are options
	for i, o := range d.question.Options {
		if drawn && !strings.Contains(o, "正确") {
			continue
		}
		if bare := tick.ReplaceAllString(o, ""); bare != o && bare != "" && i < quiz.MaxOptions {
			d.question.Options[i] = bare
			key = append(key, byte('A'+i))
		}
	}
	if n := len(d.question.Options) - 1; n > 0 {
		if g := lastKey.FindStringSubmatchIndex(d.question.Options[n]); g != nil && g[0] > 0 {
			d.keys = append(d.keys, d.question.Options[n][g[2]:g[3]])
			d.question.Options[n] = d.question.Options[n][:g[0]]
		}
	}
	if len(key) > 0 {
		d.keys = append(d.keys, string(key))
	}
}

// withoutSeparators takes the semicolons from behind options that they separate.
func withoutSeparators(options []string) []string {
	for _, o := range options[:max(0, len(options)-1)] {
		if !strings.HasSuffix(o, "；") && !strings.HasSuffix(o, ";") {
			return options
		}
	}
	for i := range options {
		options[i] = strings.TrimSpace(strings.TrimRight(options[i], "；;"))
	}
	return options
}

var levels = map[string]int{"易": 1, "容易": 1, "简单": 1, "较易": 1, "低": 1, "1": 1, "中": 2, "中等": 2, "一般": 2, "适中": 2, "2": 2, "难": 3, "较难": 3, "困难": 3, "高": 3, "3": 3}

// meta takes what is said about a question beside its text.
func (d *draft) meta(said map[string][]string) {
	for word, lines := range said {
		value := strings.Trim(flowing(lines), "。；; ")
		switch {
		case word == "题型":
			if is, w := hintOf(value); is != hintNone {
				d.hint, d.hinted = is, w
			}
		case strings.HasPrefix(word, "难"):
			d.question.Difficulty = levels[value]
		case strings.Contains(word, "依据"):
			d.question.Basis = value
		case word == "知识点", word == "考点", word == "章节", word == "分类", word == "标签":
			d.question.Topic = value
		}
	}
}

// concluded finds the answer with which an explanation ends: 故选B。
var concluded = regexp.MustCompile(`(?:故|因此|所以|综上)[，,]?\s*(?:本题)?(?:正确)?(?:答案)?\s*应?\s*(?:选择?|为|是)\s*[:：]?\s*([A-P](?:[、,，]?[A-P])*)\s*(?:项|选项)?\s*[。.！!]?$`)
