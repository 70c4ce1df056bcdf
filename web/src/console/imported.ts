import { count } from './format'
import { t } from './locale/tree'

/** One line about what became of a roster: nothing is told as written that was only checked. */
export const rosterWords = (r: Record<string, number>, applied: boolean) =>
  t(applied ? 'rosters.result' : 'rosters.would', {
    found: count(r.found), written: count(r.written), same: count(r.same), refused: count(r.refused), removed: count(r.removed), units: count(r.units),
  })

/** Whether anything was changed: a tree has a version since, a roster has none. */
export function appliedWords(applied: boolean, version?: number) {
  if (!applied) return t('import.not-applied')
  return version === undefined ? t('rosters.applied') : t('import.applied', { version })
}
