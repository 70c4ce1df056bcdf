package rehearse

import (
	"fmt"
	"slices"
	"strings"

	"qingyuan/internal/simulate"
)

// Grade says how much a finding matters.
type Grade string

// The grades, the gravest first.
const (
	Bad  Grade = "bad"  // not with this on the evening
	Weak Grade = "weak" // it held, with little to spare
	Note Grade = "note" // to read the figures rightly
)

// Text is a sentence in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In returns the text in a language: "en", or else Chinese.
func (t Text) In(lang string) string {
	if lang == English {
		return t.EN
	}
	return t.ZH
}

// The languages of a report.
const (
	Chinese = "zh"
	English = "en"
)

// Finding is what one rule has to say.
type Finding struct {
	// Code is stable.
	Code  string `json:"code"`
	Grade Grade  `json:"grade"`
	// Figure is what was measured, Advice what to do.
	Figure Text `json:"figure"`
	Advice Text `json:"advice"`
	// cause tells that it may be why the rehearsal bent.
	cause bool
}

// rule looks at the figures and returns a finding, or nil.
type rule func(*Measured) *Finding

// rules in the order in which they are read.
func rules() []rule {
	return []rule{
		wrong, syncSlow, redisBound, cpuFull, memoryShort, memoryProjected, diskShort, filesShort,
		limited, unavailable, queued, slowed, loadLate, scaledDown, elsewhere, unseen,
	}
}

// Judge asks every rule, the gravest findings first.
func Judge(m *Measured) []Finding {
	found := []Finding{}
	for _, r := range rules() {
		if f := r(m); f != nil {
			found = append(found, *f)
		}
	}
	if f := unexplained(m, found); f != nil {
		found = append(found, *f)
	}
	if _, isBent := m.bend(); !isBent {
		spare(found)
	}
	order := []Grade{Bad, Weak, Note}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return slices.Index(order, a.Grade) - slices.Index(order, b.Grade)
	})
	return found
}

// spare makes what might have been a cause less grave where nothing came of it.
func spare(found []Finding) {
	for i := range found {
		if found[i].cause && found[i].Grade == Bad {
			found[i].Grade = Weak
		}
	}
}

func both(zh, en string, args ...any) Text {
	return Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}
}

// grade is Bad beyond one line, Weak beyond another.
func grade(v, weak, bad float64) Grade {
	if v >= bad {
		return Bad
	}
	if v >= weak {
		return Weak
	}
	return ""
}

// wrong speaks when something was lost, counted twice or answered wrongly. Who came to
// no end for an error is among the errors: nothing was acknowledged that is not there.
func wrong(m *Measured) *Finding {
	var errors, problems int64
	for _, n := range m.Load.Errors {
		errors += n
	}
	for kind, n := range m.Load.ProblemCounts {
		if kind == simulate.Failed {
			errors = max(errors, int64(n))
			continue
		}
		problems += int64(n)
	}
	if errors+problems == 0 {
		return nil
	}
	return &Finding{
		Code: "wrong", Grade: Bad,
		Figure: both("%d 个错误重试后仍未恢复，%d 处结果与确认不符", "%d errors that no repeat mended, %d results unlike what was acknowledged", errors, problems),
		Advice: both("先不要开放。用 --json 查看 problems 与 errors，连同服务器日志交给维护人员",
			"Do not open yet. Read problems and errors with --json, and give them with the server's log to whoever maintains it"),
	}
}

// syncSlow speaks when the disk takes long until what was acknowledged is safe.
func syncSlow(m *Measured) *Finding {
	p99 := max(m.SyncBusy.P99MS, m.SyncAlone.P99MS)
	g := grade(p99, 20, 100)
	if g == "" {
		return nil
	}
	return &Finding{
		Code: "sync_slow", Grade: g, cause: true,
		Figure: both("磁盘同步 p99：空闲 %.1f 毫秒，高峰 %.1f 毫秒", "disk sync p99: %.1f ms alone, %.1f ms in the rush", m.SyncAlone.P99MS, m.SyncBusy.P99MS),
		Advice: both("把数据目录放到本机固态硬盘（最好带掉电保护），不要用网络盘；同一块盘上停掉备份等其他写入",
			"Put the data folder on a local SSD (best with power-loss protection), not on network storage, and stop other writers such as backups on that disk"),
	}
}

