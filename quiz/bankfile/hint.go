package bankfile

import (
	"regexp"
	"strings"
)

// hintWords are the words for types, the more telling first.
var hintWords = []struct {
	word string
	is   hint
}{
	{"不定项", hintChoice},
	{"单项选择", hintSingle},
	{"单选", hintSingle},
	{"多项选择", hintMultiple},
	{"多选", hintMultiple},
	{"判断题", hintJudge},
	{"判断正误", hintJudge},
	{"判断对错", hintJudge},
	{"是非题", hintJudge},
	{"是非判断", hintJudge},
	{"对错题", hintJudge},
	{"填空", hintBlank},
	{"简答", hintEssay},
	{"问答", hintEssay},
	{"论述", hintEssay},
	{"名词解释", hintEssay},
	{"主观题", hintEssay},
	{"案例分析", hintEssay},
	{"材料分析", hintEssay},
	{"写作", hintEssay},
	{"连线", hintOther},
	{"匹配", hintOther},
	{"配对", hintOther},
	{"排序", hintOther},
	{"完形", hintOther},
	{"选择题", hintChoice},
}

// hintIn finds the type that a heading speaks of, and the word for it.
func hintIn(s string) (hint, string) {
	for _, w := range hintWords {
		if strings.Contains(s, w.word) {
			return w.is, w.word
		}
	}
	return hintNone, ""
}

// cellHints are the words of a type column that are too short for a heading.
var cellHints = map[string]hint{
	"判断": hintJudge, "单": hintSingle, "多": hintMultiple, "选择": hintChoice, "是非": hintJudge, "对错": hintJudge,
	"single": hintSingle, "multiple": hintMultiple, "judge": hintJudge, "multi": hintMultiple, "single_choice": hintSingle, "multiple_choice": hintMultiple,
	"true_false": hintJudge, "truefalse": hintJudge, "true/false": hintJudge, "essay": hintEssay, "问答": hintEssay, "主观": hintEssay,
}

// hintOf reads a type column or a tag.
func hintOf(s string) (hint, string) {
	s = strings.TrimSpace(s)
	if is, ok := cellHints[strings.ToLower(s)]; ok {
		return is, s
	}
	if is, _ := hintIn(s); is != hintNone {
		return is, s
	}
	return hintNone, s
}

var (
	gap        = regexp.MustCompile(`_{2,}|＿+|﹍{2,}|…{2,}|-{4,}|—{3,}`)
	emptyPlace = regexp.MustCompile(`[（(][\s\x{3000}_＿]*[）)]`)
)

// hasGap tells whether a stem has a line to write on.
func hasGap(stem string) bool { return gap.MatchString(stem) }

// fillIn tells a stem that wants words in its gaps.
func fillIn(stem string, k key) bool {
	return hasGap(stem) || emptyPlace.MatchString(stem) || filledIn(stem, k)
}

var (
	filled   = regexp.MustCompile(`[（(]([^（）()]{1,20})[）)]`)
	notWords = regexp.MustCompile(`[0-9A-Za-z《》〈〉]|以下简称|简称|下称|修订|修正|第.*号|注册|地址|注[:：]`)
)

// filledIn tells a stem whose gaps stand filled in in brackets: 是（甲）、（乙）. It
// matters only for the name of the type, as neither is imported.
func filledIn(stem string, k key) bool {
	all := filled.FindAllStringSubmatchIndex(stem, -1)
	if len(all) < 2 {
		return false
	}
	var words []string
	joined := 0
	for i, m := range all {
		word := stem[m[2]:m[3]]
		if notWords.MatchString(word) {
			return false
		}
		words = append(words, word)
		if i > 0 {
			if between := stem[all[i-1][1]:m[0]]; between != "" {
				joined++
			}
		}
	}
	if joined == 0 && len(all) < 3 {
		return false
	}
	if k.form == keyNone {
		return true
	}
	for _, w := range words {
		if !strings.Contains(k.text, w) {
			return false
		}
	}
	return true
}
