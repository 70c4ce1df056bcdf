package bankfile

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"qingyuan/quiz"
)

// writeGIFT writes texts as plain ones, so that no program sees marks in them.
func writeGIFT(w io.Writer, name string, qs []Question) error {
	var b strings.Builder
	fmt.Fprintf(&b, "// 题库：%s\n", escapeGIFT(name))
	topic := ""
	for _, q := range qs {
		if q.Topic != topic {
			topic = q.Topic
			fmt.Fprintf(&b, "\n$CATEGORY: $course$/top/%s\n", escapeGIFT(topic))
		}
		b.WriteByte('\n')
		for _, l := range labelsOf(q) {
			fmt.Fprintf(&b, "// %s\n", escapeGIFT(l))
		}
		writeGIFTQuestion(&b, q)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeGIFTQuestion(b *strings.Builder, q Question) {
	if q.Number != "" {
		fmt.Fprintf(b, "::%s::", escapeGIFT(q.Number))
	}
	fmt.Fprintf(b, "[plain]%s {", escapeGIFT(q.Stem))
	if q.Kind == quiz.Judge {
		b.WriteString(map[bool]string{true: "TRUE", false: "FALSE"}[q.Key.Has(0)])
	} else {
		shares := sharesOf(q)
		for i, o := range q.Options {
			fmt.Fprintf(b, "\n\t%s[plain]%s", giftMark(q, i, shares[i]), escapeGIFT(o))
		}
	}
	if q.Explanation != "" {
		fmt.Fprintf(b, "\n\t####[plain]%s", escapeGIFT(q.Explanation))
	}
	if q.Kind != quiz.Judge || q.Explanation != "" {
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
}

func giftMark(q Question, i int, share string) string {
	switch {
	case q.Kind == quiz.Multiple:
		return "~%" + share + "%"
	case q.Key.Has(i):
		return "="
	}
	return "~"
}

// wrongShare is what a wrong option of a multiple question gives: whoever marks
// everything gets nothing.
const wrongShare = "-100"

// sharesOf returns what each option gives, in percent, rounded as Moodle does.
func sharesOf(q Question) []string {
	right := len(q.Letters())
	out := make([]string, len(q.Options))
	for i := range out {
		switch {
		case q.Key.Has(i):
			share := strconv.FormatFloat(100/float64(right), 'f', 5, 64)
			out[i] = strings.TrimRight(strings.TrimRight(share, "0"), ".")
		case q.Kind == quiz.Multiple:
			out[i] = wrongShare
		default:
			out[i] = "0"
		}
	}
	return out
}
