package campaign_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"qingyuan/campaign"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"张三":           "张三",
		"欧阳娜娜":         "欧阳娜娜",
		"𠮷野":           "𠮷野", // beyond the basic plane
		"买买提·艾山":       "买买提·艾山",
		"买买提•艾山":       "买买提·艾山", // a bullet
		"买买提・艾山":       "买买提·艾山", // katakana's dot
		"买买提･艾山":       "买买提·艾山", // its half-width twin
		"阿依古丽·买买提·吐尔逊": "阿依古丽·买买提·吐尔逊",
		"བསྟན་འཛིན་རྒྱ་མཚོ": "བསྟན་འཛིན་རྒྱ་མཚོ",
		"ئەخمەت":                   "ئەخمەت",
		"ᠪᠠᠲᠤ":                     "ᠪᠠᠲᠤ",
		"Jean-Luc O'Neill":         "Jean-Luc O'Neill",
		"  张   三  ":                "张 三",
		"张\u3000三":                 "张 三", // the full-width space
		"ＷＡＮＧ":                     "WANG",
		"e\u0301":                  "é",
		strings.Repeat("长", 50):    strings.Repeat("长", 50),
		"甲" + "\u00a0\u2003" + "乙": "甲 乙",
	} {
		if got, ok := campaign.CleanName(name); !ok || got != want {
			t.Errorf("CleanName(%q) = %q, %t; want %q", name, got, ok, want)
		}
	}
}

func TestWhatIsNoName(t *testing.T) {
	t.Parallel()
	for why, name := range map[string]string{
		"empty":                       "",
		"blank":                       " \t\u3000",
		"only dots":                   "···",
		"only a hyphen":               "-",
		"only marks":                  "\u0301\u0302",
		"an invisible letter":         "\u3164",
		"an invisible letter inside":  "张\u115f三",
		"too long":                    strings.Repeat("长", 51),
		"too long once normalised":    strings.Repeat("\ufdfa", 5),
		"a digit":                     "张3",
		"a full-width digit":          "张３",
		"an emoji":                    "张😀",
		"a flag":                      "🇨🇳",
		"a keycap":                    "1️⃣",
		"NUL":                         "张\x00三",
		"escape":                      "\x1b[31m张三",
		"delete":                      "张\x7f三",
		"right-to-left override":      "张\u202e三",
		"right-to-left mark":          "张\u200f三",
		"bidi isolate":                "\u2066张三\u2069",
		"zero-width space":            "张\u200b三",
		"zero-width joiner":           "张\u200d三",
		"byte order mark":             "\ufeff张三",
		"soft hyphen":                 "张\u00ad三",
		"a tag character":             "张\U000e0041",
		"private use":                 "张\ue000",
		"not UTF-8":                   "张\xff三",
		"the replacement character":   "张\ufffd",
		"markup":                      "<b>张三</b>",
		"a formula":                   "=张三",
		"a full-width formula":        "＝张三",
		"an at sign":                  "@张三",
		"the separator of the stores": "张|三",
		"ten thousand emoji":          strings.Repeat("😀", 10_000),
	} {
		if got, ok := campaign.CleanName(name); ok {
			t.Errorf("%s: CleanName(%q) = %q, true", why, name, got)
		}
	}
}

func TestMaskName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":       "匿名",
		"张":      "张*",
		"张三":     "张*",
		"张小三":    "张**",
		"欧阳娜娜":   "欧**",
		"买买提·艾山": "买**",
		"𠮷野家":    "𠮷**",
		"Li Lei": "L**",
	} {
		if got := campaign.MaskName(name); got != want {
			t.Errorf("MaskName(%q) = %q, want %q", name, got, want)
		}
	}
}

// FuzzCleanName shows that whatever is typed becomes a name that can be shown
// anywhere, and that cleaning it again changes nothing.
func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"买买提•艾山", "  张   三 ", "e\u0301", "\u3164", "ﷺ", "བསྟན་", "\u1100\u1161", "O'Neill-·"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := campaign.CleanName(s)
		if !ok {
			if name != "" {
				t.Errorf("CleanName(%q) refuses and yet returns %q", s, name)
			}
			return
		}
		if n := utf8.RuneCountInString(name); n < 1 || n > 50 || !utf8.ValidString(name) || !norm.NFKC.IsNormalString(name) {
			t.Errorf("CleanName(%q) = %q: %d runes, or not in NFKC", s, name, n)
		}
		for _, r := range name {
			if unicode.In(r, unicode.C, unicode.N, unicode.S, unicode.Other_Default_Ignorable_Code_Point) {
				t.Errorf("CleanName(%q) = %q, which holds %U", s, name, r)
			}
		}
		if again, ok := campaign.CleanName(name); !ok || again != name {
			t.Errorf("CleanName(%q) = %q, %t the second time", name, again, ok)
		}
		if masked := campaign.MaskName(name); masked == name || utf8.RuneCountInString(masked) > 3 {
			t.Errorf("MaskName(%q) = %q", name, masked)
		}
	})
}
