import type { Schema } from '@/shared/api/types'
import { t } from './locale/review'

export type OfficeWin = Schema<'OfficeWin'>

/** What becomes of a win, in the order in which it may. */
export const winStates = ['won', 'claimed', 'sent', 'expired', 'refused'] as const

/** The rules that have noticed acts of a winner, in words. */
export function rulesOf(win: OfficeWin): string {
  return win.flags.map((f) => t.table[`rule.${f}` as keyof typeof t.table] ?? f).join('、')
}
