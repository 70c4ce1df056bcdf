// What forms are made of.
import 'element-plus/es/components/button/style/css'
import 'element-plus/es/components/checkbox/style/css'
import 'element-plus/es/components/input/style/css'
import 'element-plus/es/components/input-number/style/css'
import 'element-plus/es/components/option/style/css'
import 'element-plus/es/components/radio/style/css'
import 'element-plus/es/components/radio-group/style/css'
import 'element-plus/es/components/select/style/css'

import { ElOption as Option, ElSelect as Select } from 'element-plus'
import { loose } from './loose'

export { ElButton, ElCheckbox, ElInput, ElInputNumber, ElRadio, ElRadioGroup } from 'element-plus'
export const ElOption = loose(Option)
export const ElSelect = loose(Select)
