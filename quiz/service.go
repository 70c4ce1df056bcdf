package quiz

import (
	"context"
	"errors"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/fault"
)

// Offer is a campaign's quiz: its rules and the bank new papers are drawn from.
type Offer struct {
	Campaign *campaign.Campaign
	Rules    *Rules
	Bank     *Bank
	// Withdrawn are the questions of the bank that no new paper has; nil for none.
	Withdrawn *Withdrawn
	// Rulings are those in force on questions that were contested, in their order.
	Rulings []Ruled
}

// Catalog finds quizzes and bank versions.
type Catalog interface {
	// Quiz returns campaign.ErrNotFound for an unknown campaign and ErrNoQuiz
	// for one without a quiz.
	Quiz(campaign string) (Offer, error)
	// Bank returns the version with the given digest, also of an older bank
	// that attempts were drawn from.
	Bank(ctx context.Context, digest string) (*Bank, error)
}

// Service runs attempts by the rules.
type Service struct {
	Catalog Catalog
	Store   Store
	// IDKey makes attempt ids; at least 32 bytes, the same on every server.
	IDKey []byte
	Now   func() time.Time
	// Papers remembers what this server lately showed, so that handing in takes one
	// question to the store and not two; nil remembers nothing.
	Papers *Papers
	// Pools remembers what papers are drawn from, and for whom; nil looks through the
	// bank each time.
	Pools *Pools
}

// View is one attempt as its participant may see it.
type View struct {
	ID      string
	Attempt Attempt
	// Sheet and SavedAnswers are set while the attempt is open.
	Sheet        Sheet
	SavedAnswers Answers
	// Review is set when the review rule allows it.
	Review []ReviewItem
	// Remarked is set where the attempt was marked again, of a single attempt.
	Remarked *Remarked
	Now      time.Time
	// Standing says that the clocks stand: the attempt's deadline is the one that it
	// would have if they ran again now.
	Standing bool
}

// Timing is how the time of an open attempt stands.
type Timing struct {
	Deadline time.Time
	// Standing is as in View.
	Standing bool
}

// Remarked says how an attempt was marked when it was handed in, where it is marked
// otherwise by now.
type Remarked struct {
	First  Mark
	Passed bool
	// Reasons are told to the participant: Chinese, ready to be shown.
	Reasons []string
}

// ReviewItem explains one question of a finished attempt.
type ReviewItem struct {
	Question      SheetQuestion
	Chosen, Right []string // option ids of this attempt
	Points, Of    int
	Explanation   string
	Basis         string
	// Rule is by what a contested question is marked, "" for any other. One that was
	// withdrawn has no right option, and one that was dropped is worth nothing.
	Rule Rule
}

// Left is how many attempts remain; nil where there is no bound.
type Left struct {
	Today, All *int
}

// Receipt is what a participant gets for a submission: the view of the
// attempt, fixed, and where it left them, current.
type Receipt struct {
	View
	Best *Best
	// Rank is 0 where the campaign does not rank, while its boards stand still, and
	// of who is hidden.
	Rank int64
	Left Left
}

// Home is everything a participant's home page shows of the quiz.
type Home struct {
	OpenID       string // "" without an open attempt
	OpenDeadline time.Time
	Standing     bool // as in View
	Left         Left
	// NextAttemptAt is when the day's limit ends; zero while attempts are left
	// and when none will come.
	NextAttemptAt time.Time
	Best          *Best
	Rank          int64
}

// session is one request on one campaign by one participant.
type session struct {
	*Service
	Offer
	Person
	now time.Time
	// namedID is the attempt that the request names, which need not be worked out again.
	namedID     string
	namedNumber int
}

func (s *Service) session(campaignID, participant string) (*session, error) {
	o, err := s.Catalog.Quiz(campaignID)
	if err != nil {
		return nil, err
	}
	return &session{Service: s, Offer: o, Person: Person{campaignID, participant}, now: s.Now()}, nil
}

// Save keeps the answers marked so far.
func (s *Service) Save(ctx context.Context, campaignID, participant, attempt string, revision int64, answers Answers) (Saved, Timing, error) {
	x, a, err := s.load(ctx, campaignID, participant, attempt)
	if err != nil {
		return Saved{}, Timing{}, err
	}
	choices, err := x.read(ctx, a, answers)
	if err != nil {
		return Saved{}, Timing{}, err
	}
	if x.overdue(&a) { // whether its time is over, the store knows
		if a, err = x.handIn(ctx, a); err != nil {
			return Saved{}, Timing{}, err
		}
	}
	switch {
	case a.State.Accepted() && a.ClosedBy == ByParticipant:
		return Saved{}, Timing{}, ErrSubmitted
	case a.State != StateOpen:
		return Saved{}, Timing{}, ErrExpired
	}
	kept, err := x.Store.Save(ctx, x.Person, a.Number, Saved{Revision: revision, Choices: choices})
	v := x.listed(&a)
	return kept, Timing{v.Attempt.Deadline, v.Standing}, err
}

