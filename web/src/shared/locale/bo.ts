import type zh from './zh-CN'

/**
 * The texts of the pages in Tibetan, as far as there are any: where one is missing the
 * Chinese one is shown. They are a start, for speakers to examine before use.
 */
const bo: Partial<Record<keyof typeof zh, string>> = {}

export default bo
