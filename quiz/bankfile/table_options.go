package bankfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// cellOptions puts the options of a row together. A gap between them is not closed:
// letters would be shifted.
func (d *draft) cellOptions(options map[int]string, h head) {
	last := -1
	for i := range options {
		last = max(last, i)
	}
	if last < 0 {
		return
	}
	list := make([]string, last+1)
	empty := -1
	for i := range list {
		list[i] = options[i]
		if list[i] == "" && empty < 0 {
			empty = i
		}
	}
	d.question.Options = withoutLetters(list)
	if h.counted {
		d.countedKeys()
	}
	d.emptyNamed(h)
	if empty >= 0 {
		d.refuse("option_empty", fmt.Sprintf("选项 %c 是空的，后面的选项却有内容，各列可能错位", 'A'+empty))
	}
}

// emptyNamed refuses a key that names an option whose cell is empty.
func (d *draft) emptyNamed(h head) {
	k, why := d.oneKey()
	if why != nil || k.form != keyLetters || len(d.question.Options) < 2 {
		return
	}
	for i := range quiz.MaxOptions {
		if k.set.Has(i) && (i < len(d.question.Options) && d.question.Options[i] == "" || i >= len(d.question.Options) && i < len(h.options)) {
			d.refuse("key_empty", fmt.Sprintf("答案 %s 指向空的选项 %c", shortened(k.text, 20), 'A'+i))
		}
	}
}

// countedKeys turns 1, 2,3 and 134 into letters where the columns are called 选项1, 选项2.
func (d *draft) countedKeys() {
	for i, s := range d.keys {
		var out []byte
		for _, f := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",，、;；| ", r) }) {
			n, err := strconv.Atoi(f)
			if err == nil && n > len(d.question.Options) && len(d.question.Options) < 10 && ascendingDigits(f) { // 134
				for j := range len(f) {
					out = append(out, 'A'+f[j]-'1')
				}
				continue
			}
			if err != nil || n < 1 || n > quiz.MaxOptions {
				return
			}
			out = append(out, byte('A'+n-1))
		}
		if len(out) > 0 {
			d.keys[i] = string(out)
			d.question.note("答案 " + shortened(s, 20) + " 按选项列的编号对应为 " + string(out))
		}
	}
}

// ascendingDigits tells 134 from a number: each digit names an option of its own.
func ascendingDigits(s string) bool {
	before := byte('0')
	for i := range len(s) {
		if s[i] <= before || s[i] > '9' {
			return false
		}
		before = s[i]
	}
	return true
}

var optionPrefix = regexp.MustCompile(`^\s*[(（\[【]?\s*([A-Pa-p])\s*(?:[)）\]】]\s*[.、:：]?|[.、:：．])\s*`)

// withoutLetters takes A. and its like from before the options, where each has its
// own letter there.
func withoutLetters(list []string) []string {
	out := make([]string, len(list))
	for i, o := range list {
		if o == "" {
			continue
		}
		g := optionPrefix.FindStringSubmatch(o)
		if g == nil || int(g[1][0]|0x20)-'a' != i {
			return list
		}
		out[i] = strings.TrimSpace(o[len(g[0]):])
	}
	return out
}

// splitOptions takes a cell apart that holds all options.
func splitOptions(s string) []string {
	if list := lettered(s); len(list) > 1 {
		return list
	}
	if list := jsonOptions(s); len(list) > 1 {
		return withoutLetters(list)
	}
	for _, sep := range []string{"\n", "|", "；", ";", "$", "#", "，", ","} {
		if parts := strings.Split(strings.Trim(s, sep+" "), sep); len(parts) > 1 {
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			return withoutLetters(parts)
		}
	}
	return []string{s}
}

// lettered takes A.甲 B.乙 apart, by the rules of plain text.
func lettered(s string) []string {
	_, options := stemAndOptions("选项\n" + s)
	return options
}

// stemAndOptions takes a cell apart that holds a stem and lettered options; no
// options where it holds none.
func stemAndOptions(s string) (string, []string) {
	if len(s) < len("A.1B.2") {
		return "", nil
	}
	p := textParser{lexer: lex("1. " + s), headings: []heading{{}}, fresh: true}
	for i := 0; i < len(p.marks); {
		if p.marks[i].kind != markOption && p.marks[i].kind != markNumber || p.marks[i].kind == markNumber && p.marks[i].line > 0 {
			i++
			continue
		}
		i = p.step(i)
	}
	p.gather(len(p.lines), 0)
	p.assign(nil)
	if len(p.blocks) != 1 || p.blocks[0].why != nil {
		return "", nil
	}
	var out []string
	for _, o := range p.blocks[0].options {
		out = append(out, strings.Trim(flowing(o), " ;；|，,"))
	}
	return joinLines(p.blocks[0].stem), out
}
