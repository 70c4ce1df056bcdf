package campaign_test

import (
	"errors"
	"strings"
	"testing"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text        string
		least, most int
		want        string
		reason      string // of the refusal, "" for none
	}{
		"written":          {" 核对后\n更正 ", 1, 6, "核对后\n更正", ""},
		"nothing":          {" \n", 0, 6, "", ""},
		"too little":       {" \n", 1, 6, "", "应为 1 至 6 个字"},
		"as much as may":   {strings.Repeat("字", 6), 1, 6, strings.Repeat("字", 6), ""},
		"too much":         {strings.Repeat("字", 7), 1, 6, "", "应为 1 至 6 个字"},
		"too much of none": {strings.Repeat("字", 7), 0, 6, "", "最多 6 个字"},
		"a NUL":            {"a\x00b", 1, 6, "", "应为 1 至 6 个字"},
		"no UTF-8":         {"a\xffb", 1, 6, "", "应为 1 至 6 个字"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := campaign.Prose("text", tt.text, tt.least, tt.most)
			var reason string
			if f, ok := errors.AsType[*fault.Error](err); ok && len(f.Fields) == 1 && f.Fields[0].Name == "text" {
				reason = f.Fields[0].Reason
			}
			if got != tt.want || reason != tt.reason || (err == nil) != (reason == "") {
				t.Errorf("%q, %v; want %q, refused for %q", got, err, tt.want, tt.reason)
			}
		})
	}
}
