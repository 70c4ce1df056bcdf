package bankfile

import (
	"fmt"
	"math"

	"qingyuan/quiz"
)

// weighted is an option of GIFT or Moodle XML with its share of the points.
type weighted struct {
	text  string
	share float64 // percent
}

// shareError is how far the shares of right options may miss 100 in sum: they are
// rounded, such as 33.33.
const shareError = 0.05

// Notes of weights that all-or-nothing marking has no use for.
const (
	notePenalty = "错选扣分的权重不采用"
	noteUnequal = "各正确选项权重不同，不采用"
	noteOneKey  = "原为可多选，正确选项只有一个，按单选题导入"
)

// keyOf decides by their shares which options are right. Only where the right ones
// make up the whole, and no wrong one gives anything, is there a key.
func keyOf(options []weighted) (kind quiz.Kind, key quiz.Choice, notes []string, why *doubt) {
	if n := len(options); n > quiz.MaxOptions {
		return "", 0, nil, &doubt{"options_many", fmt.Sprintf("选项有 %d 个，最多 %d 个", n, quiz.MaxOptions)}
	}
	sum, right, low, high, penalty := 0.0, 0, math.Inf(1), 0.0, false
	for i, o := range options {
		if o.share <= 0 {
			penalty = penalty || o.share < 0
			continue
		}
		key, right, sum = key.With(i), right+1, sum+o.share
		low, high = min(low, o.share), max(high, o.share)
	}
	switch {
	case right == 0:
		return "", 0, nil, &doubt{"key_missing", "没有标出正确选项"}
	case !(math.Abs(sum-100) <= shareError): // a NaN too
		return "", 0, nil, &doubt{"weights", fmt.Sprintf("给分的选项权重合计 %.5g%%，不是 100%%，无法确定哪些算全对", sum)}
	}
	if penalty {
		notes = append(notes, notePenalty)
	}
	if high-low > shareError {
		notes = append(notes, noteUnequal)
	}
	if right == 1 {
		return quiz.Single, key, notes, nil
	}
	return quiz.Multiple, key, notes, nil
}
