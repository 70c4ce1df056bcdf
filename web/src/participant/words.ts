import { Problem, Unreachable } from '@/shared/api/problem'
import { t, type TextKey } from '@/shared/locale'
import type { Campaign } from './entry'

/** What to tell people of an error. */
export function wordsOf(err: unknown): string {
  if (err instanceof Problem) {
    const reasons = err.fields.map((f) => f.reason).join('；')
    return [err.message || t('error.server'), reasons].filter((s) => s !== '').join('：')
  }
  if (err instanceof Unreachable) return t('error.network')
  return t('error.unknown')
}

/** What one's own place is called: a campaign that ranks nobody promises no rank. */
export function boardWord(mode: Campaign['ranking_mode'] | undefined): TextKey {
  return mode === 'tiers' || mode === 'progress_only' ? `home.board.${mode}` : 'home.board.top_n'
}

/** Whether two ways to write a name may mean the same: spaces, dots and widths are no difference. */
export function sameName(a: string, b: string): boolean {
  const bare = (name: string) => name.normalize('NFKC').replace(/[\s.·•‧・]/g, '').toLowerCase()
  return bare(a) === bare(b)
}
