package bankfile

import (
	"regexp"
	"strings"
)

var labels = []struct {
	kind markKind
	re   *regexp.Regexp
}{
	{markMeta, regexp.MustCompile(`^[【\[（(〔]?\s*(?:[我您你]的答案|考生答案|本题得分|得分|难度系数|难度等级|难易度|难易程度|难度|知识点|考点|题型|分值|分数|章节|出处|来源|依据|法律依据|标签|分类|能力等级)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markExplain, regexp.MustCompile(`^[【\[（(〔]?\s*(?:答案)?(?:试题|题目|本题|参考)?(?:解析|详解|分析|理由|解答|说明|点评|名师点评|考点分析|答案说明|解题思路|思路点拨|点拨|知识拓展)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markAnswer, regexp.MustCompile(`^[【\[（(〔]?\s*(?:本题|该题)?(?:(?:正确|参考|标准)?的?(?:答案|要点)|(?:正确|标准)的?选项|答题要点)(?:是|为|速查|汇总|一览)?\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)},
	{markAnswer, regexp.MustCompile(`^(?:\\ans|[Aa]ns(?:wer)?|ANS(?:WER)?|[Kk]ey|答|正解)\s*[:：]\s*`)},
	{markAnswer, regexp.MustCompile(`^(?:正确|参考|标准)?答案(?:是|为)?\s*(?:[A-P][A-P,，、\s]*$|[（(]\s*[A-P][A-P,，、\s]*[）)]$|[√×✓✗对错]$|正确$|错误$)`)},
	{markExplain, regexp.MustCompile(`^(?:\\(?:exp|analysis|ana)|[Ee]xplanation|[Aa]nalysis)\s*[:：]\s*`)},
}

// leadLabel reads 答案：, 解析： and their kin.
func leadLabel(s string) (mark, bool) {
	s = s[:min(len(s), 64)]
	if !mayBeLabel(s) {
		return mark{}, false
	}
	if g := askLabel.FindStringSubmatch(s); g != nil {
		m := mark{kind: markAsk, end: len(g[0])}
		if g[1] == "选项" {
			m.kind = markNoise
		}
		return m, true
	}
	for i, l := range labels {
		g := l.re.FindString(s)
		if g == "" {
			continue
		}
		if i == 4 { // the answer is part of what told the label
			g = answerWord.FindString(s)
		}
		return mark{kind: l.kind, end: len(g), word: strings.Trim(g, "【】[]()（）〔〕:： ")}, true
	}
	return mark{}, false
}

// askLabel reads 题目： without a number, and 选项：, which says nothing.
var askLabel = regexp.MustCompile(`^[【\[]?\s*(题目|题干|试题|问题|选项)\s*(?:[】\]]\s*[:：]?|[:：])\s*`)

// labelBegins are the characters with which labels begin.
const labelBegins = `题问选点名思答正参标本该解详试题分理说难知考章出来依法能我您你得本\AaKkEe【[（(〔`

// mayBeLabel looks for what every label has: it begins in one of few ways, and a
// colon, a bracket or an answer follows.
func mayBeLabel(s string) bool {
	if !strings.ContainsRune(labelBegins, firstRune(s)) {
		return false
	}
	return strings.ContainsAny(s, ":：】])）〕") || strings.Contains(s, "答案")
}

var answerWord = regexp.MustCompile(`^(?:正确|参考|标准)?答案(?:是|为)?\s*`)
