package quiz

import (
	"fmt"
	"strconv"
	"strings"
)

// EncodeItems writes the paper's items compactly, in order: for each run of
// equal points "points:question.question", runs joined by semicolons, numbers in
// base 36.
func (p *Paper) EncodeItems() string { return string(p.AppendItems(nil)) }

// AppendItems appends what EncodeItems writes.
func (p *Paper) AppendItems(to []byte) []byte {
	for i, item := range p.Items {
		switch {
		case i > 0 && p.Items[i-1].Points == item.Points:
			to = append(to, '.')
		case i > 0:
			to = append(to, ';')
			fallthrough
		default:
			to = strconv.AppendInt(to, int64(item.Points), 36)
			to = append(to, ':')
		}
		to = strconv.AppendInt(to, int64(item.Question), 36)
	}
	return to
}

// ParseItems is the inverse of EncodeItems.
func ParseItems(s string) ([]Item, error) {
	var out []Item
	for run := range strings.SplitSeq(s, ";") {
		head, tail, ok := strings.Cut(run, ":")
		points, err := strconv.ParseUint(head, 36, 12)
		if err != nil || !ok {
			return nil, fmt.Errorf("items %q: run %q has no points", s, run)
		}
		for part := range strings.SplitSeq(tail, ".") {
			q, err := strconv.ParseUint(part, 36, 31)
			if err != nil {
				return nil, fmt.Errorf("items %q: question: %w", s, err)
			}
			out = append(out, Item{Question: int(q), Points: int(points)}) //nolint:gosec // Bounded by the parse.
		}
	}
	return out, nil
}
