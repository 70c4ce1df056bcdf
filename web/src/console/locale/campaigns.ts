import { tableOf } from '@/shared/locale/table'

export const t = tableOf({
  title: '活动',
  name: '名称',
  state: '状态',
  window: '起止时间',
  units: '单位',
  roster: '应参与人数',
})
