package bankfile

import (
	"fmt"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// moodleQuestion is one question of Moodle XML being read.
type moodleQuestion struct {
	node  *xmlNode
	topic string
	place spot
	notes []string
}

// moodleTypes are Moodle's names of the types.
var moodleTypes = map[string]string{
	"multichoice": string(quiz.Single), "truefalse": string(quiz.Judge),
	"shortanswer": TypeShortAnswer, "numerical": TypeNumeric,
	"matching": TypeMatching, "match": TypeMatching, "randomsamatch": TypeMatching, "ordering": TypeOrdering,
	"cloze": TypeCloze, "multianswer": TypeCloze, "gapselect": TypeCloze,
	"essay": TypeEssay, "description": TypeDescription,
	"calculated": TypeCalculated, "calculatedsimple": TypeCalculated, "calculatedmulti": TypeCalculated,
	"ddwtos": TypeDrag, "ddimageortext": TypeDrag, "ddmarker": TypeDrag,
}

// read takes the question apart. The place gets its title and type on the way.
func (q *moodleQuestion) read() (Question, *doubt) {
	out := Question{Topic: q.topic, Number: strings.TrimSpace(q.node.at("name", "text").said())}
	if id := strings.TrimSpace(q.node.at("idnumber").said()); id != "" {
		out.Number = id
	}
	if why := q.typed(); why != nil {
		return Question{}, why
	}
	stem, why := q.words(q.node.at("questiontext"))
	if why != nil {
		return Question{}, why
	}
	out.Stem = stem
	if q.place.title == "" {
		q.place.title = stem
	}
	if q.place.kind == string(quiz.Judge) {
		why = q.judge(&out)
	} else {
		why = q.choice(&out)
	}
	if why != nil {
		return Question{}, why
	}
	q.rest(&out)
	out.Notes = q.notes
	return out, nil
}

// typed finds the type and the name, and refuses types that are not imported.
func (q *moodleQuestion) typed() *doubt {
	name := strings.TrimSpace(q.node.attr("type"))
	kind, known := moodleTypes[strings.ToLower(name)]
	q.place.kind = kind
	if q.place.title = strings.TrimSpace(q.node.at("name", "text").said()); q.place.title == "" {
		q.place.title = strings.TrimSpace(q.node.at("questiontext", "text").said())
	}
	switch {
	case !known:
		q.place.kind = TypeUnknown
		return &doubt{"type_unsupported", "不认识的题型 " + shortened(name, titleLength)}
	case typeReasons[kind] != "":
		return &doubt{"type_unsupported", typeReasons[kind]}
	case kind == string(quiz.Single) && !q.single():
		q.place.kind = string(quiz.Multiple)
	}
	return nil
}

// single tells whether Moodle takes one answer only, as it does where nothing is said.
func (q *moodleQuestion) single() bool {
	switch strings.ToLower(strings.TrimSpace(q.node.at("single").said())) {
	case "false", "0":
		return false
	}
	return true
}

func (q *moodleQuestion) note(notes ...string) { q.notes = addNotes(q.notes, notes...) }

// words returns what an element with a text says.
func (q *moodleQuestion) words(n *xmlNode) (string, *doubt) {
	if files := n.all("file"); len(files) > 0 || len(n.at("text").all("file")) > 0 {
		return "", &doubt{"markup", "含图片或附件，暂不能导入"}
	}
	if t := n.at("text"); t != nil && len(t.children) > 0 {
		return "", &doubt{"markup", "文字里有没转义的标签 " + shortened(t.children[0].name, titleLength)}
	}
	text, notes, why := plainText(n.at("text").said(), moodleMarkup(n.attr("format")))
	q.note(notes...)
	return text, why
}

func moodleMarkup(format string) markup {
	switch format {
	case "html":
		return markupHTML
	case "markdown":
		return markupMarkdown
	case "plain_text":
		return markupPlain
	}
	return markupAuto
}

// judge reads a statement: the answer true or false that has all the points.
func (q *moodleQuestion) judge(out *Question) *doubt {
	out.Kind, out.Options = quiz.Judge, judgeTexts()
	shares := make([]weighted, 2)
	seen := map[bool]bool{}
	for _, a := range q.node.all("answer") {
		share, why := moodleShare(a)
		if why != nil {
			return why
		}
		says, judges := judgeWords[strings.ToLower(alike(a.at("text").said()))]
		if !judges || seen[says] {
			return &doubt{"judge_answers", "判断题的答案应为 true 和 false（或正确、错误）各一个"}
		}
		seen[says] = true
		i := 0
		if !says {
			i = 1
		}
		shares[i].share = share
	}
	if len(seen) != 2 {
		return &doubt{"judge_answers", "判断题的答案应为 true 和 false（或正确、错误）各一个"}
	}
	_, key, notes, why := keyOf(shares)
	out.Key = key
	q.note(notes...)
	q.feedbacks(out, q.node.all("answer"))
	return why
}

func (q *moodleQuestion) choice(out *Question) *doubt {
	answers := q.node.all("answer")
	if len(answers) > quiz.MaxOptions {
		return &doubt{"options_many", fmt.Sprintf("选项有 %d 个，最多 %d 个", len(answers), quiz.MaxOptions)}
	}
	var shares []weighted
	for _, a := range answers {
		share, why := moodleShare(a)
		if why != nil {
			return why
		}
		text, why := q.words(a)
		if why != nil {
			return why
		}
		out.Options = append(out.Options, text)
		shares = append(shares, weighted{text, share})
	}
	kind, key, notes, why := keyOf(shares)
	if why != nil {
		return why
	}
	if kind == quiz.Multiple && q.single() {
		return &doubt{"kind_mismatch", "单选题却有几个给分的选项"}
	}
	out.Kind, out.Key = kind, key
	q.note(notes...)
	if kind == quiz.Single && !q.single() {
		q.note(noteOneKey)
	}
	q.feedbacks(out, answers)
	return nil
}

// moodleShare returns the share of the points of an answer.
func moodleShare(answer *xmlNode) (float64, *doubt) {
	share, err := strconv.ParseFloat(strings.TrimSpace(answer.attr("fraction")), 64)
	if err != nil || !(share >= -100 && share <= 100) {
		return 0, &doubt{"weights", "选项没有写明得分比例（fraction），或比例不在 -100 到 100 之间"}
	}
	return share, nil
}

// feedbacks takes up what is said about the answers: that on the only right one may
// become the explanation, the rest is noted.
func (q *moodleQuestion) feedbacks(out *Question, answers []*xmlNode) {
	general, whole := q.feedback(q.node.at("generalfeedback"))
	if whole {
		out.Explanation = general
	} else {
		q.note("解析含图片等，未导入：" + general)
	}
	for i, a := range answers {
		text, whole := q.feedback(a.at("feedback"))
		right := out.Kind != quiz.Multiple && moodleRight(a)
		switch {
		case text == "":
		case right && whole && general == "":
			out.Explanation = text
			q.note("正确答案的反馈作为解析")
		default:
			q.note(fmt.Sprintf("第 %d 个答案的反馈未导入：%s", i+1, text))
		}
	}
}

func moodleRight(answer *xmlNode) bool {
	share, why := moodleShare(answer)
	return why == nil && share > 0
}

// feedback returns what a feedback says; not whole means that it holds more than
// words.
func (q *moodleQuestion) feedback(n *xmlNode) (text string, whole bool) {
	sub := moodleQuestion{}
	text, why := sub.words(n)
	if why != nil {
		return shortened(n.at("text").said(), 2*titleLength), false
	}
	return text, true
}

// rest takes up everything else that a question says.
func (q *moodleQuestion) rest(out *Question) {
	for _, t := range q.node.at("tags").all("tag") {
		text := strings.TrimSpace(t.at("text").said())
		if !applyLabel(out, text) {
			q.note("标签：" + shortened(text, titleLength))
		}
	}
	switch strings.ToLower(strings.TrimSpace(q.node.at("shuffleanswers").said())) {
	case "false", "0":
		if out.Pinned == 0 && out.Kind != quiz.Judge {
			out.Pinned = quiz.Choice(1<<len(out.Options) - 1)
			q.note("选项不打乱顺序")
		}
	}
	if s := strings.TrimSpace(q.node.at("answernumbering").said()); s == "123" || strings.EqualFold(s, "iii") {
		q.note("选项编号样式 " + s + " 不采用")
	}
	for _, name := range []string{"correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"} {
		if text, _ := q.feedback(q.node.at(name)); text != "" {
			q.note("整题反馈未导入：" + text)
		}
	}
	for _, h := range q.node.all("hint") {
		if text, _ := q.feedback(h); text != "" {
			q.note("提示未导入：" + text)
		}
	}
	if strings.TrimSpace(q.node.at("hidden").said()) == "1" {
		q.note("在原系统中已隐藏")
	}
}
