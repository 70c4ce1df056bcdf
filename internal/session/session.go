// Package session signs people in and keeps them signed in.
//
// A person comes through a door: a mini-program, a page in WeChat, or the
// sandbox of a demonstration. Each door leads to one participant, who is an
// opaque id from there on, and begins a session: a family of refresh tokens of
// which only the newest is good. Access tokens are checked without asking
// anybody; the few families that were ended early are known to every instance
// within a second.
//
// What WeChat told about a person is kept sealed in the door's record and
// nowhere else. No openid, unionid, code or address appears in a key, a log or
// an error.
package session

import (
	"context"
	"time"

	"qingyuan/internal/fault"
	"qingyuan/internal/wechat"
)

// What a caller must tell apart; package token and package wechat declare the
// rest.
var (
	// ErrReused is a refresh token shown again after its successor was in
	// use: somebody has a copy. The session has ended for everyone.
	ErrReused = fault.New(fault.Unauthenticated, "auth.reused", "登录凭证被重复使用，为保护账号安全，请重新登录")
	// ErrRateLimited is a caller who asks too often.
	ErrRateLimited = fault.New(fault.Limited, "rate.limited", "操作过于频繁，请稍后再试")
)

// Pair is what a person gets on signing in and on refreshing.
type Pair struct {
	// AccessToken is a JWT for the Authorization header.
	AccessToken string
	// ExpiresIn is how long AccessToken lasts from now.
	ExpiresIn time.Duration
	// RefreshToken is good for one refresh.
	RefreshToken string
	// Participant is the opaque id of the person in this deployment.
	Participant string
}

// ID names one session.
type ID struct {
	Participant string
	// Family is random; every token of the session carries it.
	Family string
}

// WeChat says who stands behind a code. *wechat.Client implements it; its
// comments say which fault means what.
type WeChat interface {
	// MiniProgram returns the appid that a request means.
	MiniProgram(appid string) (string, error)
	// OfficialAccount returns the appid of the pages.
	OfficialAccount() (string, error)
	// CodeToSession spends a code of wx.login.
	CodeToSession(ctx context.Context, appid, code string) (wechat.Identity, error)
	// WebAuthorise spends a code of a page.
	WebAuthorise(ctx context.Context, code string) (wechat.Identity, error)
}

// Store keeps codes, doors and sessions. Each method is one atomic step unless
// it says otherwise, may be repeated without harm, and honours the deadline of
// ctx. An outage is fault.ErrUnavailable: the step was then taken or not, and
// the caller may take it again.
type Store interface {
	CodeStore
	DoorStore
	FamilyStore
}

// CodeStore remembers for minutes what a one-use code led to. Codes appear as
// keyed hashes only.
type CodeStore interface {
	// ClaimCode asks for the right to show a code to WeChat. It is given to
	// one owner for as long as hold says, unless the code's result is known.
	ClaimCode(ctx context.Context, hash, owner string, hold time.Duration) (CodeClaim, error)
	// KeepCode stores the result for as long as keep says and returns it, or
	// the result that was stored before.
	KeepCode(ctx context.Context, hash string, id ID, keep time.Duration) (ID, error)
	// DropCode gives the right back if owner has it and no result is known.
	DropCode(ctx context.Context, hash, owner string) error
}

// CodeClaim is the answer to ClaimCode. If Result is zero and Mine is false,
// somebody else is asking WeChat at this moment.
type CodeClaim struct {
	// Mine says that the owner may ask WeChat.
	Mine bool
	// Result is what the code led to, once that is known.
	Result ID
}

// DoorStore knows which participant stands behind each door, for good. Doors
// appear as keyed hashes only.
type DoorStore interface {
	// Door returns a door, or the zero Door if nobody came through it yet.
	Door(ctx context.Context, hash string) (Door, error)
	// ClaimDoor stores a door unless it exists, and returns what is stored.
	ClaimDoor(ctx context.Context, hash string, d Door) (Door, error)
	// LinkDoor replaces a door if it still leads to the participant from, or
	// leads to d's already, and returns what is stored.
	LinkDoor(ctx context.Context, hash, from string, d Door) (Door, error)
}

// Door is one way of signing in.
type Door struct {
	Participant string
	// Sealed is what WeChat told about the person, encrypted; it may be empty.
	Sealed []byte
}

// FamilyStore keeps sessions and which of them were ended early.
type FamilyStore interface {
	// Begin starts a session at generation 1, to end at ends unless it is
	// refreshed. If it exists, its generation is returned; a session that was
	// ended has generation 0.
	Begin(ctx context.Context, id ID, now, ends time.Time) (generation uint64, err error)
	// Refresh takes one turn of a session; see Turn. It ends the session if
	// the outcome is Reused.
	Refresh(ctx context.Context, t Turn) (Turned, error)
	// End publishes a family to Ended until the given time, whether it is
	// known or not, and then ends the session. After a failure either, both or
	// none of the two is done.
	End(ctx context.Context, id ID, now, until time.Time) error
	// EndAll does the same with every family of a participant and returns how
	// many there were. It may miss one that begins meanwhile.
	EndAll(ctx context.Context, participant string, now, until time.Time) (int, error)
	// Ended lists the families whose published time is not before since.
	Ended(ctx context.Context, since time.Time) ([]Ended, error)
}

// Turn is one refresh.
type Turn struct {
	ID ID
	// Generation is that of the token shown. The newest is succeeded by the
	// next. The one before it gets the same successor again for as long as
	// Grace says, because a reply may be lost. Any other is Reused.
	Generation uint64
	Now        time.Time
	Grace      time.Duration
	// Idle is how long the session lasts without another refresh, Longest how
	// long it lasts in all.
	Idle, Longest time.Duration
}

// Turned is how a Turn went.
type Turned struct {
	Outcome Outcome
	// Generation is that of the successor if the outcome is Advanced.
	Generation uint64
}

// Outcome says how a Turn went.
type Outcome uint8

// The outcomes of a Turn. Unknown is the zero value on purpose: it is refused.
const (
	Unknown  Outcome = iota // no such session, or one that was ended
	Advanced                // the successor may be given out
	Reused                  // a copy was shown: the session has ended
	Expired                 // the session lasted its time
)

// Ended is a session that was ended early.
type Ended struct {
	Family string
	// Until is when its last access token has run out, so that it may be
	// forgotten.
	Until time.Time
}
