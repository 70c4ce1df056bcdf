package bankfile

import (
	"regexp"
	"slices"
	"strings"

	"qingyuan/quiz"
)

// giftQuestion is one question of a GIFT file being read.
type giftQuestion struct {
	place    spot
	topic    string
	comments []string
	text     giftText
	notes    []string

	markup markup
	answer giftText
	// general is the feedback for every answer.
	general giftText
}

var giftID = regexp.MustCompile(`\[(id|tag):([^\]]*)\]`)

// giftGap stands for the answer in the middle of a sentence, as in Moodle.
const giftGap = "_____"

// read takes the question apart. The place gets its title and type on the way.
func (q *giftQuestion) read() (Question, *doubt) {
	out := Question{Topic: q.topic}
	q.place.kind, q.place.title = TypeUnknown, q.text.raw
	body, why := q.title(&out)
	if why != nil {
		return Question{}, why
	}
	stem, kind := q.divide(body)
	q.place.kind = kind
	if q.place.title = out.Number; out.Number == "" {
		q.place.title = unescapeGIFT(stem)
	}
	if why := refusedGIFT(kind); why != nil {
		return Question{}, why
	}
	var err *doubt
	if out.Stem, err = q.plain(stem); err != nil {
		return Question{}, err
	}
	q.readComments(&out)
	if kind == string(quiz.Judge) {
		q.judge(&out)
	} else if why := q.choice(&out); why != nil {
		return Question{}, why
	}
	q.explain(&out)
	out.Notes = q.notes
	return out, nil
}

// title takes the name off that may stand in front.
func (q *giftQuestion) title(out *Question) (giftText, *doubt) {
	t := q.text.trim()
	if !strings.HasPrefix(t.mask, "::") {
		return t, nil
	}
	name, body, ok := t.cut(2, len(t.raw)).before("::")
	if !ok {
		return t, &doubt{"gift_title", "题名以 :: 开头却没有结束"}
	}
	out.Number = strings.TrimSpace(unescapeGIFT(name.raw))
	return body.trim(), nil
}

// divide finds the answers, and the stem around them, still escaped.
func (q *giftQuestion) divide(body giftText) (stem, kind string) {
	q.markup, body = giftMarkup(body, markupAuto)
	head, rest, ok := body.before("{")
	if !ok {
		return body.raw, TypeDescription
	}
	answer, tail, _ := rest.before("}")
	q.answer = answer.trim()
	q.general = q.answer.cut(0, 0)
	if i := strings.LastIndex(q.answer.mask, "####"); i >= 0 {
		q.general = q.answer.cut(i+4, len(q.answer.raw))
		q.answer = q.answer.cut(0, i).trim()
	}
	kind = giftKind(q.answer)
	stem = strings.TrimRight(head.raw, " \t\n")
	if after := tail.trim().raw; after != "" {
		stem = joinStem(head.raw, tail.raw, kind == string(quiz.Judge) && strings.Trim(after, ".。!！") == "")
	}
	return stem, kind
}

// joinStem puts the blank where the answers stood, but not before the full stop of
// a statement to be judged.
func joinStem(head, tail string, statement bool) string {
	if statement {
		return head + strings.TrimSpace(tail)
	}
	return head + giftGap + tail
}

func giftMarkup(t giftText, otherwise markup) (markup, giftText) {
	for _, m := range []markup{markupHTML, markupMarkdown, markupAuto, markupPlain} {
		if name := "[" + string(m) + "]"; strings.HasPrefix(t.raw, name) {
			return m, t.cut(len(name), len(t.raw)).trim()
		}
	}
	return otherwise, t
}

// plain returns what a piece of the question says, and keeps the notes.
func (q *giftQuestion) plain(escaped string) (string, *doubt) {
	text, notes, why := plainText(strings.TrimSpace(unescapeGIFT(strings.TrimSpace(escaped))), q.markup)
	q.note(notes...)
	return text, why
}

func (q *giftQuestion) note(notes ...string) { q.notes = addNotes(q.notes, notes...) }

// addNotes adds those that are not there yet.
func addNotes(list []string, notes ...string) []string {
	for _, n := range notes {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// readComments takes up what Moodle and this program keep in comments.
func (q *giftQuestion) readComments(out *Question) {
	for _, c := range q.comments {
		if applyLabel(out, unescapeGIFT(c)) {
			continue
		}
		for _, m := range giftID.FindAllStringSubmatch(c, -1) {
			if m[1] == "id" {
				out.Number = strings.TrimSpace(m[2])
			} else {
				q.note("标签：" + shortened(m[2], titleLength))
			}
		}
	}
}
