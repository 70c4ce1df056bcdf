package shelf

import (
	"context"
	"slices"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/replay"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// Enrolments are those of Redis, and of the shelf for campaigns that lie there.
type Enrolments struct {
	campaign.Store

	Shelf *Shelf
}

var _ campaign.Store = Enrolments{}

// Enrol implements campaign.Store: nobody enrols in what is over.
func (s Enrolments) Enrol(ctx context.Context, id, participant string, e campaign.Enrolment, p campaign.Personal) (campaign.Enrolment, error) {
	if s.Shelf.Has(id) {
		return campaign.Enrolment{}, ErrArchived
	}
	return s.Store.Enrol(ctx, id, participant, e, p)
}

// Enrolment implements campaign.Store.
func (s Enrolments) Enrolment(ctx context.Context, id, participant string) (campaign.Enrolment, error) {
	if !s.Shelf.Has(id) {
		return s.Store.Enrolment(ctx, id, participant)
	}
	life, err := s.Shelf.enrolled(ctx, id, participant, campaign.ErrNotEnrolled)
	if err != nil {
		return campaign.Enrolment{}, err
	}
	return life.Enrolment, nil
}

// enrolled returns what became of somebody who enrolled, or the error for who did not.
func (s *Shelf) enrolled(ctx context.Context, id, participant string, otherwise error) (*replay.Life, error) {
	life, _, err := s.life(ctx, id, participant)
	if err == nil && (life == nil || life.Enrolment.Unit == "") {
		err = otherwise
	}
	return life, err
}

// Acted tells whether a participant has ever started an attempt or signed.
func (s *Shelf) Acted(ctx context.Context, id, participant string) (bool, error) {
	life, _, err := s.life(ctx, id, participant)
	return life != nil && (life.Last > 0 || life.Signature != nil), err
}

// Signatures are those of Redis, and of the shelf for campaigns that lie there.
type Signatures struct {
	pledge.Store

	Shelf *Shelf
}

var _ pledge.Store = Signatures{}

// Sign implements pledge.Store: who has signed is given their signature, and nobody else
// signs any more.
func (s Signatures) Sign(ctx context.Context, id, participant string, g pledge.Signature, p campaign.Personal) (pledge.Signature, bool, error) {
	if !s.Shelf.Has(id) {
		return s.Store.Sign(ctx, id, participant, g, p)
	}
	life, err := s.Shelf.enrolled(ctx, id, participant, campaign.ErrRequired)
	if err != nil {
		return pledge.Signature{}, false, err
	}
	if life.Signature == nil {
		return pledge.Signature{}, false, ErrArchived
	}
	return *life.Signature, false, nil
}

// Signature implements pledge.Store.
func (s Signatures) Signature(ctx context.Context, id, participant string) (pledge.Signature, error) {
	if !s.Shelf.Has(id) {
		return s.Store.Signature(ctx, id, participant)
	}
	life, err := s.Shelf.enrolled(ctx, id, participant, pledge.ErrNotSigned)
	if err == nil && life.Signature == nil {
		err = pledge.ErrNotSigned
	}
	if err != nil {
		return pledge.Signature{}, err
	}
	return *life.Signature, nil
}

// Quiz are the attempts of Redis, and of the shelf for campaigns that lie there.
type Quiz struct {
	quiz.Store

	Shelf *Shelf
}

var _ quiz.Store = Quiz{}

// Standing implements quiz.Store.
func (s Quiz) Standing(ctx context.Context, p quiz.Person) (quiz.Standing, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Standing(ctx, p)
	}
	life, err := s.Shelf.enrolled(ctx, p.Campaign, p.Participant, campaign.ErrRequired)
	if err != nil {
		return quiz.Standing{}, err
	}
	return standingOf(life), nil
}

func standingOf(l *replay.Life) quiz.Standing {
	st := quiz.Standing{Group: l.Enrolment.Group, Last: l.Last, Day: l.Day, OnDay: l.OnDay, Open: l.Open}
	if l.Best != nil {
		r := &l.Best.Result
		st.Best = &quiz.Best{Score: r.Score, Used: r.Used, At: r.SubmittedAt, Passed: r.Passed, Full: r.Score == r.MaxScore}
	}
	return st
}

// Attempt implements quiz.Store.
func (s Quiz) Attempt(ctx context.Context, p quiz.Person, number int) (quiz.Attempt, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Attempt(ctx, p, number)
	}
	life, err := s.Shelf.enrolled(ctx, p.Campaign, p.Participant, quiz.ErrAttemptNotFound)
	if err != nil {
		return quiz.Attempt{}, err
	}
	if a := attemptOf(life, number); a != nil {
		return *a, nil
	}
	return quiz.Attempt{}, quiz.ErrAttemptNotFound
}

