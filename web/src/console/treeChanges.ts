import type { Answer } from '@/shared/api/types'
import { count } from './format'
import { t } from './locale/campaigns'

export type NodeChange = Answer<'get', '/api/v1/admin/campaigns/{campaign}/versions/{version}'>['nodes'][number]

/** What happened to a region or unit between two versions, in one line. */
export function nodeChange({ id, before, after }: NodeChange): string {
  if (before === null) return t('versions.node.added', { id, name: after?.name ?? '' })
  if (after === null) return t('versions.node.removed', { id, name: before.name })
  const what: string[] = []
  if (before.name !== after.name) what.push(t('versions.node.name', { after: after.name }))
  if (before.parent !== after.parent) what.push(t('versions.node.parent', { before: before.parent || t('versions.node.top'), after: after.parent || t('versions.node.top') }))
  if (before.code !== after.code) what.push(t('versions.node.code', { before: before.code || '—', after: after.code || '—' }))
  if (before.roster !== after.roster) what.push(t('versions.node.roster', { before: count(before.roster), after: count(after.roster) }))
  if (before.retired !== after.retired) what.push(t(after.retired ? 'versions.node.retired' : 'versions.node.restored'))
  return t('versions.node.changed', { id, name: before.name, what: what.join('，') || t('versions.node.other') })
}
