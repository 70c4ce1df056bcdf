package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
	"qingyuan/proof"
	"qingyuan/quiz"
)

// maxRevision is the largest whole number that JavaScript keeps exactly.
const maxRevision = 1<<53 - 1

// startAttempt handles POST /api/v1/campaigns/{campaign}/attempts. A repeat gives
// back what the first one opened.
func (s *Server) startAttempt(k *call) error {
	var in struct {
		Number *int `json:"number"`
	}
	if err := k.decodeOptional(&in); err != nil {
		return err
	}
	number := 0
	if in.Number != nil {
		if number = *in.Number; number < 1 {
			return quiz.ErrNumber
		}
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, fresh, err := s.Quizzes.Start(k.ctx, c.ID, k.participant, number)
	if err != nil {
		return err
	}
	return s.sendAttempt(k, created(fresh), c, &r, nil)
}

// showAttempt handles GET /api/v1/campaigns/{campaign}/attempts/{attempt}.
func (s *Server) showAttempt(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := s.Quizzes.Attempt(k.ctx, c.ID, k.participant, k.Params("attempt"))
	if err != nil {
		return err
	}
	var place *leafAnswer
	if state := r.Attempt.State; state != quiz.StateOpen && state != quiz.StateExpired {
		place = s.placeOf(k, c, k.participant, proof.AttemptAct(r.Attempt.Number))
	}
	return s.sendAttempt(k, fiber.StatusOK, c, &r, place)
}

// saveAnswers handles PUT …/attempts/{attempt}/answers.
func (s *Server) saveAnswers(k *call) error {
	var in struct {
		Revision *int64    `json:"revision"`
		Answers  answerSet `json:"answers"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	if in.Revision == nil || *in.Revision < 0 || *in.Revision > maxRevision {
		return fault.InvalidField("revision", "应为不小于 0 的整数")
	}
	if in.Answers == nil {
		return errNoAnswers
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	kept, t, err := s.Quizzes.Save(k.ctx, c.ID, k.participant, k.Params("attempt"), *in.Revision, quiz.Answers(in.Answers))
	if err != nil {
		return err
	}
	return k.send(fiber.StatusOK, savedAnswer{Revision: kept.Revision, Deadline: stamp(t.Deadline, c.Zone), Stand: t.Standing})
}

var errNoAnswers = fault.InvalidField("answers", "请提供答案")

type savedAnswer struct {
	Revision int64  `json:"revision"`
	Deadline string `json:"deadline"`
	// Stand says that the clocks stand: the deadline moves on until they run again.
	Stand bool `json:"clocks_stand,omitzero"`
}

// submit handles POST …/attempts/{attempt}/submission. Repeating it is safe.
func (s *Server) submit(k *call) error {
	answers, err := k.answers()
	if err != nil {
		return err
	}
	defer giveBack(answers)
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	r, err := s.Quizzes.Submit(s.originated(k, c.ID), c.ID, k.participant, k.Params("attempt"), answers)
	if err != nil {
		return err
	}
	return s.sendAttempt(k, fiber.StatusOK, c, &r, nil)
}

// listAttempts handles GET /api/v1/campaigns/{campaign}/attempts.
func (s *Server) listAttempts(k *call) error {
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	p, err := k.page()
	if err != nil {
		return err
	}
	views, next, err := s.Quizzes.Attempts(k.ctx, c.ID, k.participant, int(p.offset), int(p.limit))
	if err != nil {
		return err
	}
	out := list[any]{Items: make([]any, len(views)), NextCursor: cursor(int64(next))}
	for i := range views {
		out.Items[i] = s.listedOf(k, c, &views[i])
	}
	return k.send(fiber.StatusOK, out)
}

// attemptHead is what every view of an attempt begins with.
type attemptHead struct {
	Attempt   string `json:"attempt"`
	Number    int    `json:"number"`
	State     string `json:"state"`
	StartedAt string `json:"started_at"`
	Deadline  string `json:"deadline"`
}

func headOf(c *campaign.Campaign, v *quiz.View) attemptHead {
	a := &v.Attempt
	return attemptHead{
		Attempt: v.ID, Number: a.Number, State: string(a.State),
		StartedAt: stamp(a.StartedAt, c.Zone), Deadline: stamp(a.Deadline, c.Zone),
	}
}

// questionAnswer has no place for a key, on purpose.
type questionAnswer struct {
	ID      string         `json:"id"`
	Kind    string         `json:"kind"`
	Stem    string         `json:"stem"`
	Media   []quiz.Media   `json:"media,omitempty"`
	Options []optionAnswer `json:"options"`
}

type optionAnswer struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// fixedPart is the part of a receipt that never changes once it was given.
type fixedPart struct {
	Score       int    `json:"score"`
	MaxScore    int    `json:"max_score"`
	Correct     int    `json:"correct"`
	Questions   int    `json:"questions"`
	Passed      bool   `json:"passed"`
	UsedMS      int64  `json:"used_ms"`
	SubmittedAt string `json:"submitted_at"`
	ClosedBy    string `json:"closed_by"`
}

// currentPart is where the participant stands whenever it is read.
type currentPart struct {
	Best      *bestAnswer `json:"best"`
	Rank      *int64      `json:"rank"`
	LeftToday *int        `json:"attempts_left_today"`
}

type bestAnswer struct {
	Score  int   `json:"score"`
	UsedMS int64 `json:"used_ms"`
}

// receiptAnswer is what sendReceipt writes.
type receiptAnswer struct {
	attemptHead
	fixedPart
	currentPart
	Review   []reviewAnswer `json:"review,omitempty"`
	Remarked *remarkedT     `json:"remarked,omitempty"`
	Log      *leafAnswer    `json:"log,omitempty"`
}

type closedAnswer struct {
	attemptHead
	ClosedBy string `json:"closed_by"`
	currentPart
	Invalidated *invalidatedT `json:"invalidated,omitempty"`
	Log         *leafAnswer   `json:"log,omitempty"`
}

type reviewAnswer struct {
	questionAnswer
	Chosen      []string `json:"chosen"`
	Right       []string `json:"right"`
	Points      int      `json:"points"`
	MaxPoints   int      `json:"max_points"`
	Explanation string   `json:"explanation"`
	Basis       string   `json:"basis"`
	// Ruling is by what a contested question is marked.
	Ruling string `json:"ruling,omitempty"`
}
