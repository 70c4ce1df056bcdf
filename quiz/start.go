package quiz

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Start opens the next attempt, or gives back the one that is still open. With
// number, an attempt of that number is given back whatever became of it, so
// that a delayed repeat starts nothing. fresh is true for a new attempt.
func (s *Service) Start(ctx context.Context, campaignID, participant string, number int) (v Receipt, fresh bool, err error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return Receipt{}, false, err
	}
	for range 2 { // once more after handing in an overdue attempt
		a, st, outcome, err := x.start(ctx, number)
		if err != nil {
			return Receipt{}, false, err
		}
		if outcome == Overdue && !x.overdue(&a) {
			outcome = AlreadyOpen // the store knows nothing of clocks
		}
		if outcome == Overdue {
			if _, err := x.handIn(ctx, a); err != nil {
				return Receipt{}, false, err
			}
			continue
		}
		if outcome == Used {
			r, err := x.told(ctx, a.Number)
			return r, false, err
		}
		view, err := x.view(ctx, a)
		return Receipt{View: view, Left: x.left(st)}, outcome == Started, err
	}
	return Receipt{}, false, fmt.Errorf("start attempt in %s: the overdue attempt stays open", campaignID)
}

// start draws a paper and asks the store to open it, in one question: whether
// anything else is given back, or refused, the store decides. The paper is drawn for
// the group that they most likely are of; the store knows which it is.
func (x *session) start(ctx context.Context, number int) (Attempt, Standing, StartOutcome, error) {
	group := x.Pools.guess(x.Person, x.Offer.Campaign)
	a, st, outcome, err := x.begin(ctx, number, group)
	if outcome == OtherGroup {
		group = st.Group
		x.Pools.learn(x.Person, x.Offer.Campaign, group)
		a, st, outcome, err = x.begin(ctx, number, group)
	}
	if err != nil && !errors.Is(err, campaign.ErrRequired) {
		a, st, outcome, err = x.repeat(ctx, number, group, err)
	}
	if err != nil {
		return Attempt{}, Standing{}, "", err
	}
	return a, st, outcome, x.refusal(outcome)
}

// begin asks the store to open an attempt of somebody of that group.
func (x *session) begin(ctx context.Context, number int, group string) (Attempt, Standing, StartOutcome, error) {
	err := x.Offer.Campaign.CheckOpen(x.now)
	var a Attempt
	if err == nil {
		a, err = x.draw(group)
	}
	if err != nil {
		return Attempt{}, Standing{}, "", err
	}
	l := x.limits(number)
	l.Group = group
	return x.Store.Start(ctx, x.Person, a, l)
}

// repeat gives back what was started before, when no attempt could be opened for the
// given reason: also outside of the window, and while the store takes nothing new,
// what was started can be fetched again. Where the reason may be a group that is not
// theirs, it begins once more.
func (x *session) repeat(ctx context.Context, number int, group string, reason error) (Attempt, Standing, StartOutcome, error) {
	st, err := x.Store.Standing(ctx, x.Person)
	if err != nil {
		return Attempt{}, Standing{}, "", err
	}
	x.Pools.learn(x.Person, x.Offer.Campaign, st.Group)
	a, outcome, found, err := x.existing(ctx, st, number)
	switch {
	case found || err != nil:
		return a, st, outcome, err
	case st.Group != group:
		return x.begin(ctx, number, st.Group)
	default:
		return Attempt{}, Standing{}, "", reason
	}
}

// existing finds the attempt that a start gives back rather than opens.
func (x *session) existing(ctx context.Context, st Standing, number int) (Attempt, StartOutcome, bool, error) {
	switch {
	case st.Open != nil && (number == 0 || number == st.Open.Number):
		if x.overdue(st.Open) {
			return *st.Open, Overdue, true, nil
		}
		return *st.Open, AlreadyOpen, true, nil
	case number > 0 && number <= st.Last:
		a, err := x.Store.Attempt(ctx, x.Person, number)
		return a, Used, true, err
	default:
		return Attempt{}, "", false, nil
	}
}

func (x *session) limits(number int) Limits {
	return Limits{
		Day: x.Offer.Campaign.Day(x.now), PerDay: x.Rules.AttemptsPerDay, All: x.Rules.mostAttempts(),
		Grace: x.Rules.Grace, WantedNumber: number,
	}
}

var errRestless = errors.New("the participant changes groups while they start")

// refusal maps the outcomes that carry no attempt to their faults.
func (x *session) refusal(o StartOutcome) error {
	switch o {
	case DayLimit:
		next := x.Offer.Campaign.NextDay(x.now)
		if x.Offer.Campaign.CheckOpen(next) != nil {
			return ErrLimitReached
		}
		return ErrLimitReached.WithNextAttempt(next)
	case AllLimit:
		return ErrLimitInAll
	case WrongNumber:
		return ErrNumber
	case OtherGroup:
		return fault.ErrUnavailable.Because(errRestless)
	default:
		return nil
	}
}

func (x *session) draw(group string) (Attempt, error) {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // crypto/rand.Read never fails; it ends the program
	audience := x.Offer.Campaign.Audience(group)
	pool := x.Pools.of(&x.Offer, audience, x.Offer.Campaign.Day(x.now))
	p, err := pool.Draw(binary.BigEndian.Uint64(seed[:]))
	if err != nil {
		return Attempt{}, err
	}
	var closes time.Time
	if !x.Offer.Campaign.AlwaysOpen {
		closes = x.Offer.Campaign.ClosesAt
	}
	return Attempt{Window: x.Rules.WindowFor(x.now.Truncate(time.Millisecond), closes), Paper: p, State: StateOpen}, nil
}
