/** What time and chance are, so that tests can make their own. */
export interface Clock {
  /** Milliseconds, of any origin. */
  now(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
}

export const realClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(aborted())
        return
      }
      const timer = setTimeout(done, ms)
      function done() {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      function stop() {
        clearTimeout(timer)
        reject(aborted())
      }
      signal?.addEventListener('abort', stop, { once: true })
    }),
}

export function aborted(): Error {
  const err = new Error('given up')
  err.name = 'AbortError'
  return err
}

export function isAborted(err: unknown): boolean {
  return err instanceof Error && err.name === 'AbortError'
}

const firstWait = 500
const longestWait = 60_000

/**
 * How long to wait before try number n (from 1). The server's word is a lower bound;
 * chance spreads many phones that failed in the same moment.
 */
export function waitBefore(n: number, retryAfterMs: number | undefined, random: () => number): number {
  const doubled = Math.min(firstWait * 2 ** (n - 1), longestWait)
  const least = Math.max(doubled, retryAfterMs ?? 0)
  return Math.round(least * (1 + random() / 4))
}

/** An interval spread by a quarter to either side. */
export function spread(ms: number, random: () => number): number {
  return Math.round(ms * (0.75 + random() / 2))
}
