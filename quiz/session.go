package quiz

import (
	"context"
	"errors"
	"slices"

	"qingyuan/campaign"
)

func (x *session) id(number int) string {
	if x.namedID != "" && number == x.namedNumber {
		return x.namedID
	}
	return attemptID(x.IDKey, x.Person.Campaign, x.Participant, number)
}

// clocks are the campaign's.
func (x *session) clocks() campaign.Clocks { return x.Offer.Campaign.Clocks }

// overdue tells whether the attempt is open though its time is over.
func (x *session) overdue(a *Attempt) bool { return a.Overdue(x.clocks(), x.now, x.Rules.Grace) }

// named reads the number in an id of this participant's.
func (s *Service) named(campaignID, participant, id string) (*session, int, error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return nil, 0, err
	}
	number, err := parseAttemptID(x.IDKey, campaignID, participant, id)
	if err == nil {
		x.namedID, x.namedNumber = id, number
	}
	return x, number, err
}

// load finds the attempt behind an id of this participant.
func (s *Service) load(ctx context.Context, campaignID, participant, id string) (*session, Attempt, error) {
	x, number, err := s.named(campaignID, participant, id)
	if err != nil {
		return nil, Attempt{}, err
	}
	a, err := x.Store.Attempt(ctx, x.Person, number)
	return x, a, err
}

func (x *session) read(ctx context.Context, a Attempt, answers Answers) (Choices, error) {
	b, err := x.Catalog.Bank(ctx, a.Paper.Bank)
	if err != nil {
		return nil, err
	}
	return a.Paper.Read(b, answers)
}

// hand marks choices and hands the open attempt in.
func (x *session) hand(ctx context.Context, a Attempt, choices Choices, by Closer) (Submitted, error) {
	b, err := x.Catalog.Bank(ctx, a.Paper.Bank)
	if err != nil {
		return Submitted{}, err
	}
	m, err := a.Paper.Grade(b, x.Rules.Marking, choices)
	if err != nil {
		return Submitted{}, err
	}
	a.finish(m, choices, x.clocks(), x.now, by, x.Rules.PassScore)
	return x.Store.Submit(ctx, x.Person, a, x.ranks())
}

// handShown hands the attempt in by the paper that this server remembers, in one
// question to the store. taken is false where the longer way must be gone: the paper
// is not known here or its time is over (then what was kept counts), the answers do
// not fit it, or the store has no such attempt, or one of another paper.
func (x *session) handShown(ctx context.Context, number int, answers Answers) (done Submitted, taken bool, err error) {
	a, ok := x.Papers.open(x.Person, number)
	if !ok || x.now.After(a.Due(x.clocks(), x.now)) {
		return Submitted{}, false, nil
	}
	choices, err := x.read(ctx, a, answers)
	if err != nil {
		return Submitted{}, false, nil //nolint:nilerr // Whether these are faults of the request, the attempt itself decides.
	}
	done, err = x.hand(ctx, a, choices, ByParticipant)
	switch {
	case errors.Is(err, ErrAttemptNotFound), err == nil && done.Attempt.Paper.Seed != a.Paper.Seed:
		return Submitted{}, false, nil
	case err != nil:
		return Submitted{}, false, err
	}
	x.Papers.forget(x.Person, number)
	return done, true, repeatOf(&done, choices)
}

// handStored hands the attempt in as the store has it.
func (x *session) handStored(ctx context.Context, number int, answers Answers) (Submitted, error) {
	s, err := x.stored(ctx, number)
	if err != nil {
		return Submitted{}, err
	}
	choices, err := x.read(ctx, s.Attempt, answers)
	if err != nil {
		return Submitted{}, err
	}
	if s.Attempt.State == StateOpen {
		if s, err = x.hand(ctx, s.Attempt, choices, ByParticipant); err != nil {
			return Submitted{}, err
		}
	}
	return s, repeatOf(&s, choices)
}

// repeatOf returns nil if choices were taken just now, or are what the finished attempt
// was handed in with.
func repeatOf(s *Submitted, choices Choices) error {
	a := &s.Attempt
	switch {
	case s.Fresh, a.State.Accepted() && a.Result.Choices.String() == choices.String():
		return nil
	case a.ClosedBy == ByDeadline:
		return ErrExpired
	default:
		return ErrSubmitted
	}
}

// stored reads an attempt and where its participant stands, once it is handed in if its
// time is over.
func (x *session) stored(ctx context.Context, number int) (Submitted, error) {
	s, err := x.Store.Stands(ctx, x.Person, number, x.ranks())
	if err != nil || !x.overdue(&s.Attempt) {
		return s, err
	}
	if _, err := x.handIn(ctx, s.Attempt); err != nil {
		return Submitted{}, err
	}
	return x.Store.Stands(ctx, x.Person, number, x.ranks())
}

// ranks tells whether the participant may know their place now.
func (x *session) ranks() bool {
	return x.Offer.Campaign.Ranks(x.now)
}

// handIn closes an overdue attempt with what was kept, or as expired where
// nothing was.
func (x *session) handIn(ctx context.Context, a Attempt) (Attempt, error) {
	if a.Saved.Choices.Empty() {
		if err := x.Store.Expire(ctx, x.Person, a.Expired(x.clocks(), x.now)); err != nil {
			return Attempt{}, err
		}
		var err error
		if a, err = x.Store.Attempt(ctx, x.Person, a.Number); err != nil || a.State != StateOpen {
			return a, err
		}
		// Something was kept in the meantime, by a server that was still in time.
	}
	done, err := x.hand(ctx, a, a.Saved.Choices, ByDeadline)
	return done.Attempt, err
}

