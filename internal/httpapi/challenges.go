package httpapi

import (
	"context"

	"qingyuan/internal/challenge"
	"qingyuan/internal/operator"
	"qingyuan/quiz"
)

// Challenges deal with questions that are contested. *challenge.Service is one.
type Challenges interface {
	Receive(ctx context.Context, r challenge.Report) (kept *challenge.Report, fresh bool, err error)
	Gathered(ctx context.Context, who operator.Actor, campaignID string) ([]challenge.Gathered, error)
	Texts(ctx context.Context, who operator.Actor, campaignID, fingerprint, before string, limit int) ([]*challenge.Report, error)
	ChallengeDesk
}

// reportQuestion handles POST /api/v1/campaigns/{campaign}/attempts/{attempt}/reports.
// What it answers tells nothing of the key. A repeat gives the first report back.
func (s *Server) reportQuestion(k *call) error {
	var in struct {
		Question string `json:"question"`
		Kind     string `json:"kind"`
		Text     string `json:"text"`
	}
	if err := k.decode(&in); err != nil {
		return err
	}
	c, err := s.campaign(k)
	if err != nil {
		return err
	}
	about, err := s.Quizzes.Contested(k.ctx, c.ID, k.participant, k.Params("attempt"), in.Question)
	if err != nil {
		return err
	}
	e, err := s.Enrolments.Enrolment(k.ctx, c.ID, k.participant)
	if err != nil {
		return err
	}
	r := challenge.Report{Campaign: c.ID, Participant: k.participant, Unit: e.Unit, Kind: challenge.Kind(in.Kind), Text: in.Text}
	r.About(about)
	kept, fresh, err := s.Challenges.Receive(k.ctx, r)
	if err != nil {
		return err
	}
	return k.send(created(fresh), reportT{
		ID: kept.ID, Attempt: k.Params("attempt"), Question: in.Question, Kind: string(kept.Kind), Text: textOrNull(kept.Text),
		CreatedAt: stamp(kept.CreatedAt, c.Zone),
	})
}

type reportT struct {
	ID        string  `json:"id"`
	Attempt   string  `json:"attempt"`
	Question  string  `json:"question"`
	Kind      string  `json:"kind"`
	Text      *string `json:"text"`
	CreatedAt string  `json:"created_at"`
}

// remarkedT says how an attempt is marked by now, beside a receipt that stays as it was
// given.
type remarkedT struct {
	Score   int    `json:"score"`
	Correct int    `json:"correct"`
	Passed  bool   `json:"passed"`
	Reason  string `json:"reason"`
}

// letters writes a key as offices do: A is the first option.
func letters(key quiz.Choice) string {
	var out []byte
	for i := range quiz.MaxOptions {
		if key.Has(i) {
			out = append(out, byte('A'+i))
		}
	}
	return string(out)
}