func attemptOf(l *replay.Life, number int) *quiz.Attempt {
	if l.Open != nil && l.Open.Number == number {
		return l.Open
	}
	i := slices.IndexFunc(l.Finished, func(a quiz.Attempt) bool { return a.Number == number })
	if i < 0 {
		return nil
	}
	return &l.Finished[i]
}

// Attempts implements quiz.Store.
func (s Quiz) Attempts(ctx context.Context, p quiz.Person, from, limit int) ([]quiz.Attempt, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Attempts(ctx, p, from, limit)
	}
	life, _, err := s.Shelf.life(ctx, p.Campaign, p.Participant)
	if err != nil || life == nil {
		return nil, err
	}
	var out []quiz.Attempt
	for number := from; number > 0 && len(out) < limit; number-- {
		if a := attemptOf(life, number); a != nil {
			out = append(out, *a)
		}
	}
	return out, nil
}

// Start implements quiz.Store: a number that was used gives its attempt, and nothing
// begins any more.
func (s Quiz) Start(ctx context.Context, p quiz.Person, a quiz.Attempt, l quiz.Limits) (quiz.Attempt, quiz.Standing, quiz.StartOutcome, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Start(ctx, p, a, l)
	}
	life, err := s.Shelf.enrolled(ctx, p.Campaign, p.Participant, campaign.ErrRequired)
	if err != nil {
		return quiz.Attempt{}, quiz.Standing{}, "", err
	}
	if used := attemptOf(life, l.WantedNumber); used != nil {
		return *used, standingOf(life), quiz.Used, nil
	}
	return quiz.Attempt{}, quiz.Standing{}, "", ErrArchived
}

// Save implements quiz.Store: no attempt is open.
func (s Quiz) Save(ctx context.Context, p quiz.Person, number int, kept quiz.Saved) (quiz.Saved, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Save(ctx, p, number, kept)
	}
	if _, err := s.Attempt(ctx, p, number); err != nil {
		return quiz.Saved{}, err
	}
	return quiz.Saved{}, quiz.ErrSubmitted
}

// Submit implements quiz.Store: a repeat is given the attempt as it was accepted.
func (s Quiz) Submit(ctx context.Context, p quiz.Person, a quiz.Attempt, rank bool) (quiz.Submitted, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Submit(ctx, p, a, rank)
	}
	return s.Stands(ctx, p, a.Number, rank)
}

// Expire implements quiz.Store: no attempt is open.
func (s Quiz) Expire(ctx context.Context, p quiz.Person, a quiz.Attempt) error {
	if s.Shelf.Has(p.Campaign) {
		return nil
	}
	return s.Store.Expire(ctx, p, a)
}

// Stands implements quiz.Store.
func (s Quiz) Stands(ctx context.Context, p quiz.Person, number int, rank bool) (quiz.Submitted, error) {
	if !s.Shelf.Has(p.Campaign) {
		return s.Store.Stands(ctx, p, number, rank)
	}
	none := campaign.ErrRequired
	if number > 0 {
		none = quiz.ErrAttemptNotFound
	}
	life, err := s.Shelf.enrolled(ctx, p.Campaign, p.Participant, none)
	if err != nil {
		return quiz.Submitted{}, err
	}
	out := quiz.Submitted{Standing: standingOf(life), Above: -1}
	if number > 0 {
		a := attemptOf(life, number)
		if a == nil {
			return quiz.Submitted{}, quiz.ErrAttemptNotFound
		}
		out.Attempt = *a
	}
	if rank {
		out.Above, err = s.above(ctx, p)
	}
	return out, err
}

// above counts who stands above somebody, -1 for who has no place in public.
func (s Quiz) above(ctx context.Context, p quiz.Person) (int64, error) {
	k, err := s.Shelf.of(p.Campaign)
	if err != nil {
		return 0, err
	}
	b := Boards{Shelf: s.Shelf}
	own, ok, err := b.own(ctx, k, p.Campaign, "", leaderboard.Now, p.Participant)
	if err != nil || !ok {
		return -1, err
	}
	return b.Above(ctx, p.Campaign, "", leaderboard.Now, own.Packed)
}

// Correct implements quiz.Store.
func (s Quiz) Correct(ctx context.Context, p quiz.Person, number int, to quiz.State) error {
	if s.Shelf.Has(p.Campaign) {
		return ErrArchived
	}
	return s.Store.Correct(ctx, p, number, to)
}

// OverdueAttempts implements quiz.Store.
func (s Quiz) OverdueAttempts(ctx context.Context, id string, before time.Time, limit int) ([]quiz.Person, error) {
	if s.Shelf.Has(id) {
		return nil, nil
	}
	return s.Store.OverdueAttempts(ctx, id, before, limit)
}
