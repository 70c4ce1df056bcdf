import type { Answer, Schema } from '@/shared/api/types'

export type Role = Answer<'get', '/api/v1/admin/roles'>['items'][number]

/** What a route of operators does; the server's table says which role grants it. */
export type Action =
  | 'operators.manage' | 'audit.read'
  | 'campaigns.read' | 'campaigns.edit' | 'tree.edit' | 'rosters.read' | 'rosters.edit'
  | 'banks.read' | 'banks.edit' | 'banks.review'
  | 'figures.read' | 'figures.announce' | 'figures.share' | 'participants.read' | 'participants.move' | 'personal.erase'
  | 'feedback.handle' | 'paper.record' | 'results.correct' | 'results.approve' | 'duty.read'

type Who = Pick<Schema<'Operator'>, 'grants'> | null

/**
 * Whether one of somebody's grants allows an action in a campaign, or in any where it is
 * ''. It decides what is offered, never what is allowed: that is the server's.
 */
export function mayAct(who: Who, roles: readonly Role[], action: Action, campaign = ''): boolean {
  return (who?.grants ?? []).some(
    (g) => (campaign === '' || g.campaign === '' || g.campaign === campaign) && actionsOf(roles, g.role).some((a) => a.id === action),
  )
}

/** The parts of a campaign in which somebody's grants allow an action: '' alone is all of it. */
export function scopesOf(who: Who, roles: readonly Role[], action: Action, campaign: string): string[] {
  const scopes = (who?.grants ?? [])
    .filter((g) => (g.campaign === '' || g.campaign === campaign) && actionsOf(roles, g.role).some((a) => a.id === action))
    .map((g) => g.scope)
  return scopes.includes('') ? [''] : [...new Set(scopes)]
}

/** Whether somebody has a right that only a session with two factors may use. */
export function wantsTwoFactor(who: Who, roles: readonly Role[]): boolean {
  return (who?.grants ?? []).some((g) => actionsOf(roles, g.role).some((a) => a.two_factor))
}

function actionsOf(roles: readonly Role[], id: string): Role['actions'] {
  return roles.find((r) => r.id === id)?.actions ?? []
}
