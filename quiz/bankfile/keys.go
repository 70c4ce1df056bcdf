package bankfile

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"

	"qingyuan/quiz"
)

// keyForm is how an answer is written.
type keyForm int

const (
	keyNone    keyForm = iota
	keyLetters         // A, ACD, A-D
	keyJudge           // 对, ×
	keyAll             // 全选
	keyText            // anything else
)

// key is an answer as it is written, before it is held against the options.
type key struct {
	form keyForm
	set  quiz.Choice // of keyLetters
	last int         // the highest option of keyLetters, from 0
	// right is what a judge key says. The letters T and F are judge keys where there
	// are no options: judge tells.
	right, judge bool
	// after is what follows letters: the option's own text, or a reason.
	after string
	text  string // as written
}

var judgeWords = map[string]bool{
	"√": true, "✓": true, "✔": true, "☑": true, "对": true, "正确": true, "是": true, "对的": true, "t": true, "true": true,
	"y": true, "yes": true, "right": true, "对√": true, "正确√": true, "说法正确": true,
	"×": false, "✗": false, "✘": false, "✕": false, "╳": false, "❌": false, "☒": false, "x": false, "错": false, "错误": false, "否": false, "不对": false, "不正确": false,
	"错的": false, "f": false, "false": false, "n": false, "no": false, "wrong": false, "错×": false, "错误×": false, "说法错误": false,
}

var (
	keyRange  = regexp.MustCompile(`^([A-P])\s*[-—–~～至到]+\s*([A-P])$`)
	keyList   = regexp.MustCompile(`^[A-Z](?:[\s,，、;；|/&+.·和与及]*[A-Z])*$`)
	keyLead   = regexp.MustCompile(`^([A-P](?:[,，、;；]?[A-P])*)(?:[\s.、:：。，,；;]+|([（(【\[]))(.+)$`)
	keyEach   = regexp.MustCompile(`^(?:[(\[【]\s*[A-Pa-p]\s*[)\]】]\s*[,，、;；]?\s*){2,}$`)
	keyCircle = regexp.MustCompile(`^[①-⑯](?:[\s,，、;；]*[①-⑯])*$`)
)

// parseKey reads an answer.
func parseKey(s string) key {
	k := key{text: strings.TrimSpace(s)}
	if each := norm.NFKC.String(k.text); keyEach.MatchString(each) { // (A)(B)
		s = strings.Join(strings.FieldsFunc(each, func(r rune) bool { return strings.ContainsRune("()[]【】,，、;； ", r) }), ",")
	}
	s = bareKey(s)
	if s == "" {
		return k
	}
	if right, ok := judgeWords[strings.ToLower(s)]; ok {
		k.form, k.right, k.judge = keyJudge, right, true
		if len(s) == 1 && s[0] >= 'A' && s[0] <= 'P' || s == "f" {
			k.letters(strings.ToUpper(s))
		}
		return k
	}
	switch s {
	case "全选", "以上全选", "全部", "以上全部", "全都选", "全部选", "都选":
		k.form = keyAll
		return k
	}
	k.form = keyText
	if m := keyRange.FindStringSubmatch(s); m != nil && m[1] < m[2] {
		var run []byte
		for c := m[1][0]; c <= m[2][0]; c++ {
			run = append(run, c)
		}
		k.letters(string(run))
		return k
	}
	up := s
	if ascending(s) {
		up = strings.ToUpper(s)
	}
	if keyList.MatchString(up) {
		k.letters(up)
		return k
	}
	if m := keyLead.FindStringSubmatch(s); m != nil && k.letters(m[1]) {
		k.after = strings.TrimSpace(m[2] + m[3])
	}
	return k
}

// letters takes each letter once, and tells whether that went.
func (k *key) letters(s string) bool {
	var set quiz.Choice
	last := 0
	for i := range len(s) {
		c := int(s[i]) - 'A'
		if c < 0 || c >= 26 {
			continue // what separates
		}
		if c >= quiz.MaxOptions || set.Has(c) {
			return false
		}
		set, last = set.With(c), max(last, c)
	}
	k.form, k.set, k.last = keyLetters, set, last
	return true
}

// ascending tells "a", "acd" and "a, c" from words in small letters.
func ascending(s string) bool {
	before := byte(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case strings.IndexByte(" ,;/|", c) >= 0:
			continue
		case c < 'a' || c > 'p' || c <= before:
			return false
		}
		before = c
	}
	return before != 0
}

// bareKey takes brackets, full stops and marks of Markdown from around an answer.
func bareKey(s string) string {
	s = strings.TrimSpace(norm.NFKC.String(strings.ReplaceAll(s, "**", "")))
	for {
		before := s
		s = strings.TrimSpace(strings.TrimRight(s, "。.;；,，!！"))
		for _, pair := range []string{"()", "[]", "【】", "〔〕", "{}", "\"\"", "“”", "「」"} {
			list := []rune(pair)
			if rest, ok := strings.CutPrefix(s, string(list[0])); ok {
				if inner, ok := strings.CutSuffix(rest, string(list[1])); ok {
					s = strings.TrimSpace(inner)
				}
			}
		}
		if !strings.ContainsAny(s, "([【") { // the end of （答案：A）
			s = strings.TrimRight(s, ")]】 ")
		}
		s = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(s, "选项"), "选"))
		s = strings.TrimSuffix(s, "项")
		if s == before {
			return s
		}
	}
}
