import type { Schema } from '@/shared/api/types'
import { t } from './locale/prizes'
import { t as review } from './locale/review'

export type OfficeWin = Schema<'OfficeWin'>

/** What becomes of a win, in the order in which it may. */
export const winStates = ['won', 'claimed', 'sent', 'expired', 'refused'] as const

/** Why a win is looked at before it is given, in words. */
export function rulesOf(win: OfficeWin): string {
  return win.flags.map(flagName).join('、')
}

function flagName(flag: string): string {
  return t.table[`flag.${flag}` as keyof typeof t.table] ?? review.table[`rule.${flag}` as keyof typeof review.table] ?? flag
}
