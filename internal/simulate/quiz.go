package simulate

import (
	"context"
	"net/http"
)

// sit takes the quiz: start, perhaps save, submit, and read what came of it.
func (p *person) sit(ctx context.Context) error {
	sheet, err := p.start(ctx)
	if err != nil {
		return err
	}
	if p.chance(p.cfg.Abandon) {
		return p.leave(ctx, sheet)
	}
	a := p.answer(sheet)
	if err := p.save(ctx, sheet, a); err != nil {
		return p.notSubmitted(ctx, sheet, err)
	}
	if err := p.submit(ctx, sheet, a); err != nil {
		return err
	}
	return p.seeScore(ctx)
}

// start opens an attempt. Half ask for the first by its number; both ways
// a repeat gives the same attempt back.
func (p *person) start(ctx context.Context) (paper, error) {
	var first startRequest
	if p.rng.IntN(2) == 0 {
		first.Number = 1
	}
	q := call{op: opStart, method: http.MethodPost, path: p.scene.base + "/attempts", body: encode(first)}
	var sheet paper
	if _, err := p.send(ctx, q, &sheet); err != nil {
		return sheet, err
	}
	if !p.checkPaper(sheet) {
		return sheet, &refusedError{op: opStart, status: http.StatusOK, code: codeUnreadable}
	}
	if p.chance(p.cfg.Repeats) {
		var again paper
		status, err := p.send(ctx, q, &again)
		if err != nil {
			return sheet, err
		}
		if again.Attempt != sheet.Attempt || status != http.StatusOK {
			p.wrong("starting twice gave status %d and another attempt: %t", status, again.Attempt != sheet.Attempt)
		}
	}
	return sheet, nil
}

// checkPaper tells whether the paper can be answered, and books what else is
// wrong with it.
func (p *person) checkPaper(sheet paper) bool {
	want := p.scene.campaign.Quiz.Questions
	if sheet.State != stateOpen || len(sheet.Questions) != want {
		p.wrong("the paper is %q with %d questions, want %q with %d",
			sheet.State, len(sheet.Questions), stateOpen, want)
	}
	for _, q := range sheet.Questions {
		if q.ID == "" || len(q.Options) < 2 {
			return false
		}
	}
	return sheet.Attempt != "" && len(sheet.Questions) > 0
}

// leave walks away from the paper. Nothing is kept, so that the server has
// nothing to hand in at the deadline and the attempt never counts.
func (p *person) leave(ctx context.Context, sheet paper) error {
	p.abandoned = true
	h, err := p.readHome(ctx)
	if err != nil {
		return err
	}
	if h.OpenAttempt == nil || h.OpenAttempt.Attempt != sheet.Attempt {
		p.wrong("me does not show the attempt that was started and left")
	}
	return nil
}

// save keeps what is marked so far, for half of the participants. Revisions grow,
// and an old one that comes late must change nothing.
func (p *person) save(ctx context.Context, sheet paper, a answers) error {
	if p.rng.IntN(2) == 0 {
		return nil
	}
	revisions := []int64{1, 2}
	if p.chance(p.cfg.Repeats) {
		revisions = append(revisions, 1)
	}
	var highest int64
	for _, revision := range revisions {
		highest = max(highest, revision)
		kept := part(sheet, a, int(revision), len(revisions))
		q := call{
			op: opSave, method: http.MethodPut, path: p.attemptPath(sheet.Attempt) + "/answers",
			body: encode(saveRequest{Revision: revision, Answers: kept}),
		}
		var s saved
		if _, err := p.send(ctx, q, &s); err != nil {
			return err
		}
		if s.Revision != highest {
			p.wrong("saving revision %d after %d gave revision %d", revision, highest, s.Revision)
		}
	}
	return nil
}

