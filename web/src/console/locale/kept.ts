import { tableOf } from '@/shared/locale/table'

/**
 * What is kept of people, by the names of the server's stores: each has its words here, which
 * is tested with the server's sources (internal/archtest).
 */
export const t = tableOf({
  appeals: '申诉与答复',
  feedback: '投诉建议与答复',
  flag_marks: '核查提示所依据的记录',
  flags: '核查提示及其处理',
  hidings: '从公开榜单上隐藏的原因',
  offline_batches: '补录纸质承诺的批次',
  origin_keys: '地址和设备标记',
  personal: '报名和签署时的姓名、笔迹与登录标识',
  prize_claims: '领奖信息与付款记录',
  proof_links: '存证日志条目与本人的对应关系',
  'question reports': '对题目的意见与答复',
  roster: '名册',
  transfers: '转单位申请与答复',
})

/** A store in words; one of a newer server by the name that it has there. */
export const storeName = (name: string): string => (name in t.table ? t(name as keyof typeof t.table) : name)
