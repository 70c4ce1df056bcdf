package httpapi

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/internal/wechat"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// Functions stand in for the services: a scenario sets the one it is about, and
// a call of any other is an internal error.
var errUncalled = errors.New("this scenario does not expect the call")

type stubEnrolments struct {
	told      func(context.Context)
	enrol     func(campaignID, participant string, r campaign.Request) (campaign.Enrolment, error)
	enrolment func(campaignID, participant string) (campaign.Enrolment, error)
}

func (s *stubEnrolments) Enrol(_ context.Context, c, p string, r campaign.Request) (campaign.Enrolment, error) {
	if s.enrol == nil {
		return campaign.Enrolment{}, errUncalled
	}
	return s.enrol(c, p, r)
}

func (s *stubEnrolments) Enrolment(ctx context.Context, c, p string) (campaign.Enrolment, error) {
	if s.told != nil {
		s.told(ctx)
	}
	if s.enrolment == nil {
		return campaign.Enrolment{}, errUncalled
	}
	return s.enrolment(c, p)
}

type stubQuizzes struct {
	told     func(context.Context)
	start    func(ctx context.Context, c, p string, number int) (quiz.Receipt, bool, error)
	save     func(c, p, a string, revision int64, answers quiz.Answers) (quiz.Saved, quiz.Timing, error)
	submit   func(c, p, a string, answers quiz.Answers) (quiz.Receipt, error)
	attempt  func(c, p, a string) (quiz.Receipt, error)
	attempts func(c, p string, from, limit int) ([]quiz.View, int, error)
	home     func(c, p string) (quiz.Home, error)

	contested func(c, p, a, question string) (quiz.Contested, error)
}

func (s *stubQuizzes) Contested(_ context.Context, c, p, a, question string) (quiz.Contested, error) {
	if s.contested == nil {
		return quiz.Contested{}, errUncalled
	}
	return s.contested(c, p, a, question)
}

func (s *stubQuizzes) Start(ctx context.Context, c, p string, number int) (quiz.Receipt, bool, error) {
	if s.start == nil {
		return quiz.Receipt{}, false, errUncalled
	}
	return s.start(ctx, c, p, number)
}

func (s *stubQuizzes) Save(_ context.Context, c, p, a string, revision int64, answers quiz.Answers) (quiz.Saved, quiz.Timing, error) {
	if s.save == nil {
		return quiz.Saved{}, quiz.Timing{}, errUncalled
	}
	return s.save(c, p, a, revision, answers)
}

func (s *stubQuizzes) Submit(_ context.Context, c, p, a string, answers quiz.Answers) (quiz.Receipt, error) {
	if s.submit == nil {
		return quiz.Receipt{}, errUncalled
	}
	return s.submit(c, p, a, answers)
}

func (s *stubQuizzes) Attempt(_ context.Context, c, p, a string) (quiz.Receipt, error) {
	if s.attempt == nil {
		return quiz.Receipt{}, errUncalled
	}
	return s.attempt(c, p, a)
}

func (s *stubQuizzes) Attempts(_ context.Context, c, p string, from, limit int) ([]quiz.View, int, error) {
	if s.attempts == nil {
		return nil, 0, errUncalled
	}
	return s.attempts(c, p, from, limit)
}

func (s *stubQuizzes) Home(ctx context.Context, c, p string) (quiz.Home, error) {
	if s.told != nil {
		s.told(ctx)
	}
	if s.home == nil {
		return quiz.Home{}, errUncalled
	}
	return s.home(c, p)
}

type stubPledges struct {
	told      func(context.Context)
	sign      func(c, p string, r pledge.Request) (pledge.Receipt, bool, error)
	signature func(c, p string) (pledge.Receipt, error)
	bySerial  func(serial string) (pledge.Receipt, *campaign.Campaign, error)
}

func (s *stubPledges) Sign(_ context.Context, c, p string, r pledge.Request) (pledge.Receipt, bool, error) {
	if s.sign == nil {
		return pledge.Receipt{}, false, errUncalled
	}
	return s.sign(c, p, r)
}

