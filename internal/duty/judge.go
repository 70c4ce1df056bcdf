package duty

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// limits are from where on a figure is to be watched, and from where on to be acted on.
type limits struct{ watch, act float64 }

// The thresholds. docs/OPERATIONS.md tells them to whoever is on duty.
var (
	waitLimits     = limits{600, 1800}       // seconds that the last in line waits
	slowedLimits   = limits{1, 60}           // percent of its rate that the line withholds
	errorLimits    = limits{1, 60}           // answers of 500 a minute
	busyLimits     = limits{1, 300}          // answers of 503 a minute
	signInLimits   = limits{0.1, 0.5}        // share of sign-ins that failed, of at least signInsJudged
	deskLimits     = limits{20, 100}         // failed sign-ins of operators a minute
	foldFacts      = limits{5_000, 50_000}   // facts that wait to be counted
	foldSeconds    = limits{5, 60}           // age of what is published
	ledgerEntries  = limits{20_000, 200_000} // entries that wait for SQL
	ledgerSeconds  = limits{15, 60}          // age of the oldest of them
	memoryLimits   = limits{0.7, 0.85}       // share of Redis' memory
	watcherLimits  = limits{0.8, 0.98}       // share of the seats
	jobLimits      = limits{20, 200}         // jobs in line
	approvalLimits = limits{1, 20}           // acts that wait for a second person
	routeLimits    = limits{0.5, 2}          // seconds, p99 of a hot route
)

// signInsJudged is how many sign-ins a minute make a share that says something.
const signInsJudged = 20

func (l limits) judge(v float64) Level {
	switch {
	case v >= l.act:
		return Act
	case v >= l.watch:
		return Watch
	}
	return OK
}

// Judge makes a Report of readings.
func Judge(r Readings) Report {
	r.Warnings = slices.Concat(r.Warnings, leakWarnings(r.Leaks))
	out := Report{
		At: r.At, Since: r.Activity.Since, Ready: len(r.Reasons) == 0, Reasons: r.Reasons, Warnings: r.Warnings,
		Refusals: r.Activity.Refusals, Routes: r.Activity.Routes, Leaks: r.Leaks,
	}
	for i := range out.Routes {
		judgeRoute(&out.Routes[i])
	}
	for _, part := range [][]Figure{readyFigures(&r), queueFigures(&r), actFigures(&r), errorFigures(&r), lagFigures(&r), redisFigures(&r), houseFigures(&r)} {
		out.Figures = append(out.Figures, part...)
	}
	out.Level = OK
	for _, f := range out.Figures {
		out.Level = Worse(out.Level, f.Level)
	}
	for _, route := range out.Routes {
		out.Level = Worse(out.Level, route.Level)
	}
	return out
}

// figure is one that has limits; hint is shown where it is not OK.
func figure(id, name, unit string, v float64, l limits, hint string) Figure {
	f := plain(id, name, unit, v)
	if f.Level = l.judge(v); f.Level != OK {
		f.Hint = hint
	}
	return f
}

// plain is a figure that is only told.
func plain(id, name, unit string, v float64) Figure {
	return Figure{ID: id, Name: name, Unit: unit, Value: &v, Level: OK}
}

// silent is a figure that could not be asked for.
func silent(id, name, unit, hint string) Figure {
	return Figure{ID: id, Name: name, Unit: unit, Level: Act, Hint: hint}
}

func readyFigures(r *Readings) []Figure {
	reasons := figure("ready.reasons", "不能接收参与者的原因", "项", float64(len(r.Reasons)), limits{1, 1},
		"本服务器未就绪，负载均衡应已停止转来参与者；按运维手册逐条处理 reasons")
	warnings := figure("ready.warnings", "告警", "项", float64(len(r.Warnings)), limits{1, 1e9}, "逐条查看 warnings，对照运维手册处理")
	return []Figure{reasons, warnings}
}

