package httpapi

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/banks"
	"qingyuan/internal/fault"
	"qingyuan/quiz"
	"qingyuan/quiz/bankbook"
)

// formT is the form of a question, as it comes and goes.
type formT struct {
	Kind        quiz.Kind     `json:"kind"`
	Topic       string        `json:"topic"`
	Audience    []string      `json:"audience"`
	Difficulty  int           `json:"difficulty"`
	Stem        string        `json:"stem"`
	Options     []formOptionT `json:"options"`
	Key         string        `json:"key"` // letters: "AC"
	Explanation string        `json:"explanation"`
	Basis       string        `json:"basis"`
	Fact        string        `json:"fact"`
	ValidFrom   string        `json:"valid_from"`
	ValidTo     string        `json:"valid_to"`
	Media       []bankMedia   `json:"media"`
}

type formOptionT struct {
	Text   string `json:"text"`
	Pinned bool   `json:"pinned"`
}

type bankMedia struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

func formOf(q *quiz.Question) formT {
	out := formT{
		Kind: q.Kind, Topic: q.Topic, Audience: q.Audience, Difficulty: q.Difficulty, Stem: q.Stem, Options: []formOptionT{}, Key: keyLetters(q.Key),
		Explanation: q.Explanation, Basis: q.Basis, Fact: q.Fact, ValidFrom: q.ValidFrom, ValidTo: q.ValidTo, Media: []bankMedia{},
	}
	if out.Audience == nil {
		out.Audience = []string{}
	}
	for _, o := range q.Options {
		out.Options = append(out.Options, formOptionT(o))
	}
	for _, m := range q.Media {
		out.Media = append(out.Media, bankMedia(m))
	}
	return out
}

func keyLetters(c quiz.Choice) string {
	var out []byte
	for i := range quiz.MaxOptions {
		if c.Has(i) {
			out = append(out, byte('A'+i))
		}
	}
	return string(out)
}

// question returns what the form means. A judge question needs no options.
func (t formT) question(id string) (quiz.Question, error) {
	out := quiz.Question{
		ID: id, Kind: t.Kind, Topic: t.Topic, Audience: t.Audience, Difficulty: t.Difficulty, Stem: t.Stem,
		Explanation: t.Explanation, Basis: t.Basis, Fact: t.Fact, ValidFrom: t.ValidFrom, ValidTo: t.ValidTo,
	}
	for _, r := range t.Key {
		if r < 'A' || r >= 'A'+quiz.MaxOptions || out.Key.Has(int(r-'A')) {
			return out, fault.InvalidField("question.key", "应为大写选项字母，如 C 或 ACD，各一次")
		}
		out.Key = out.Key.With(int(r - 'A'))
	}
	for _, o := range t.Options {
		out.Options = append(out.Options, quiz.Option(o))
	}
	if t.Kind == quiz.Judge {
		if out.Options == nil {
			out.Options = quiz.JudgeOptions()
		}
		for i := range out.Options { // they keep their places whatever was said
			out.Options[i].Pinned = true
		}
	}
	for _, m := range t.Media {
		out.Media = append(out.Media, quiz.Media(m))
	}
	return out, nil
}

// questionVersionT is a version of a question.
type questionVersionT struct {
	ID        string         `json:"id"`
	Version   int64          `json:"version"`
	State     bankbook.State `json:"state"`
	Digest    string         `json:"digest"`
	Question  formT          `json:"question"`
	Editor    string         `json:"editor"`
	EditedAt  string         `json:"edited_at"`
	Origin    string         `json:"origin"`
	Reviewer  string         `json:"reviewer"`
	DecidedAt *string        `json:"decided_at"`
	Reason    string         `json:"reason"`
}

func questionVersionOf(v *bankbook.Version) questionVersionT {
	return questionVersionT{
		ID: v.Question.ID, Version: v.Number, State: v.State, Digest: v.Digest, Question: formOf(&v.Question),
		Editor: v.Editor.Login, EditedAt: stamp(v.EditedAt, nil), Origin: v.Origin,
		Reviewer: v.Reviewer.Login, DecidedAt: stampOrNull(v.DecidedAt, nil), Reason: v.Reason,
	}
}

func questionVersionsOf(all []bankbook.Version) list[questionVersionT] {
	out := list[questionVersionT]{Items: []questionVersionT{}}
	for i := range all {
		out.Items = append(out.Items, questionVersionOf(&all[i]))
	}
	return out
}

type bankEntryT struct {
	questionVersionT

	InForce int64 `json:"in_force"`
}

// listQuestions handles GET /api/v1/admin/banks/{bank}/questions. The cursor is the last
// id.
func (s *Server) listQuestions(k *call) error {
	limit, err := k.limit()
	if err != nil {
		return err
	}
	f := banks.Filter{Limit: int(limit)}
	var state, kind string
	for name, into := range map[string]*string{"state": &state, "kind": &kind, "topic": &f.Topic, "q": &f.Text, "cursor": &f.After} {
		if *into, err = k.words(name, maxTopic); err != nil {
			return err
		}
	}
	f.State, f.Kind = bankbook.State(state), quiz.Kind(kind)
	if state != "" && !slices.Contains(bankbook.States(), f.State) {
		return fault.InvalidField("state", "没有这个状态")
	}
	all, next, err := s.Banks.Questions(k.ctx, k.actor, k.Params("bank"), f)
	if err != nil {
		return err
	}
	out := list[bankEntryT]{Items: []bankEntryT{}}
	for i := range all {
		out.Items = append(out.Items, bankEntryT{questionVersionOf(&all[i].Version), all[i].InForce})
	}
	if next != "" {
		out.NextCursor = new(next)
	}
	return k.send(fiber.StatusOK, out)
}

