// Days and hours, in Chinese whatever the browser speaks: heavy, so only views that ask for
// a time load it.
import 'element-plus/es/components/date-picker/style/css'
import { ElDatePicker as DatePicker } from 'element-plus'
// By which weeks begin on Monday.
import 'dayjs/locale/zh-cn'
import { loose } from './loose'

export const ElDatePicker = loose(DatePicker)
