package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"qingyuan/campaign"
	"qingyuan/configs"
	"qingyuan/internal/redisstore"
	"qingyuan/internal/seal"
	"qingyuan/internal/session"
	"qingyuan/internal/shelf"
	"qingyuan/internal/stream"
	"qingyuan/internal/token"
	"qingyuan/internal/waitingroom"
	"qingyuan/internal/wechat"
	"qingyuan/leaderboard"
	"qingyuan/pledge"
	"qingyuan/prize"
	"qingyuan/quiz"
)

// book is what the services ask of the catalog.
type book interface {
	campaign.Catalog
	quiz.Catalog
	pledge.Catalog
	prize.Catalog
}

// services are the domains joined to their stores.
type services struct {
	redis      redis.UniversalClient
	joined     *redisstore.Joined // nil where nothing is joined
	campaigns  *redisstore.Campaigns
	boards     leaderboard.Store
	shelf      *shelf.Shelf
	facts      *stream.Reader
	shared     *stream.Shared     // facts, for the fold and the ledger
	streams    *redisstore.Joined // what reads them; nil where nothing is joined
	enrolments *campaign.Service
	quiz       *quiz.Service
	pledges    *pledge.Service
	prizes     *prize.Service
	sessions   *session.Service
	gate       *session.Gate
	tickets    *session.Gate
	tries      *session.Tries
	wechat     *wechat.Client
	secrecy    secrecy
	// same is told of two participants that are one person; a server sets it.
	same func(ctx context.Context, from, to string) error
}

// derived keys, one for each purpose. A label, once used, keeps its meaning.
const (
	labelAttempts = "attempt id"
	labelSerials  = "pledge serial"
	labelPersonal = "personal data"
	labelDigest   = "enrolment digest"
	labelQueue    = "queue ticket"
)

func newServices(cfg configs.Config, db redis.UniversalClient, b book, log *slog.Logger, now func() time.Time) (*services, error) {
	s := &services{redis: db, joined: join(cfg, db, joinedMost)}
	s.same = func(context.Context, string, string) error { return nil }
	s.campaigns = redisstore.NewCampaigns(db, replicas(cfg), redisstore.WithJoined(s.joined))
	s.boards = redisstore.NewBoards(s.campaigns, b.Campaign, now)
	if s.streams = join(cfg, db, streamsMost); s.streams != nil {
		s.streams.Buffer = streamsBuffer
		s.streams.Called("streams")
	}
	s.facts = newReader(cfg, db, s.streams)
	s.shared = &stream.Shared{Reader: s.facts}
	if err := s.addDomains(cfg, b, now); err != nil {
		return nil, err
	}
	return s, s.addSessions(cfg, db, log, now)
}

// close ends what the services have opened themselves.
func (s *services) close() error {
	if s.joined == nil {
		return nil
	}
	return errors.Join(s.joined.Close(), s.streams.Close())
}

// replicas says whom an act waits for.
func replicas(cfg configs.Config) redisstore.Option {
	return redisstore.WithReplicas(cfg.Redis.WaitReplicas, cfg.Redis.WaitTimeout)
}

func (s *services) addDomains(cfg configs.Config, b book, now func() time.Time) error {
	master := cfg.Secrets.Master.Key()
	var err error
	if s.secrecy, err = newSecrecy(cfg); err != nil {
		return err
	}
	box, digestKey := s.secrecy.box, s.secrecy.digestKey
	serialKey := seal.Derive(master, labelSerials)
	serials, err := pledge.NewSerials(serialKey[:])
	if err != nil {
		return err
	}
	attemptKey := seal.Derive(master, labelAttempts)
	papers, err := quiz.NewPapers(quiz.PapersKept)
	if err != nil {
		return err
	}
	pools, err := quiz.NewPools(quiz.PoolsKept)
	if err != nil {
		return err
	}
	s.enrolments = &campaign.Service{
		Catalog: b, Store: redisstore.NewEnrolments(s.campaigns, box, digestKey[:]), Rosters: s.campaigns, Now: now,
	}
	s.quiz = &quiz.Service{
		Catalog: b, Store: redisstore.NewQuiz(s.campaigns, b.Campaign, now), IDKey: attemptKey[:], Now: now, Papers: papers, Pools: pools,
	}
	s.prizes = prizeService(cfg, s.campaigns, b, now)
	s.pledges = &pledge.Service{Catalog: b, Store: redisstore.NewSignatures(s.campaigns, box), Serials: serials, Now: now}
	return nil
}

