package report

import (
	"context"
	"math"
	"strings"

	"qingyuan/campaign"
	"qingyuan/internal/sheet"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// List is a table with a row for each person or act.
type List string

// The lists.
const (
	Participants List = "participants"
	Attempts     List = "attempts"
	Signatures   List = "signatures"
	Consents     List = "consents"
)

// Lists are all lists.
func Lists() []List { return []List{Participants, Attempts, Signatures, Consents} }

// Write writes a list and returns how many rows it has. It takes constant memory,
// whatever the campaign's size.
func (s *Source) Write(ctx context.Context, l List, w sheet.Writer) (rows int64, err error) {
	columns, write := s.list(ctx, l)
	if err := w.Table(titles[l], columns...); err != nil {
		return 0, err
	}
	put := func(cells ...any) error {
		rows++
		return w.Row(append([]any{rows}, cells...)...)
	}
	for p, err := range s.People(ctx) {
		if err != nil {
			return rows, err
		}
		if err := write(p, put); err != nil {
			return rows, err
		}
	}
	return rows, w.Note(Notice)
}

//nolint:gochecknoglobals // A constant in everything but the language.
var titles = map[List]string{Participants: "参与者", Attempts: "答卷", Signatures: "签署", Consents: "同意记录"}

// put writes a row behind its number.
type put func(cells ...any) error

// list returns the columns of a list and what writes a person's rows.
func (s *Source) list(ctx context.Context, l List) ([]sheet.Column, func(*Person, put) error) {
	who := []sheet.Column{
		{Title: "序号"},
		{Title: "参与者编号", Width: 30},
		{Title: "姓名"},
		{Title: "所属地区", Width: 24},
		{Title: "单位", Width: 24},
		{Title: "单位编号"},
		{Title: "人群"},
	}
	with := func(titles ...string) []sheet.Column {
		for _, t := range titles {
			who = append(who, sheet.Column{Title: t})
		}
		return who
	}
	switch l {
	case Attempts:
		return with("第几次", "开始时间", "交卷时间", "得分", "满分", "答对题数", "题数", "用时（秒）", "及格", "交卷方式", "状态"), s.attempts
	case Signatures:
		return with("签署时间", "承诺书版本", "签署方式", "状态"), s.signature
	case Consents:
		return with("告知版本", "同意时间", "监护人同意", "同意公开姓名", "撤回时间", "个人信息已删除"),
			func(p *Person, put put) error { return s.consents(ctx, p, put) }
	default:
		return with("报名时间", "首次参与时间", "答题次数", "最好成绩", "用时（秒）", "及格", "已签署", "签署时间"), s.participant
	}
}

// who are the cells that tell whose row it is.
func (s *Source) who(p *Person) []any {
	t, unit := s.Campaign.Tree, leaf(s.Campaign.Tree, p.Unit)
	title := "未选择单位"
	if n, ok := t.Node(unit); ok {
		title = name(n)
	}
	return []any{p.ID, p.Name, strings.Join(t.Path(unit, campaign.DefaultLanguage), " / "), title, unit, s.group(p.Group)}
}

func (s *Source) group(id string) string {
	for i := range s.Campaign.Groups {
		if g := &s.Campaign.Groups[i]; g.ID == id {
			return g.Name.In(campaign.DefaultLanguage)
		}
	}
	return id
}

// participant writes the row of a person. Who is counted as another participant has
// theirs there: the list has as many rows as there are enrolled.
func (s *Source) participant(p *Person, put put) error {
	if p.Joined {
		return nil
	}
	c := p.Counts()
	row := append(s.who(p), p.At.In(s.Campaign.Zone), nil, c.Attempts, nil, nil, nil, p.Signed(), nil)
	const first, score, used, passed, signed = 7, 9, 10, 11, 13
	if !p.FirstAct.IsZero() {
		row[first] = p.FirstAct.In(s.Campaign.Zone)
	}
	if p.Best != nil {
		r := &p.Best.Result
		row[score], row[used], row[passed] = r.Score, round(r.Used.Seconds(), 1), r.Passed
	}
	if p.Signed() {
		row[signed] = p.Signature.SignedAt.In(s.Campaign.Zone)
	}
	return put(row...)
}

func (s *Source) attempts(p *Person, put put) error {
	for i := range p.Attempts {
		a := &p.Attempts[i]
		r := &a.Result
		err := put(append(s.who(p), a.Number, a.StartedAt.In(s.Campaign.Zone), r.SubmittedAt.In(s.Campaign.Zone), r.Score, r.MaxScore,
			r.Correct, r.Questions, round(r.Used.Seconds(), 1), r.Passed, closers[a.ClosedBy], attemptStates[a.State])...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) signature(p *Person, put put) error {
	if p.Signature == nil {
		return nil
	}
	g := p.Signature
	return put(append(s.who(p), g.SignedAt.In(s.Campaign.Zone), g.Version, methods[g.Method], signatureStates[g.State])...)
}

//nolint:gochecknoglobals // Constants in everything but the language.
var (
	closers       = map[quiz.Closer]string{quiz.ByParticipant: "本人交卷", quiz.ByDeadline: "到时自动交卷"}
	attemptStates = map[quiz.State]string{
		quiz.StateSubmitted: "有效", quiz.StateInvalidated: "已作废", quiz.StateWithdrawn: "已撤回",
		quiz.StateOpen: "进行中", quiz.StateExpired: "已过期",
	}
	methods         = map[pledge.Method]string{pledge.Typed: "输入姓名", pledge.Drawn: "手写签名"}
	signatureStates = map[pledge.State]string{pledge.Valid: "有效", pledge.Invalidated: "已作废", pledge.Withdrawn: "已撤回", pledge.Pending: "待确认"}
)

// round rounds half up to so many digits.
func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}