func (s *stubPledges) Signature(ctx context.Context, c, p string) (pledge.Receipt, error) {
	if s.told != nil {
		s.told(ctx)
	}
	if s.signature == nil {
		return pledge.Receipt{}, errUncalled
	}
	return s.signature(c, p)
}

func (s *stubPledges) BySerial(_ context.Context, serial string) (pledge.Receipt, *campaign.Campaign, error) {
	if s.bySerial == nil {
		return pledge.Receipt{}, nil, errUncalled
	}
	return s.bySerial(serial)
}

type stubBoards struct {
	board     func(c string, q leaderboard.Query) (leaderboard.Board, error)
	lookUp    func(c string, q leaderboard.Query, ids []string) (map[string]leaderboard.Found, error)
	mine      func(c, p string, q leaderboard.Query, window int64) (leaderboard.Mine, error)
	breakdown func(c, parent, lang string, v leaderboard.Viewer) (leaderboard.Table, error)
	units     func(c string, q leaderboard.UnitQuery) (leaderboard.UnitBoard, error)
	today     func(c string) (map[string]leaderboard.Window, error)
	history   func(c string, step leaderboard.Step, scope string, v leaderboard.Viewer) ([]leaderboard.Bucket, error)
}

func (s *stubBoards) Board(_ context.Context, c string, q leaderboard.Query) (leaderboard.Board, error) {
	if s.board == nil {
		return leaderboard.Board{}, errUncalled
	}
	return s.board(c, q)
}

func (s *stubBoards) TopPercent(ctx context.Context, c string, q leaderboard.Query, _ int64) (leaderboard.Board, error) {
	return s.Board(ctx, c, q)
}

func (s *stubBoards) LookUp(_ context.Context, c string, q leaderboard.Query, ids []string) (map[string]leaderboard.Found, error) {
	if s.lookUp == nil {
		return nil, errUncalled
	}
	return s.lookUp(c, q, ids)
}

func (s *stubBoards) Mine(_ context.Context, c, p string, q leaderboard.Query, window int64) (leaderboard.Mine, error) {
	if s.mine == nil {
		return leaderboard.Mine{}, errUncalled
	}
	return s.mine(c, p, q, window)
}

func (s *stubBoards) Breakdown(c, parent, lang string, v leaderboard.Viewer) (leaderboard.Table, error) {
	if s.breakdown == nil {
		return leaderboard.Table{}, errUncalled
	}
	return s.breakdown(c, parent, lang, v)
}

func (s *stubBoards) Units(c string, q leaderboard.UnitQuery) (leaderboard.UnitBoard, error) {
	if s.units == nil {
		return leaderboard.UnitBoard{}, errUncalled
	}
	return s.units(c, q)
}

func (s *stubBoards) Today(_ context.Context, c string) (map[string]leaderboard.Window, error) {
	if s.today == nil {
		return nil, errUncalled
	}
	return s.today(c)
}

func (s *stubBoards) History(_ context.Context, c string, step leaderboard.Step, scope string, v leaderboard.Viewer) (leaderboard.History, error) {
	if s.history == nil {
		return leaderboard.History{}, errUncalled
	}
	buckets, err := s.history(c, step, scope, v)
	return leaderboard.History{Buckets: buckets}, err
}

// stubSessions answers every door with one function.
type stubSessions struct {
	signIn  func(door, what, code string) (session.Pair, error)
	signOut func(raw string) error
	// noOfficial is told where there is no official account.
	noOfficial error
}

func (s *stubSessions) in(door, what, code string) (session.Pair, error) {
	if s.signIn == nil {
		return session.Pair{}, errUncalled
	}
	return s.signIn(door, what, code)
}

func (s *stubSessions) SignInWeChat(_ context.Context, appid, code string) (session.Pair, error) {
	return s.in("wechat", appid, code)
}

func (s *stubSessions) SignInWeb(_ context.Context, code string) (session.Pair, error) {
	return s.in("web", "", code)
}

