package sheet_test

import (
	"strings"
	"testing"

	"qingyuan/internal/sheet"
)

// TestGuardedCells wants no cell that could be taken for a formula, and every text
// back as it was.
func TestGuardedCells(t *testing.T) {
	t.Parallel()
	for text, guarded := range map[string]string{
		"": "", "毒品": "毒品", "=1+1": "'=1+1", "＝1": "'＝1", "－5": "'－5", "@x": "'@x", " =1": "' =1", "'=1": "''=1", "'": "'", "'甲'": "'甲'",
		"\t=1": "'\t=1", "\u200b=1": "'\u200b=1", "1=1": "1=1",
	} {
		if got := sheet.Guard(text); got != guarded || sheet.Plain(got) != text {
			t.Errorf("%q is guarded as %q, want %q, and comes back as %q", text, got, guarded, sheet.Plain(got))
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("=1+1")
	f.Add("''＝")
	f.Fuzz(func(t *testing.T, text string) {
		guarded := sheet.Guard(text)
		if sheet.Risky(guarded) && !strings.HasPrefix(guarded, "'") {
			t.Errorf("%q stays a formula", text)
		}
		if got := sheet.Plain(guarded); got != text {
			t.Errorf("%q comes back as %q", text, got)
		}
	})
}
