import { address, type Client } from './client'
import { poll } from './poll'
import { type Clock, realClock } from './retry'
import type { Schema } from './types'

export type Frame = Schema<'Frame'>

export interface LiveOptions {
  client: Client
  campaign: string
  onFrame: (frame: Frame) => void
  /** Told when the way changes, and whether the last look went well. */
  onState?: (state: LiveState) => void
  /** Added to each request, such as a ticket; asked anew each time. */
  query?: () => Record<string, string>
  clock?: Clock
  /** Makes a stream; undefined where the browser has none. */
  open?: ((url: string) => EventSource) | undefined
  visible?: () => boolean
}

export interface LiveState {
  by: 'stream' | 'poll'
  well: boolean
}

/**
 * The server's signs of life between frames are comments, which no page gets to see. So
 * after this time without a frame we look by ourselves whether one was missed.
 */
const silence = 45_000
/** How often is asked where there is no stream. */
const pollEvery = 4000
/** How long is polled before a stream is tried again. */
const retryStream = 60_000

/**
 * Follows the public state of a campaign: by a stream, and by polling where none gets
 * through. Returns what stops it.
 */
export function follow(o: LiveOptions): () => void {
  const clock = o.clock ?? realClock
  const open = 'open' in o ? o.open : typeof EventSource === 'undefined' ? undefined : (url: string) => new EventSource(url)
  const end = new AbortController()
  void (async () => {
    while (!end.signal.aborted) {
      if (open) await stream(o, open, clock, end.signal)
      if (end.signal.aborted) return
      await pollFor(o, open ? retryStream : Infinity, clock, end.signal)
    }
  })()
  return () => end.abort()
}

/** Listens until the stream breaks for good. A browser mends a short break by itself. */
function stream(o: LiveOptions, open: (url: string) => EventSource, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const source = open(address('/api/v1/campaigns/{campaign}/live', { campaign: o.campaign }, o.query?.()))
    const watch = new AbortController()
    let heard = clock.now()
    let last = ''
    const done = () => {
      source.close()
      watch.abort()
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    source.addEventListener('frame', (e) => {
      heard = clock.now()
      const frame = JSON.parse((e as MessageEvent<string>).data) as Frame
      last = content(frame)
      o.onFrame(frame)
      o.onState?.({ by: 'stream', well: true })
    })
    source.addEventListener('error', () => {
      o.onState?.({ by: 'stream', well: false })
      // 2 is closed: the server refused, and the browser will not try again.
      if (source.readyState === 2) done()
    })
    void (async () => {
      while (!watch.signal.aborted) {
        await clock.sleep(silence / 3, watch.signal).catch(() => undefined)
        if (watch.signal.aborted || clock.now() - heard < silence) continue
        const frame = await look(o, watch.signal).catch(() => null)
        if (watch.signal.aborted) return
        if (frame === null || content(frame) !== last) {
          if (frame !== null) o.onFrame(frame)
          done()
          return
        }
        heard = clock.now()
        o.onState?.({ by: 'stream', well: true })
      }
    })()
  })
}

/** What a frame says, without when it was made. */
function content(frame: Frame): string {
  return JSON.stringify({ ...frame, as_of: '' })
}

async function look(o: LiveOptions, signal: AbortSignal): Promise<Frame | null> {
  const call = { path: { campaign: o.campaign }, ...(o.query ? { query: o.query() as never } : {}), patience: 0, signal }
  return (await o.client.tagged('/api/v1/campaigns/{campaign}/frame', '', call)).data
}

async function pollFor(o: LiveOptions, ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  let etag = ''
  const stop = poll<Frame>({
    every: pollEvery,
    clock,
    ...(o.visible ? { visible: o.visible } : {}),
    read: async (inner) => {
      const got = await o.client.tagged('/api/v1/campaigns/{campaign}/frame', etag, {
        path: { campaign: o.campaign },
        ...(o.query ? { query: o.query() as never } : {}),
        patience: 0,
        signal: inner,
      })
      etag = got.etag
      return got.data
    },
    onData: o.onFrame,
    onReading: (well) => o.onState?.({ by: 'poll', well }),
  })
  // For ever is as good as a day: a stop ends it.
  await clock.sleep(Math.min(ms, 86_400_000), signal).catch(() => undefined)
  stop()
}
