import { Problem, Unreachable } from '@/shared/api/problem'
import { t } from '@/shared/locale'

/** What to tell people of an error. */
export function wordsOf(err: unknown): string {
  if (err instanceof Problem) {
    const reasons = err.fields.map((f) => f.reason).join('；')
    return [err.message || t('error.server'), reasons].filter((s) => s !== '').join('：')
  }
  if (err instanceof Unreachable) return t('error.network')
  return t('error.unknown')
}
