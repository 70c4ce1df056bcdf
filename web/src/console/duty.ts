import type { Schema } from '@/shared/api/types'
import { at } from './format'

export type Duty = Schema<'Duty'>
export type Figure = Duty['figures'][number]
type Level = Figure['level']

/** What stands large on the duty page while all is well, in this order. */
const first = [
  'queue.waiting', 'queue.wait', 'sign_in.failures', 'acts.submissions', 'errors.unavailable', 'fold.seconds', 'ledger.seconds', 'redis.memory',
]

const rank: Record<Level, number> = { act: 0, watch: 1, ok: 2 }

/** What is worst comes first; what is equal keeps its order. */
export function worstFirst<T extends { level: Level }>(all: readonly T[]): T[] {
  return all.map((f, i) => ({ f, i })).sort((a, b) => rank[a.f.level] - rank[b.f.level] || a.i - b.i).map(({ f }) => f)
}

/** The figures to show large: those that ask for something, and the few that are always looked at. */
export function large(figures: readonly Figure[]): Figure[] {
  const loud = figures.filter((f) => f.level !== 'ok')
  const usual = first.flatMap((id) => figures.filter((f) => f.id === id && f.level === 'ok'))
  return worstFirst([...loud, ...usual])
}

/** A value as it is read from across a room: at most four digits, — where nobody answered. */
export function short(value: number | null): string {
  if (value === null) return '—'
  if (Math.abs(value) >= 100_000) return `${trim(value / 10_000)}万`
  return value.toLocaleString('zh-CN', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 })
}

const trim = (n: number) => n.toLocaleString('zh-CN', { maximumFractionDigits: 1 })

/** A question whose answer may be going round, as the page tells of it. */
export interface Suspect {
  campaign: string
  title: string
  question: string
  since: string
  facility: string
  pace: string
}

/** The suspected questions of all campaigns, one a row. */
export function suspects(all: Duty['leaks']): Suspect[] {
  return all.flatMap(({ campaign, title, questions }) => questions.map((q) => ({
    campaign, title, question: q.question, since: at(q.since),
    facility: `${share(q.facility_before)} → ${share(q.facility_after)}`,
    pace: `${seconds(q.pace_before_ms)} → ${seconds(q.pace_after_ms)}`,
  })))
}

const share = (rate: number) => `${Math.round(rate * 100)}%`
const seconds = (ms: number) => (ms / 1000).toFixed(1)
