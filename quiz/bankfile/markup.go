package bankfile

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// markup is how a text of GIFT or Moodle XML is marked up.
type markup string

const (
	markupAuto     markup = "moodle" // plain, but tags that are known count
	markupHTML     markup = "html"
	markupMarkdown markup = "markdown"
	markupPlain    markup = "plain"
)

// doubt is why something found is not imported.
type doubt struct{ code, reason string }

// Notes of what was left out of a text without changing what it says.
const (
	noteHTML     = "去掉了网页格式，只留文字"
	noteMarkdown = "去掉了 Markdown 标记，只留文字"
	noteLink     = "去掉了链接，只留文字"
	noteList     = "有序列表的编号改写成了文字"
	noteFormula  = "含公式源码，请核对显示效果"
)

// plainText returns what a marked-up text says, and notes of what was left out. A
// text that says more than its words, with a picture or a table, is refused.
func plainText(s string, m markup) (string, []string, *doubt) {
	switch m {
	case markupHTML:
		return fromHTML(s)
	case markupMarkdown:
		return fromMarkdown(s)
	case markupAuto:
		return fromAuto(s)
	case markupPlain:
	}
	return strings.TrimSpace(s), nil, nil
}

// inlineTags and blockTags are the elements whose text stands for them. What is neither
// here nor in scripts is refused.
var (
	inlineTags = wordSet("a abbr acronym b bdi bdo big cite code em font i kbd label mark nobr o:p samp small span strong tt u var wbr")
	blockTags  = wordSet("address article blockquote body br center dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr html li main ol p section ul")
	// scripts are raised or lowered text, for which there are characters.
	scripts = map[string]map[rune]rune{
		"sup": runePairs("0⁰1¹2²3³4⁴5⁵6⁶7⁷8⁸9⁹+⁺-⁻−⁻=⁼(⁽)⁾nⁿiⁱ"),
		"sub": runePairs("0₀1₁2₂3₃4₄5₅6₆7₇8₈9₉+₊-₋−₋=₌(₍)₎"),
	}
)