// leaksNamed is how many questions of a campaign a warning names.
const leaksNamed = 5

// leakWarnings tell of each campaign with questions whose answers may be going round.
func leakWarnings(all []Leaks) []string {
	var out []string
	for _, l := range all {
		var named []string
		for _, q := range l.Questions[:min(leaksNamed, len(l.Questions))] {
			named = append(named, q.Question)
		}
		text := fmt.Sprintf("疑似泄题：活动“%s”第 %s 题", l.Title, strings.Join(named, "、"))
		if n := len(l.Questions); n > leaksNamed {
			text += fmt.Sprintf("等 %d 题", n)
		}
		out = append(out, text)
	}
	return out
}

// queueFigures are those of the line, where there is one. How many this server lets in
// says nothing by itself: another may do so for all.
func queueFigures(r *Readings) []Figure {
	if r.QueuePerSecond == 0 {
		return nil
	}
	pace := cmp.Or(r.Activity.Pace, 1)
	wait := r.Activity.Waiting / (r.QueuePerSecond * pace)
	return []Figure{
		plain("queue.waiting", "排队人数（全部服务器）", "人", r.Activity.Waiting),
		plain("queue.admitted", "本机放行速度", "人/秒", r.Activity.AdmittedPerSecond),
		figure("queue.slowed", "本机自动放慢放行的幅度", "%", 100*(1-pace), slowedLimits,
			"在场者的请求变慢，服务器已自动少放人，恢复后会逐步加快：查看各项耗时、Redis 和磁盘；经常如此说明 queue.admit_per_second 高于本机能力"),
		figure("queue.wait", "队尾预计等待", "秒", wait, waitLimits,
			"等待过长：如耗时和内存仍正常，可调高 queue.admit_per_second 并逐台重启；在活动页说明可错峰参加"),
	}
}

func actFigures(r *Readings) []Figure {
	a := r.Activity
	return []Figure{
		plain("acts.starts", "最近一分钟开始答题", "次", float64(a.Starts)),
		plain("acts.submissions", "最近一分钟交卷", "次", float64(a.Submissions)),
		plain("acts.signatures", "最近一分钟签署", "次", float64(a.Signatures)),
	}
}

func errorFigures(r *Readings) []Figure {
	a := r.Activity
	failures := plain("sign_in.failures", "最近一分钟参与者登录失败", "次", float64(a.SignInsFailed))
	if a.SignIns >= signInsJudged {
		failures.Level = signInLimits.judge(float64(a.SignInsFailed) / float64(a.SignIns))
		if failures.Level != OK {
			failures.Hint = "登录失败比例偏高：查看“被拒绝的请求”。微信服务繁忙为微信侧故障；与名册不符多为名册有误或有人试探"
		}
	}
	return []Figure{
		failures,
		figure("desk.failures", "最近一分钟管理后台登录失败", "次", float64(a.DeskFailed), deskLimits, "可能有人在试密码：在审计日志中查看来源地址，必要时在网关封禁"),
		figure("errors.internal", "最近一分钟内部错误（500）", "次", float64(a.Internal), errorLimits, "程序错误：按 request_id 查日志并上报；参与者重试不会重复计数"),
		figure("errors.unavailable", "最近一分钟暂不可用（503）", "次", float64(a.Unavailable), busyLimits,
			"查看“不能接收参与者的原因”、Redis 各项和“公布数据的滞后”；负载过高时可按运维手册关闭榜单、明细等功能，或启用排队"),
	}
}

