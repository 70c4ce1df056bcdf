import type { Frame } from '@/shared/api/live'
import type { TextKey } from '@/shared/locale'

/** One of the large numbers at the top; null is "not known". */
export interface Figure {
  label: TextKey
  value: number | null
  /** How many decimals are shown; a share is shown in percent. */
  percent?: boolean
}

/** The five numbers of a campaign. Rates are as the server defines them, and null without a denominator. */
export function figuresOf(counts: Frame['counts']): Figure[] {
  return [
    { label: 'screen.attempts', value: counts.attempts },
    { label: 'screen.participants', value: counts.participants },
    { label: 'screen.signatures', value: counts.signatures },
    { label: 'screen.participation', value: counts.participation_rate, percent: true },
    { label: 'screen.pass', value: counts.answered > 0 ? counts.passed / counts.answered : null, percent: true },
  ]
}

/**
 * A number as it is shown: whole numbers with separators, shares in percent with one
 * decimal, or two below ten percent, cut and not rounded, so that 100 % means all.
 */
export function shown(f: Pick<Figure, 'value' | 'percent'>): string {
  if (f.value === null) return '—'
  if (!f.percent) return f.value.toLocaleString('zh-CN')
  const digits = f.value < 0.1 ? 2 : 1
  const scale = 10 ** digits
  return `${(Math.floor(f.value * 100 * scale + 1e-6) / scale).toFixed(digits)}%`
}

/** The row of those who belong to no unit. */
export const unassigned = 'unassigned'

/** What the rows are called together, above the tiles and above the ranks: a part of a campaign may consist of units alone. */
export function headingsOf(rows: Frame['regions'], by: Frame['regions_by']): { tiles: TextKey; ranks: TextKey } {
  const kinds = new Set(rows.filter((r) => r.id !== unassigned).map((r) => r.kind))
  if (kinds.has('unit') && !kinds.has('region')) {
    return { tiles: 'screen.unitTiles', ranks: by === null ? 'screen.unitList' : by === 'signatures' ? 'screen.unitsBySignatures' : 'screen.unitRanks' }
  }
  return { tiles: 'screen.regions', ranks: by === null ? 'screen.regionList' : by === 'signatures' ? 'screen.ranksBySignatures' : 'screen.regionRanks' }
}

/** Regions by their rank; what has none comes last, in the order of the tree. */
export function ranked(rows: Frame['regions']): Frame['regions'] {
  const regions = rows.filter((r) => r.id !== unassigned)
  if (regions.every((r) => r.rank === null)) return regions
  return regions.sort((a, b) => (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER))
}

/** The last 24 hours up to a frame, one number an hour, also where nothing happened. */
export interface Hour {
  label: string
  attempts: number
  signatures: number
}

/** A line through the hours that is never above or below what was counted: plain smoothing swings over beside a lone peak. */
export const smoothLine = { type: 'line', smooth: true, smoothMonotone: 'x', showSymbol: false } as const

const hourMs = 3_600_000

/** hoursOf fills the hours that the server leaves out because they are empty. */
export function hoursOf(trend: Frame['trend'], asOf: string): Hour[] {
  const zone = offsetOf(asOf)
  const byStart = new Map(trend.map((b) => [Date.parse(b.start), b]))
  const local = Date.parse(asOf) + zone
  const last = Math.floor(local / hourMs) * hourMs - zone
  return Array.from({ length: 24 }, (_, i) => {
    const start = last - (23 - i) * hourMs
    const b = byStart.get(start)
    return {
      label: `${new Date(start + zone).getUTCHours()}时`,
      attempts: b?.attempts ?? 0,
      signatures: b?.signatures ?? 0,
    }
  })
}

/** The offset of a time such as 2026-06-02T20:00:00+08:00, in milliseconds. */
export function offsetOf(stamp: string): number {
  const m = /([+-])(\d{2}):(\d{2})$/.exec(stamp)
  if (!m) return 0
  return (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3])) * 60_000
}
