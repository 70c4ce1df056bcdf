import type { Schema } from '@/shared/api/types'

export type Approval = Schema<'Approval'>

/** What an application is about, as far as its kind is known here. */
export type Effect =
  | { kind: 'grant'; operator: string; role: string; campaign: string; scope: string }
  | { kind: 'reset'; operator: string }
  | { kind: 'correction'; batch: string; hash: string; items: number }
  | { kind: 'draw'; draw: string; value: string }
  | { kind: 'redraw'; draw: string; place: number }
  | { kind: 'refuse'; win: string; told: string }
  | { kind: 'reopen'; win: string }
  | { kind: 'other' }

/** Reads what would change. What does not look as expected is shown as it is. */
export function effectOf(a: Pick<Approval, 'kind' | 'params'>): Effect {
  const p = (typeof a.params === 'object' ? a.params : null) as Record<string, unknown> | null
  const text = (key: string) => (typeof p?.[key] === 'string' ? p[key] : '')
  if (a.kind === 'operator.grant') {
    return { kind: 'grant', operator: text('operator'), role: text('role'), campaign: text('campaign'), scope: text('scope') }
  }
  if (a.kind === 'operator.reset') return { kind: 'reset', operator: text('operator') }
  if (a.kind === 'prize.draw' && text('draw') !== '') return { kind: 'draw', draw: text('draw'), value: text('value') }
  if (a.kind === 'prize.redraw' && text('draw') !== '') return { kind: 'redraw', draw: text('draw'), place: Number(p?.place ?? 0) }
  if (a.kind === 'prize.refuse' && text('win') !== '') return { kind: 'refuse', win: text('win'), told: text('told') }
  if (a.kind === 'prize.reopen' && text('win') !== '') return { kind: 'reopen', win: text('win') }
  if (text('batch') !== '' && text('hash') !== '') {
    return { kind: 'correction', batch: text('batch'), hash: text('hash'), items: Number(p?.items ?? 0) }
  }
  return { kind: 'other' }
}
