package httpapi

import (
	"strconv"
	"strings"

	"qingyuan/campaign"
	"qingyuan/quiz"
)

// sendAttempt writes an attempt as its state allows: the paper while it is open,
// the receipt once it is handed in. place is where it lies in the log, nil where that is
// not told.
func (s *Server) sendAttempt(k *call, status int, c *campaign.Campaign, r *quiz.Receipt, place *leafAnswer) error {
	if r.Attempt.State == quiz.StateOpen {
		return s.sendPaper(k, status, c, r)
	}
	if r.Attempt.State == quiz.StateSubmitted {
		return k.sendReceipt(status, c, r, place)
	}
	head := headOf(c, &r.View)
	now := currentPart{Best: bestOf(r.Best), Rank: rankOf(r.Rank), LeftToday: r.Left.Today}
	return k.send(status, closedAnswer{head, string(r.Attempt.ClosedBy), now, s.invalidatedOf(k.ctx, r.Attempt.State == quiz.StateInvalidated, r.Attempt.Batch), place})
}

// sendReceipt writes what nearly everybody gets who hands in, as package json would write
// a receiptAnswer and in a fifth of the time, into the memory that the server keeps for
// answers. A review, what was marked again, and a place in the log, package json writes itself.
func (k *call) sendReceipt(status int, c *campaign.Campaign, r *quiz.Receipt, place *leafAnswer) error {
	if len(r.Review) > 0 || r.Remarked != nil || place != nil {
		now := currentPart{Best: bestOf(r.Best), Rank: rankOf(r.Rank), LeftToday: r.Left.Today}
		return k.send(status, receiptAnswer{headOf(c, &r.View), firstOf(c, &r.View), now, reviewOf(r.Review), remarkedOf(&r.View), place})
	}
	answer := k.Status(status).Response()
	answer.SwapBody(appendReceipt(answer.SwapBody(nil)[:0], c, r))
	answer.Header.SetContentType(jsonType)
	return nil
}

// appendReceipt appends a receipt without a review that was never marked again.
func appendReceipt(to []byte, c *campaign.Campaign, r *quiz.Receipt) []byte {
	a, got := &r.Attempt, &r.Attempt.Result
	to = appendText(append(to, `{"attempt":`...), r.ID)
	to = appendNumber(append(to, `,"number":`...), int64(a.Number))
	to = appendText(append(to, `,"state":`...), string(a.State))
	to = appendStamp(append(to, `,"started_at":"`...), a.StartedAt, c.Zone)
	to = appendStamp(append(to, `","deadline":"`...), a.Deadline, c.Zone)
	to = appendNumber(append(to, `","score":`...), int64(got.Score))
	to = appendNumber(append(to, `,"max_score":`...), int64(got.MaxScore))
	to = appendNumber(append(to, `,"correct":`...), int64(got.Correct))
	to = appendNumber(append(to, `,"questions":`...), int64(got.Questions))
	to = strconv.AppendBool(append(to, `,"passed":`...), got.Passed)
	to = appendNumber(append(to, `,"used_ms":`...), got.Used.Milliseconds())
	to = appendStamp(append(to, `,"submitted_at":"`...), got.SubmittedAt, c.Zone)
	to = appendText(append(to, `","closed_by":`...), string(a.ClosedBy))
	to = append(to, `,"best":`...)
	if r.Best == nil {
		to = append(to, `null`...)
	} else {
		to = appendNumber(append(to, `{"score":`...), int64(r.Best.Score))
		to = append(appendNumber(append(to, `,"used_ms":`...), r.Best.Used.Milliseconds()), '}')
	}
	to = append(to, `,"rank":`...)
	if r.Rank == 0 { // where the campaign does not rank
		to = append(to, `null`...)
	} else {
		to = appendNumber(to, r.Rank)
	}
	to = append(to, `,"attempts_left_today":`...)
	if r.Left.Today == nil {
		return append(to, `null}`...)
	}
	return append(appendNumber(to, int64(*r.Left.Today)), '}')
}

func appendNumber(to []byte, n int64) []byte { return strconv.AppendInt(to, n, 10) }

// listedOf is one line of a participant's own list: no paper and no standing.
func (s *Server) listedOf(k *call, c *campaign.Campaign, v *quiz.View) any {
	head := headOf(c, v)
	switch v.Attempt.State {
	case quiz.StateSubmitted:
		return struct {
			attemptHead
			fixedPart
		}{head, fixedOf(c, v)}
	case quiz.StateExpired, quiz.StateInvalidated, quiz.StateWithdrawn:
		return struct {
			attemptHead
			ClosedBy    string        `json:"closed_by"`
			Invalidated *invalidatedT `json:"invalidated,omitempty"`
		}{head, string(v.Attempt.ClosedBy), s.invalidatedOf(k.ctx, v.Attempt.State == quiz.StateInvalidated, v.Attempt.Batch)}
	case quiz.StateOpen:
	}
	return head
}

func fixedOf(c *campaign.Campaign, v *quiz.View) fixedPart {
	r := &v.Attempt.Result
	return fixedPart{
		Score: r.Score, MaxScore: r.MaxScore, Correct: r.Correct, Questions: r.Questions,
		Passed: r.Passed, UsedMS: r.Used.Milliseconds(), SubmittedAt: stamp(r.SubmittedAt, c.Zone),
		ClosedBy: string(v.Attempt.ClosedBy),
	}
}

// firstOf is the receipt as it was given, however the attempt is marked by now.
func firstOf(c *campaign.Campaign, v *quiz.View) fixedPart {
	out := fixedOf(c, v)
	if r := v.Remarked; r != nil {
		out.Score, out.Correct, out.Passed = r.First.Score, r.First.Correct, r.Passed
	}
	return out
}

// remarkedOf says how an attempt is marked by now, null where it is as it was.
func remarkedOf(v *quiz.View) *remarkedT {
	if v.Remarked == nil {
		return nil
	}
	r := &v.Attempt.Result
	return &remarkedT{Score: r.Score, Correct: r.Correct, Passed: r.Passed, Reason: strings.Join(v.Remarked.Reasons, "；")}
}

func questionOf(q quiz.SheetQuestion) questionAnswer {
	a := questionAnswer{ID: q.ID, Kind: string(q.Kind), Stem: q.Stem, Media: q.Media}
	for _, o := range q.Options {
		a.Options = append(a.Options, optionAnswer{o.ID, o.Text})
	}
	return a
}

func reviewOf(items []quiz.ReviewItem) []reviewAnswer {
	var out []reviewAnswer
	for _, i := range items {
		out = append(out, reviewAnswer{
			questionAnswer: questionOf(i.Question), Chosen: i.Chosen, Right: i.Right,
			Points: i.Points, MaxPoints: i.Of, Explanation: i.Explanation, Basis: i.Basis, Ruling: string(i.Rule),
		})
	}
	return out
}

// bestOf is null before the first accepted submission.
func bestOf(b *quiz.Best) *bestAnswer {
	if b == nil {
		return nil
	}
	return &bestAnswer{b.Score, b.Used.Milliseconds()}
}

// rankOf is null where the campaign does not rank.
func rankOf(rank int64) *int64 {
	if rank == 0 {
		return nil
	}
	return &rank
}
