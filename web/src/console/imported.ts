import { count } from './format'
import { t } from './locale/tree'

/** One line about what became of a roster: nothing is told as written that was only checked. */
export const rosterWords = (r: Record<string, number>, applied: boolean) =>
  t(applied ? 'rosters.result' : 'rosters.would', {
    found: count(r.found), written: count(r.written), same: count(r.same), refused: count(r.refused), removed: count(r.removed), units: count(r.units),
  })

/** The same about a tree. */
export const treeWords = (r: Record<string, number>, applied: boolean) =>
  t(applied ? 'import.result' : 'import.would', {
    found: count(r.found), added: count(r.added), changed: count(r.changed), unchanged: count(r.unchanged), refused: count(r.refused),
  })

/**
 * Whether anything was changed: a tree has a version since, a roster has none. Nothing is told as
 * unchanged that only waits to be written.
 */
export function appliedWords(applied: boolean, version?: number, waiting = true) {
  if (!applied) return t(waiting ? 'import.not-applied' : 'import.same')
  return version === undefined ? t('rosters.applied') : t('import.applied', { version })
}
