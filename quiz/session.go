package quiz

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

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
// not fit it, or the store has no such open attempt any more.
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
	case errors.Is(err, ErrAttemptNotFound), err == nil && !done.Fresh:
		return Submitted{}, false, nil
	case err != nil:
		return Submitted{}, false, err
	}
	x.Papers.forget(x.Person, number)
	return done, true, nil
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

// receiptOf adds to a stored attempt where the participant stands now.
func (x *session) receiptOf(ctx context.Context, a Attempt) (Receipt, error) {
	st, rank, err := x.stands(ctx)
	if err != nil {
		return Receipt{}, err
	}
	r, err := x.view(ctx, a)
	return Receipt{View: r, Best: st.Best, Rank: rank, Left: x.left(st)}, err
}

// receipt is receiptOf for a submission just made, whose store told the rest.
func (x *session) receipt(ctx context.Context, done Submitted) (Receipt, error) {
	view := x.view
	if done.Fresh {
		view = x.handed
	}
	v, err := view(ctx, done.Attempt)
	return Receipt{View: v, Best: done.Standing.Best, Rank: done.Above + 1, Left: x.left(done.Standing)}, err
}

// stands reads where the participant stands and, where they may know it, their place:
// both at once, so that one of them only is waited for, or both from one reading.
func (x *session) stands(ctx context.Context) (st Standing, rank int64, err error) {
	if !x.ranks() {
		st, err = x.Store.Standing(ctx, x.Person)
		return st, 0, err
	}
	var both errgroup.Group
	ask := both.Go
	if campaign.ReadingOf(ctx) != nil { // the second only looks up what the first has read
		ask = func(one func() error) { err = cmp.Or(err, one()) }
	}
	ask(func() (err error) {
		st, err = x.Store.Standing(ctx, x.Person)
		return err
	})
	ask(func() error {
		above, err := x.Store.Rank(ctx, x.Person)
		rank = above + 1
		return err
	})
	if err := cmp.Or(err, both.Wait()); err != nil {
		return Standing{}, 0, err
	}
	if st.Best == nil {
		rank = 0 // their first was accepted between the two readings
	}
	return st, rank, nil
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
