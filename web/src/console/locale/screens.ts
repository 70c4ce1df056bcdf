import { tableOf } from '@/shared/locale/table'

/** Opening big screens from the console. */
export const t = tableOf({
  screens: '大屏',
  note: '用您的权限打开大屏：可以比公众看得更深，但任何人的全名都不显示。大屏由本页每隔几分钟换一张新票，所以请让本页开着；退出登录或关闭本页后，大屏在五分钟内停止更新。',
  scope: '范围',
  'scope.all': '全部',
  'scope.pick': '只看一个地区或单位',
  chosen: '已选择：{name}',
  pick: '选择',
  view: '给谁看',
  'view.audience': '供众人观看：名次和定格与公众相同',
  'view.office': '供办公室自己看：真实数字',
  open: '打开大屏',
  public: '打开公众看到的大屏',
  running: '本页正在供给的大屏',
  none: '还没有。',
  given: '最近换票：{at}',
  waiting: '等待大屏连接……',
  again: '没有打开新窗口？点这里打开',
  stop: '停止供给',
})