// submit hands in. A share first sends answers that no paper has.
func (p *person) submit(ctx context.Context, sheet paper, a answers) error {
	q := call{op: opSubmit, method: http.MethodPost, path: p.attemptPath(sheet.Attempt) + "/submission"}
	if p.chance(p.cfg.Wrong) {
		q.body = encode(submission{foreign(sheet)})
		if err := p.refuse(ctx, q, "a submission with a foreign option", "request.invalid"); err != nil {
			return err
		}
	}
	q.body = encode(submission{a})
	var r receipt
	if _, err := p.act(ctx, q, &r); err != nil {
		return p.notSubmitted(ctx, sheet, err)
	}
	p.acknowledge(sheet, r)
	if r.Review != nil && r.complete() {
		p.checkReview(r, a)
		p.notes.learn(sheet, r.Review)
	}
	if p.chance(p.cfg.Repeats) {
		return p.resubmit(ctx, sheet, q, a)
	}
	return nil
}

// notSubmitted finds out what became of a submission that was refused. Behind a
// deadline that passed while the target was away the server may have handed in
// what was kept: that is an attempt, and its receipt can be read.
func (p *person) notSubmitted(ctx context.Context, sheet paper, err error) error {
	p.acts.attempt = afterError(err)
	if !isCode(err, "quiz.expired") {
		return err
	}
	q := call{op: opReread, method: http.MethodGet, path: p.attemptPath(sheet.Attempt)}
	var r receipt
	if _, errRead := p.send(ctx, q, &r); errRead != nil {
		p.acts.attempt = unknown
		return err
	}
	if r.State == stateSubmitted {
		p.acknowledge(sheet, r)
		return nil
	}
	p.acts.attempt = none
	return err
}

// resubmit repeats the submission, which must give the same receipt, and then
// sends a different one, which must be refused.
func (p *person) resubmit(ctx context.Context, sheet paper, q call, a answers) error {
	var again receipt
	if _, err := p.send(ctx, q, &again); err != nil {
		return err
	}
	if p.receipt != nil && (!again.complete() || again.fixed() != *p.receipt) {
		p.wrong("the same submission again gave another receipt")
	}
	q.body = encode(submission{other(sheet, a)})
	return p.refuse(ctx, q, "a different submission of a finished attempt", "quiz.submitted")
}

// acknowledge books the attempt and checks its receipt against what is known.
func (p *person) acknowledge(sheet paper, r receipt) {
	p.acts.attempt = acknowledged
	if !r.complete() {
		p.wrong("the receipt lacks one of its fixed fields")
		return
	}
	f := r.fixed()
	p.receipt = &f
	p.acts.passed = f.Passed
	quiz := p.scene.campaign.Quiz
	rules := []struct {
		holds bool
		what  string
	}{
		{f.Attempt == sheet.Attempt, "is of another attempt"},
		{0 <= f.Score && f.Score <= f.MaxScore, "has a score outside 0 to max_score"},
		{f.MaxScore == quiz.MaxScore, "has another max_score than the campaign"},
		{f.Questions == len(sheet.Questions), "has another number of questions than the paper"},
		{0 <= f.Correct && f.Correct <= f.Questions, "has more correct answers than questions"},
		{f.UsedMS >= 0, "has a negative used_ms"},
		{f.Passed == (f.Score >= quiz.PassScore), "says passed against its score"},
		{r.Best != nil && r.Best.Score == f.Score && r.Best.UsedMS == f.UsedMS, "of a first attempt is not its best"},
		{(r.Rank != nil && *r.Rank > 0) == p.scene.campaign.ranks(), "has a rank where there is none, or none where there is"},
	}
	for _, rule := range rules {
		if !rule.holds {
			p.wrong("the receipt %s", rule.what)
		}
	}
}

// seeScore reads the home page, which must include the submission at once.
func (p *person) seeScore(ctx context.Context) error {
	h, err := p.readHome(ctx)
	if err != nil || p.receipt == nil {
		return err
	}
	if h.Best == nil || h.Best.Score != p.receipt.Score || h.Best.UsedMS != p.receipt.UsedMS {
		p.wrong("me does not show the submission that was acknowledged")
	}
	if p.scene.campaign.ranks() && (h.Rank == nil || *h.Rank < 1) {
		p.wrong("me shows no rank on a ranked campaign")
	}
	if h.OpenAttempt != nil {
		p.wrong("me shows an open attempt after its submission")
	}
	return nil
}
