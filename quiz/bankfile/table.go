package bankfile

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingyuan/quiz"
)

// grid is a table as a file has it.
type grid struct {
	file, sheet string
	rows        []row
}

// row is one row of a grid, with the number under which people know it.
type row struct {
	line, lineTo int
	cells        []string
	// why refuses whatever stands in the row.
	why *doubt
}

func (r *row) blank() bool {
	for _, c := range r.cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// column is what a column of a table holds.
type column int

const (
	colOther column = iota
	colNumber
	colType
	colStem
	colOption // one option for each column
	colList   // all options in one cell
	colKey
	colExplain
	colTopic
	colScore
	colLevel
	colBasis
	colEnabled
	colPicture
	colLabel // what Write adds: dates, audience and the like
)

// columnNames are the names under which columns are known, without spaces and
// brackets, in small letters.
var columnNames = map[string]column{
	"题号": colNumber, "序号": colNumber, "编号": colNumber, "no": colNumber, "id": colNumber, "number": colNumber, "试题编号": colNumber, "题目编号": colNumber,
	"题型": colType, "类型": colType, "题目类型": colType, "试题类型": colType, "type": colType, "kind": colType, "试题题型": colType, "题类": colType,
	"题干": colStem, "题目": colStem, "试题": colStem, "问题": colStem, "问题描述": colStem, "题目内容": colStem, "试题内容": colStem, "题干内容": colStem,
	"题目描述": colStem, "试题题干": colStem, "题面": colStem, "题目题干": colStem, "question": colStem, "stem": colStem, "title": colStem, "问题内容": colStem, "试题题目": colStem,
	"选项": colList, "备选项": colList, "选项内容": colList, "options": colList, "备选答案": colList, "候选答案": colList, "可选项": colList, "所有选项": colList,
	"答案": colKey, "正确答案": colKey, "标准答案": colKey, "参考答案": colKey, "正确选项": colKey, "answer": colKey, "key": colKey, "试题答案": colKey, "题目答案": colKey, "correct": colKey,
	"correctanswer": colKey,
	"解析":            colExplain, "答案解析": colExplain, "试题解析": colExplain, "说明": colExplain, "题目解析": colExplain, "详解": colExplain, "解释": colExplain, "explanation": colExplain, "analysis": colExplain, "解答": colExplain,
	"分类": colTopic, "章节": colTopic, "知识点": colTopic, "标签": colTopic, "topic": colTopic, "category": colTopic, "类别": colTopic, "所属分类": colTopic,
	"分值": colScore, "分数": colScore, "score": colScore,
	"难度": colLevel, "难易度": colLevel, "难易程度": colLevel, "difficulty": colLevel, "难度等级": colLevel,
	"依据": colBasis, "法律依据": colBasis, "出处": colBasis, "来源": colBasis, "basis": colBasis,
	"是否启用": colEnabled, "启用": colEnabled, "enabled": colEnabled, "状态": colEnabled,
	labelFrom: colLabel, labelTo: colLabel, labelAudience: colLabel, labelPinned: colLabel, labelFact: colLabel,
	"图片": colPicture, "配图": colPicture, "题目图片": colPicture, "image": colPicture, "picture": colPicture,
}

var (
	headNote     = regexp.MustCompile(`[（(\[【].*?[）)\]】]?$|[（(].*?[）)]`)
	optionHead   = regexp.MustCompile(`^(?:备选|候选|可选|答案|试题|题目)?(?:选项|选择项|选择|备选答案|候选答案|可选答案|option|opt|choice|项)[_\-:：.]?([a-p]|\d{1,2}|[一二三四五六七八九十])$`)
	answerHead   = regexp.MustCompile(`^答案([a-p])$`) // beside 正确答案
	letterHead   = regexp.MustCompile(`^(.+)\(([a-p]|\d{1,2})\)$`)
	optionHead2  = regexp.MustCompile(`^([a-p])(?:选项|项|答案)?[.、:：]?$`)
	pictureHead  = regexp.MustCompile(`^(?:图片|image|picture|pic)`)
	digitMeaning = regexp.MustCompile(`(\d)\s*[:：=\-、.]?\s*(?:为|是|表示)?\s*(单选|多选|判断|单项|多项|不定项|填空|简答|问答)|(单选|多选|判断|单项|多项|不定项|填空|简答|问答)题?\s*[:：=\-]?\s*(?:为|是)?\s*(\d)`)
)

// head is what the columns of a table hold.
type head struct {
	cols    []column
	options map[int]int // column to option, from 0
	digits  map[string]hint
	names   []string
	// counted is set where the options' columns are numbered rather than lettered.
	counted bool
}

// readHead reads a row as the head of a table; false where it is none.
func readHead(cells []string) (head, bool) {
	h := head{options: map[int]int{}, digits: map[string]hint{}}
	found := map[column]bool{} //nolint:exhaustive // A set that is filled below.
	for i, c := range cells {
		is := h.column(i, c)
		if (is == colStem || is == colKey || is == colType || is == colList) && found[is] {
			is = colOther
		}
		found[is] = true
		h.cols, h.names = append(h.cols, is), append(h.names, c)
	}
	named := found[colKey] || len(h.options) > 1 || found[colList]
	return h, found[colStem] && named && h.optionsInOrder()
}

// column names one column.
func (h *head) column(i int, name string) column {
	full := strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(name)), ""))
	full = strings.Trim(full, "*#:：")
	if utf8.RuneCountInString(full) > 60 {
		return colOther
	}
	if g := letterHead.FindStringSubmatch(full); g != nil && optionHead.MatchString(g[1]+g[2]) {
		full = g[1] + g[2] // 选项（A）
	}
	short := headNote.ReplaceAllString(full, "")
	for _, re := range []*regexp.Regexp{optionHead, optionHead2, answerHead} {
		g := re.FindStringSubmatch(short)
		if g == nil {
			continue
		}
		if n := int(g[1][0]) - 'a'; n >= 0 && n < quiz.MaxOptions && len(g[1]) == 1 {
			h.options[i] = n
		} else {
			h.options[i], h.counted = numeral(g[1])-1, true
		}
		return colOption
	}
	is := columnNames[short]
	if is == colOther && pictureHead.MatchString(short) {
		is = colPicture
	}
	if is == colType {
		for _, g := range digitMeaning.FindAllStringSubmatch(full, -1) {
			h.digits[g[1]+g[4]], _ = hintOf(g[2] + g[3])
		}
	}
	return is
}

