import { Problem } from './problem'
import { type Clock, isAborted, realClock, spread, waitBefore } from './retry'

export interface PollOptions<T> {
  /** Reads once; null is "not changed". The signal is aborted when polling stops. */
  read: (signal: AbortSignal) => Promise<T | null>
  onData: (data: T) => void
  /** Told of each reading: whether it went well. */
  onReading?: (well: boolean, err?: unknown) => void
  /** Milliseconds between readings, spread by a quarter. */
  every: number
  clock?: Clock
  /** Whether somebody looks; polling rests while nobody does. */
  visible?: () => boolean
}

/** How often a resting poll looks whether somebody looks again. */
const rest = 1000

/**
 * Reads again and again until stopped, slower while it fails, and not at all while
 * nobody looks. Returns what stops it.
 */
export function poll<T>(options: PollOptions<T>): () => void {
  const stop = new AbortController()
  void run(options, stop.signal)
  return () => stop.abort()
}

async function run<T>(o: PollOptions<T>, signal: AbortSignal): Promise<void> {
  const clock = o.clock ?? realClock
  let failures = 0
  while (!signal.aborted) {
    let wait: number
    try {
      if (o.visible && !o.visible()) {
        await clock.sleep(rest, signal)
        continue
      }
      const data = await o.read(signal)
      if (signal.aborted) return
      failures = 0
      if (data !== null) o.onData(data)
      o.onReading?.(true)
      wait = spread(o.every, clock.random)
    } catch (err) {
      if (signal.aborted || isAborted(err)) return
      failures++
      o.onReading?.(false, err)
      const asked = err instanceof Problem ? err.retryAfterMs : undefined
      wait = Math.max(o.every, waitBefore(failures, asked, clock.random))
    }
    await clock.sleep(wait, signal).catch(() => undefined)
  }
}
