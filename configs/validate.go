package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// faults collects the mistakes of a configuration by key.
type faults struct{ list []error }

func (f *faults) bad(key, format string, args ...any) {
	f.list = append(f.list, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (f *faults) unless(ok bool, key, format string, args ...any) {
	if !ok {
		f.bad(key, format, args...)
	}
}

func (f *faults) between(key string, d, low, high time.Duration) {
	f.unless(low <= d && d <= high, key, "%v is not between %v and %v", d, low, high)
}

func (f *faults) positive(key string, n int) {
	f.unless(n > 0, key, "%d is not positive", n)
}

// Validate names every fault at once, by key, so that one restart is enough. It
// never shows a secret.
func (c Config) Validate() error {
	var f faults
	c.HTTP.check(&f)
	c.Memory.check(&f)
	c.Redis.check(&f)
	f.unless(c.Redis.ReadTimeout < c.HTTP.Timeout, "redis.read_timeout",
		"%v must be below http.timeout %v, or no request could outlive a slow reply", c.Redis.ReadTimeout, c.HTTP.Timeout)
	f.unless(c.Data.Dir != "", "data.dir", "is empty")
	f.unless(c.PrivateRedis() || !c.Secrets.Master.IsZero(), "secrets.master",
		"is missing: with redis.addrs several servers must share it")
	f.unless(c.PrivateRedis() || !c.Database.URL.IsZero() || c.Database.SoleServer, "database.url",
		"is missing: with redis.addrs several servers must share a ledger; set database.sole_server if there is only this one")
	c.Database.check(&f)
	f.unless(c.Verify.Every == 0 || c.Verify.Every >= time.Second, "verify.every", "%v is neither 0 nor a second or more", c.Verify.Every)
	f.between("rounds.every", c.Rounds.Every, time.Second, time.Hour)
	c.Proofs.check(&f)
	c.Secrets.check(&f)
	c.WeChat.check(&f)
	f.between("session.access_ttl", c.Session.AccessTTL, time.Minute, 24*time.Hour)
	f.between("session.refresh_ttl", c.Session.RefreshTTL, time.Hour, 366*24*time.Hour)
	f.unless(c.Session.AccessTTL < c.Session.RefreshTTL, "session.refresh_ttl", "must be above session.access_ttl")
	f.unless(c.Operators.PasswordAge == 0 || c.Operators.PasswordAge >= 24*time.Hour, "operators.password_age",
		"%v is neither 0 nor a day or more", c.Operators.PasswordAge)
	f.between("operators.idle", c.Operators.Idle, time.Minute, 4*time.Hour)
	f.between("operators.life", c.Operators.Life, c.Operators.Idle, 24*time.Hour)
	c.Limits.check(&f)
	c.Queue.check(&f)
	f.unless(c.Log.Format == LogJSON || c.Log.Format == LogText, "log.format", "%q is not json or text", c.Log.Format)
	return errors.Join(f.list...)
}

func (h HTTP) check(f *faults) {
	f.unless(validAddr(h.Addr), "http.addr", "%q is not HOST:PORT", h.Addr)
	if h.OpsAddr != "" {
		f.unless(validAddr(h.OpsAddr), "http.ops_addr", "%q is not HOST:PORT", h.OpsAddr)
		_, port, _ := net.SplitHostPort(h.OpsAddr)
		f.unless(h.OpsAddr != h.Addr || port == "0", "http.ops_addr", "is the same as http.addr")
	}
	f.unless(h.PublicURL == "" || validBase(h.PublicURL), "http.public_url", "%q is not an address like https://jindu.example.gov.cn", h.PublicURL)
	f.between("http.timeout", h.Timeout, 100*time.Millisecond, time.Minute)
	// A drawn signature is 32 KiB of strokes and what stands around them.
	f.unless(40<<10 <= h.BodyLimit && h.BodyLimit <= 16<<20, "http.body_limit", "%v is not between 40KiB and 16MiB", h.BodyLimit)
	f.between("http.read_timeout", h.ReadTimeout, time.Second, 5*time.Minute)
	f.between("http.idle_timeout", h.IdleTimeout, time.Second, time.Hour)
	f.between("http.drain_delay", h.DrainDelay, 0, 5*time.Minute)
	f.positive("http.max_watchers", h.MaxWatchers)
	f.positive("http.max_watchers_per_address", h.MaxWatchersPerAddress)
	checkNetworks(f, "http.trusted_proxies", h.TrustedProxies)
}

// validBase tells whether text is where a deployment is found: paths can be put behind it.
func validBase(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.String() == u.Scheme+"://"+u.Host
}

func (m Memory) check(f *faults) {
	const least = 64 << 20
	f.unless(25 <= m.GCPercent && m.GCPercent <= 1000, "memory.gc_percent", "%d is not between 25 and 1000", m.GCPercent)
	f.unless(m.Limit == 0 || m.Limit >= least, "memory.limit", "%v is less than 64MiB", m.Limit)
}

func (r Redis) check(f *faults) {
	for i, addr := range r.Addrs {
		host, _, _ := net.SplitHostPort(addr)
		f.unless(validAddr(addr) && host != "", "redis.addrs", "entry %d %q is not HOST:PORT", i, addr)
	}
	f.positive("redis.pool_size", r.PoolSize)
	f.between("redis.read_timeout", r.ReadTimeout, 50*time.Millisecond, 30*time.Second)
	f.unless(0.5 <= r.MemoryGuard && r.MemoryGuard <= 0.99, "redis.memory_guard", "%v is not between 0.5 and 0.99", r.MemoryGuard)
	f.unless(r.WaitReplicas >= 0, "redis.wait_replicas", "%d is negative", r.WaitReplicas)
	f.unless(10*time.Millisecond <= r.WaitTimeout && r.WaitTimeout < r.ReadTimeout, "redis.wait_timeout",
		"%v is not between 10ms and redis.read_timeout %v", r.WaitTimeout, r.ReadTimeout)
	if len(r.Addrs) == 0 {
		f.unless(r.Binary != "", "redis.binary", "is empty: without redis.addrs a redis-server must be run")
		r.checkPrivate(f)
		return
	}
	f.unless(r.MaxMemory == 0, "redis.max_memory", "is set, but the Redis at redis.addrs has a maxmemory of its own")
	cluster := r.Cluster || len(r.Addrs) > 1 && r.MasterName == ""
	f.unless(!r.Cluster || r.MasterName == "", "redis.cluster", "is set beside redis.master_name: a cluster needs no sentinels")
	f.unless(r.MasterName != "" || r.SentinelUsername == "" && r.SentinelPassword.IsZero(), "redis.master_name",
		"is empty, but a user or a password of sentinels is set")
	f.unless(0 <= r.DB && r.DB < 1<<14, "redis.db", "%d is no database number", r.DB)
	f.unless(!cluster || r.DB == 0, "redis.db", "must be 0 on a cluster")
}

// checkPrivate refuses what only an external Redis can have: whoever set it
// believes in a server that would not be used.
func (r Redis) checkPrivate(f *faults) {
	const why = "is set, but redis.addrs is empty"
	f.unless(r.Username == "", "redis.username", why)
	f.unless(r.Password.IsZero(), "redis.password", why)
	f.unless(r.MasterName == "", "redis.master_name", why)
	f.unless(r.SentinelUsername == "", "redis.sentinel_username", why)
	f.unless(r.SentinelPassword.IsZero(), "redis.sentinel_password", why)
	f.unless(!r.Cluster, "redis.cluster", why)
	f.unless(r.DB == 0, "redis.db", why)
	f.unless(!r.TLS, "redis.tls", why)
	f.unless(r.WaitReplicas == 0, "redis.wait_replicas", why)
}

func (d Database) check(f *faults) {
	if d.URL.IsZero() {
		return
	}
	u, err := url.Parse(d.URL.Reveal())
	// The text is not shown: it holds a password.
	f.unless(err == nil && u.Host+u.Query().Get("host") != "" && (u.Scheme == "postgres" || u.Scheme == "postgresql"),
		"database.url", "is not postgres://USER:PASSWORD@HOST:PORT/NAME")
}

func (p Proofs) check(f *faults) {
	f.unless(p.Every == 0 || p.Every >= 10*time.Millisecond, "proofs.every", "%v is neither 0 nor 10ms or more", p.Every)
	for i, dir := range p.KeepDirs {
		f.unless(dir != "", "proofs.keep_dirs."+strconv.Itoa(i), "is empty")
	}
	for i, hook := range p.Webhooks {
		f.unless(safeURL(hook), "proofs.webhooks."+strconv.Itoa(i), "%q is not an https address", hook)
	}
}

// safeURL tells whether an address is of https, or of this machine.
func safeURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()))
}

