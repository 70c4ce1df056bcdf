package bankbook

import (
	"cmp"
	"regexp"
	"strings"

	"qingyuan/quiz"
	"qingyuan/quiz/bankfile"
)

// Defaults are what an office says of all questions of a file that do not say it
// themselves. An empty field adds nothing.
type Defaults struct {
	Topic      string
	Audience   []string
	Difficulty int
	Basis      string
	ValidFrom  string
	ValidTo    string
}

// Imported makes a question of a bank out of one that was read from a file. Files
// other than our own say nothing of audiences: then it is for all. Options that speak
// of others keep their places, which shuffling would make wrong.
func Imported(q bankfile.Question, id string, d Defaults) quiz.Question {
	out := bankfile.ToBank(q)
	out.ID = id
	out.Topic = cmp.Or(out.Topic, d.Topic)
	out.Difficulty = cmp.Or(out.Difficulty, d.Difficulty)
	out.Basis = cmp.Or(out.Basis, d.Basis)
	if out.ValidFrom == "" && out.ValidTo == "" {
		out.ValidFrom, out.ValidTo = d.ValidFrom, d.ValidTo
	}
	if len(out.Audience) == 0 {
		out.Audience = d.Audience
	}
	if len(out.Audience) == 0 {
		out.Audience = []string{quiz.AllAudiences}
	}
	pin(&out)
	return out
}

var (
	// lettersNamed finds what may name options: A和B, AB都对, 选项A, B项.
	lettersNamed = regexp.MustCompile(`(?:^|[^A-Za-z])([A-P](?:[、,，和与及或\s]*[A-P])+)(?:$|[^A-Za-z])|选项?\s*([A-P])|(?:^|[^A-Za-z])([A-P])\s*项`)
	othersNamed  = regexp.MustCompile(`^(?:以上|上述|前述|上面|其他选项|其余选项)|(?:都|均|皆|全)(?:不)?(?:对|是|错|正确|错误|可以|包括)(?:。|$)|^全部$|^全选$|两者`)
)

// pin keeps options in place that speak of others: the last one by itself, and all of
// them where one speaks of letters, or of what stands above it in the middle.
func pin(q *quiz.Question) {
	if q.Kind == quiz.Judge {
		return
	}
	all := false
	for i, o := range q.Options {
		text := strings.TrimSpace(o.Text)
		switch {
		case namesLetters(text, len(q.Options)):
			all = true
		case othersNamed.MatchString(text) && i < len(q.Options)-1:
			all = true
		case othersNamed.MatchString(text):
			q.Options[i].Pinned = true
		}
	}
	for i := range q.Options {
		q.Options[i].Pinned = q.Options[i].Pinned || all
	}
}

// namesLetters tells whether an option names others of n by their letters, which go up:
// LSD names none.
func namesLetters(text string, n int) bool {
	for _, m := range lettersNamed.FindAllStringSubmatch(text, -1) {
		last, ok := rune('A'-1), true
		for _, r := range m[1] + m[2] + m[3] {
			if r < 'A' || r > 'P' {
				continue
			}
			ok = ok && r > last && int(r-'A') < n
			last = r
		}
		if ok {
			return true
		}
	}
	return false
}
