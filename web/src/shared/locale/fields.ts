/**
 * What the fields of a campaign are called, by the names in its file and of what is kept
 * beside it: each has its words here, which is tested with the sources of the server
 * (internal/archtest).
 */
const words: Record<string, string> = {
  campaign: '活动',
  definition: '活动文件',
  stage: '发布状态',
  paused: '暂停',
  closed_at: '提前结束于',
  clocks: '停表记录',
  at: '起',
  until: '止',
  banner: '公告',
  level: '级别',

  id: '编号',
  title: '标题',
  name: '名称',
  text: '正文',
  version: '版本',
  kind: '种类',
  opens_at: '开始时间',
  closes_at: '结束时间',
  groups: '参与群体',
  audience: '题目对象',
  guardian: '须监护人同意',
  enrolment_fields: '报名时填写的',
  field: '内容',
  required: '必填',
  consent_notice: '个人信息处理告知',
  retention: '结束后保存天数',
  personal: '姓名、笔迹、登录标识',
  messages: '来信与答复',
  rosters: '名册',
  origins: '地址和设备标记',
  flags: '核查提示',
  papers: '纸质承诺的凭证',
  shards: '分片数',
  tree: '组织架构',

  ranking_mode: '排名方式',
  top_n: '公布前几名',
  tiers: '档次',
  tier: '档',
  share: '前百分之几',
  phases: '阶段',
  from: '从',
  to: '到',
  combined_boards: '各地区、单位、群体分日和分阶段的榜单',
  freeze_at: '榜单定格时间',
  unfreeze_at: '榜单恢复时间',
  composite: '单位综合得分',
  weights: '权重',
  school_rate: '单位参与率',
  student_rate: '个人参与率',
  pass_rate: '及格率',
  full_rate: '满分率',
  average: '平均分',
  public_breakdown: '公众可以看到哪一级的数字',

  quiz: '答题',
  bank: '题库',
  strata: '抽题规则',
  count: '题数',
  points: '每题分值',
  kinds: '题型',
  topics: '主题',
  difficulties: '难度',
  time_limit: '时限',
  grace: '交卷宽限',
  attempts_per_day: '每天次数',
  attempts_in_all: '总次数',
  pass_score: '合格分',
  marking: '多选题计分',
  review: '何时公布答案',
  policy: '多次成绩怎样算',

  pledge: '承诺书',
  prefix: '编号前缀',
  versions: '各版本',
  methods: '签名方式',

  prizes: '奖品',
  rules: '抽奖规则',
  qualify: '抽奖条件',
  signed: '须签署承诺书',
  passed: '须合格',
  min_score: '最低分',
  attempts: '计入哪些答卷',
  regions: '限哪些地区',
  chances: '抽奖次数',
  per_day: '每天',
  in_all: '总共',
  wins: '最多中奖次数',
  claim_days: '领奖期限（天）',
  review_days: '发放前核实（天）',
  wechat_risk_from: '微信风险等级达到多少须核实',
  instant: '即时抽奖',
  stock: '数量',
  value_fen: '每份价值（分）',
  tax: '个人所得税',
  percent: '税率（%）',
  paid_by: '由谁承担',
  odds: '概率（百万分之）',
  daily: '每日投放',
  draws: '定期抽奖',
  entrants_at: '参与名单冻结时间',
  reserves: '候补人数',
  source: '公开随机数的来源',
}

/** Languages that texts are given in. */
const tongues: Record<string, string> = { 'zh-CN': '汉语', bo: '藏语' }

/** The words that fields choose from, by field. Numbers, times and texts speak for themselves. */
const choices: Record<string, Record<string, string>> = {
  stage: { draft: '草稿', published: '已发布', archived: '已归档' },
  level: { info: '提示', warning: '警告' },
  ranking_mode: { none: '不公布', progress_only: '只看自己的成绩', tiers: '金、银、铜档', top_n: '公布前若干名' },
  tier: { gold: '金', silver: '银', bronze: '铜' },
  public_breakdown: { none: '不公布', regions: '地区', units: '单位' },
  field: { name: '姓名', phone: '电话', unit: '单位' },
  kinds: { single: '单选', multiple: '多选', judge: '判断' },
  marking: { all_or_nothing: '全对才得分', partial: '少选得部分分' },
  review: { after_submission: '交卷后', after_close: '活动结束后', never: '不公布' },
  policy: { best: '最好的一次', sum: '各次之和', sum_days: '每天最好一次之和' },
  methods: { typed: '键入姓名', drawn: '手写' },
  kind: {
    stop: '停表', until: '停表改为到', later: '推迟结束', sooner: '提前结束',
    voucher: '兑换码', phone_credit: '话费', goods: '实物', red_packet: '红包',
  },
  attempts: { any: '不限时间', day: '当天的', first_of_day: '当天第一次' },
  paid_by: { winner: '中奖者', office: '主办单位' },
}

const answers: Record<string, string> = { true: '是', false: '否' }
const isPlace = (part: string) => /^\d+$/.test(part)

/** A field such as groups.0.name in words: 参与群体 › 第 1 项 › 名称. What a newer server has keeps its name. */
export function fieldName(path: string): string {
  return path
    .split('.')
    .map((part) => (isPlace(part) ? `第 ${Number(part) + 1} 项` : (words[part] ?? tongues[part] ?? part)))
    .join(' › ')
}

/** What a field holds, in words where it is chosen from a few. */
export function fieldValue(path: string, value: string): string {
  const field = path.split('.').filter((part) => !isPlace(part)).pop() ?? ''
  return choices[field]?.[value] ?? answers[value] ?? value
}