// maxTopic and maxBasis bound texts of the query, in bytes.
const maxTopic, maxBasis = 256, 1024

// words reads an optional text of the query that may be longer than an id.
func (k *call) words(name string, most int) (string, error) {
	v := k.Query(name)
	if len(v) > most {
		return "", fault.InvalidField(name, "内容过长")
	}
	return strings.Clone(v), nil
}

type versionChangeT struct {
	From    int64             `json:"from"`
	To      int64             `json:"to"`
	Changes []bankbook.Change `json:"changes"`
}

// showQuestion handles GET /api/v1/admin/banks/{bank}/questions/{question}: every
// version, and what each has changed.
func (s *Server) showQuestion(k *call) error {
	h, err := s.Banks.Question(k.ctx, k.actor, k.Params("bank"), k.Params("question"))
	if err != nil {
		return err
	}
	out := struct {
		ID       string             `json:"id"`
		InForce  int64              `json:"in_force"`
		Versions []questionVersionT `json:"versions"`
		Changes  []versionChangeT   `json:"changes"`
	}{ID: h.Latest().Question.ID, Versions: questionVersionsOf(h).Items, Changes: []versionChangeT{}}
	if v, ok := h.InForce(); ok {
		out.InForce = v.Number
	}
	for i := 1; i < len(h); i++ {
		c := versionChangeT{h[i-1].Number, h[i].Number, bankbook.Difference(h[i-1].Question, h[i].Question)}
		if c.Changes == nil {
			c.Changes = []bankbook.Change{}
		}
		out.Changes = append(out.Changes, c)
	}
	return k.send(fiber.StatusOK, out)
}

// addQuestion handles POST /api/v1/admin/banks/{bank}/questions.
func (s *Server) addQuestion(k *call) error {
	var in struct {
		ID       string `json:"id"`
		Question formT  `json:"question"`
		Reason   string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	q, err := in.Question.question(in.ID)
	if err != nil {
		return err
	}
	v, err := s.Banks.Add(k.ctx, k.actor, k.Params("bank"), q, in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusCreated, questionVersionOf(&v))
}

// editQuestion handles PUT /api/v1/admin/banks/{bank}/questions/{question}: the next
// version, made from the one that the editor has seen.
func (s *Server) editQuestion(k *call) error {
	var in struct {
		Version  int64  `json:"version"`
		Question formT  `json:"question"`
		Reason   string `json:"reason"`
	}
	if err := k.decodeWhy(&in, &in.Reason, false); err != nil {
		return err
	}
	q, err := in.Question.question(k.Params("question"))
	if err != nil {
		return err
	}
	v, err := s.Banks.Edit(k.ctx, k.actor, k.Params("bank"), q, in.Version, in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, questionVersionOf(&v))
}

// bankPickT names one version of one question.
type bankPickT struct {
	ID      string `json:"id"`
	Version int64  `json:"version"`
}

func picksOf(in []bankPickT) []banks.Pick {
	out := make([]banks.Pick, len(in))
	for i, p := range in {
		out[i] = banks.Pick(p)
	}
	return out
}

// submitQuestions handles POST /api/v1/admin/banks/{bank}/submissions.
func (s *Server) submitQuestions(k *call) error {
	var in struct {
		Questions []bankPickT `json:"questions"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	all, err := s.Banks.Submit(k.ctx, k.actor, k.Params("bank"), picksOf(in.Questions))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, questionVersionsOf(all))
}

// reviewQuestions handles POST /api/v1/admin/banks/{bank}/reviews.
func (s *Server) reviewQuestions(k *call) error {
	var in struct {
		Decision  string      `json:"decision"`
		Questions []bankPickT `json:"questions"`
		Reason    string      `json:"reason"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	act, asks := s.Banks.SignOff, true
	switch in.Decision {
	case "sign_off":
		asks = false
	case "send_back":
		act = s.Banks.SendBack
	case "withdraw":
		act = s.Banks.Withdraw
	default:
		return fault.InvalidField("decision", "应为 sign_off、send_back 或 withdraw")
	}
	if err := checkReason(in.Reason, asks); err != nil {
		return err
	}
	all, err := act(k.ctx, k.actor, k.Params("bank"), picksOf(in.Questions), in.Reason)
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, questionVersionsOf(all))
}

// listExpiring handles GET /api/v1/admin/banks/{bank}/expiring.
func (s *Server) listExpiring(k *call) error {
	all, err := s.Banks.Expiring(k.ctx, k.actor, k.Params("bank"))
	if err != nil {
		return err
	}
	return sendStretch(k, all, func(v bankbook.Version) questionVersionT { return questionVersionOf(&v) })
}

func digits(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fault.InvalidField("difficulty", "难度为 1 易、2 中、3 难")
	}
	return n, nil
}
