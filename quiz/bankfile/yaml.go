package bankfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"qingyuan/configs"
	"qingyuan/quiz"
)

// readYAML takes a file in our own form apart: see configs.LoadBank.
func readYAML(ctx context.Context, f File, _ Options) (Report, error) {
	entries, err := configs.ReadBank(f.Name, f.Raw)
	if err != nil {
		return Report{}, yamlFileError(f, err)
	}
	y, drafts := found{file: f, rep: Report{Format: YAML}}, 0
	for _, e := range entries {
		if err := errors.Join(ctx.Err(), y.full()); err != nil {
			return Report{}, err
		}
		p := spot{e.Line, e.LineTo, e.Question.Stem, yamlType(e.Question.Kind)}
		if p.title == "" {
			p.title = e.Question.ID
		}
		switch {
		case len(e.Faults) == 0:
		case yamlDraft(e):
			drafts++
		default:
			y.refuse(p, yamlDoubt(e))
			continue
		}
		y.take(p, FromBank(e.Question))
	}
	if drafts > 0 {
		y.rep.Notes = append(y.rep.Notes, fmt.Sprintf("%d 道题没有写全知识点、难度、适用对象、解析、依据或生效日期，作为草稿读取，送审前须补全", drafts))
	}
	return y.rep, nil
}

// yamlLater are the fields that a draft may lack, as questions in other formats do: who
// submits it for review has to say them.
var yamlLater = []string{"topic", "audience", "difficulty", "explanation", "basis", "valid_from"}

// yamlDraft tells whether nothing stands against an entry but that such fields are missing.
func yamlDraft(e configs.BankEntry) bool {
	for _, fault := range e.Faults {
		if !fault.Missing() || !slices.Contains(yamlLater, yamlField(fault.Key)) {
			return false
		}
	}
	whole := e.Question // what Check asks for besides
	whole.Basis, whole.Difficulty, whole.Audience = cmp.Or(whole.Basis, "-"), cmp.Or(whole.Difficulty, 1), []string{quiz.AllAudiences}
	whole.ValidFrom = cmp.Or(whole.ValidFrom, "0001-01-01")
	return len(whole.Check()) == 0
}

// FromBank returns a question of a bank as one that files hold.
func FromBank(q quiz.Question) Question {
	out := Question{
		Kind: q.Kind, Stem: q.Stem, Key: q.Key, Explanation: q.Explanation, Basis: q.Basis, Topic: q.Topic,
		Difficulty: q.Difficulty, ValidFrom: q.ValidFrom, ValidTo: q.ValidTo,
		Audience: q.Audience, Fact: q.Fact, Media: q.Media, Number: q.ID,
	}
	for i, o := range q.Options {
		out.Options = append(out.Options, o.Text)
		if o.Pinned && q.Kind != quiz.Judge {
			out.Pinned = out.Pinned.With(i)
		}
	}
	return out
}

// ToBank is the other way round. What the file does not say stays empty, which
// quiz.Question.Check finds.
func ToBank(q Question) quiz.Question {
	out := quiz.Question{
		ID: q.Number, Kind: q.Kind, Stem: q.Stem, Key: q.Key, Explanation: q.Explanation, Basis: q.Basis, Topic: q.Topic,
		Difficulty: q.Difficulty, ValidFrom: q.ValidFrom, ValidTo: q.ValidTo,
		Audience: q.Audience, Fact: q.Fact, Media: q.Media,
	}
	if q.Kind == quiz.Judge {
		out.Options = quiz.JudgeOptions()
		return out
	}
	for i, o := range q.Options {
		out.Options = append(out.Options, quiz.Option{Text: o, Pinned: q.Pinned.Has(i)})
	}
	return out
}

// yamlType returns the type under which an entry is counted: what it says of itself
// where that is a type, refused or not.
func yamlType(k quiz.Kind) string {
	switch k {
	case quiz.Single, quiz.Multiple, quiz.Judge:
		return string(k)
	}
	if _, known := typeReasons[string(k)]; known {
		return string(k)
	}
	return TypeUnknown
}

// yamlWants says in Chinese what each field must hold.
var yamlWants = map[string]string{
	"id":          "须有编号，由字母、数字、点、下划线和连字符组成，最长 64 个字符，全库不重复",
	"kind":        "须为 single（单选）、multiple（多选）或 judge（判断）",
	"topic":       "须有知识点，一行之内，最长 64 个字符",
	"audience":    "须为列表，如 [all]，各项为小写字母、数字和下划线",
	"difficulty":  "须为 1（易）、2（中）或 3（难）",
	"stem":        "须有题干文字",
	"options":     "选择题须列出选项文字；判断题不写选项",
	"key":         "选择题写选项字母，如 C 或 ACD；判断题写 true 或 false",
	"pinned":      "写固定位置的选项字母，如 [C]，须是有的选项；判断题不写",
	"explanation": "须有解析文字",
	"basis":       "须有法律依据或出处",
	"fact":        "须为文字",
	"valid_from":  "须为日期，如 2026-01-01",
	"valid_to":    "须为日期，如 2026-12-31，不早于 valid_from",
	"media":       "须为列表，各项有 url（https 地址或本站路径）和 alt（文字说明）",
}

// yamlDoubt says in Chinese what stands against an entry: the first fault of each
// field, and what only the whole shows.
func yamlDoubt(e configs.BankEntry) doubt {
	var says []string
	for _, fault := range e.Faults {
		says = addNotes(says, yamlFault(e, fault))
	}
	return doubt{"yaml_field", strings.Join(says, "；")}
}

func yamlFault(e configs.BankEntry, fault *configs.FileError) string {
	name := yamlField(fault.Key)
	wants, known := yamlWants[name]
	switch {
	case known:
		return fmt.Sprintf("第 %d 行 %s：%s", fault.Line, name, wants)
	case name != "":
		return fmt.Sprintf("第 %d 行：不认识的字段 %s", fault.Line, shortened(name, titleLength))
	}
	q := FromBank(e.Question)
	if why := q.fault(); why != nil {
		return why.reason
	}
	return "有效期须为日期，如 2026-01-01，止期不早于起期；适用对象不能为空"
}

// yamlField returns the field of the question that a key such as
// questions.3.media.0.url leads to, "" for the question itself.
func yamlField(key string) string {
	parts := strings.SplitN(key, ".", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// yamlFileError says why the file as a whole is no list of questions.
func yamlFileError(f File, err error) error {
	out := &FileError{Name: f.Name, Code: "yaml_invalid", Reason: "不是题库文件：应为 questions: 后面一列题目", Err: err}
	if fault, ok := errors.AsType[*configs.FileError](err); ok && fault.Line > 0 {
		out.Reason = fmt.Sprintf("第 %d 行附近不合题库文件的格式：应为 questions: 后面一列题目", fault.Line)
	}
	return out
}
