package bankfile

import (
	"cmp"
	"path/filepath"
	"strconv"
	"strings"

	"qingyuan/internal/sheet"
)

// question makes a draft of one row.
func (g *grid) question(r row, h head, section heading, out *Report) {
	d := draft{why: r.why, hint: section.is, hinted: section.word}
	q := &d.question
	q.File, q.Sheet, q.Line, q.LineTo = filepath.Base(g.file), g.sheet, r.line, max(r.line, r.lineTo)
	options := map[int]string{}
	disabled, picture := "", ""
	for i, c := range r.cells {
		c = sheet.Plain(strings.TrimSpace(c))
		if c == "" {
			continue
		}
		if len(c) > MaxText { // refused in the end, and not searched for anything before
			d.why = cmp.Or(d.why, tooLong())
			c = shortened(c, titleLength)
		}
		if i >= len(h.cols) {
			d.refuse("row_ragged", "这一行比表头多出内容“"+shortened(c, 20)+"”，列可能错位（例如文字里有没加引号的分隔符）")
			continue
		}
		switch h.cols[i] {
		case colNumber:
			q.Number = strings.TrimSuffix(c, ".0")
		case colType:
			d.typed(c, h)
		case colStem:
			q.Stem = c
		case colOption:
			options[h.options[i]] = c
		case colList:
			q.Options = splitOptions(c)
		case colKey:
			d.keys = append(d.keys, c)
		case colExplain:
			q.Explanation = c
		case colTopic:
			q.Topic = c
		case colLevel:
			q.Difficulty = levels[c]
		case colBasis:
			q.Basis = c
		case colEnabled:
			disabled = d.enabled(c)
		case colPicture:
			picture = d.pictures(c)
		case colLabel:
			d.labelled(strings.TrimSpace(h.names[i]), c)
		case colScore, colOther:
		}
	}
	d.cellOptions(options, h)
	if len(q.Options) == 0 {
		if stem, list := stemAndOptions(q.Stem); len(list) > 1 {
			q.Stem, q.Options = stem, list
		}
	}
	if picture != "" {
		q.note("表中另有配图“" + shortened(picture, 20) + "”，没有导入，请核对题目是否离得开图")
	}
	if disabled != "" {
		out.Skipped = append(out.Skipped, d.skip(disabled))
		return
	}
	if q.Stem == "" {
		d.refuse("stem_missing", "这一行没有题干")
	}
	d.tags()
	d.stemKeys()
	d.into(out)
}

// skip leaves out a row that its table has switched off.
func (d *draft) skip(word string) Refusal {
	probe := *d
	probe.question.Options = append([]string(nil), d.question.Options...)
	kind, _ := probe.decide()
	out := d.question.refusal(&doubt{"disabled", "表中标为不启用（" + shortened(word, 10) + "）"})
	out.Type = kind
	return out
}

// typed reads the type column. A digit has a meaning only where the head gives it.
func (d *draft) typed(c string, h head) {
	c = strings.TrimSuffix(c, ".0")
	if is, ok := h.digits[c]; ok {
		d.hint, d.hinted = is, c
		return
	}
	if _, err := strconv.Atoi(c); err == nil {
		d.question.note("题型列写的是数字 " + c + "，表头没有说明含义，按答案个数确定题型")
		return
	}
	d.hint, d.hinted = hintOf(c)
	if d.hint == hintNone {
		d.hint, d.hinted = hintOther, c
		d.refuse("type_unsupported", "不认识的题型“"+shortened(c, 20)+"”")
	}
}

// enabled reads 是否启用, and returns the word where it says no.
func (d *draft) enabled(c string) string {
	switch strings.ToLower(c) {
	case "true", "是", "1", "1.0", "y", "yes", "启用", "已启用", "√", "有效", "正常", "on", "发布", "已发布":
	case "ture":
		d.question.note("“TURE” 按 TRUE 处理")
	case "false", "否", "0", "0.0", "n", "no", "禁用", "停用", "未启用", "不启用", "×", "无效", "off", "flase", "未发布", "草稿", "已禁用", "已停用":
		return c
	default:
		d.question.note("“是否启用”一列写着“" + shortened(c, 10) + "”，按启用处理")
	}
	return ""
}
