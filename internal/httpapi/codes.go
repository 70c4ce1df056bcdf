package httpapi

import (
	"sync"

	"github.com/gofiber/fiber/v2"

	"qingyuan/internal/fault"
)

// Errors that only the edge can raise.
var (
	errMethod      = fault.New(fault.Invalid, "request.method", "不支持这种请求方法")
	errTooLarge    = fault.New(fault.Invalid, "request.too_large", "请求内容过大")
	errUnsupported = fault.New(fault.Invalid, "request.unsupported", "请求内容应为未压缩的 JSON")
	errForbidden   = fault.New(fault.Forbidden, "auth.forbidden", "没有权限")
)

// statusOf is the only place where a Kind meets an HTTP status; three codes say
// more than their kind.
func statusOf(f *fault.Error) int {
	switch f.Code {
	case errMethod.Code:
		return fiber.StatusMethodNotAllowed
	case errTooLarge.Code:
		return fiber.StatusRequestEntityTooLarge
	case errUnsupported.Code:
		return fiber.StatusUnsupportedMediaType
	}
	return statusOfKind(f.Kind)
}

func statusOfKind(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return fiber.StatusBadRequest
	case fault.Unauthenticated:
		return fiber.StatusUnauthorized
	case fault.Forbidden:
		return fiber.StatusForbidden
	case fault.NotFound:
		return fiber.StatusNotFound
	case fault.Conflict:
		return fiber.StatusConflict
	case fault.Limited:
		return fiber.StatusTooManyRequests
	case fault.Unavailable:
		return fiber.StatusServiceUnavailable
	case fault.Internal:
	}
	return fiber.StatusInternalServerError
}