func (s *services) addSessions(cfg configs.Config, db redis.UniversalClient, log *slog.Logger, now func() time.Time) error {
	keys, err := sessionKeys(cfg)
	if err != nil {
		return err
	}
	tokens, err := newTokens(cfg, keys, now)
	if err != nil {
		return err
	}
	if s.wechat, err = newWeChat(cfg, now); err != nil {
		return err
	}
	s.sessions, err = session.New(session.Options{
		Store: redisstore.NewSessions(s.campaigns, now), WeChat: s.wechat, Tokens: tokens, Keys: keys,
		Sandbox: cfg.Demo, Idle: cfg.Session.RefreshTTL, Now: now, Log: log,
		Same: func(ctx context.Context, from, to string) error { return s.same(ctx, from, to) },
	})
	gate := session.Gate{
		Limiter: redisstore.NewRateLimiter(db, now), Keys: keys,
		PerMinute: cfg.Limits.SignInPerMinutePerAddress, Spare: cfg.Allowed(),
	}
	drawing := gate
	drawing.Purpose = "tickets"
	s.gate, s.tickets = &gate, &drawing
	s.tries = &session.Tries{Limiter: gate.Limiter, Keys: keys}
	return err
}

// newRoom makes the waiting room, or none where none is configured.
func newRoom(cfg configs.Config, db redis.UniversalClient, m *metrics, log *slog.Logger, now func() time.Time) *waitingroom.Room {
	q := cfg.Queue
	if q.AdmitPerSecond == 0 {
		return nil
	}
	var brake *waitingroom.Brake
	if q.SlowAfter > 0 {
		brake = &waitingroom.Brake{SlowAfter: q.SlowAfter}
	}
	m.pace.Set(brake.Share())
	return &waitingroom.Room{
		Brake: brake,
		Store: redisstore.NewQueue(db), Key: seal.Derive(cfg.Secrets.Master.Key(), labelQueue), Now: now, Log: log,
		Rules: waitingroom.Rules{PerSecond: q.AdmitPerSecond, Burst: q.AtOnce(), Hold: q.Hold, Most: q.MaxWaiting},
		Observe: func(l waitingroom.Line) {
			m.waiting.Set(float64(l.Waiting))
			m.called.Add(float64(l.Admitted))
		},
		Paced: m.pace.Set,
	}
}

func sessionKeys(cfg configs.Config) (session.Keys, error) {
	tokenCurrent, tokenKeys := cfg.Secrets.Tokens()
	sealCurrent, sealKeys := cfg.Secrets.Seals()
	return session.DeriveKeys(session.Secrets{
		Master: cfg.Secrets.Master.Key(),
		Tokens: seal.Keys{Current: tokenCurrent, Secrets: tokenKeys},
		Seals:  seal.Keys{Current: sealCurrent, Secrets: sealKeys},
	})
}

// audience names who our tokens are for.
const audience = "qingyuan-api"

func newTokens(cfg configs.Config, keys session.Keys, now func() time.Time) (*token.Authority, error) {
	return token.New(token.Options{
		Keys: keys.Access, Audience: audience, AccessLifetime: cfg.Session.AccessTTL, Now: now,
	})
}

func newWeChat(cfg configs.Config, now func() time.Time) (*wechat.Client, error) {
	o := wechat.Options{
		Official: wechat.App{ID: cfg.WeChat.OfficialAccount.AppID, Secret: cfg.WeChat.OfficialAccount.Secret.Reveal()},
		BaseURL:  cfg.WeChat.BaseURL, Timeout: cfg.WeChat.Timeout, Now: now,
	}
	for _, p := range cfg.WeChat.MiniPrograms {
		o.MiniPrograms = append(o.MiniPrograms, wechat.App{ID: p.AppID, Secret: p.Secret.Reveal()})
	}
	return wechat.New(o)
}

// newPublisher refreshes snapshots of all campaigns in the catalog.
func newPublisher(s *services, list func() []*campaign.Campaign, log *slog.Logger, now func() time.Time) *leaderboard.Publisher {
	return &leaderboard.Publisher{
		Store: s.boards, Campaigns: list, Now: now,
		Failed: func(id string, err error) {
			log.Warn("snapshot", "campaign", id, "err", err)
		},
	}
}
