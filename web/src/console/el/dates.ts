// Days and hours: heavy, so only views that ask for a time load it.
import 'element-plus/es/components/date-picker/style/css'
import { ElDatePicker as DatePicker } from 'element-plus'
import { loose } from './loose'

export const ElDatePicker = loose(DatePicker)