// redisBound speaks when Redis, which works in one thread, had no time left.
func redisBound(m *Measured) *Finding {
	cores := m.busiest(func(s Sample) float64 { return s.Redis })
	g := grade(cores, 0.75, 0.9)
	if g == "" {
		return nil
	}
	return &Finding{
		Code: "redis_bound", Grade: g, cause: true,
		Figure: both("Redis 最忙 5 秒占用 %.2f 个核心（上限约 1 个）", "Redis took %.2f of a core in its busiest 5 s (it cannot take much more than one)", cores),
		Advice: both("换主频更高的处理器；或改用 Redis Cluster，并在新活动文件里把 shards 设为 4 以上",
			"Take a processor with a faster core, or a Redis Cluster, and give new campaigns 4 or more shards"),
	}
}

// cpuFull speaks when all cores were busy. The simulated people take some.
func cpuFull(m *Measured) *Finding {
	if m.CPUs == 0 {
		return nil
	}
	busy := m.busiest(func(s Sample) float64 { return s.Busy })
	g := grade(busy/float64(m.CPUs), 0.8, 0.95)
	if g == "" {
		return nil
	}
	people := m.busiest(func(s Sample) float64 { return s.People })
	others := m.busiest(func(s Sample) float64 { return s.Busy - s.Server - s.Redis - s.People })
	advice := both("开放前增加处理器核心（至少 %d 核），并停掉本机其他程序", "Add cores before the opening (%d at least), and stop other programs on this machine", 2*m.CPUs)
	switch {
	case m.Own && others > 0.25*busy: // the rest of a target's machine may be the target
		advice = both("其他程序占了 %.1f 核：开放期间停掉或移走它们", "Other programs took %.1f cores: stop or move them while the campaign is open", others)
	case people > 0.25*busy:
		g = Weak
		advice = both("模拟的人群自己就占了很多：请从另一台机器用 --target 再演练一次；若仍然占满，再加到 %d 核",
			"The simulated people themselves took much of it: rehearse again from another machine with --target, and go to %d cores if it is still full", 2*m.CPUs)
	}
	return &Finding{
		Code: "cpu_full", Grade: g, cause: true, Advice: advice,
		Figure: both("最忙 5 秒：%d 核中用了 %.1f 核，其中模拟人群 %.1f 核", "busiest 5 s: of %d cores %.1f were busy, %.1f of them with simulated people", m.CPUs, busy, people),
	}
}

// memoryShort speaks when little memory was left during the rush.
func memoryShort(m *Measured) *Finding {
	free, ok := m.leastFree()
	if !ok {
		return nil
	}
	g := grade(1-float64(free)/float64(m.MemoryBytes), 0.85, 0.95)
	if g == "" {
		return nil
	}
	return &Finding{
		Code: "memory_short", Grade: g, cause: true,
		Figure: both("内存最少时只剩 %s（共 %s）", "memory left at the lowest point: %s of %s", size(free), size(m.MemoryBytes)),
		Advice: both("增加内存，或停掉本机其他程序", "Add memory, or stop other programs on this machine"),
	}
}

// redisMayTake is the part of the memory that the private Redis may fill before
// it turns new acts away.
const redisMayTake = 0.6 * 0.9

// memoryProjected speaks when the expected people would not fit into Redis.
func memoryProjected(m *Measured) *Finding {
	each := m.redisGrowth()
	if each <= 0 || m.MemoryBytes == 0 || m.came() < leastToProject {
		return nil
	}
	need := int64(each * float64(m.Expected))
	g := grade(float64(need)/(float64(m.MemoryBytes)*redisMayTake), 0.7, 1)
	if g == "" {
		return nil
	}
	return &Finding{
		Code: "memory_projected", Grade: g,
		Figure: both("Redis 每人约 %.0f 字节，%d 人约需 %s", "Redis takes about %.0f bytes a person, for %d people %s", each, m.Expected, size(need)),
		Advice: both("内存增加到至少 %s", "Have at least %s of memory", size(int64(float64(need)/redisMayTake/0.7))),
	}
}

// leastToProject is how many people tell what many more would take.
const leastToProject = 2000

