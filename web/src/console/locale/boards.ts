import { tableOf } from '@/shared/locale/table'

/** What the view of the board of participants says. */
export const t = tableOf({
  title: '个人榜与隐藏',
  note: '这里看到的是真实的个人榜：榜单静止期间照常更新，隐藏的人也在内。公众看到的榜单上没有隐藏的人，其后的人依次递补；成绩和各项计数不因隐藏而变。',
  board: '个人榜',
  rank: '名次',
  name: '姓名',
  unit: '单位',
  score: '成绩',
  used: '用时（秒）',
  public: '公开',
  shown: '公开',
  hidden: '已隐藏',
  hide: '隐藏',
  'hide.title': '把 {name} 从公开榜单上隐藏',
  'hide.text': '原因记入审计日志，请不要写姓名；本人在其个人信息副本中可以看到。',
  list: '隐藏的人',
  'list.none': '没有隐藏任何人。',
  since: '隐藏时间',
  by: '隐藏者',
  reason: '原因',
  show: '恢复公开',
  'show.title': '恢复 {name} 的公开名次',
  'show.text': '回到原来的位置。原因记入审计日志，请不要写姓名。',
  erased: '（已删除）',
})
