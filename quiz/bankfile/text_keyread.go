package bankfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// keyReader reads a section of keys line by line.
type keyReader struct {
	groups  []keyGroup
	notes   []string
	numbers []int // of a table whose answers are still to come
}

func (k *keyReader) group() *keyGroup { return &k.groups[len(k.groups)-1] }

// last is the entry that was read last, nil for none.
func (k *keyReader) last() *keyEntry {
	if g := k.group(); len(g.entries) > 0 {
		return &g.entries[len(g.entries)-1]
	}
	return nil
}

func (k *keyReader) open(h heading) {
	scope := k.group().scope
	k.groups = append(k.groups, keyGroup{heading: h, scope: scope})
	k.numbers = nil
}

// line reads one line of keys.
func (k *keyReader) line(l string) {
	if l == "" || tableRule.MatchString(l) {
		return
	}
	if k.table(l) {
		return
	}
	if s := sectionKeys(l); s != "" {
		if h := strings.TrimSpace(strings.TrimSuffix(l, s)); h != "" {
			before := k.group().heading
			before.title = h
			before.is, before.word = hintIn(h)
			k.open(before)
		}
		l = s
	}
	if list, ok, _ := scanEntries(l, k.group().is); ok {
		k.group().entries = append(k.group().entries, list...)
		return
	}
	if keyColumns.MatchString(l) {
		return
	}
	if lead := entryLead.FindString(l); lead != "" {
		k.entry(scanNumber.FindStringSubmatch(l)[1], l[len(lead):])
		return
	}
	k.more(l)
}

var keyColumns = regexp.MustCompile(`^(?:题号|序号|题型|答案|正确答案|参考答案|解析|答案解析|分值|\s|\||,|，)+$`)

// table reads the rows of a table of keys: the numbers, then the answers.
func (k *keyReader) table(l string) bool {
	if k.numbers == nil {
		n, ok := numberRow(l)
		k.numbers = n
		return ok
	}
	numbers := k.numbers
	k.numbers = nil
	list, ok := answerRow(l)
	if !ok {
		return k.table(l)
	}
	for len(list) > len(numbers) && list[len(list)-1] == "" {
		list = list[:len(list)-1]
	}
	for i, n := range numbers {
		e := keyEntry{n: n}
		if len(list) == len(numbers) {
			e.value = list[i]
		} else {
			e.why = &doubt{"key_count", fmt.Sprintf("答案表里有 %d 个题号、%d 个答案，无法一一对应", len(numbers), len(list))}
		}
		k.group().entries = append(k.group().entries, e)
	}
	return true
}

// entry reads the answer to one question with what is said about it.
func (k *keyReader) entry(number, rest string) {
	e := keyEntry{n: numeral(number)}
	if m, ok := leadLabel(rest); ok && m.kind == markAnswer {
		rest = rest[m.end:]
	}
	value, explain := rest, ""
	if at := explainWithin.FindStringIndex(rest); at != nil {
		value, explain = rest[:at[0]], rest[at[1]:]
	}
	value = strings.TrimSpace(value)
	switch got := parseKey(strings.SplitN(value, "\t", 2)[0]); {
	case got.form == keyNone:
	case got.form == keyLetters && got.after == "", got.form == keyJudge, got.form == keyAll:
		e.value = got.text
		value = strings.TrimSpace(strings.TrimPrefix(value, got.text))
		explain = strings.TrimSpace(value + " " + explain)
	case got.form == keyLetters:
		e.value = value
	default:
		explain = strings.TrimSpace(value + " " + explain)
	}
	if explain != "" {
		e.explain = []string{explain}
	}
	k.group().entries = append(k.group().entries, e)
}

var explainWithin = regexp.MustCompile(`[【\[（(〔]?\s*(?:答案|试题)?(?:解析|详解|分析|理由|说明|解答)\s*(?:[】\]）)〕]\s*[:：]?|[:：])\s*`)

// more reads a line without a number: it goes on with the entry before, or holds
// answers in their order.
func (k *keyReader) more(l string) {
	last := k.last()
	m, labelled := leadLabel(l)
	switch {
	case last != nil && labelled && m.kind == markAnswer && last.value == "":
		last.value = strings.TrimSpace(l[m.end:])
	case last != nil && labelled && m.kind != markMeta:
		last.explain = append(last.explain, l[m.end:])
	case last != nil:
		last.explain = append(last.explain, l)
	default:
		if list := looseList(l); list != nil {
			k.group().loose = append(k.group().loose, list...)
			return
		}
		k.notes = append(k.notes, "答案区里看不懂的一行：“"+shortened(l, 40)+"”")
	}
}

// looseList takes a line of answers without numbers apart: A AB C, or ABC as three.
func looseList(l string) []string {
	all := looseAnswers(l)
	list, ok := answerRow(l)
	switch {
	case len(all) == 0, !ok && looseLetter.MatchString(l):
		return nil
	case len(list) == 1 || !ok: // ABC, √×√
		return all
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}