// diskShort speaks when the expected people would fill the disk.
func diskShort(m *Measured) *Finding {
	if m.DiskTaken <= 0 || m.DiskFree <= 0 || m.came() < leastToProject {
		return nil
	}
	each := float64(m.DiskTaken) / float64(m.came())
	need := int64(each * float64(m.Expected))
	g := grade(float64(need)/float64(m.DiskFree), 0.5, 0.8)
	if g == "" {
		return nil
	}
	return &Finding{
		Code: "disk_short", Grade: g,
		Figure: both("每人约占磁盘 %s，%d 人约需 %s，现有 %s", "each person takes %s of disk, %d people %s, of which %s are free", size(int64(each)), m.Expected, size(need), size(m.DiskFree)),
		Advice: both("为数据目录腾出至少 %s", "Free at least %s for the data folder", size(2*need)),
	}
}

// filesShort speaks when people had to wait because no more may be under way.
func filesShort(m *Measured) *Finding {
	a := m.Load.Arrivals
	if a == nil || a.Held == 0 {
		return nil
	}
	return &Finding{
		Code: "load_held", Grade: Note,
		Figure: both("%d 人因同时在途已达上限而晚到（最多同时 %d 人）", "%d people came late because the most were under way already (%d at once)", a.Held, a.MostUnderWay),
		Advice: both("服务器慢时人会堆积；先解决上面的原因，或提高 ulimit -n 后用 --workers 放宽",
			"People pile up where the server is slow: mend the cause first, or raise ulimit -n and --workers"),
	}
}

// limited speaks when the limits turned people away for a moment.
func limited(m *Measured) *Finding {
	_, n, _ := m.worst()
	if n == 0 {
		return nil
	}
	return &Finding{
		Code: "limited", Grade: Weak,
		Figure: both("%d 个请求被限流（429），重试后成功", "%d requests were limited (429) and mended by a repeat", n),
		Advice: both("检查 limits：一所学校共用一个出口地址时，调高 sign_in_per_minute_per_address 或把出口加入 limits.allow",
			"Look at limits: where a school shares one address, raise sign_in_per_minute_per_address or add the exit to limits.allow"),
	}
}

// unavailable speaks of requests that had to be sent again.
func unavailable(m *Measured) *Finding {
	_, _, n := m.worst()
	if n == 0 {
		return nil
	}
	g := Weak
	if total := m.Load.Requests; total > 0 && float64(n) > float64(total)/100 {
		g = Bad
	}
	return &Finding{
		Code: "unavailable", Grade: g,
		Figure: both("%d 个请求得到 503 或没有答复，重试后成功", "%d requests got 503 or no reply and were mended by a repeat", n),
		Advice: both("服务器来不及：按其他各条处理；仍有时开启排队（候场）把登录放慢%s", "The server could not keep up: see the other findings; if it remains, let the waiting room slow sign-ins down%s", admit(m)),
	}
}

// admit names the rate of a waiting room that lets in nine of ten people whom the machine
// carried while too many came, "" where nobody was seen through.
func admit(m *Measured) string {
	const part, step = 0.9, 10
	rate := int(m.carried()*part) / step * step
	if rate == 0 {
		return ""
	}
	return fmt.Sprintf(" (queue.admit_per_second: %d)", rate)
}

// queued speaks of the waiting room.
func queued(m *Measured) *Finding {
	w := m.Load.Waiting
	if w.People == 0 {
		return nil
	}
	g := Note
	if w.P99MS > 60_000 {
		g = Weak
	}
	advice := both("排队保护了在答题的人；若等得太久，提高放行速度或分时段通知各单位",
		"The queue protected those who were answering; if it is too long, admit more a second or invite units at different times")
	if m.slowestPace() < 1 {
		advice = both("排队保护了在答题的人；本机已放慢放行，不要再提高速度：若等得太久，分时段通知各单位",
			"The queue protected those who were answering; it was slowed already, so do not admit more: if it is too long, invite units at different times")
	}
	return &Finding{
		Code: "queued", Grade: g, Advice: advice,
		Figure: both("%d 人排队，99%% 在 %.0f 秒内放行", "%d people queued, 99 %% of them for at most %.0f s", w.People, w.P99MS/1000),
	}
}

// slowed speaks when the line moved slower than it was told to, for the sake of those who
// were in.
func slowed(m *Measured) *Finding {
	least := m.slowestPace()
	if least == 1 {
		return nil
	}
	g := Note
	if least < 0.7 {
		g = Weak
	}
	return &Finding{
		Code: "slowed", Grade: g,
		Figure: both("在场者变慢时，放行自动放慢，最慢为设定速度的 %.0f%%", "the line was slowed while those who were in had to wait, at the least to %.0f %% of its rate", 100*least),
		Advice: both("把 queue.admit_per_second 降到本机撑住的速度，排队时间才好预计；或增加处理器核心",
			"Set queue.admit_per_second to what this machine held, so that waiting can be foretold, or add cores"),
	}
}

