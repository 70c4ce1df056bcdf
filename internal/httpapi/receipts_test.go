package httpapi

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// TestAReceiptIsAsPackageJSONWritesIt, whatever of it is missing.
func TestAReceiptIsAsPackageJSONWritesIt(t *testing.T) {
	t.Parallel()
	for _, zone := range []*time.Location{nil, time.UTC, time.FixedZone("", 8*3600)} {
		for i := range 32 {
			r := quiz.Receipt{View: quiz.View{ID: fmt.Sprintf("%d-a\"b<c>\u2028", i+1)}, Rank: int64(i % 3)}
			r.Attempt = quiz.Attempt{
				Number: i + 1, State: quiz.StateSubmitted, ClosedBy: quiz.ByDeadline,
				Window: quiz.Window{StartedAt: noon().Add(time.Duration(i) * time.Millisecond), Deadline: noon().Add(time.Hour)},
				Result: quiz.Result{
					Mark:   quiz.Mark{Score: 5 * i, MaxScore: 160, Correct: i, Questions: 32},
					Passed: i&1 > 0, Used: time.Duration(i) * 1_234_567 * time.Microsecond, SubmittedAt: noon().Add(time.Duration(i) * time.Minute),
				},
			}
			if i&2 > 0 {
				r.Best = &quiz.Best{Score: 7 * i, Used: time.Duration(i) * time.Second}
			}
			if i&4 > 0 {
				r.Left.Today = new(i % 3)
			}
			c := &campaign.Campaign{Zone: zone}
			want, err := json.Marshal(receiptAnswer{
				headOf(c, &r.View), fixedOf(c, &r.View),
				currentPart{Best: bestOf(r.Best), Rank: rankOf(r.Rank), LeftToday: r.Left.Today},
				nil, nil, nil,
			})
			if got := string(appendReceipt(nil, c, &r)); err != nil || got != string(want) {
				t.Errorf("%s\nwant %s, %v", got, want, err)
			}
		}
	}
}
