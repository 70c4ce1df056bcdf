// Package configs holds everything that is configured: the server's settings,
// the secrets, the campaigns that lie in files, and the demonstration.
//
// It is the only package that reads the environment. It opens no connection and
// starts nothing: what it returns is complete and checked, so that a mistake is
// found by `check-config` and not by a participant.
package configs

import (
	"log/slog"
	"math"
	"net/netip"
	"path/filepath"
	"time"
)

// Config is the whole configuration of a server. The doc tags are the reference:
// example.yaml and docs/CONFIGURATION.md are made from them.
type Config struct {
	HTTP      HTTP      `koanf:"http"`
	Data      Data      `koanf:"data"`
	Memory    Memory    `koanf:"memory"`
	Demo      bool      `koanf:"demo" doc:"Serve the three demonstration campaigns, open whatever the date, with sandbox sign-in. Never on a public server."`
	Redis     Redis     `koanf:"redis"`
	Database  Database  `koanf:"database"`
	Verify    Verify    `koanf:"verify"`
	Rounds    Rounds    `koanf:"rounds"`
	Proofs    Proofs    `koanf:"proofs"`
	Secrets   Secrets   `koanf:"secrets"`
	WeChat    WeChat    `koanf:"wechat"`
	Session   Session   `koanf:"session"`
	Operators Operators `koanf:"operators"`
	Limits    Limits    `koanf:"limits"`
	Queue     Queue     `koanf:"queue"`
	Campaigns Campaigns `koanf:"campaigns"`
	Log       Log       `koanf:"log"`
}

// HTTP is how the server listens and what it grants a connection.
type HTTP struct {
	Addr                  string         `koanf:"addr" doc:"Where participants and screens are served, HOST:PORT."`
	OpsAddr               string         `koanf:"ops_addr" doc:"Where /metrics is served. Keep it off the public network; empty switches it off."`
	PublicURL             string         `koanf:"public_url" doc:"Where people find the deployment, such as https://jindu.example.gov.cn: it stands in the QR codes of certificates and in the way back from WeChat. Empty: the address of each request."`
	Pprof                 bool           `koanf:"pprof" doc:"Serve Go's profiles at /debug/pprof of the operations listener."`
	Timeout               time.Duration  `koanf:"timeout" doc:"Longest work on one request before it is answered 503. Keep it above redis.read_timeout."`
	BodyLimit             Size           `koanf:"body_limit" doc:"Largest request body. A drawn signature needs up to 32KiB and its wrapping."`
	ReadTimeout           time.Duration  `koanf:"read_timeout" doc:"How long a client may take to send a request."`
	IdleTimeout           time.Duration  `koanf:"idle_timeout" doc:"How long an idle connection is kept. Keep it above the proxy's own."`
	TrustedProxies        []netip.Prefix `koanf:"trusted_proxies" doc:"Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed. Empty: the address of the connection counts."`
	MaxWatchers           int            `koanf:"max_watchers" doc:"Live streams (SSE) at once; further ones are asked to poll."`
	MaxWatchersPerAddress int            `koanf:"max_watchers_per_address" doc:"Live streams at once from one address."`
	DrainDelay            time.Duration  `koanf:"drain_delay" doc:"How long a server that was told to stop goes on serving while /readyz says 503, so that a load balancer stops sending to it. 0 behind none."`
}

// Data is where a single machine keeps what it must not lose.
type Data struct {
	Dir string `koanf:"dir" doc:"Folder of the private Redis, the ledger in SQLite, the secrets and the campaigns. Back it up with qingyuan backup."`
}