// told is the receipt of an attempt as it is stored.
func (x *session) told(ctx context.Context, number int) (Receipt, error) {
	s, err := x.stored(ctx, number)
	if err != nil {
		return Receipt{}, err
	}
	return x.receipt(ctx, s)
}

// receipt tells the participant what the store told.
func (x *session) receipt(ctx context.Context, s Submitted) (Receipt, error) {
	view := x.view
	if s.Fresh {
		view = x.handed
	}
	v, err := view(ctx, s.Attempt)
	return Receipt{View: v, Best: s.Standing.Best, Rank: s.Above + 1, Left: x.left(s.Standing)}, err
}

func (x *session) left(st Standing) Left {
	var l Left
	if n := x.Rules.AttemptsInAll; n > 0 {
		l.All = new(max(n+st.Given-st.Last, 0))
	}
	if n := x.Rules.AttemptsPerDay; n > 0 {
		if st.Day == x.Offer.Campaign.Day(x.now) {
			n -= st.OnDay
		}
		n = max(n, 0) + st.Given - st.Extra
		if l.All != nil {
			n = min(n, *l.All)
		}
		l.Today = &n
	}
	return l
}

// listed shows an attempt without its sheet and its review.
func (x *session) listed(a *Attempt) View {
	v := View{ID: x.id(a.Number), Attempt: *a, Now: x.now}
	v.Attempt.Deadline = a.Due(x.clocks(), x.now)
	_, v.Standing = x.clocks().StopAt(x.now)
	return v
}

// view shows an attempt to its participant: the sheet while it is open, the
// review when the rule allows it.
func (x *session) view(ctx context.Context, a Attempt) (View, error) {
	v := x.listed(&a)
	b, err := x.Catalog.Bank(ctx, a.Paper.Bank)
	if err != nil {
		return View{}, err
	}
	switch a.State {
	case StateOpen:
		x.Papers.keep(x.Person, &a)
		if v.Sheet, err = a.Paper.Sheet(b); err != nil {
			return View{}, err
		}
		v.SavedAnswers, err = a.Paper.Write(b, a.Saved.Choices)
	case StateSubmitted:
		if v.Remarked, err = x.remarked(&a, b); err == nil {
			v.Review, err = x.review(&a, b)
		}
	case StateExpired, StateInvalidated, StateWithdrawn:
	}
	return v, err
}

// handed is view for an attempt that was handed in just now, which nobody can have
// marked again.
func (x *session) handed(ctx context.Context, a Attempt) (View, error) {
	v := x.listed(&a)
	b, err := x.Catalog.Bank(ctx, a.Paper.Bank)
	if err == nil {
		v.Review, err = x.review(&a, b)
	}
	return v, err
}

// remarked tells how an attempt was marked at first, and why it is marked otherwise by
// now; nil where it is as it was. The marks themselves decide it, and not what was ruled:
// a server may learn of a ruling after another one has marked by it, and gives no reason
// until then.
func (x *session) remarked(a *Attempt, b *Bank) (*Remarked, error) {
	first, err := a.Paper.Grade(b, x.Rules.Marking, a.Result.Choices)
	if err != nil || first == a.Result.Mark {
		return nil, err
	}
	out := &Remarked{First: first, Passed: first.Score >= x.Rules.PassScore}
	for _, r := range a.Paper.RulingsOn(b, x.Offer.Rulings) {
		if !slices.Contains(out.Reasons, r.Reason) {
			out.Reasons = append(out.Reasons, r.Reason)
		}
	}
	return out, nil
}

// review explains a finished attempt where the rule allows it by now, nil elsewhere.
func (x *session) review(a *Attempt, b *Bank) ([]ReviewItem, error) {
	if !x.reviewable() {
		return nil, nil
	}
	return a.Paper.review(b, x.Rules.Marking, a.Result.Choices, a.Paper.RulingsOn(b, x.Offer.Rulings))
}

func (x *session) reviewable() bool {
	switch x.Rules.Review {
	case ReviewAfterSubmission:
		return true
	case ReviewAfterClose:
		// Not while anybody may still be under way.
		return x.Offer.Campaign.Over(x.now) && !x.now.Before(x.Offer.Campaign.Settles(x.Rules.TimeLimit))
	default:
		return false
	}
}

// review explains every item of a finished paper, as it is marked by now.
func (p *Paper) review(b *Bank, how Marking, choices Choices, ruled []Ruled) ([]ReviewItem, error) {
	rulings := rulingsOf(ruled)
	sheet, err := p.Sheet(b)
	if err != nil {
		return nil, err
	}
	out := make([]ReviewItem, len(p.Items))
	for i, item := range p.Items {
		q := &b.Questions[item.Question]
		r := rulings.on(q.ID)
		m := item.ruled(choices[i], q, how, r)
		out[i] = ReviewItem{
			Question: sheet.Questions[i], Points: m.points, Of: m.of,
			Explanation: q.Explanation, Basis: q.Basis,
		}
		key := q.Key
		if r != nil {
			out[i].Rule, key = r.Rule, r.Key
		}
		for _, o := range sheet.Questions[i].Options {
			if choices[i].Has(o.original) {
				out[i].Chosen = append(out[i].Chosen, o.ID)
			}
			if key.Has(o.original) {
				out[i].Right = append(out[i].Right, o.ID)
			}
		}
	}
	return out, nil
}