// optionsInOrder tells whether the options' columns go A, B, C without a gap.
func (h *head) optionsInOrder() bool {
	want := 0
	for i := range h.cols {
		if n, ok := h.options[i]; ok {
			if n != want {
				return false
			}
			want++
		}
	}
	return true
}

// headRows bounds how far down a head is looked for.
const headRows = 30

// findHead finds the head of a table.
func (g *grid) findHead() (head, int, bool) {
	for i, r := range g.rows[:min(len(g.rows), headRows)] {
		h, ok := readHead(r.cells)
		if !ok {
			continue
		}
		if i+1 < len(g.rows) {
			if both, ok := h.below(r.cells, g.rows[i+1].cells); ok {
				return both, i + 1, true
			}
		}
		return h, i, true
	}
	return head{}, 0, false
}

// below reads a head of two rows: the names of the options stand under one cell that is
// merged over them.
func (h *head) below(above, cells []string) (head, bool) {
	if len(h.options) > 0 {
		return head{}, false
	}
	both := make([]string, max(len(above), len(cells)))
	copy(both, above)
	for i, c := range cells {
		if strings.TrimSpace(c) != "" {
			both[i] = c
		}
	}
	out, ok := readHead(both)
	if !ok || len(out.options) < 2 {
		return head{}, false
	}
	for i, c := range cells {
		if strings.TrimSpace(c) != "" && out.cols[i] != colOption && (i >= len(above) || c != above[i]) {
			return head{}, false
		}
	}
	return out, true
}

// read takes a table apart. A table without a head gives false.
func (g *grid) read(r *Report) bool {
	h, at, ok := g.findHead()
	if !ok {
		return g.card(r)
	}
	section := heading{}
	section.is, section.word = hintIn(g.sheet)
	for _, row := range g.rows[:at] {
		h.heading(row.cells, &section)
	}
	for _, row := range g.rows[at+1:] {
		switch {
		case row.blank(), repeated(row.cells, h):
		case h.heading(row.cells, &section):
		case h.again(row.cells):
		default:
			g.question(row, h, section, r)
		}
	}
	return true
}

// card reads a table that is one question: the names stand in the first column, and what
// they name in the second.
func (g *grid) card(r *Report) bool {
	var names, cells []string
	for _, row := range g.rows {
		if row.blank() {
			continue
		}
		if row.why != nil || len(row.cells) < 2 || strings.Join(row.cells[2:], "") != "" {
			return false
		}
		names, cells = append(names, row.cells[0]), append(cells, row.cells[1])
	}
	h, ok := readHead(names)
	if !ok || slices.Contains(h.cols, colOther) {
		return false
	}
	last := g.rows[len(g.rows)-1]
	section := heading{}
	section.is, section.word = hintIn(g.sheet)
	g.question(row{line: g.rows[0].line, lineTo: max(last.line, last.lineTo), cells: cells}, h, section, r)
	return true
}

// repeated tells the head that is printed again on every page.
func repeated(cells []string, h head) bool {
	for i, c := range cells {
		if i < len(h.names) && strings.TrimSpace(c) != strings.TrimSpace(h.names[i]) {
			return false
		}
	}
	return true
}

// again reads a second head within the table, as above the next type of questions. Where
// it names nothing, options stay what they were.
func (h *head) again(cells []string) bool {
	next, ok := readHead(cells)
	if !ok {
		return false
	}
	for len(next.cols) < len(h.cols) {
		next.cols, next.names = append(next.cols, colOther), append(next.names, "")
	}
	if len(next.options) == 0 {
		next.counted = h.counted
		for i, n := range h.options {
			if strings.TrimSpace(next.names[i]) == "" {
				next.cols[i], next.names[i], next.options[i] = colOption, h.names[i], n
			}
		}
	}
	*h = next
	return true
}

// heading reads a row with nothing but a heading in its first cell.
func (h *head) heading(cells []string, section *heading) bool {
	text, at, n := "", 0, 0
	for i, c := range cells {
		if c = strings.TrimSpace(c); c != "" {
			text, at = c, i
			n++
		}
	}
	if n != 1 || at < len(h.cols) && h.cols[at] == colKey || !isSection(text) {
		return false
	}
	section.title = text
	section.is, section.word = hintIn(text)
	return true
}