// slowestPace is the least part of its rate at which the line moved, 1 where nothing is
// known of it.
func (m *Measured) slowestPace() float64 {
	least := 1.0
	for _, s := range m.Samples {
		if s.Pace > 0 {
			least = min(least, s.Pace)
		}
	}
	return least
}

// lateAllowed is how late the load may be before it is not what was planned.
const lateAllowed = 200 // ms

// loadLate speaks when the rehearsal was gentler than it should have been.
func loadLate(m *Measured) *Finding {
	a := m.Load.Arrivals
	if a == nil || a.LateP99MS <= lateAllowed {
		return nil
	}
	return &Finding{
		Code: "load_late", Grade: Note,
		Figure: both("模拟人群自己晚到：p99 %.0f 毫秒", "the simulated people themselves came late: p99 %.0f ms", a.LateP99MS),
		Advice: both("这不是服务器的问题，但真实高峰会更陡：从另一台机器用 --target、--processes 再演练",
			"That is not the server's fault, but the real rush is steeper: rehearse again from another machine, with --target and --processes"),
	}
}

// scaledDown speaks when the rehearsal was smaller than the evening will be.
func scaledDown(m *Measured) *Finding {
	if m.steepest() >= 0.95*m.realSteepest() {
		return nil
	}
	return &Finding{
		Code: "scaled_down", Grade: Note,
		Figure: both("本次最陡每秒 %.0f 人；按 %d 人预计，当晚最陡约每秒 %.0f 人", "the steepest second had %.0f people; with %d people the evening has about %.0f", m.steepest(), m.Expected, m.realSteepest()),
		Advice: both("结论只到本次规模为止；用 --people 加大后再演练", "What was found holds up to this size: rehearse again with more --people"),
	}
}

// elsewhere speaks when the real deployment has parts that took none.
func elsewhere(m *Measured) *Finding {
	if len(m.Elsewhere) == 0 {
		return nil
	}
	parts := strings.Join(m.Elsewhere, ", ")
	return &Finding{
		Code: "elsewhere", Grade: Note,
		Figure: both("配置中的外部 %s 没有参与，本次用的是本机自带的", "the external %s of the configuration took no part; ones of this machine did", parts),
		Advice: both("再对一套预演环境演练：--target http://预演服务器 --allow-remote", "Rehearse a staging deployment as well: --target http://STAGING --allow-remote"),
	}
}

// unseen speaks when nobody could look at the server from within.
func unseen(m *Measured) *Finding {
	if m.Own && len(m.Samples) > 0 {
		return nil
	}
	return &Finding{
		Code: "unseen", Grade: Note,
		Figure: both("没有测到服务器内部（处理器、Redis、磁盘）", "the server was not seen from within (CPU, Redis, disk)"),
		Advice: both("在服务器本机（Linux）不带 --target 再演练一次，就能看到原因", "Rehearse on the server itself (Linux) without --target to see causes"),
	}
}

// unexplained speaks when it bent and no rule knows why.
func unexplained(m *Measured, found []Finding) *Finding {
	at, isBent := m.bend()
	if !isBent || slices.ContainsFunc(found, func(f Finding) bool { return f.cause || f.Code == "unseen" }) {
		return nil
	}
	return &Finding{
		Code: "unexplained", Grade: Weak,
		Figure: both("第 %.0f 秒起变慢（p99 %.0f 毫秒），但处理器、Redis、磁盘、内存都有余量", "slow from second %.0f on (p99 %.0f ms), while CPU, Redis, disk and memory had room", at.Second, at.P99MS),
		Advice: both("看 redis.pool_size 与 /metrics 里的 qingyuan_redis_command_seconds，并保存 --json 交给维护人员",
			"Look at redis.pool_size and at qingyuan_redis_command_seconds in /metrics, and keep the --json for whoever maintains it"),
	}
}

// size writes bytes for people.
func size(bytes int64) string {
	const unit = 1024
	v := float64(bytes)
	for _, name := range []string{"B", "KiB", "MiB", "GiB"} {
		if v < unit {
			if v >= 100 || name == "B" {
				return fmt.Sprintf("%.0f %s", v, name)
			}
			return fmt.Sprintf("%.1f %s", v, name)
		}
		v /= unit
	}
	return fmt.Sprintf("%.1f TiB", v)
}