// Redis says which Redis to use. Without addresses the server runs a private one
// as a child process.
type Redis struct {
	Addrs            []string      `koanf:"addrs" doc:"HOST:PORT of an external Redis: one server, several of a cluster, or the sentinels. Empty: a private redis-server is run."`
	Username         string        `koanf:"username" doc:"ACL user of the external Redis."`
	Password         Secret        `koanf:"password" doc:"Password of the external Redis."`
	MasterName       string        `koanf:"master_name" doc:"Name of the primary where redis.addrs are sentinels."`
	SentinelUsername string        `koanf:"sentinel_username" doc:"ACL user of the sentinels, where they ask for one."`
	SentinelPassword Secret        `koanf:"sentinel_password" doc:"Password of the sentinels, where they ask for one. It is not that of the Redis."`
	Cluster          bool          `koanf:"cluster" doc:"redis.addrs is a Redis Cluster. Several addresses without redis.master_name always are."`
	DB               int           `koanf:"db" doc:"Database number; 0 on a cluster."`
	TLS              bool          `koanf:"tls" doc:"Speak TLS to the external Redis and check its certificate."`
	PoolSize         int           `koanf:"pool_size" doc:"Connections to each Redis node."`
	ReadTimeout      time.Duration `koanf:"read_timeout" doc:"How long a reply may take. Keep it above the slowest disk sync that is acceptable."`
	// Replicas are what an act must lie on before it is acknowledged.
	WaitReplicas int           `koanf:"wait_replicas" doc:"Replicas that must hold an act before it is acknowledged (WAIT). A failover loses nothing only if it is all of them; fewer in reach: 503. 0 for a Redis without replicas."`
	WaitTimeout  time.Duration `koanf:"wait_timeout" doc:"How long the replicas are waited for. Keep it below redis.read_timeout."`
	MaxMemory    Size          `koanf:"max_memory" doc:"Most memory for the data of the private Redis; 0: 60 % of this machine's."`
	MemoryGuard  float64       `koanf:"memory_guard" doc:"Share of Redis' maxmemory from which on new acts are answered 503, so that those under way can end."`

	Binary string `koanf:"binary" doc:"The redis-server (7.0 or newer) or valkey-server (8 or newer) that is run when redis.addrs is empty."`
}

// Database is where the ledger lies: every fact in SQL.
type Database struct {
	URL        Secret `koanf:"url" doc:"postgres://USER:PASSWORD@HOST:PORT/NAME of the PostgreSQL that several servers share; empty: SQLite in qingyuan.db below data.dir."`
	SoleServer bool   `koanf:"sole_server" doc:"This is the only server of its external Redis, so that SQLite may hold the ledger."`
}

// Memory is how the server itself uses memory; redis.max_memory is that of its Redis.
type Memory struct {
	GCPercent int  `koanf:"gc_percent" doc:"How much the heap may grow, in percent of what is in use, before it is collected. More memory, less processor time. GOGC in the environment overrides it."`
	Limit     Size `koanf:"limit" doc:"Most memory before the heap is collected more often, whatever gc_percent says; 0: a quarter of this machine's or container's beside a private Redis, else 70 %. GOMEMLIMIT in the environment overrides it."`
}

// Verify is how often Redis is compared with the ledger.
type Verify struct {
	Every time.Duration `koanf:"every" doc:"Time between two comparisons of Redis with the ledger in the background, which take their time, and at least as long as one took; 0 switches them off."`
}

// Rounds is how often a server looks for what falls due by itself.
type Rounds struct {
	Every time.Duration `koanf:"every" doc:"How often it is looked what has fallen due by itself: prizes that nobody has claimed, entrants to be frozen, personal data whose time is over; what the rules notice, and what WeChat is asked again, at least every 15s."`
}

// Proofs is how the logs are kept by which outsiders check counts.
type Proofs struct {
	Every        time.Duration `koanf:"every" doc:"How often acts are sealed into the log of their campaign and the log is signed, if it has grown; 0 switches it off."`
	KeepDirs     []string      `koanf:"keep_dirs" doc:"Folders that every signed checkpoint is dropped into: of another machine, or of a disk that cannot be written twice. A log whose checkpoints nobody else keeps proves nothing."`
	Webhooks     []string      `koanf:"webhooks" doc:"Addresses (https) of outside keepers that are told every signed checkpoint by POST, with the proof that it continues the one before."`
	WebhookToken Secret        `koanf:"webhook_token" doc:"Bearer token that is sent to proofs.webhooks; empty sends none."`
}

// WeChat is what the doors of WeChat need.
type WeChat struct {
	BaseURL         string        `koanf:"base_url" doc:"Where WeChat's servers are asked."`
	Timeout         time.Duration `koanf:"timeout" doc:"How long one call to WeChat may take."`
	MiniPrograms    []App         `koanf:"mini_programs" doc:"Mini-programs that may sign in: [{appid: wx…, secret: …}]."`
	OfficialAccount App           `koanf:"official_account"`
	Pay             WeChatPay     `koanf:"pay"`
}

