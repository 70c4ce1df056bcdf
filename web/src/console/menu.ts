import { type Entry, entries, type Group, groups } from './registry'
import type { Action } from './rights'

export interface MenuPart {
  group: Group
  entries: Entry[]
}

/** The campaign that is worked on, as far as the menu goes by it. */
export interface Chosen {
  id: string
  prizes: boolean
}

/** The menu of somebody: the views that one of their roles has a use for; those of prizes where there are any. */
export function menuOf(may: (action: Action, campaign: string) => boolean, campaign: Chosen, all: readonly Entry[] = entries): MenuPart[] {
  const shown = (e: Entry) => {
    if (e.of === 'campaign' && campaign.id === '') return false
    if (e.prizes === true && !campaign.prizes) return false
    return e.needs === undefined || e.needs.some((a) => may(a, e.of === 'campaign' ? campaign.id : ''))
  }
  return groups
    .map((group) => ({ group, entries: all.filter((e) => e.group === group && shown(e)) }))
    .filter((part) => part.entries.length > 0)
}
