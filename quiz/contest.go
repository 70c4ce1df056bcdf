package quiz

import (
	"context"

	"qingyuan/internal/fault"
)

// Contested is a question on a paper that its participant speaks of.
type Contested struct {
	Number, Place int // of the attempt, and of the question on its paper, from 0
	Bank          string
	// Question is for the office: it has the key.
	Question *Question
}

// Contested finds a question on a participant's own paper, by the id that the sheet
// shows, whether or not the attempt is open still.
func (s *Service) Contested(ctx context.Context, campaignID, participant, attempt, question string) (Contested, error) {
	x, a, err := s.load(ctx, campaignID, participant, attempt)
	if err != nil {
		return Contested{}, err
	}
	b, err := x.Catalog.Bank(ctx, a.Paper.Bank)
	if err != nil {
		return Contested{}, err
	}
	at, err := a.Paper.find(b, question)
	if err != nil {
		return Contested{}, err
	}
	return Contested{Number: a.Number, Place: at, Bank: b.Digest, Question: &b.Questions[a.Paper.Items[at].Question]}, nil
}

// find returns the place of a question by the id that the sheet shows.
func (p *Paper) find(b *Bank, id string) (int, error) {
	sheet, err := p.Sheet(b)
	if err != nil {
		return 0, err
	}
	for i := range sheet.Questions {
		if sheet.Questions[i].ID == id {
			return i, nil
		}
	}
	return 0, fault.InvalidField("question", "不属于本次试卷")
}
