package prize

import (
	"context"
	"slices"
	"sync"
	"time"

	"qingyuan/campaign"
)

// Offer is what a campaign promises.
type Offer struct {
	Campaign *campaign.Campaign
	Plan     *Plan
}

// Catalog finds plans.
type Catalog interface {
	// Prizes returns campaign.ErrNotFound for an unknown campaign and ErrNone for one
	// without prizes.
	Prizes(campaign string) (Offer, error)
}

// Person is one participant in one campaign.
type Person struct{ Campaign, Participant string }

// Try is a chance as it is spent.
type Try struct {
	Number int
	At     time.Time
	// Day is the local date, and the bounds are those of the plan.
	Day     string
	Chances Chances
	// Unit and Group are where the participant belongs.
	Unit, Group string
	// Rolled is the prize that the chance falls on, "" for none, and Limit how many of it
	// may have been won by now.
	Rolled string
	Limit  int
}

// Outcome is what spending a chance led to.
type Outcome string

// The outcomes of spending a chance. Spent and Repeat come with the chance; the others
// change nothing.
const (
	Spent       Outcome = "spent"
	Repeat      Outcome = "repeat" // the number was spent before
	DayLimit    Outcome = "day_limit"
	AllLimit    Outcome = "all_limit"
	WrongNumber Outcome = "number" // it is neither spent nor the next
)

// Store keeps chances and wins. Each method is one atomic step, honours ctx, and may be
// repeated after an unknown outcome.
type Store interface {
	// Acts reads what a participant has done; campaign.ErrRequired for who is not
	// enrolled.
	Acts(ctx context.Context, p Person) (Acts, error)
	// Standing reads how far a participant is; the zero Standing before the first chance.
	Standing(ctx context.Context, p Person) (Standing, error)
	// Chances reads chances number from down to 1, at most limit of them.
	Chances(ctx context.Context, p Person, from, limit int) ([]Chance, error)
	// Spend spends a chance and appends its fact, or tells why not. Of a prize whose
	// limit is reached nothing is won, nor by who has had as many wins as they may. The
	// items of a prize are given in order, each once.
	Spend(ctx context.Context, p Person, t Try) (Chance, Outcome, error)
	// Award gives an item of a prize to a winner of a draw and appends the fact; fresh
	// is false where that item was given to the same winner before. An item that
	// somebody else has is ErrState.
	Award(ctx context.Context, campaignID string, w Win) (fresh bool, err error)
	// Granted counts what was won of each prize.
	Granted(ctx context.Context, campaignID string) (map[string]int, error)
	// Win finds a win, or fails with ErrNoWin.
	Win(ctx context.Context, campaignID string, id WinID) (Win, error)
	// OwnWins reads the wins of a participant, in the order in which they won them.
	OwnWins(ctx context.Context, p Person) ([]Win, error)
	// Wins reads every win of a campaign, by prize and item.
	Wins(ctx context.Context, campaignID string) ([]Win, error)
	// Move brings a win from one state into another and appends the fact; fresh is false
	// where it is in that state already. Any other state is ErrState.
	Move(ctx context.Context, campaignID string, id WinID, from, to State, at time.Time) (w Win, fresh bool, err error)
}

// Service runs prizes by the rules.
type Service struct {
	Catalog Catalog
	Store   Store
	Keys    Keys
	// Codes counts how many codes there are of a voucher; nil is as many as the stock.
	Codes func(campaignID, prize string) int
	// Barred tells who may win nothing, such as the people of the office; nil bars nobody.
	Barred func(campaignID, participant string) bool
	Now    func() time.Time

	mu      sync.Mutex
	winners map[string]winners
}

// Own is how a participant stands.
type Own struct {
	Ticket    string
	Qualified bool
	Standing
	// LeftToday and LeftInAll are nil where there is no bound.
	LeftToday, LeftInAll *int
	// Next is when the day's limit ends; zero while chances are left and when none
	// will come.
	Next time.Time
}

// Own tells how a participant stands.
func (s *Service) Own(ctx context.Context, campaignID, participant string) (Own, error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return Own{}, err
	}
	acts, err := s.Store.Acts(ctx, x.Person)
	if err != nil {
		return Own{}, err
	}
	out := Own{Ticket: x.ticket(), Qualified: x.meets(&acts)}
	if out.Standing, err = s.Store.Standing(ctx, x.Person); err != nil {
		return Own{}, err
	}
	out.LeftToday, out.LeftInAll = out.left(x.Plan.Chances, x.day())
	out.Next = x.next(&out.Standing)
	return out, nil
}

// Spend spends a chance. A number that was spent gives that chance again, also after
// the close.
func (s *Service) Spend(ctx context.Context, campaignID, participant string, number int) (Chance, error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return Chance{}, err
	}
	st, err := s.Store.Standing(ctx, x.Person)
	if err != nil {
		return Chance{}, err
	}
	if number < 1 || number > st.Last+1 {
		return Chance{}, ErrNumber
	}
	if number <= st.Last {
		return x.spent(ctx, number)
	}
	if err := x.Offer.Campaign.CheckOpen(x.now); err != nil {
		return Chance{}, err
	}
	if len(x.Plan.Instant) == 0 {
		return Chance{}, ErrNone
	}
	acts, err := s.Store.Acts(ctx, x.Person)
	if err != nil {
		return Chance{}, err
	}
	if !x.meets(&acts) {
		return Chance{}, ErrNotQualified
	}
	return x.spend(ctx, x.try(number, &acts))
}

