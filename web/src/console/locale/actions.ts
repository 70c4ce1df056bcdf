import { tableOf } from '@/shared/locale/table'

/**
 * What the office did, by the names that the audit log keeps: each action of the server has
 * its words here, which is tested with the server's sources (internal/archtest).
 */
export const t = tableOf({
  'operators.manage': '管理账号',
  'operator.create': '新建账号',
  'operator.change': '修改账号',
  'operator.mark': '登记账号本人（不得中奖）',
  'operator.grant': '授予角色',
  'operator.revoke': '收回角色',
  'operator.reset': '重置账号',
  'operator.password': '修改本人密码',
  'operator.totp_begin': '开始设置动态口令',
  'operator.totp': '启用动态口令',
  'operator.totp_drop': '停用动态口令',
  'session.begin': '登录',
  'session.refused': '登录被拒绝',
  'session.end': '结束登录',

  'audit.read': '查看审计日志',
  'audit.export': '导出审计日志',
  'audit.trim': '清理过期审计日志',
  'duty.read': '查看值班数据',

  'campaigns.read': '查看活动',
  'campaigns.edit': '修改活动',
  'campaign.created': '新建活动',
  'campaign.applied': '按活动文件更新',
  'campaign.edited': '修改活动设置',
  'campaign.published': '发布活动',
  'campaign.paused': '暂停活动',
  'campaign.resumed': '恢复活动',
  'campaign.closed': '结束活动',
  'campaign.reopened': '重新开放活动',
  'campaign.archived': '归档活动',
  'campaign.archive': '活动数据移出内存',
  'campaign.unarchive': '活动数据移回内存',
  'campaign.clocks_stopped': '停表',
  'campaign.clocks_running': '恢复计时',
  'campaign.extended': '延长活动',
  'campaign.banner': '更改公告条',
  'campaign.tree.added': '新增地区或单位',
  'campaign.tree.changed': '修改地区或单位',
  'campaign.tree.removed': '删除地区或单位',
  'campaign.tree.merged': '合并单位',
  'campaign.tree.imported': '导入组织架构',
  'campaign.tree.started': '取用行政区划',
  'tree.edit': '修改组织架构',

  'rosters.read': '查看名册',
  'rosters.not_yet': '查看尚未参加的人',
  'rosters.edit': '修改名册',

  'banks.read': '查看题库',
  'banks.edit': '编写题目',
  'banks.review': '审核题目',
  'picture.add': '上传题目配图',
  'bank.create': '新建题库',
  'bank.import': '导入题目',
  'bank.edit': '编写题目',
  'bank.submit': '题目送审',
  'bank.sign_off': '题目审核通过',
  'bank.send_back': '退回题目',
  'bank.withdraw': '撤下题目',
  'bank.publish': '发布题库版本',
  'bank.export': '导出题库',

  'figures.read': '查看或导出数据',
  'figures.announce': '封存发布的数据',
  'figures.share': '签发大屏令牌',
  'export': '导出数据',
  'participants.read': '查看或导出参与者名单',
  'participants.move': '处理转单位申请',
  'personal.erase': '删除个人信息',
  'feedback.handle': '处理投诉建议',
  'paper.record': '登记纸质承诺',
  'results.correct': '更正成绩',
  'results.approve': '批准更正',

  'approval.ask': '提出审批申请',
  'approval.asked': '等待审批',
  'approval.approved': '批准申请',
  'approval.refused': '拒绝或撤回申请',
  'approval.expired': '申请过期',
  'approval.running': '开始执行申请',
  'approval.done': '申请已执行',
  'approval.failed': '申请未能执行',
})

/** The words for an action, or its name where a newer server has done something else. */
export function actionName(action: string): string {
  return t.table[action as keyof typeof t.table] ?? action
}
