package httpapi

import (
	"context"
	"net/netip"
	"time"

	"qingyuan/campaign"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/internal/waitingroom"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/quiz"
)

// Catalog finds what operators have set up. It answers from memory.
type Catalog interface {
	// Campaign returns campaign.ErrNotFound for an unknown id.
	Campaign(id string) (*campaign.Campaign, error)
	// Campaigns lists every campaign in the order to show them in.
	Campaigns() []*campaign.Campaign
	// Quiz returns quiz.ErrNoQuiz for a campaign without a quiz.
	Quiz(id string) (quiz.Offer, error)
	// Pledge returns pledge.ErrNoPledge for a campaign without a pledge.
	Pledge(id string) (pledge.Offer, error)
}

// Enrolments is what this package needs of campaign.Service.
type Enrolments interface {
	Enrol(ctx context.Context, campaignID, participant string, r campaign.Request) (campaign.Enrolment, error)
	Enrolment(ctx context.Context, campaignID, participant string) (campaign.Enrolment, error)
}

// Quizzes is what this package needs of quiz.Service.
type Quizzes interface {
	Start(ctx context.Context, campaignID, participant string, number int) (quiz.Receipt, bool, error)
	Save(ctx context.Context, campaignID, participant, attempt string, revision int64, answers quiz.Answers) (quiz.Saved, quiz.Timing, error)
	Submit(ctx context.Context, campaignID, participant, attempt string, answers quiz.Answers) (quiz.Receipt, error)
	Attempt(ctx context.Context, campaignID, participant, attempt string) (quiz.Receipt, error)
	Attempts(ctx context.Context, campaignID, participant string, from, limit int) ([]quiz.View, int, error)
	Home(ctx context.Context, campaignID, participant string) (quiz.Home, error)
	Contested(ctx context.Context, campaignID, participant, attempt, question string) (quiz.Contested, error)
}

// Pledges is what this package needs of pledge.Service.
type Pledges interface {
	Sign(ctx context.Context, campaignID, participant string, r pledge.Request) (pledge.Receipt, bool, error)
	Signature(ctx context.Context, campaignID, participant string) (pledge.Receipt, error)
	BySerial(ctx context.Context, serial string) (pledge.Receipt, *campaign.Campaign, error)
}

// Boards is what this package needs of leaderboard.Service.
type Boards interface {
	Board(ctx context.Context, campaignID string, q leaderboard.Query) (leaderboard.Board, error)
	// TopPercent returns the best so many per cent, at most leaderboard.MaxPage of them.
	TopPercent(ctx context.Context, campaignID string, q leaderboard.Query, percent int64) (leaderboard.Board, error)
	// LookUp tells where many people stand; who is not on the board is left out.
	LookUp(ctx context.Context, campaignID string, q leaderboard.Query, participants []string) (map[string]leaderboard.Found, error)
	Mine(ctx context.Context, campaignID, participant string, q leaderboard.Query, window int64) (leaderboard.Mine, error)
	Breakdown(campaignID, parent, lang string, v leaderboard.Viewer) (leaderboard.Table, error)
	Units(campaignID string, q leaderboard.UnitQuery) (leaderboard.UnitBoard, error)
	// Today sums what was accepted on the running local day, by node of the tree.
	Today(ctx context.Context, campaignID string) (map[string]leaderboard.Window, error)
	History(ctx context.Context, campaignID string, step leaderboard.Step, scope string, v leaderboard.Viewer) (leaderboard.History, error)
}

// Sessions lets people in and out. *session.Service is one.
type Sessions interface {
	SignInWeChat(ctx context.Context, appid, code string) (session.Pair, error)
	SignInWeb(ctx context.Context, code string) (session.Pair, error)
	// Detour begins a sign-in by way of WeChat's page: where the browser goes, and what
	// it carries. Without an official account it is fault.ErrNotFound.
	Detour(back, callback string) (address, carried string, err error)
	// Returned takes the browser back. Also with an error, back may say where to.
	Returned(carried, state, code string) (back, next string, err error)
	// Carried is the code that a browser came back with.
	Carried(carried string) (code string, err error)
	SignInSandbox(ctx context.Context, name string) (session.Pair, error)
	Refresh(ctx context.Context, refreshToken string) (session.Pair, error)
	// SignOut ends the session of an access token, and may be repeated.
	SignOut(ctx context.Context, accessToken string) error
}

// Tokens checks access and viewer tokens without asking anybody.
// *session.Service is one that knows of sessions ended early.
type Tokens interface {
	Check(raw string, types ...token.Type) (token.Claims, error)
}

// Brake hears how long participants wait for their answers. *waitingroom.Brake is one.
type Brake interface {
	Note(took time.Duration)
}

// Queue is the waiting room before the sign-ins. *waitingroom.Room is one.
type Queue interface {
	// Join takes a place in line, or says where the ticket stands. draw is asked
	// before a new number is given, and its error is returned.
	Join(ctx context.Context, ticket string, draw func(context.Context) error) (waitingroom.Place, error)
	// Enter lets a sign-in through, or returns waitingroom.ErrRequired. It may be
	// repeated with the same ticket and code.
	Enter(ctx context.Context, ticket, code string) error
}

// Switches tells what operators have switched off. It answers from memory.
type Switches interface {
	// Off tells whether a feature of a campaign is off.
	Off(campaignID string, f Feature) bool
}

// Gate bounds how often an address may sign in, over all instances.
// *session.Gate is one.
type Gate interface {
	// Admit returns session.ErrRateLimited when there were too many.
	Admit(ctx context.Context, addr netip.Addr) error
}