// Submit hands the attempt in. The same submission again returns the same
// receipt; a different one for a finished attempt is ErrSubmitted, and after
// the deadline and its grace ErrExpired. Running attempts may be handed in
// while the campaign is paused or closed: their own deadline decides.
func (s *Service) Submit(ctx context.Context, campaignID, participant, attempt string, answers Answers) (Receipt, error) {
	x, number, err := s.named(campaignID, participant, attempt)
	if err != nil {
		return Receipt{}, err
	}
	done, taken, err := x.handShown(ctx, number, answers)
	if err == nil && !taken {
		done, err = x.handStored(ctx, number, answers)
	}
	if err != nil {
		return Receipt{}, err
	}
	return x.receipt(ctx, done)
}

// Attempt returns one attempt of the participant as it stands, handing it in
// first if its deadline has passed.
func (s *Service) Attempt(ctx context.Context, campaignID, participant, attempt string) (Receipt, error) {
	x, number, err := s.named(campaignID, participant, attempt)
	if err != nil {
		return Receipt{}, err
	}
	return x.told(ctx, number)
}

// Attempts lists the participant's own, newest first, at most limit, beginning
// with number from (0: the newest). next is the number to go on with, 0 at the
// end. Listed attempts carry no sheet and no review.
func (s *Service) Attempts(ctx context.Context, campaignID, participant string, from, limit int) (views []View, next int, err error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return nil, 0, err
	}
	if from == 0 {
		st, err := x.Store.Standing(ctx, x.Person)
		if err != nil {
			return nil, 0, err
		}
		from = st.Last
	}
	list, err := x.Store.Attempts(ctx, x.Person, from, limit)
	if err != nil {
		return nil, 0, err
	}
	for _, a := range list {
		views = append(views, x.listed(&a))
	}
	return views, max(from-limit, 0), nil
}

// Home returns what a home page shows. A participant who is not enrolled has
// the whole allowance and nothing else.
func (s *Service) Home(ctx context.Context, campaignID, participant string) (Home, error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return Home{}, err
	}
	now, err := x.Store.Stands(ctx, x.Person, 0, x.ranks())
	if err != nil {
		if !errors.Is(err, campaign.ErrRequired) {
			return Home{}, err
		}
		now = Submitted{Above: -1}
	}
	st := now.Standing
	x.Pools.learn(x.Person, x.Offer.Campaign, st.Group)
	h := Home{Left: x.left(st), Best: st.Best, Rank: now.Above + 1}
	if st.Open != nil && !x.overdue(st.Open) {
		h.OpenID, h.OpenDeadline = x.id(st.Open.Number), st.Open.Due(x.clocks(), x.now)
		_, h.Standing = x.clocks().StopAt(x.now)
	}
	next := x.Offer.Campaign.NextDay(x.now)
	spent := h.Left.Today != nil && *h.Left.Today == 0 && (h.Left.All == nil || *h.Left.All > 0)
	if spent && x.Offer.Campaign.CheckOpen(next) == nil {
		h.NextAttemptAt = next
	}
	return h, nil
}

// HandInOverdue hands in what was kept of every attempt of the campaign whose
// deadline has passed, at most limit, and returns how many it closed. An attempt
// that cannot be handed in is in the error and stops no other. Any number of
// servers may do it at once.
func (s *Service) HandInOverdue(ctx context.Context, campaignID string, limit int) (int, error) {
	x, err := s.session(campaignID, "")
	if err != nil {
		return 0, err
	}
	people, err := x.Store.OverdueAttempts(ctx, campaignID, x.overdueBefore(), limit)
	if err != nil {
		return 0, err
	}
	closed := 0
	var errs []error
	for _, p := range people {
		x.Person = p
		done, err := x.sweep(ctx)
		if done {
			closed++
		}
		if err != nil {
			errs = append(errs, err)
		}
		if errors.Is(err, fault.ErrUnavailable) {
			break // the store is away: the others would only wait for it as well
		}
	}
	return closed, errors.Join(errs...)
}

// overdueBefore is the moment that the deadline of every overdue attempt lies before,
// as it was started. While the clocks stand that is not later than when they stopped.
// After that there are others as well for a while, whose time is not over yet: they
// come first in the order of deadlines, and a sweep passes them by.
func (x *session) overdueBefore() time.Time {
	before := x.now.Add(-x.Rules.Grace)
	if s, stands := x.clocks().StopAt(x.now); stands && s.From.Before(before) {
		before = s.From.Add(time.Millisecond)
	}
	return before
}

// sweep hands the person's open attempt in if it is overdue.
func (x *session) sweep(ctx context.Context) (bool, error) {
	st, err := x.Store.Standing(ctx, x.Person)
	if err != nil || st.Open == nil || !x.overdue(st.Open) {
		return false, err
	}
	_, err = x.handIn(ctx, *st.Open)
	return err == nil, err
}