// codeRow is one documented error code.
type codeRow struct {
	Code    string `json:"code"`
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// errorCodes is the table that clients may rely on. Codes are added and never
// renamed. The tests compare it with every declaration in this module and with
// openapi.yaml.
func errorCodes() []codeRow {
	return []codeRow{
		{"request.invalid", 400, "请求内容有误，请检查后重试"},
		{"enrolment.unit_unknown", 400, "没有这个单位，请重新选择"},
		{"enrolment.consent_required", 400, "请阅读并同意最新的个人信息告知"},
		{"enrolment.guardian_required", 400, "不满十四周岁须由监护人同意"},
		{"pledge.strokes_invalid", 400, "签名过于简单，请用手写签名"},

		{"auth.missing", 401, "请先登录"},
		{"auth.invalid", 401, "登录信息无效，请重新登录"},
		{"auth.expired", 401, "登录已过期，请重新登录"},
		{"auth.reused", 401, "登录凭证被重复使用，为保护账号安全，请重新登录"},
		{"wechat.code_invalid", 401, "微信登录凭证无效或已使用，请重新登录"},

		{"auth.forbidden", 403, "没有权限"},
		{"campaign.not_open", 403, "活动尚未开始"},
		{"campaign.paused", 403, "活动已暂停，请稍后再来"},
		{"campaign.closed", 403, "活动已结束"},
		{"wechat.blocked", 403, "微信提示该账号存在风险，暂时无法登录"},
		{"board.not_ranked", 403, "本活动不公布个人排名"},
		{"board.not_published", 403, "本活动不公布这一级的数据"},

		{"roster.mismatch", 401, "单位、编号或姓名与名册不符"},
		{"session.link_conflict", 409, "您已分别用两种方式参加过活动，请联系活动主办单位处理"},
		{"roster.merge_conflict", 409, "要合并的单位的名册上有相同的编号，请先在名册中更正或删去重复的人员"},
		{"roster.head", 400, "表头应有“单位编号”“编号”“姓名”三列"},

		{"request.not_found", 404, "请求的内容不存在"},
		{"campaign.not_found", 404, "活动不存在"},
		{"enrolment.not_found", 404, "您还没有报名"},
		{"quiz.attempt_not_found", 404, "没有这份答卷"},
		{"pledge.not_signed", 404, "尚未签署承诺书"},

		{"request.method", 405, "不支持这种请求方法"},
		{"request.too_large", 413, "请求内容过大"},
		{"request.unsupported", 415, "请求内容应为未压缩的 JSON"},

		{"enrolment.required", 409, "请先报名再参加"},
		{"enrolment.roster_unit", 409, "您在单位名册上，请按名册所在单位报名"},
		{"enrolment.joined", 409, "您已用另一种登录方式参加本活动，请用那种方式重新登录"},
		{"enrolment.unit_fixed", 409, "已有答题或签署记录，不能直接更改单位，请提交转单位申请"},
		{"prize.none", 404, "本活动没有抽奖"},
		{"prize.not_found", 404, "没有这项中奖记录"},
		{"prize.not_qualified", 403, "暂不符合抽奖条件，请查看活动规则"},
		{"prize.limit_reached", 409, "抽奖次数已用完"},
		{"prize.number", 409, "抽奖序号有误，请刷新后重试"},
		{"prize.state", 409, "该奖品的状态已经改变，请刷新后重试"},
		{"prize.kind", 409, "这种奖品不支持此操作"},
		{"prize.expired", 409, "领奖期限已过"},
		{"prize.under_review", 409, "中奖者有待核实的异常提示，请先处理提示"},
		{"prize.paying", 409, "该红包正在通过微信支付发放，不能另行处理"},
		{"prize.insider", 409, "中奖者在主办方人员排除名单上，不能发放"},
		{"prize.refused", 409, "该奖品经核实不予发放，可提出申诉"},
		{"prize.draw_not_found", 404, "没有这次抽奖"},
		{"prize.not_frozen", 409, "参与名单尚未冻结，不能开奖"},
		{"prize.drawn", 409, "已经开奖，不能再次抽奖"},
		{"prize.not_drawn", 409, "尚未开奖"},
		{"prize.claimable", 409, "只有逾期未领的奖品可以递补"},
		{"prize.no_reserve", 409, "候补名单已经用完"},
		{"prize.export_not_made", 404, "导出文件尚未生成或已不存在"},
		{"prize.consent_required", 400, "请阅读活动规则，并单独同意为领奖提供个人信息"},

		{"transfer.pending", 409, "您已有一条转单位申请正在等待处理，撤回后才能另行申请"},
		{"transfer.same_unit", 409, "您已经在这个单位"},
		{"transfer.roster_bound", 409, "您是按单位名册参加的，单位以名册为准，请联系本单位管理员更正名册"},
		{"transfer.joined", 409, "这次报名已并入本人的另一次报名，转单位不会改变人数；请用计入的那次报名申请，或再次答题、签署后再申请"},
		{"transfer.not_found", 404, "没有这条转单位申请"},
		{"transfer.state", 409, "这条申请已经处理或撤回，请刷新后查看"},
		{"transfer.too_many", 429, "每天最多申请 5 次，请明天再来"},
		{"quiz.limit_reached", 409, "今日答题次数已用完"},
		{"quiz.expired", 409, "答题时间已过"},
		{"quiz.submitted", 409, "这份答卷已经交过，不能再改"},
		{"pledge.version_changed", 409, "承诺书内容已更新，请重新阅读后签署"},
		{"proof.not_sealed", 404, "尚未存证：提交后一两分钟生成；个人信息删除后不再提供"},
		{"certificate.void", 409, "签署已撤回或已作废，没有证书"},
		{"certificate.erased", 409, "姓名已按规定删除，不能再生成证书"},

		{"rate.limited", 429, "操作过于频繁，请稍后再试"},
		{"queue.required", 429, "参与人数较多，请排队等候"},
		{"challenge.too_many", 429, "每天最多反馈 20 道题目，请明天再来"},
		{"feedback.too_many", 429, "每天最多提交 5 条，请明天再来"},

		{"internal", 500, "服务器内部错误，请稍后再试"},
		{"service.unavailable", 503, "服务繁忙，请稍后重试"},
		{"wechat.busy", 503, "微信服务繁忙，请稍后重试"},

		// What only operators meet.
		{"bank.unreviewed", 409, "题库中有未经本单位审核的题目，不能用于活动"},
		{"bank.incomplete", 400, "题目内容不完整，补全后才能送审"},
		{"bank.file_invalid", 400, "文件无法读取，请按提示处理"},
		{"bank.own_work", 403, "不能审核自己编写或修改的题目"},
		{"bank.not_found", 404, "没有这个题库"},
		{"bank.question_not_found", 404, "题库中没有这道题"},
		{"bank.exists", 409, "已有这个编号的题库"},
		{"bank.question_exists", 409, "题库中已有这个编号的题目"},
		{"bank.state", 409, "题目当前的状态不能进行此操作"},
		{"bank.version_conflict", 409, "题目已被他人修改，请刷新后重试"},
		{"bank.empty", 409, "题库中没有审核通过且在有效期内的题目"},
		{"picture.invalid", 400, "图片无法读取，请使用 PNG、JPEG、GIF 或 WebP 图片"},
		{"picture.too_large", 400, "图片过大：至多 1 MiB，宽和高各至多 4096 点"},
		{"picture.not_found", 404, "没有这张图片，请先上传"},
		{"challenge.not_found", 404, "没有这项题目争议"},
		{"challenge.state", 409, "这项题目争议当前的状态不允许此操作"},
		{"challenge.exists", 409, "这道题已有未了结的争议"},
		{"challenge.question_not_found", 404, "活动题库中没有这道题"},
		{"challenge.busy", 409, "本活动另有重新评分尚未完成，请先完成或撤销"},
		{"challenge.later", 409, "之后另有重新评分，请先撤销较晚的"},
		{"challenge.papers_open", 409, "还有未交的试卷含有这道题，请待其交卷后重新核算"},
		{"challenge.bank_too_small", 409, "撤下题目后，题库不足以组成试卷，请先补充题目"},
		{"catalog.invalid", 400, "活动设置有误，请按提示修改"},
		{"catalog.fixed", 409, "活动发布或开放后，这些内容不能再改"},
		{"catalog.version_conflict", 409, "活动已被他人修改，请刷新后重试"},
		{"catalog.exists", 409, "活动编号或证书前缀已被使用"},
		{"catalog.state", 409, "活动当前的状态不能进行此操作"},
		{"tree.invalid", 400, "组织架构有误，请按提示修改"},
		{"tree.fixed", 409, "活动开放后，单位和地区不能移动、合并或删除，可改为停用"},
		{"tree.node_not_found", 404, "没有这个地区或单位"},
		{"file.invalid", 400, "文件无法读取，请检查后重试"},
		{"file.too_large", 400, "文件过大，请分成几个文件"},
		{"job.not_found", 404, "没有这个任务"},
		{"job.final", 409, "任务已经结束，不能取消"},
		{"job.lost", 409, "任务已由其他服务器接管或已取消"},
		{"job.given_up", 500, "任务多次中断，已停止重试，请检查后重新提交"},
		{"correction.no_origins", 409, "本活动没有可用的地址和设备标记，或已在结束后销毁"},
		{"campaign.archived", 409, "活动已归档，数据只供查看"},
		{"retention.not_over", 409, "活动结束后才能删除个人信息"},
		{"flag.not_found", 404, "没有这条提示"},
		{"appeal.not_found", 404, "没有这项申诉"},
		{"appeal.answered", 409, "这项申诉已有结论"},
		{"appeal.nothing", 409, "这份记录没有被作废，无需申诉"},
		{"correction.not_found", 404, "没有这批更正"},
		{"hiding.not_found", 404, "没有这条隐藏记录，或者不在您的管理范围内"},
		{"hiding.nobody", 404, "没有这位参与者，或者不在您的管理范围内"},
		{"hiding.consent_withdrawn", 409, "本人已撤回同意，不能恢复公开"},
		{"grant.not_found", 404, "没有这次补发"},
		{"grant.state", 409, "这次补发当前的状态不允许此操作"},
		{"grant.empty", 400, "没有符合条件的答卷"},
		{"correction.state", 409, "这批更正当前的状态不允许此操作"},
		{"correction.changed", 409, "审批的名单与当前名单不一致，请重新提交审批"},
		{"correction.empty", 400, "没有符合条件的答卷或签署"},
		{"correction.too_many", 400, "符合条件的记录过多，请缩小范围后分批处理"},
		{"feedback.not_found", 404, "没有这条投诉建议"},
		{"feedback.state", 409, "这条投诉建议已经办结或已被他人处理，请刷新后查看"},
		{"paper.not_found", 404, "没有这批纸质承诺书"},
		{"paper.exists", 409, "该单位当天的这份材料已经登记，如需更正请先撤回"},
		{"paper.withdrawn", 409, "这批纸质承诺书已经撤回"},
		{"operator.sign_in", 401, "请登录管理后台"},
		{"operator.forbidden", 403, "您没有进行此操作的权限"},
		{"operator.two_factor", 403, "此操作需要使用动态口令登录后进行"},
		{"operator.password_change", 403, "请先修改密码"},
		{"operator.sign_in_failed", 401, "用户名、密码或动态口令不正确"},
		{"operator.code_required", 401, "请输入动态口令"},
		{"operator.locked", 429, "登录失败次数过多，请稍后再试"},
		{"operator.busy", 503, "登录的人较多，请稍后再试"},
		{"operator.not_found", 404, "没有这个账号"},
		{"operator.login_taken", 409, "该用户名已被使用"},
		{"operator.password_weak", 400, "密码不符合要求"},
		{"operator.password_wrong", 403, "原密码不正确"},
		{"operator.code_wrong", 403, "动态口令不正确，或已使用过"},
		{"operator.totp_state", 409, "动态口令的状态已变化，请刷新后重试"},
		{"operator.last_system", 409, "这是最后一个系统管理员，不能停用或撤销"},
		{"operator.roles_conflict", 409, "系统管理员与审计员不得兼任其他角色"},
		{"operator.beyond", 403, "超出您自己的管理范围"},
		{"operator.self", 409, "不能对自己的账号进行此操作"},
		{"operator.second_person", 409, "此操作须经另一位管理员批准"},
		{"approval.not_found", 404, "没有这项申请"},
		{"approval.own", 409, "不能批准自己提出的申请"},
		{"approval.decided", 409, "这项申请已有结论"},
		{"approval.expired", 409, "这项申请已过期，请重新提出"},
		{"proof.not_signed", 409, "该时刻没有存证检查点：统计时间应为整分钟，其之前的数据约两分钟后存证完毕"},
		{"report.too_soon", 400, "统计时间须早于现在至少一分钟"},
		{"report.not_announced", 404, "没有这次发布的数据"},
		{"report.not_made", 404, "导出文件尚未生成或已不存在"},
	}
}

// messages are the words of each code.
var messages = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for _, row := range errorCodes() {
		out[row.Code] = row.Message
	}
	return out
})

// listErrorCodes handles GET /api/v1/error-codes.
func (s *Server) listErrorCodes(c *call) error {
	return c.send(fiber.StatusOK, list[codeRow]{Items: errorCodes()})
}
