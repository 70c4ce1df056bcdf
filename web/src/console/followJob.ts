import { type Clock, realClock, spread, waitBefore } from '@/shared/api/retry'
import { isProblem, Problem } from '@/shared/api/problem'
import type { Schema } from '@/shared/api/types'

export type Job = Schema<'Job'>

export interface Following {
  read: (signal: AbortSignal) => Promise<Job>
  onJob: (job: Job) => void
  onFailure?: (err: unknown) => void
  signal: AbortSignal
  clock?: Clock
}

const between = 700
const longest = 5000

export const isOver = (job: Pick<Job, 'state'>): boolean => job.state === 'done' || job.state === 'failed' || job.state === 'cancelled'

/**
 * Reads a job until it is over, less and less often, and returns how it ended. It goes on
 * through failures that pass; a refusal is thrown.
 */
export async function followJob(o: Following): Promise<Job> {
  const clock = o.clock ?? realClock
  let failures = 0
  for (let wait = between; ; wait = Math.min(wait * 1.3, longest)) {
    try {
      const job = await o.read(o.signal)
      failures = 0
      o.onJob(job)
      if (isOver(job)) return job
    } catch (err) {
      if (o.signal.aborted || (err instanceof Problem && !err.passing)) throw err
      o.onFailure?.(err)
      wait = Math.max(wait, waitBefore(++failures, isProblem(err) ? err.retryAfterMs : undefined, clock.random))
    }
    await clock.sleep(spread(wait, clock.random), o.signal)
  }
}
