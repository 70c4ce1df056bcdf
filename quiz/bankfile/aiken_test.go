package bankfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAiken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"good": {
			"国际禁毒日是哪天？\nA. 6月26日\nB) 6月27日\nANSWER: A\n\n全民禁毒宣传月是几月？\nA)5月\nB)6月\nANSWER: B",
			[]string{"1-4 single A 国际禁毒日是哪天？|6月26日|6月27日", "6-9 single B 全民禁毒宣传月是几月？|5月|6月"},
		},
		"no blank between": {
			"x\nA. 甲\nB. 乙\nANSWER: A\ny\nA. 丙\nB. 丁\nANSWER: B",
			[]string{"1-4 single A x|甲|乙", "5-8 single B y|丙|丁"},
		},
		"blank within": {
			"x\n\nA. 甲\n\nB. 乙\n\nANSWER: A", []string{"1-7 single A x|甲|乙"},
		},
		"full width": {
			"x\nＡ．甲\nＢ）乙\nANSWER：ｂ", []string{"1-4 single B x|甲|乙"},
		},
		"several lines": {"x\ny\nA. 甲\nB. 乙\nANSWER: A", []string{`1-5 single A x\ny|甲|乙`}},
		"many answers": {
			"x\nA. 甲\nB. 乙\nANSWER: AB\n\nx\nA. 甲\nB. 乙\nANSWER: A, B\n\nx\nA. 甲\nB. 乙\nANSWER: A and B",
			[]string{"1-4 refused single key_many", "6-9 refused single key_many", "11-14 refused single key_many"},
		},
		"answers that are none": {
			"x\nA. 甲\nB. 乙\nANSWER: C\n\nx\nA. 甲\nB. 乙\nANSWER:\n\nx\nA. 甲\nB. 乙\nANSWER: 甲",
			[]string{"1-4 refused single key_beyond", "6-9 refused single key_missing", "11-14 refused single key_unreadable"},
		},
		"options": {
			"x\nA. 甲\nANSWER: A\n\nx\nA. 甲\nB. 甲\nANSWER: A\n\nx\nA. 甲\nC. 乙\nANSWER: A\n\nx\nB. 甲\nA. 乙\nANSWER: A\n\nx\nA. 甲\nA. 乙\nANSWER: A\n\nx\nA.\nB. 乙\nANSWER: B",
			[]string{
				"1-3 refused single options_missing", "5-8 refused single option_twice", "10-13 refused single option_letters",
				"15-18 refused single option_letters", "20-23 refused single option_letters", "25-28 refused single option_empty",
			},
		},
		"unfinished": {
			"标题\n\nA. 甲\nB. 乙\nANSWER: A\n\n独立一段\n\nx\nA. 甲\nB. 乙\n\ny\nA. 甲\nB. 乙\nANSWER: A\nANSWER: B\n\nA. 无题\nB. 干\nANSWER: A\n\nz\nA. 甲\nB. 乙",
			[]string{
				"1-5 single A 标题|甲|乙", "7-7 refused single options_missing", "9-11 refused single key_missing", "13-16 single A y|甲|乙",
				"17-17 refused single stem_missing", "19-21 refused single stem_missing", "23-25 refused single key_missing",
			},
		},
		"17 options": {
			"x\n" + letterOptions(17) + "ANSWER: Q", []string{"1-19 refused single options_many"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := outlined(t, readAiken, tt.text)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func letterOptions(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(string(rune('A'+i)) + ". 选" + string(rune('a'+i)) + "\n")
	}
	return b.String()
}

// TestAikenBounds has a million lines of one sort, and wants an answer in time.
func TestAikenBounds(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"x", "A. 甲", "ANSWER: A", "", "x\n", strings.Repeat("A", 1<<16)} {
		text := strings.Repeat(line+"\n", 1<<20/max(1, len(line)))
		if r, err := readAiken(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{}); err == nil {
			checkReport(t, checked(r))
		}
	}
}

func FuzzAiken(f *testing.F) {
	f.Add("x\nA. 甲\nB) 乙\nANSWER: B\n\ny\nA. 1\nANSWER: AB")
	f.Add("A. 甲\n\nANSWER:\nx\nB. 乙")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readAiken(t.Context(), File{Name: "x", Raw: []byte(text)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkReport(t, checked(r))
	})
}