func wordSet(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

func runePairs(s string) map[rune]rune {
	out, list := map[rune]rune{}, []rune(s)
	for i := 0; i+1 < len(list); i += 2 {
		out[list[i]] = list[i+1]
	}
	return out
}

// knownTag finds tags in a text that is not known to be HTML. Whatever else stands
// between angle brackets there is text.
var knownTag = regexp.MustCompile(`(?i)</?(?:` + strings.Join([]string{
	"a", "abbr", "address", "article", "audio", "b", "big", "blockquote", "br", "center", "cite", "code", "dd", "del", "div", "dl", "dt",
	"em", "embed", "font", "form", "h[1-6]", "hr", "i", "iframe", "img", "input", "ins", "kbd", "label", "li", "math", "object", "ol",
	"p", "pre", "s", "samp", "script", "section", "small", "source", "span", "strike", "strong", "style", "sub", "sup", "svg", "table",
	"tbody", "td", "th", "thead", "tr", "tt", "u", "ul", "video",
}, "|") + `)(?:\s[^<>]*)?/?>`)

// fromAuto reads what Moodle formats by itself: lines stay, known tags count.
func fromAuto(s string) (string, []string, *doubt) {
	s = strings.TrimSpace(s)
	tags := knownTag.FindAllStringIndex(s, -1)
	if tags == nil {
		return s, formulaNote(s), nil
	}
	var b strings.Builder
	at := 0
	for _, t := range append(tags, []int{len(s), len(s)}) {
		b.WriteString(strings.NewReplacer("<", "&lt;", "\n", "<br>").Replace(s[at:t[0]]))
		b.WriteString(s[t[0]:t[1]])
		at = t[1]
	}
	return fromHTML(b.String())
}

// htmlText builds the text of a piece of HTML.
type htmlText struct {
	b       strings.Builder
	space   bool // white space is pending
	lists   []int
	script  string // sup or sub while inside one
	notes   []string
	refused *doubt
}

func fromHTML(s string) (string, []string, *doubt) {
	if !strings.ContainsAny(s, "<&") {
		return strings.Join(strings.Fields(s), " "), formulaNote(s), nil
	}
	t := htmlText{notes: []string{noteHTML}}
	z := html.NewTokenizer(strings.NewReader(s))
	for t.refused == nil {
		kind := z.Next()
		if kind == html.ErrorToken {
			if len(z.Raw()) > 0 { // cut off within a tag
				t.refuse("网页格式不完整，有没写完的标签")
			}
			break
		}
		t.token(z.Token())
	}
	if t.refused != nil {
		return "", nil, t.refused
	}
	out := strings.TrimSpace(t.b.String())
	return out, append(t.notes, formulaNote(out)...), nil
}

func (t *htmlText) refuse(reason string) { t.refused = &doubt{"markup", reason} }

func (t *htmlText) token(k html.Token) {
	switch k.Type {
	case html.TextToken:
		t.text(k.Data)
	case html.StartTagToken, html.SelfClosingTagToken:
		t.start(k)
	case html.EndTagToken:
		t.end(k.Data)
	case html.DoctypeToken:
		t.refuse("题目文字里有整页网页")
	case html.CommentToken, html.ErrorToken:
	}
}

func (t *htmlText) start(k html.Token) {
	_, raised := scripts[k.Data]
	switch {
	case refersToFile(k):
		t.refuse("含图片或附件（标签 " + k.Data + "），暂不能导入")
	case raised:
		t.script = k.Data
	case blockTags[k.Data]:
		t.line()
		t.list(k.Data)
	case !inlineTags[k.Data]:
		t.refuse("含不能化成文字的网页标签 " + shortened(k.Data, 20))
	case k.Data == "a":
		t.note(noteLink)
	}
}

// refersToFile finds what only a file shows, or what is not shown at all.
func refersToFile(k html.Token) bool {
	if k.Data == "img" {
		return true
	}
	for _, a := range k.Attr {
		v := strings.ToLower(strings.ReplaceAll(a.Val, " ", ""))
		if strings.Contains(v, "@@pluginfile@@") || a.Key == "hidden" || a.Key == "style" && strings.Contains(v, "display:none") {
			return true
		}
	}
	return false
}

func (t *htmlText) end(name string) {
	switch {
	case name == t.script:
		t.script = ""
	case name == "br", !blockTags[name]:
	default:
		t.line()
		if n := len(t.lists); n > 0 && (name == "ol" || name == "ul") {
			t.lists = t.lists[:n-1]
		}
	}
}

// list keeps the numbers that a browser would show.
func (t *htmlText) list(name string) {
	n := len(t.lists)
	switch {
	case name == "ol":
		t.lists = append(t.lists, 1)
	case name == "ul":
		t.lists = append(t.lists, 0)
	case name == "li" && n > 0 && t.lists[n-1] > 0:
		t.b.WriteString(strconv.Itoa(t.lists[n-1]) + ". ")
		t.lists[n-1]++
		t.note(noteList)
	}
}

func (t *htmlText) note(s string) {
	t.notes = addNotes(t.notes, s)
}

// line ends the line unless it is empty.
func (t *htmlText) line() {
	t.space = false
	if s := t.b.String(); s != "" && !strings.HasSuffix(s, "\n") {
		t.b.WriteByte('\n')
	}
}

func (t *htmlText) text(s string) {
	table := scripts[t.script]
	for _, r := range s {
		switch {
		case strings.ContainsRune(" \t\n\r\f", r):
			t.space = true
			continue
		case r == '\u00a0':
			r = ' '
		}
		if t.space && t.b.Len() > 0 && !strings.HasSuffix(t.b.String(), "\n") {
			t.b.WriteByte(' ')
		}
		t.space = false
		if table != nil && r != ' ' {
			mapped, ok := table[r]
			if !ok {
				t.refuse("含上标或下标，化成文字会改变意思")
				return
			}
			r = mapped
		}
		t.b.WriteRune(r)
	}
}

var (
	mdImage = regexp.MustCompile(`!\[[^\]]*\]\([^)]*\)`)
	mdTable = regexp.MustCompile(`(?m)^\s*\|?\s*:?-{3,}:?\s*\|`)
	mdMarks = []struct {
		form *regexp.Regexp
		with string
	}{
		{regexp.MustCompile(`\[([^\]]*)\]\([^)\s]*(?:\s+"[^"]*")?\)`), "$1"},
		{regexp.MustCompile(`(?m)^#{1,6}\s+(.*?)\s*#*$`), "$1"},
		{regexp.MustCompile(`\*\*([^*\s](?:[^*]*[^*\s])?)\*\*`), "$1"},
		{regexp.MustCompile(`\*([^*\s](?:[^*]*[^*\s])?)\*`), "$1"},
		{regexp.MustCompile("`([^`\n]+)`"), "$1"},
	}
)

// fromMarkdown takes the marks of Markdown away. Underscores stay: in a question
// they are blanks to fill in.
func fromMarkdown(s string) (string, []string, *doubt) {
	if mdImage.MatchString(s) {
		return "", nil, &doubt{"markup", "含图片，暂不能导入"}
	}
	if mdTable.MatchString(s) {
		return "", nil, &doubt{"markup", "含表格，化成文字会改变意思"}
	}
	bare := s
	for _, m := range mdMarks {
		bare = m.form.ReplaceAllString(bare, m.with)
	}
	out, notes, why := fromAuto(bare)
	if bare != s {
		notes = append([]string{noteMarkdown}, notes...)
	}
	return out, notes, why
}

var formula = regexp.MustCompile(`\\\(|\\\[|\$\$`)

func formulaNote(s string) []string {
	if formula.MatchString(s) {
		return []string{noteFormula}
	}
	return nil
}

// shortened returns the beginning of a text on one line, of at most n characters.
func shortened(s string, n int) string {
	s = strings.Join(strings.Fields(s[:min(len(s), 16*n)]), " ")
	list := []rune(strings.ToValidUTF8(s, ""))
	if len(list) <= n {
		return string(list)
	}
	return string(list[:n]) + "…"
}
