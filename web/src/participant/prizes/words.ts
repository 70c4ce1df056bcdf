import { t } from '@/shared/locale'
import { yuanOf } from '@/shared/money'
import type { Prize } from './store'

/** 1500 fen as 15 元, 1550 as 15.50 元. */
export function yuan(fen: number): string {
  return t('prizes.yuan', { n: yuanOf(fen) })
}

/** Odds in millionths as people read them: 2%, 0.01%. */
export function percent(perMillion: number): string {
  return `${Number((perMillion / 10_000).toFixed(4))}%`
}

/** How many of a prize are left for now: of what was released, where it is released by the day. */
export function leftOf(p: Prize): number {
  return Math.max(0, (p.released ?? p.stock) - p.granted)
}

/** The tax on a prize, '' where there is none. */
export function taxWords(p: Prize): string {
  if (p.tax.percent === 0) return ''
  const values = { percent: p.tax.percent, tax: yuan(p.tax.tax_fen), net: yuan(p.tax.net_fen) }
  return t(p.tax.paid_by === 'winner' ? 'prizes.taxByWinner' : 'prizes.taxByOffice', values)
}
