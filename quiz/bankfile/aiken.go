package bankfile

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"qingyuan/quiz"
)

var (
	aikenOption = regexp.MustCompile(`^([A-Z])[.)．）]\s*(.*)$`)
	aikenMany   = regexp.MustCompile(`^[A-Z](?:(?:[\s,，、;；&和及]|and)*[A-Z])+$`)
	aikenAnswer = regexp.MustCompile(`(?i)^ANSWER\s*[:：]\s*(.*)$`)
)

// readAiken takes an Aiken file apart: the stem, the options A. or A), the line
// ANSWER: with one letter. The answer ends a question; so does a blank line or a
// stem after what has no answer, and then the question is refused.
func readAiken(ctx context.Context, f File, _ Options) (Report, error) {
	a := aikenFile{found: found{file: f, rep: Report{Format: Aiken}}}
	for i, line := range strings.Split(strings.TrimPrefix(string(f.Raw), "\ufeff"), "\n") {
		if i%1024 == 0 && ctx.Err() != nil {
			return Report{}, ctx.Err()
		}
		line, notes := cleaned(strings.TrimRight(line, "\r"))
		a.line(i+1, strings.TrimSpace(line))
		a.q.notes = addNotes(a.q.notes, notes...)
		if err := a.full(); err != nil {
			return Report{}, err
		}
	}
	a.end()
	return a.rep, nil
}

// aikenFile is an Aiken file being read.
type aikenFile struct {
	found

	q aikenQuestion
}

// aikenQuestion is a question of which some lines were seen.
type aikenQuestion struct {
	from, to int
	stem     []string
	options  []string
	letters  []byte
	rest     bool // a blank line stands after the last one
	notes    []string
}

func (q *aikenQuestion) begun() bool { return q.from > 0 }

func (a *aikenFile) line(number int, line string) {
	option, answer := aikenOption.FindStringSubmatch(line), aikenAnswer.FindStringSubmatch(line)
	if line == "" {
		a.q.rest = a.q.begun()
		return
	}
	if option == nil && answer == nil && (len(a.q.options) > 0 || a.q.rest) {
		a.end()
	}
	if !a.q.begun() {
		a.q.from = number
	}
	a.q.to, a.q.rest = number, false
	switch {
	case answer != nil:
		a.answer(strings.TrimSpace(answer[1]))
	case option != nil:
		a.q.letters = append(a.q.letters, option[1][0])
		a.q.options = append(a.q.options, strings.TrimSpace(option[2]))
	default:
		a.q.stem = append(a.q.stem, line)
	}
}

// end refuses a question that has no answer.
func (a *aikenFile) end() {
	if a.q.begun() {
		why := doubt{"key_missing", "没有 ANSWER 行"}
		if len(a.q.options) == 0 {
			why = doubt{"options_missing", "没有选项，也没有 ANSWER 行"}
		}
		a.refuse(a.q.spot(), why)
	}
	a.q = aikenQuestion{}
}

func (q *aikenQuestion) spot() spot {
	return spot{q.from, q.to, strings.Join(append(slices.Clip(q.stem), q.options...), " "), string(quiz.Single)}
}

// answer takes the finished question.
func (a *aikenFile) answer(key string) {
	q := a.q
	a.q = aikenQuestion{}
	if why := q.fault(); why != nil {
		a.refuse(q.spot(), *why)
		return
	}
	position, why := q.key(key)
	if why != nil {
		a.refuse(q.spot(), *why)
		return
	}
	if len(q.stem) > 1 {
		q.notes = addNotes(q.notes, "题干有几行")
	}
	a.take(q.spot(), Question{
		Kind: quiz.Single, Stem: strings.Join(q.stem, "\n"), Options: q.options,
		Key: quiz.Choice(0).With(position), Notes: q.notes,
	})
}

// fault finds what makes the letters of the options unreliable.
func (q *aikenQuestion) fault() *doubt {
	if len(q.stem) == 0 {
		return &doubt{"stem_missing", "没有题干"}
	}
	for i, l := range q.letters {
		if l != byte('A'+i) {
			return &doubt{"option_letters", "选项字母不是从 A 起依次排列"}
		}
	}
	return nil
}

// key reads the letter of the right option. More than one is refused, never cut.
func (q *aikenQuestion) key(key string) (int, *doubt) {
	list := []rune(key)
	if aikenMany.MatchString(key) {
		return 0, &doubt{"key_many", "Aiken 只允许一个答案，这里是 " + shortened(key, titleLength)}
	}
	if len(list) == 1 && list[0] >= 'a' && list[0] <= 'z' {
		list[0] -= 'a' - 'A'
		q.notes = addNotes(q.notes, "答案字母改为大写")
	}
	switch {
	case len(list) == 0:
		return 0, &doubt{"key_missing", "ANSWER 后面没有答案"}
	case len(list) > 1 || list[0] < 'A' || list[0] > 'Z':
		return 0, &doubt{"key_unreadable", "看不懂答案 " + shortened(key, titleLength)}
	case int(list[0]-'A') >= len(q.options):
		return 0, &doubt{"key_beyond", "答案 " + key + " 没有对应的选项"}
	}
	return int(list[0] - 'A'), nil
}
