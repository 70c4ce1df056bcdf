package session_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"qingyuan/internal/redisstore"
	"qingyuan/internal/redistest"
	"qingyuan/internal/seal"
	"qingyuan/internal/session"
	"qingyuan/internal/token"
	"qingyuan/internal/waittest"
	"qingyuan/internal/wechat"
	"qingyuan/internal/wechattest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	program  = "wx-program"
	second   = "wx-second"
	official = "wx-official"
	appKey   = "canary-app-secret"
)

var (
	start  = time.Unix(1_800_000_000, 0)
	master = []byte("canary-master-secret-canary-master-secret")
)

// safeBuffer is a log that many goroutines write.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// deployment is one Redis, one WeChat, and as many instances as a test wants.
type deployment struct {
	redis *redistest.Server
	db    *redis.Client
	wx    *wechattest.Server
	clock *waittest.Clock
	log   *safeBuffer
}

func deploy(t *testing.T) deployment {
	t.Helper()
	server := redistest.Start(t, redistest.Durable())
	d := deployment{
		redis: server, db: server.Client(t), wx: wechattest.Start(t),
		clock: waittest.NewClock(start), log: &safeBuffer{},
	}
	for _, id := range []string{program, second, official} {
		d.wx.Register(id, appKey)
	}
	return d
}

func keyring(current string, ids ...string) seal.Keys {
	k := seal.Keys{Current: current, Secrets: map[string][]byte{}}
	for _, id := range ids {
		k.Secrets[id] = []byte(strings.Repeat(id, 32))
	}
	return k
}

func deriveKeys(t *testing.T, secrets session.Secrets) session.Keys {
	t.Helper()
	k, err := session.DeriveKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func secrets() session.Secrets {
	return session.Secrets{Master: master, Tokens: keyring("t1", "t1"), Seals: keyring("s1", "s1")}
}

// instance starts one server's sign-in.
func (d deployment) instance(t *testing.T, change ...func(*session.Options)) *session.Service {
	t.Helper()
	client, err := wechat.New(wechat.Options{
		BaseURL: d.wx.URL(), Now: d.clock.Now, RetryPause: time.Millisecond,
		MiniPrograms: []wechat.App{{ID: program, Secret: appKey}, {ID: second, Secret: appKey}},
		Official:     wechat.App{ID: official, Secret: appKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	o := session.Options{
		Store: redisstore.NewSessions(d.doors(t), d.clock.Now), WeChat: client, Keys: deriveKeys(t, secrets()),
		Sandbox: true, Now: d.clock.Now, Log: slog.New(slog.NewJSONHandler(d.log, nil)),
	}
	for _, f := range change {
		f(&o)
	}
	o.Tokens, err = token.New(token.Options{Keys: o.Keys.Access, Audience: "test", Now: d.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s, err := session.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// doors are opened by each instance.
func (d deployment) doors(t *testing.T) *redisstore.Campaigns {
	t.Helper()
	c := redisstore.NewCampaigns(d.db)
	if err := c.OpenDoors(t.Context(), redisstore.Known{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// with gives an instance other keys.
func with(keys session.Keys) func(*session.Options) {
	return func(o *session.Options) { o.Keys = keys }
}

// signIn signs a person in through a mini-program with a new code.
func (d deployment) signIn(t *testing.T, s *session.Service, appid string, who wechattest.Person) session.Pair {
	t.Helper()
	p, err := s.SignInWeChat(t.Context(), appid, d.wx.Code(appid, who))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signInWeb does the same through a page.
func (d deployment) signInWeb(t *testing.T, s *session.Service, who wechattest.Person) session.Pair {
	t.Helper()
	p, err := s.SignInWeb(t.Context(), d.wx.Code(official, who))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sandbox(t *testing.T, s *session.Service, name string) session.Pair {
	t.Helper()
	p, err := s.SignInSandbox(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refreshed(t *testing.T, s *session.Service, refreshToken string) session.Pair {
	t.Helper()
	p, err := s.Refresh(t.Context(), refreshToken)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// claims returns what an access token says, and fails t if it is refused.
func claims(t *testing.T, s *session.Service, accessToken string) token.Claims {
	t.Helper()
	c, err := s.Check(accessToken, token.Access)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
