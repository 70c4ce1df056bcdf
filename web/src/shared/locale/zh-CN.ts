/** The texts of the pages in Chinese. */
export default {
  'screen.title': '大屏',
  'screen.participants': '参与人数',
  'screen.attempts': '答题人次',
  'screen.signatures': '承诺人数',
  'screen.waiting': '正在连接……',
  'screen.stale': '连接中断，数字停在 {at}',
  'screen.missing': '没有这个活动',
  'console.title': '清源 管理后台',
  'console.login': '用户名',
  'console.password': '密码',
  'console.code': '动态口令（已设置时填写）',
  'console.enter': '登录',
  'console.leave': '退出',
  'console.hello': '已登录：{name}',
  'console.campaigns': '活动',
} as const
