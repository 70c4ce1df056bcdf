import { type Entry, entries, type Group, groups } from './registry'
import type { Action } from './rights'

export interface MenuPart {
  group: Group
  entries: Entry[]
}

/** The menu of somebody: the views that one of their roles has a use for. */
export function menuOf(may: (action: Action, campaign: string) => boolean, campaign: string, all: readonly Entry[] = entries): MenuPart[] {
  const shown = (e: Entry) => {
    if (e.of === 'campaign' && campaign === '') return false
    return e.needs === undefined || e.needs.some((a) => may(a, e.of === 'campaign' ? campaign : ''))
  }
  return groups
    .map((group) => ({ group, entries: all.filter((e) => e.group === group && shown(e)) }))
    .filter((part) => part.entries.length > 0)
}
