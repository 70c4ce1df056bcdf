// What all components know: their own texts, in Chinese.
import { ElConfigProvider as ConfigProvider } from 'element-plus'
import { loose } from './loose'

export { default as chinese } from 'element-plus/es/locale/lang/zh-cn'
export const ElConfigProvider = loose(ConfigProvider)