// WeChatPay is the merchant's account that red packets are paid from.
type WeChatPay struct {
	Merchant      string `koanf:"merchant" doc:"Number of the merchant at WeChat Pay (mchid) whose account pays prizes of kind red_packet; empty: the office pays them by hand."`
	Serial        string `koanf:"serial" doc:"Serial number of the merchant's API certificate."`
	KeyFile       string `koanf:"key_file" doc:"File of the certificate's private key (PEM, apiclient_key.pem)."`
	PublicKeyID   string `koanf:"public_key_id" doc:"Id of WeChat Pay's public key (PUB_KEY_ID_…), which answers are signed with."`
	PublicKeyFile string `koanf:"public_key_file" doc:"File of that public key (PEM)."`
	AppID         string `koanf:"appid" doc:"Mini-program in which winners confirm; one of wechat.mini_programs that is bound to the merchant."`
	Scene         string `koanf:"scene" doc:"Scene of transfers that WeChat Pay has granted; 1000 is 现金营销."`
	BaseURL       string `koanf:"base_url" doc:"Where WeChat Pay is asked."`
}

// App is one registration with WeChat.
type App struct {
	AppID  string `koanf:"appid" doc:"AppID of the official account whose pages may sign in (snsapi_base); empty for none."`
	Secret Secret `koanf:"secret" doc:"AppSecret that belongs to the AppID."`
}

// Session is how long tokens live.
type Session struct {
	AccessTTL  time.Duration `koanf:"access_ttl" doc:"Life of an access token. It is checked without Redis, so it is also how long a revoked session may linger."`
	RefreshTTL time.Duration `koanf:"refresh_ttl" doc:"Life of a refresh token: after so long without a visit a participant signs in again."`
}

// Operators is how long passwords and sessions of the office last.
type Operators struct {
	PasswordAge time.Duration `koanf:"password_age" doc:"After how long an operator has to choose a new password; 0: never."`
	Idle        time.Duration `koanf:"idle" doc:"How long an operator's session may ask nothing before it ends. GB/T 22239 is examined by 15 to 30 minutes."`
	Life        time.Duration `koanf:"life" doc:"How long an operator's session lasts at most."`
}

// Limits bound what one participant or one address may ask of an instance.
type Limits struct {
	SignInPerMinutePerAddress int            `koanf:"sign_in_per_minute_per_address" doc:"Sign-ins a minute from one address. A school shares one address: think of a whole grade that begins together."`
	LookupPerMinutePerAddress int            `koanf:"lookup_per_minute_per_address" doc:"Certificates looked up by serial a minute from one address, so that serials cannot be guessed."`
	PerParticipant            Rate           `koanf:"per_participant"`
	PerAddress                Rate           `koanf:"per_address"`
	Allow                     []netip.Prefix `koanf:"allow" doc:"Networks (CIDR) that the limits per address spare, such as schools' exits. --demo adds loopback."`
}

// Rate is a token bucket.
type Rate struct {
	Rate  float64 `koanf:"rate" doc:"Requests a second that are granted for good."`
	Burst int     `koanf:"burst" doc:"Requests that may come at once."`
}

// Queue is the waiting room before the sign-ins.
type Queue struct {
	AdmitPerSecond float64       `koanf:"admit_per_second" doc:"Sign-ins let in a second, over all servers; who comes above that waits in line. 0: no waiting room. The same on every server."`
	Burst          int           `koanf:"burst" doc:"Sign-ins let in at once after a quiet time, at least those of a second; 0: exactly those."`
	SlowAfter      time.Duration `koanf:"slow_after" doc:"While more than a tenth of the requests of those who are in take longer than this, fewer are let in, down to a fifth of the rate; 0: the rate is kept whatever happens."`
	Hold           time.Duration `koanf:"hold" doc:"How long whoever was let in may take to sign in."`
	MaxWaiting     int           `koanf:"max_waiting" doc:"Most who may stand in line, about 250 bytes of Redis each; further ones are asked to come later."`
}