func (w WeChat) check(f *faults) {
	f.unless(safeURL(w.BaseURL), "wechat.base_url", "%q is not an https address", w.BaseURL)
	f.between("wechat.timeout", w.Timeout, 100*time.Millisecond, time.Minute)
	seen := map[string]bool{}
	for i, app := range w.MiniPrograms {
		key := "wechat.mini_programs." + strconv.Itoa(i)
		f.unless(app.AppID != "", key+".appid", "is empty")
		f.unless(!app.Secret.IsZero(), key+".secret", "is empty")
		f.unless(!seen[app.AppID], key+".appid", "%q stands twice", app.AppID)
		seen[app.AppID] = true
	}
	oa := w.OfficialAccount
	f.unless(oa.AppID != "" || oa.Secret.IsZero(), "wechat.official_account.appid", "is empty, but its secret is set")
	f.unless(oa.AppID == "" || !oa.Secret.IsZero(), "wechat.official_account.secret", "is empty")
	f.unless(oa.AppID == "" || !seen[oa.AppID], "wechat.official_account.appid", "%q is a mini-program's", oa.AppID)
	w.Pay.check(f, seen)
}

// check wants all of a merchant's account or nothing of it.
func (p WeChatPay) check(f *faults, programs map[string]bool) {
	f.unless(safeURL(p.BaseURL), "wechat.pay.base_url", "%q is not an https address", p.BaseURL)
	if p.Merchant == "" {
		return
	}
	for _, k := range []struct{ name, text string }{
		{"serial", p.Serial}, {"key_file", p.KeyFile}, {"public_key_id", p.PublicKeyID}, {"public_key_file", p.PublicKeyFile}, {"scene", p.Scene},
	} {
		f.unless(k.text != "", "wechat.pay."+k.name, "is empty")
	}
	f.unless(programs[p.AppID], "wechat.pay.appid", "%q is none of wechat.mini_programs", p.AppID)
}

