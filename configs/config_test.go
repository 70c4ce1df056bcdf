package configs

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameConfig compares as an operator does: an empty list is no list.
var sameConfig = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// strong is a secret of exactly the least length.
const strong = "0123456789abcdefghijklmnopqrstuv"

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDefaultIsValid(t *testing.T) {
	got, err := Load(Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got, sameConfig); diff != "" {
		t.Errorf("nothing configured (-want +got):\n%s", diff)
	}
}

func TestPrecedence(t *testing.T) {
	file := writeFile(t, "http:\n  addr: 1.1.1.1:1\n  ops_addr: 1.1.1.1:2\n  timeout: 4s\n  body_limit: 128KiB\n")
	env := []string{"QINGYUAN_HTTP_ADDR=2.2.2.2:1", "QINGYUAN_HTTP_OPS_ADDR=2.2.2.2:2", "QINGYUAN_HTTP_TIMEOUT=", "PATH=/bin", "QINGYUAN_TEST_REDIS=x"}
	got, err := Load(Options{File: file, Env: env, Flags: map[string]any{"http.addr": "3.3.3.3:1", "demo": true}})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.HTTP.Addr = "3.3.3.3:1"             // flag over environment over file
	want.HTTP.OpsAddr = "2.2.2.2:2"          // environment over file
	want.HTTP.Timeout = 4 * time.Second      // file over default; an empty variable is none
	want.HTTP.BodyLimit = 128 << 10          // file over default
	want.HTTP.ReadTimeout = 10 * time.Second // default
	want.Demo = true
	if diff := cmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEnvironment(t *testing.T) {
	got, err := Load(Options{Env: []string{
		"QINGYUAN_REDIS_ADDRS=10.0.0.1:6379, 10.0.0.2:6379",
		"QINGYUAN_REDIS_MASTER_NAME=qingyuan",
		"QINGYUAN_REDIS_PASSWORD=p=1,2",
		"QINGYUAN_REDIS_POOL_SIZE=32",
		"QINGYUAN_REDIS_TLS=true",
		"QINGYUAN_HTTP_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.7",
		"QINGYUAN_HTTP_MAX_WATCHERS_PER_ADDRESS=7",
		"QINGYUAN_SECRETS_MASTER=" + strong,
		"QINGYUAN_SECRETS_TOKEN_KEYS=k1=" + strong + ",k2=" + strong + "=",
		"QINGYUAN_SECRETS_TOKEN_CURRENT=k2",
		"QINGYUAN_WECHAT_MINI_PROGRAMS=wx1=one,wx2=two",
		"QINGYUAN_WECHAT_OFFICIAL_ACCOUNT_APPID=wx3",
		"QINGYUAN_WECHAT_OFFICIAL_ACCOUNT_SECRET=three",
		"QINGYUAN_LIMITS_PER_ADDRESS_RATE=0.5",
		"QINGYUAN_LOG_LEVEL=warn",
		"QINGYUAN_DATABASE_URL=postgres://qingyuan:p%40ss@10.0.0.3:5432/qingyuan",
		"QINGYUAN_REDIS_WAIT_REPLICAS=2",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Redis.Addrs = []string{"10.0.0.1:6379", "10.0.0.2:6379"}
	want.Redis.MasterName, want.Redis.Password = "qingyuan", NewSecret("p=1,2")
	want.Redis.PoolSize, want.Redis.TLS = 32, true
	want.Redis.WaitReplicas = 2
	want.Database.URL = NewSecret("postgres://qingyuan:p%40ss@10.0.0.3:5432/qingyuan")
	want.HTTP.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")}
	want.HTTP.MaxWatchersPerAddress = 7
	want.Secrets = Secrets{
		Master: NewSecret(strong), TokenCurrent: "k2",
		TokenKeys: map[string]Secret{"k1": NewSecret(strong), "k2": NewSecret(strong + "=")},
	}
	want.WeChat.MiniPrograms = []App{{"wx1", NewSecret("one")}, {"wx2", NewSecret("two")}}
	want.WeChat.OfficialAccount = App{"wx3", NewSecret("three")}
	want.Limits.PerAddress.Rate = 0.5
	want.Log.Level = slog.LevelWarn
	if diff := cmp.Diff(want, got, sameConfig); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestQueueAtOnce(t *testing.T) {
	for want, q := range map[int]Queue{1: {AdmitPerSecond: 0.1}, 3: {AdmitPerSecond: 2.5}, 100: {AdmitPerSecond: 100}, 500: {AdmitPerSecond: 100, Burst: 500}} {
		if got := q.AtOnce(); got != want {
			t.Errorf("%+v: %d at once, want %d", q, got, want)
		}
	}
}

func TestProcessEnvironment(t *testing.T) {
	t.Setenv("QINGYUAN_DATA_DIR", "/srv/qingyuan")
	c, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.FromSlash("/srv/qingyuan/campaigns"); c.CampaignsDir() != want {
		t.Errorf("campaigns lie in %s, want %s", c.CampaignsDir(), want)
	}
}

// TestLoadFaults wants each fault named, with its line where it has one, and no
// secret in any message.
func TestLoadFaults(t *testing.T) {
	const hidden = "hunter2-hunter2"
	tests := map[string]struct {
		file  string
		env   []string
		flags map[string]any
		want  []string
	}{
		"unknown keys": {
			file: "http:\n  adr: x\nhttps: {}\nwechat:\n  mini_programs: [{appid: a, secrt: " + hidden + "}]\n",
			want: []string{
				"config.yaml:2: http.adr: unknown field", "config.yaml:3: https: unknown field",
				"config.yaml:5: wechat.mini_programs.0.secrt: unknown field",
			},
		},
		"twice":         {file: "demo: true\ndemo: false\n", want: []string{"config.yaml:2: demo: stands twice"}},
		"no YAML":       {file: "http: [\n", want: []string{"config.yaml:"}},
		"two documents": {file: "demo: true\n---\ndemo: false\n", want: []string{"more than one document"}},
		"a list":        {file: "- http\n", want: []string{"config.yaml:1: want names with values"}},
		"the heap":      {file: "memory:\n  gc_percent: 10\n  limit: 1MiB\n", want: []string{"memory.gc_percent: 10 is not between", "memory.limit: 1MiB is less"}},
		"two ledgers": {file: "redis:\n  addrs: [a:1]\n  wait_replicas: -1\n  max_memory: 1GiB\n  wait_timeout: 2s\n  memory_guard: 2\ndatabase:\n  url: mysql://u:" + hidden + "@h/d\nverify:\n  every: 1ms\nrounds:\n  every: 0s\n", want: []string{
			"database.url: is not postgres://", "redis.wait_replicas:", "redis.max_memory:", "redis.wait_timeout:", "redis.memory_guard:", "verify.every:", "rounds.every:",
		}},
		"no shared ledger":  {file: "redis:\n  addrs: [a:1]\n", want: []string{"database.url: is missing"}},
		"shape":             {file: "redis:\n  addrs: a:1\n  db: [1]\nhttp:\n", want: []string{":2: redis.addrs: want a list", ":3: redis.db: want one value", ":4: http: want names"}},
		"secret in digits":  {file: "redis: {password: 12345678}\n", want: []string{"redis.password: want a text in quotes"}},
		"secret is a list":  {file: "secrets: {master: [" + hidden + "]}\n", want: []string{"secrets.master: want one value"}},
		"bare number":       {file: "http: {timeout: 3}\n", want: []string{"http.timeout", "needs a unit"}},
		"types":             {file: "http: {max_watchers: many, body_limit: 1GB, trusted_proxies: [x]}\nlog: {level: loud}\n", want: []string{"http.max_watchers", "http.body_limit", "http.trusted_proxies", "log.level"}},
		"unknown variables": {env: []string{"QINGYUAN_HTTP_ADDRESS=" + hidden, "QINGYUAN_X=1"}, want: []string{"QINGYUAN_HTTP_ADDRESS: no such variable", "QINGYUAN_X: no such variable"}},
		"variable of pairs": {env: []string{"QINGYUAN_SECRETS_TOKEN_KEYS=" + hidden}, want: []string{"QINGYUAN_SECRETS_TOKEN_KEYS: want id=secret"}},
		"unknown flag":      {flags: map[string]any{"http.port": 1}, want: []string{"flag for http.port: no such key"}},
		"validation": {
			env: []string{
				"QINGYUAN_HTTP_ADDR=8080", "QINGYUAN_HTTP_TIMEOUT=1s", "QINGYUAN_HTTP_BODY_LIMIT=1KiB", "QINGYUAN_LIMITS_ALLOW=10.1.2.3/8", "QINGYUAN_HTTP_PUBLIC_URL=https://a.example/x",
				"QINGYUAN_REDIS_ADDRS=redis", "QINGYUAN_SECRETS_TOKEN_KEYS=k.1=" + hidden, "QINGYUAN_SECRETS_SEAL_CURRENT=k9",
				"QINGYUAN_WECHAT_BASE_URL=http://api.weixin.qq.com", "QINGYUAN_WECHAT_OFFICIAL_ACCOUNT_APPID=wx", "QINGYUAN_LOG_FORMAT=xml",
				"QINGYUAN_SESSION_REFRESH_TTL=1h", "QINGYUAN_LIMITS_PER_PARTICIPANT_BURST=0", "QINGYUAN_HTTP_DRAIN_DELAY=1h",
				"QINGYUAN_QUEUE_ADMIT_PER_SECOND=100", "QINGYUAN_QUEUE_BURST=99", "QINGYUAN_QUEUE_HOLD=1s", "QINGYUAN_QUEUE_MAX_WAITING=0",
			},
			want: []string{
				"http.addr:", "redis.read_timeout:", "http.body_limit:", "http.public_url:", "limits.allow: entry 0 10.1.2.3/8: the network is 10.0.0.0/8",
				"redis.addrs:", "secrets.master: is missing", "secrets.token_keys.k.1:", "secrets.seal_current:",
				"wechat.base_url:", "wechat.official_account.secret:", "log.format:", "session.refresh_ttl:", "limits.per_participant.burst:",
				"http.drain_delay:", "queue.burst:", "queue.hold:", "queue.max_waiting:",
			},
		},
		"half an account": {
			env: []string{"QINGYUAN_WECHAT_PAY_MERCHANT=1900000001", "QINGYUAN_WECHAT_PAY_APPID=wx-none", "QINGYUAN_WECHAT_PAY_BASE_URL=http://api.mch.weixin.qq.com"},
			want: []string{
				"wechat.pay.base_url:", "wechat.pay.serial: is empty", "wechat.pay.key_file: is empty", "wechat.pay.public_key_id: is empty",
				"wechat.pay.public_key_file: is empty", `wechat.pay.appid: "wx-none" is none of wechat.mini_programs`,
			},
		},
		"only external": {
			env:  []string{"QINGYUAN_REDIS_PASSWORD=" + hidden, "QINGYUAN_REDIS_DB=1", "QINGYUAN_REDIS_TLS=1", "QINGYUAN_REDIS_USERNAME=u", "QINGYUAN_REDIS_MASTER_NAME=m"},
			want: []string{"redis.password: is set", "redis.db: is set", "redis.tls: is set", "redis.username: is set", "redis.master_name: is set"},
		},
		"only with sentinels": {
			env:  []string{"QINGYUAN_REDIS_ADDRS=h:1", "QINGYUAN_REDIS_SENTINEL_PASSWORD=" + hidden},
			want: []string{"redis.master_name: is empty, but a user or a password of sentinels is set"},
		},
		"a cluster without them": {
			env:  []string{"QINGYUAN_REDIS_ADDRS=h:1", "QINGYUAN_REDIS_CLUSTER=true", "QINGYUAN_REDIS_MASTER_NAME=m", "QINGYUAN_REDIS_DB=1"},
			want: []string{"redis.cluster: is set beside redis.master_name", "redis.db: must be 0 on a cluster"},
		},
		"a private one is neither": {
			env:  []string{"QINGYUAN_REDIS_CLUSTER=true", "QINGYUAN_REDIS_SENTINEL_USERNAME=u", "QINGYUAN_REDIS_SENTINEL_PASSWORD=" + hidden},
			want: []string{"redis.cluster: is set", "redis.sentinel_username: is set", "redis.sentinel_password: is set"},
		},
		"weak": {env: []string{"QINGYUAN_SECRETS_MASTER=" + hidden}, want: []string{"secrets.master: has 15 bytes, needs at least 32"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := Options{Env: tt.env, Flags: tt.flags}
			if o.Env == nil {
				o.Env = []string{}
			}
			if tt.file != "" {
				o.File = writeFile(t, tt.file)
			}
			_, err := Load(o)
			if err == nil {
				t.Fatal("no fault found")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("a secret is shown:\n%v", err)
			}
		})
	}
}

// TestDatabaseTarget shows where the ledger lies, and when one server may keep
// it beside an external Redis.
func TestDatabaseTarget(t *testing.T) {
	const url = "postgresql://qingyuan:p%40ss@h1:5432,h2:5433/qingyuan?target_session_attrs=read-write"
	external := []string{"QINGYUAN_REDIS_ADDRS=redis:6379", "QINGYUAN_SECRETS_MASTER=" + strong}
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"one machine":  {[]string{"QINGYUAN_DATA_DIR=/srv/q"}, filepath.FromSlash("/srv/q/qingyuan.db")},
		"its own":      {[]string{"QINGYUAN_DATABASE_URL=" + url}, url},
		"shared":       {append(external, "QINGYUAN_DATABASE_URL="+url), url},
		"sole server":  {append(external, "QINGYUAN_DATABASE_SOLE_SERVER=true"), filepath.FromSlash("data/qingyuan.db")},
		"local socket": {[]string{"QINGYUAN_DATABASE_URL=postgres:///q?host=/run/postgresql"}, "postgres:///q?host=/run/postgresql"},
	} {
		c, err := Load(Options{Env: tt.env})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := c.DatabaseTarget(); got != tt.want {
			t.Errorf("%s: the ledger lies at %s, want %s", name, got, tt.want)
		}
		if shown := fmt.Sprintf("%+v %#v", c, c); strings.Contains(shown, "p%40ss") {
			t.Errorf("%s: the password is shown: %s", name, shown)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load(Options{File: "nowhere.yaml", Env: []string{}}); err == nil {
		t.Error("a file that is not there was accepted")
	}
}

func TestAllowed(t *testing.T) {
	c := Default()
	if n := len(c.Allowed()); n != 0 {
		t.Errorf("%d networks without demo, want none", n)
	}
	c.Demo = true
	for _, addr := range []string{"127.0.0.1", "::1"} {
		ok := false
		for _, p := range c.Allowed() {
			ok = ok || p.Contains(netip.MustParseAddr(addr))
		}
		if !ok {
			t.Errorf("%s is limited in the demo", addr)
		}
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{"64KiB": 64 << 10, "1MiB": 1 << 20, "2GiB": 2 << 30, "100": 100, "0": 0} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want || s.String() != text {
			t.Errorf("%s is %d (%s), error %v", text, s, s, err)
		}
	}
	for _, text := range []string{"", "-1", "KiB", "1TiB", "1.5MiB", "99999999999MiB"} {
		var s Size
		if s.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q was taken for %d", text, s)
		}
	}
}