// AtOnce returns how many sign-ins may be let in at once: the burst, or those of a
// second.
func (q Queue) AtOnce() int {
	if q.Burst > 0 {
		return q.Burst
	}
	return max(int(math.Ceil(q.AdmitPerSecond)), 1)
}

// Campaigns is where campaigns lie that are kept in files.
type Campaigns struct {
	Dir string `koanf:"dir" doc:"Folder of campaigns that are kept in files instead of the catalog, one folder each, only read; empty: campaigns below data.dir. Changes are taken up within a second."`
}

// Log is what the server writes about itself.
type Log struct {
	Level  slog.Level `koanf:"level" doc:"Least level that is written: debug, info, warn or error."`
	Format string     `koanf:"format" doc:"json, or text for reading at a terminal."`
}

// Default is a working server on one machine: a private Redis, secrets made at
// the first start, no campaign and no door.
func Default() Config {
	return Config{
		HTTP: HTTP{
			Addr: ":8080", OpsAddr: "127.0.0.1:9090",
			Timeout: 3 * time.Second, BodyLimit: 64 << 10,
			ReadTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second,
			MaxWatchers: 20_000, MaxWatchersPerAddress: 200,
		},
		Data:   Data{Dir: "./data"},
		Memory: Memory{GCPercent: 400},
		Redis: Redis{
			PoolSize: 128, ReadTimeout: 2 * time.Second, Binary: "redis-server",
			WaitTimeout: time.Second, MemoryGuard: 0.9,
		},
		Verify: Verify{Every: 5 * time.Minute},
		Rounds: Rounds{Every: time.Minute},
		Proofs: Proofs{Every: time.Minute},
		WeChat: WeChat{
			BaseURL: "https://api.weixin.qq.com", Timeout: 4 * time.Second,
			Pay: WeChatPay{Scene: "1000", BaseURL: "https://api.mch.weixin.qq.com"},
		},
		Session:   Session{AccessTTL: 2 * time.Hour, RefreshTTL: 30 * 24 * time.Hour},
		Operators: Operators{PasswordAge: 90 * 24 * time.Hour, Idle: 30 * time.Minute, Life: 12 * time.Hour},
		Limits: Limits{
			SignInPerMinutePerAddress: 600,
			LookupPerMinutePerAddress: 60,
			PerParticipant:            Rate{Rate: 5, Burst: 20},
			PerAddress:                Rate{Rate: 300, Burst: 1500},
		},
		Queue: Queue{SlowAfter: 250 * time.Millisecond, Hold: 5 * time.Minute, MaxWaiting: 200_000},
		Log:   Log{Level: slog.LevelInfo, Format: LogJSON},
	}
}

// The formats of the log.
const (
	LogJSON = "json"
	LogText = "text"
)

// PrivateRedis tells whether the server runs its own Redis.
func (c Config) PrivateRedis() bool { return len(c.Redis.Addrs) == 0 }

// databaseFile is the ledger of a single machine, below the data folder.
const databaseFile = "qingyuan.db"

// DatabaseTarget returns what package sqldb opens: a URL, which holds a password
// and must not be shown, or the path of a file.
func (c Config) DatabaseTarget() string {
	if !c.Database.URL.IsZero() {
		return c.Database.URL.Reveal()
	}
	return filepath.Join(c.Data.Dir, databaseFile)
}

// CheckpointsDir returns the folder of the signed checkpoints that this server keeps.
func (c Config) CheckpointsDir() string { return filepath.Join(c.Data.Dir, "checkpoints") }

// CampaignsDir returns the folder of the operators' campaigns.
func (c Config) CampaignsDir() string {
	if c.Campaigns.Dir != "" {
		return c.Campaigns.Dir
	}
	return filepath.Join(c.Data.Dir, "campaigns")
}

// Allowed returns the networks that the limits per address spare. Under Demo
// loopback is among them, so that one machine can play a whole city.
func (c Config) Allowed() []netip.Prefix {
	out := append([]netip.Prefix(nil), c.Limits.Allow...)
	if c.Demo {
		out = append(out,
			netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8),
			netip.PrefixFrom(netip.IPv6Loopback(), 128))
	}
	return out
}