func (l Limits) check(f *faults) {
	f.positive("limits.sign_in_per_minute_per_address", l.SignInPerMinutePerAddress)
	f.positive("limits.lookup_per_minute_per_address", l.LookupPerMinutePerAddress)
	l.PerParticipant.check(f, "limits.per_participant")
	l.PerAddress.check(f, "limits.per_address")
	checkNetworks(f, "limits.allow", l.Allow)
}

func (q Queue) check(f *faults) {
	f.unless(0 <= q.AdmitPerSecond && q.AdmitPerSecond <= 1e5, "queue.admit_per_second", "%v is not between 0 and 100000", q.AdmitPerSecond)
	f.unless(q.Burst == 0 || float64(q.Burst) >= q.AdmitPerSecond && q.Burst <= 1e6, "queue.burst",
		"%d is neither 0 nor between queue.admit_per_second %v and a million", q.Burst, q.AdmitPerSecond)
	f.between("queue.slow_after", q.SlowAfter, 0, 10*time.Second)
	f.between("queue.hold", q.Hold, 10*time.Second, time.Hour)
	f.unless(0 < q.MaxWaiting && q.MaxWaiting <= 10_000_000, "queue.max_waiting", "%d is not between 1 and ten million", q.MaxWaiting)
}

func (r Rate) check(f *faults, key string) {
	f.unless(r.Rate > 0 && r.Rate <= 1e6, key+".rate", "%v is not between 0 and a million", r.Rate)
	f.positive(key+".burst", r.Burst)
}

// checkNetworks refuses an address with bits beyond its mask: 10.1.2.3/8 is
// meant either as one address or as a network, and only the operator knows.
func checkNetworks(f *faults, key string, list []netip.Prefix) {
	for i, p := range list {
		f.unless(p.IsValid() && p == p.Masked(), key, "entry %d %v: the network is %v", i, p, p.Masked())
	}
}

func validAddr(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 1<<16-1
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
