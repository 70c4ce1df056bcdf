package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"qingyuan/internal/fault"
	"qingyuan/internal/token"
)

const (
	// DefaultIdle is how long a session lasts without a refresh if Options do
	// not say otherwise.
	DefaultIdle = 30 * 24 * time.Hour
	// DefaultLongest is how long a session lasts in all. In WeChat, signing in
	// again costs the person nothing.
	DefaultLongest = 90 * 24 * time.Hour

	// grace is how long a refresh token may be shown again for the same
	// successor.
	grace = time.Minute
	// maxSandbox bounds the name of a sandbox person, in bytes.
	maxSandbox = 256
)

// Options is what a Service is built from. All but Sandbox, Idle and Longest
// are required.
type Options struct {
	Store  Store
	WeChat WeChat
	Tokens *token.Authority
	Keys   Keys
	// Sandbox lets anybody be anybody: for demonstrations only.
	Sandbox bool
	// Same is told that two participants turned out to be one person, who goes on as the
	// second; until it returns nil their door is not moved. May be nil.
	Same func(ctx context.Context, from, to string) error
	// Idle and Longest bound a session; zero means DefaultIdle and
	// DefaultLongest.
	Idle, Longest time.Duration
	Now           func() time.Time
	Log           *slog.Logger
}

// Service signs people in. It is safe for concurrent use. Run keeps it informed
// of sessions that other instances end; Close waits for what it has under way.
type Service struct {
	store         Store
	wechat        WeChat
	tokens        *token.Authority
	keys          Keys
	sandbox       bool
	same          func(ctx context.Context, from, to string) error
	idle, longest time.Duration
	now           func() time.Time
	log           *slog.Logger

	flight  singleflight.Group
	flights sync.WaitGroup
	closing context.Context
	close   context.CancelFunc
	revoked revoked
}

// New returns a service, or an error that names what is missing.
func New(o Options) (*Service, error) {
	var missing []string
	for name, absent := range map[string]bool{
		"store": o.Store == nil, "wechat": o.WeChat == nil, "tokens": o.Tokens == nil,
		"clock": o.Now == nil, "log": o.Log == nil,
	} {
		if absent {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("session: lacks %s", strings.Join(missing, ", "))
	}
	if err := o.Keys.validate(); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	if o.Idle < 0 || o.Longest < 0 {
		return nil, errors.New("session: a lifetime is negative")
	}
	s := &Service{
		store: o.Store, wechat: o.WeChat, tokens: o.Tokens, keys: o.Keys, sandbox: o.Sandbox, same: o.Same,
		idle: o.Idle, longest: o.Longest, now: o.Now, log: o.Log,
	}
	if s.idle == 0 {
		s.idle = DefaultIdle
	}
	if s.longest == 0 {
		s.longest = DefaultLongest
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.revoked.until = make(map[string]time.Time)
	return s, nil
}

// Close ends what is under way for callers that have left, and waits for it. No
// sign-in may begin afterwards.
func (s *Service) Close() {
	s.close()
	s.flights.Wait()
}

// SignInWeChat signs in who stands behind a code of wx.login. appid may be
// empty where there is one mini-program. The code works for five minutes and
// gives the same session each time. The faults of package wechat say why it
// does not.
func (s *Service) SignInWeChat(ctx context.Context, appid, code string) (Pair, error) {
	appid, err := s.wechat.MiniProgram(appid)
	if err != nil {
		return Pair{}, err
	}
	return s.signInByCode(ctx, ticket{appid: appid, code: code, ask: s.askMiniProgram})
}

// SignInWeb does the same for a page in WeChat, with a code of the official
// account.
func (s *Service) SignInWeb(ctx context.Context, code string) (Pair, error) {
	appid, err := s.wechat.OfficialAccount()
	if err != nil {
		return Pair{}, err
	}
	return s.signInByCode(ctx, ticket{appid: appid, code: code, ask: s.askPage})
}

// SignInSandbox signs in the person of that name, who is made up. Without
// Options.Sandbox there is no such door: fault.ErrNotFound.
func (s *Service) SignInSandbox(ctx context.Context, name string) (Pair, error) {
	if !s.sandbox {
		return Pair{}, fault.ErrNotFound
	}
	if name == "" || len(name) > maxSandbox {
		return Pair{}, fault.InvalidField("name", fmt.Sprintf("请填写名称，不超过 %d 字节", maxSandbox))
	}
	e := s.keys.entrance("sandbox:" + name)
	d, err := s.store.ClaimDoor(ctx, e.hash, Door{Participant: e.participant})
	if err != nil {
		return Pair{}, fmt.Errorf("sign in to the sandbox: %w", err)
	}
	return s.begin(ctx, ID{Participant: d.Participant, Family: rand.Text()})
}

// begin starts a session, or answers for one that has begun.
func (s *Service) begin(ctx context.Context, id ID) (Pair, error) {
	now := s.now()
	generation, err := s.store.Begin(ctx, id, now, now.Add(min(s.idle, s.longest)))
	if err != nil {
		return Pair{}, fmt.Errorf("begin session of %s: %w", id.Participant, err)
	}
	if generation == 0 {
		return Pair{}, errEnded
	}
	return s.pair(id, generation)
}

func (s *Service) pair(id ID, generation uint64) (Pair, error) {
	access, err := s.tokens.SignAccess(id.Participant, id.Family)
	if err != nil {
		return Pair{}, fmt.Errorf("session of %s: %w", id.Participant, err)
	}
	return Pair{
		AccessToken:  access,
		ExpiresIn:    s.tokens.AccessLifetime(),
		RefreshToken: s.keys.writeRefresh(id, generation),
		Participant:  id.Participant,
	}, nil
}