// Offer returns what a campaign promises, ErrNone where that is nothing.
func (s *Service) Offer(campaignID string) (Offer, error) { return s.Catalog.Prizes(campaignID) }

// Granted counts what was won of each prize.
func (s *Service) Granted(ctx context.Context, campaignID string) (map[string]int, error) {
	return s.Store.Granted(ctx, campaignID)
}

// Ticket is what a participant is called in published lists.
func (s *Service) Ticket(campaignID, participant string) string {
	return s.Keys.Ticket(campaignID, participant)
}

// Spent lists the chances of a participant, newest first, from number from on (0: the
// newest).
func (s *Service) Spent(ctx context.Context, campaignID, participant string, from, limit int) ([]Chance, error) {
	x, err := s.session(campaignID, participant)
	if err != nil {
		return nil, err
	}
	if from == 0 {
		st, err := s.Store.Standing(ctx, x.Person)
		if err != nil {
			return nil, err
		}
		from = st.Last
	}
	return s.Store.Chances(ctx, x.Person, from, limit)
}

// winnersKept is how long a list of all winners is told again: everybody may ask for it.
const winnersKept = time.Second

// winners is the newest list of a campaign.
type winners struct {
	at   time.Time
	wins []Win
}

// Winners lists every win, the newest first, as it was a second ago at most. The caller
// must not change the list.
func (s *Service) Winners(ctx context.Context, campaignID string) ([]Win, error) {
	s.mu.Lock() // who comes meanwhile waits for the same list
	defer s.mu.Unlock()
	now := s.Now()
	if kept, ok := s.winners[campaignID]; ok && now.Sub(kept.at) < winnersKept && !now.Before(kept.at) {
		return kept.wins, nil
	}
	wins, err := s.Store.Wins(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(wins, func(a, b Win) int { return b.At.Compare(a.At) })
	if s.winners == nil {
		s.winners = map[string]winners{}
	}
	s.winners[campaignID] = winners{now, wins}
	return wins, nil
}

// Rolled is what a chance of a participant falls on by the plan, "" for none.
func (s *Service) Rolled(campaignID, participant string, number int) string {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return ""
	}
	return o.Plan.Fall(Roll(s.Keys.Instant(campaignID), s.Keys.Ticket(campaignID, participant), number))
}

// session is one request by one participant.
type session struct {
	*Service
	Offer
	Person
	now time.Time
}

func (s *Service) session(campaignID, participant string) (*session, error) {
	o, err := s.Catalog.Prizes(campaignID)
	if err != nil {
		return nil, err
	}
	return &session{Service: s, Offer: o, Person: Person{campaignID, participant}, now: s.Now()}, nil
}

// meets tells whether they may try now.
func (x *session) meets(acts *Acts) bool {
	barred := x.Barred != nil && x.Barred(x.Person.Campaign, x.Participant)
	return !barred && x.Plan.Qualify.Meets(x.Offer.Campaign, acts, x.now)
}

func (x *session) day() string { return x.Offer.Campaign.Day(x.now) }

func (x *session) ticket() string { return x.Keys.Ticket(x.Person.Campaign, x.Participant) }

// spent returns a chance that was spent.
func (x *session) spent(ctx context.Context, number int) (Chance, error) {
	list, err := x.Store.Chances(ctx, x.Person, number, 1)
	if err != nil {
		return Chance{}, err
	}
	if len(list) != 1 {
		return Chance{}, ErrNumber
	}
	return list[0], nil
}

// try works out what a chance falls on.
func (x *session) try(number int, acts *Acts) Try {
	t := Try{
		Number: number, At: x.now.Truncate(time.Millisecond), Day: x.day(), Chances: x.Plan.Chances, Unit: acts.Unit, Group: acts.Group,
		Rolled: x.Service.Rolled(x.Person.Campaign, x.Participant, number),
	}
	if p, ok := x.Plan.Prize(t.Rolled); ok {
		t.Limit = x.limit(p)
	}
	return t
}

// limit is how many of a prize may have been won by now.
func (x *session) limit(p *Prize) int {
	n := p.Released(x.Offer.Campaign, x.now)
	if p.Kind == Voucher && x.Codes != nil {
		n = min(n, x.Codes(x.Person.Campaign, p.ID))
	}
	return n
}

func (x *session) spend(ctx context.Context, t Try) (Chance, error) {
	c, outcome, err := x.Store.Spend(ctx, x.Person, t)
	switch {
	case err != nil:
		return Chance{}, err
	case outcome == Spent, outcome == Repeat:
		return c, nil
	case outcome == DayLimit:
		return Chance{}, ErrLimit.WithNextAttempt(x.Offer.Campaign.NextDay(x.now))
	case outcome == AllLimit:
		return Chance{}, ErrLimit
	default:
		return Chance{}, ErrNumber
	}
}

// next is when the day's limit ends.
func (x *session) next(st *Standing) time.Time {
	today, all := st.left(x.Plan.Chances, x.day())
	next := x.Offer.Campaign.NextDay(x.now)
	if today != nil && *today == 0 && (all == nil || *all > 0) && x.Offer.Campaign.CheckOpen(next) == nil {
		return next
	}
	return time.Time{}
}