func lagFigures(r *Readings) []Figure {
	return []Figure{
		figure("fold.waiting", "等待计入统计的记录", "条", float64(r.Fold.Waiting), foldFacts, "统计落后于提交，已提交的不会丢；持续上升时查日志中的 fold"),
		figure("fold.seconds", "公布数据的滞后", "秒", r.Fold.Oldest.Seconds(), foldSeconds, "页面上的数字已过时：查日志中的 fold 和 snapshot"),
		figure("ledger.waiting", "等待入库的记录", "条", float64(r.Ledger.Waiting), ledgerEntries, "数据库写入跟不上或不可用：记录暂存在 Redis 中，注意“Redis 内存占用”"),
		figure("ledger.seconds", "最久未入库的记录", "秒", r.Ledger.Oldest.Seconds(), ledgerSeconds, "检查数据库是否可用、磁盘是否已满；入库前 Redis 磁盘损坏会丢失这些记录"),
	}
}

func redisFigures(r *Readings) []Figure {
	if r.Redis == nil {
		return []Figure{silent("redis.memory", "Redis 内存占用", "%", "Redis 没有回答：按运维手册“By symptom: Redis”处理")}
	}
	used := plain("redis.used", "Redis 已用内存", "MB", megabytes(r.Redis.Used))
	log := figure("redis.log", "Redis 持久化日志异常", "项", count(!r.Redis.LogOK), limits{1, 1}, "Redis 不能写日志：检查磁盘空间；恢复前不接收新的提交")
	rewriting := plain("redis.rewriting", "Redis 正在重写日志", "项", count(r.Redis.Rewriting))
	if r.Redis.Most == 0 {
		return []Figure{used, log, rewriting}
	}
	share := float64(r.Redis.Used) / float64(r.Redis.Most)
	memory := figure("redis.memory", "Redis 内存占用", "%", 100*share, limits{100 * memoryLimits.watch, 100 * memoryLimits.act},
		"内存将满：先看“等待入库的记录”，数据库恢复后会自动释放；否则提高 maxmemory。写满前服务器会停止接收")
	return []Figure{memory, used, plain("redis.max", "Redis 内存上限", "MB", megabytes(r.Redis.Most)), log, rewriting}
}

func houseFigures(r *Readings) []Figure {
	watchers := plain("live.watchers", "大屏和实时页面连接", "个", r.Activity.Watchers)
	if r.MostWatchers > 0 {
		watchers.Level = watcherLimits.judge(r.Activity.Watchers / float64(r.MostWatchers))
		if watchers.Level != OK {
			watchers.Hint = fmt.Sprintf("接近上限 %d：超出的页面会改为定时查询，不影响参与；可关闭实时功能", r.MostWatchers)
		}
	}
	broken := figure("proofs.broken", "与已签名内容不一致的存证日志", "个", float64(r.BrokenLogs), limits{1, 1},
		"已停止签名，参与不受影响：保留现场，运行 qingyuan verify，按运维手册“Logs and their keepers”处理")
	out := []Figure{watchers, broken}
	const away = "数据库没有回答：参与不受影响，管理后台不可用；按运维手册“SQL is away”处理"
	for _, f := range []struct {
		id, name string
		v        *int
		l        limits
		hint     string
	}{
		{"jobs.running", "正在执行的后台任务", r.JobsRunning, limits{1e9, 1e9}, ""},
		{"jobs.queued", "等待执行的后台任务", r.JobsQueued, jobLimits, "后台任务积压：高峰期间请暂缓导入和导出"},
		{"approvals.open", "等待第二人批准的操作", r.Approvals, approvalLimits, "请有权限的另一位管理员到“审批”中处理"},
	} {
		if f.v == nil {
			out = append(out, silent(f.id, f.name, "项", away))
			continue
		}
		out = append(out, figure(f.id, f.name, "项", float64(*f.v), f.l, f.hint))
	}
	return out
}

func judgeRoute(r *Route) {
	if r.Level = routeLimits.judge(r.P99.Seconds()); r.Level != OK {
		r.Hint = "变慢：查看 Redis 各项和本机 CPU；必要时关闭榜单、明细等功能，或启用排队"
	}
}

func count(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// megabytes rounds to a tenth.
func megabytes(n int64) float64 { return float64(n*10>>20) / 10 }
