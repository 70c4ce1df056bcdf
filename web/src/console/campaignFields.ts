import { parse } from 'yaml'
import type { Schema } from '@/shared/api/types'

/** The fields of a campaign file that are edited one by one; the rest is edited as a file. */
export interface Field {
  /** The way in the file, such as quiz.pass_score. */
  path: string
  kind: 'text' | 'time' | 'number' | 'choice'
  options?: readonly string[]
  /** What holds where the file says nothing. */
  otherwise?: string
  /**
   * Until when it may change: always, as far as the boards hold, only later, until the
   * opening, or in a draft alone (docs/OPERATIONS.md).
   */
  until: 'always' | 'boards' | 'later' | 'ahead' | 'opening' | 'draft'
}

export const fields: readonly Field[] = [
  { path: 'title', kind: 'text', until: 'always' },
  { path: 'opens_at', kind: 'time', until: 'later' },
  { path: 'closes_at', kind: 'time', until: 'boards' },
  { path: 'ranking_mode', kind: 'choice', options: ['none', 'progress_only', 'tiers', 'top_n'], until: 'always' },
  { path: 'top_n', kind: 'number', until: 'always' },
  { path: 'public_breakdown', kind: 'choice', options: ['none', 'regions', 'units'], otherwise: 'none', until: 'always' },
  { path: 'freeze_at', kind: 'time', until: 'ahead' },
  { path: 'unfreeze_at', kind: 'time', until: 'ahead' },
  { path: 'quiz.bank', kind: 'text', until: 'always' },
  { path: 'quiz.time_limit', kind: 'text', until: 'boards' },
  { path: 'quiz.attempts_per_day', kind: 'number', until: 'always' },
  { path: 'quiz.attempts_in_all', kind: 'number', until: 'always' },
  { path: 'quiz.review', kind: 'choice', options: ['after_submission', 'after_close', 'never'], otherwise: 'never', until: 'always' },
  { path: 'quiz.pass_score', kind: 'number', until: 'opening' },
  { path: 'quiz.marking', kind: 'choice', options: ['all_or_nothing', 'partial'], otherwise: 'all_or_nothing', until: 'opening' },
  { path: 'quiz.policy', kind: 'choice', options: ['best', 'sum', 'sum_days'], otherwise: 'best', until: 'draft' },
  { path: 'pledge.prefix', kind: 'text', until: 'draft' },
]

/** What stands in a form: the text of each field, '' for none. */
export type Form = Record<string, string>

/** Whether a field may still be touched in a state. The server has the last word. */
export function mayChange(field: Field, state: Schema<'DeskLine'>['state']): boolean {
  switch (state) {
    case 'draft':
      return true
    case 'scheduled':
      return field.until !== 'draft'
    case 'archived':
      return false
    default:
      return field.until !== 'draft' && field.until !== 'opening' && field.until !== 'later'
  }
}

/** Reads the fields of a campaign file. Parts that the file does not have are left out. */
export function readForm(text: string): Form {
  const file = parse(text) as Record<string, unknown> | null
  const form: Form = {}
  for (const f of fields) {
    const parts = f.path.split('.')
    if (parts.length > 1 && typeof file?.[parts[0] as string] !== 'object') continue
    form[f.path] = shown(f, parts.reduce<unknown>((v, part) => (v as Record<string, unknown> | null | undefined)?.[part], file))
  }
  return form
}

/** Texts may be given by language; the form has the Chinese one. */
function shown(field: Field, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object') return String((value as Record<string, unknown>)['zh-CN'] ?? '')
  const text = String(value)
  return field.kind === 'time' ? text.slice(0, 16).replace(' ', 'T') : text
}

/** The JSON merge patch that makes the file of before that of after; null for no change. */
export function patchOf(before: Form, after: Form, text: string): Record<string, unknown> | null {
  const file = parse(text) as Record<string, unknown>
  const patch: Record<string, unknown> = {}
  for (const f of fields) {
    const to = after[f.path]
    if (to === undefined || to === before[f.path]) continue
    const parts = f.path.split('.')
    const last = parts.pop() as string
    let into = patch
    for (const part of parts) into = (into[part] ??= {}) as Record<string, unknown>
    into[last] = valueOf(f, to, file[f.path])
  }
  return Object.keys(patch).length === 0 ? null : patch
}

function valueOf(field: Field, to: string, was: unknown): unknown {
  if (to.trim() === '') return null
  if (field.kind === 'number') return Number(to)
  if (field.kind === 'time') return to.replace('T', ' ')
  // A text that has other languages keeps them.
  return typeof was === 'object' && was !== null ? { 'zh-CN': to } : to
}
