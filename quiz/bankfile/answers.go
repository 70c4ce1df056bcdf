package bankfile

import "context"

// readAnswers reads a second file that holds nothing but keys.
func readAnswers(ctx context.Context, f File) ([]keyGroup, []string, error) {
	f, notes, err := opened(f)
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	var groups []keyGroup
	switch f.Format {
	case Text, CSV, GIFT, Aiken:
		groups, notes = answerLines(string(f.Raw), notes)
	case XLSX, DOCX, Moodle, YAML, Auto:
		return nil, nil, refuseFile(f, "answers_format", "答案文件请用文本")
	}
	n := 0
	for _, g := range groups {
		n += len(g.entries) + len(g.loose)
	}
	if n == 0 {
		return nil, nil, refuseFile(f, "answers_none", "答案文件里没有找到按题号写的答案")
	}
	return groups, notes, nil
}

// answerLines reads a text as one section of keys.
func answerLines(text string, notes []string) ([]keyGroup, []string) {
	x := lex(text)
	k := keyReader{groups: []keyGroup{{scope: everyScope}}}
	i := 0
	for j, l := range x.lines {
		for i < len(x.marks) && x.marks[i].line < j {
			i++
		}
		if i < len(x.marks) && x.marks[i].line == j {
			switch m := x.marks[i]; m.kind {
			case markSection:
				if sectionKeys(l) == "" {
					k.open(headingOf(l, m, k.group().heading))
					continue
				}
			case markKeys, markNoise:
				continue
			case markNumber, markOption, markAnswer, markExplain, markMeta, markShared, markJudged:
			}
		}
		k.line(l)
	}
	return k.groups, append(notes, k.notes...)
}