func (s *stubSessions) Detour(back, callback string) (address, carried string, err error) {
	return "https://open.example/?redirect_uri=" + callback, "away" + back, s.noOfficial
}

func (s *stubSessions) Returned(carried, state, code string) (back, next string, err error) {
	if !strings.HasPrefix(carried, "away/") || state != "s" || code == "" {
		return "", "", wechat.ErrCodeInvalid
	}
	return strings.TrimPrefix(carried, "away"), "back" + code, nil
}

func (s *stubSessions) Carried(carried string) (string, error) {
	if code, ok := strings.CutPrefix(carried, "back"); ok {
		return code, nil
	}
	return "", wechat.ErrCodeInvalid
}

func (s *stubSessions) SignInSandbox(_ context.Context, name string) (session.Pair, error) {
	return s.in("sandbox", name, "")
}

func (s *stubSessions) Refresh(_ context.Context, raw string) (session.Pair, error) {
	return s.in("refresh", raw, "")
}

func (s *stubSessions) SignOut(_ context.Context, raw string) error {
	if s.signOut != nil {
		return s.signOut(raw)
	}
	if c, err := (stubTokens{}).Check(raw); err != nil || c.Type != token.Access {
		return token.ErrInvalid
	}
	return nil
}

// stubTickets writes the tickets that stubTokens reads.
type stubTickets struct{}

func (stubTickets) SignScreen(_, scope string, office bool, _ time.Duration) (string, error) {
	if office {
		return "s:office/" + scope, nil
	}
	return "s:audience/" + scope, nil
}

func (stubTickets) SignViewer(_, scope string, _ time.Duration) (string, error) {
	return "v:" + or(scope, "all"), nil
}

// stubTokens takes "p:<participant>" and "v:<campaign>/<scope>".
type stubTokens struct{}

func (stubTokens) Check(raw string, _ ...token.Type) (token.Claims, error) {
	switch {
	case len(raw) > 2 && raw[:2] == "p:":
		return token.Claims{Type: token.Access, Participant: raw[2:], Family: "family"}, nil
	case raw == "v:all":
		return token.Claims{Type: token.Viewer, Campaign: "spring"}, nil
	case raw == "v:yuci", raw == "v:taigu":
		return token.Claims{Type: token.Viewer, Campaign: "spring", Scope: raw[2:]}, nil
	case strings.HasPrefix(raw, "s:"):
		view, scope, _ := strings.Cut(raw[2:], "/")
		return token.Claims{
			Type: token.Screen, Campaign: "spring", Scope: scope, Office: view == viewOffice, ExpiresAt: noon().Add(ticketLife),
		}, nil
	case raw == "old":
		return token.Claims{}, token.ErrExpired
	}
	return token.Claims{}, token.ErrInvalid
}

type gateFunc func(netip.Addr) error

func (f gateFunc) Admit(_ context.Context, addr netip.Addr) error { return f(addr) }

// stubCatalog holds what the fixtures put into it.
type stubCatalog struct {
	campaigns []*campaign.Campaign
	quizzes   map[string]quiz.Offer
	pledges   map[string]pledge.Offer
}

func (s *stubCatalog) Campaign(id string) (*campaign.Campaign, error) {
	for _, c := range s.campaigns {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, campaign.ErrNotFound
}

func (s *stubCatalog) Campaigns() []*campaign.Campaign { return s.campaigns }

func (s *stubCatalog) Quiz(id string) (quiz.Offer, error) {
	if o, ok := s.quizzes[id]; ok {
		return o, nil
	}
	return quiz.Offer{}, quiz.ErrNoQuiz
}

func (s *stubCatalog) Pledge(id string) (pledge.Offer, error) {
	if o, ok := s.pledges[id]; ok {
		return o, nil
	}
	return pledge.Offer{}, pledge.ErrNoPledge
}

// noon is when most scenarios take place.
func noon() time.Time { return time.Date(2026, 6, 2, 12, 0, 0, 0, zone()) }

func zone() *time.Location { return time.FixedZone("CST", 8*3600) }
