import { tableOf } from '@/shared/locale/table'

export const t = tableOf({
  title: '参与进度',
  whole: '全部',
  'as-of': '截至 {at}',
  total: '合计',
  name: '名称',
  roster: '应参与',
  enrolled: '报名',
  participants: '参与',
  rate: '参与率',
  attempts: '人次',
  signatures: '承诺',
  passed: '合格',
  average: '平均分',
  over: '超过应参与人数，请核对名册',
  'not-yet': '未参加名单',
  'not-yet.of': '{unit}：名册 {total} 人中尚未参加的 {n} 人',
  'not-yet.note': '查看名单会记入审计日志；只有绑定到本单位的账号可以查看。用微信参加而没有与名册合并的人无法辨认，会列在其中。',
  'not-yet.none': '名册上的人都已参加。',
  reminder: '提醒文字',
  'reminder.text': '【{title}】{unit}的各位：以下同志尚未参加，请于 {until} 前完成：\n{names}',
})
