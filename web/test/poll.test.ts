import { describe, expect, it, vi } from 'vitest'
import { Client } from '@/shared/api/client'
import { follow, type Frame } from '@/shared/api/live'
import { poll } from '@/shared/api/poll'
import { Problem } from '@/shared/api/problem'
import { memoryStore } from '@/shared/api/session'
import { FakeClock, FakeServer, json } from './fakes'

describe('polling', () => {
  it('reads until it is stopped, and tells only what is new', async () => {
    const clock = new FakeClock()
    const results = [1, null, 2]
    const seen: number[] = []
    const stop = poll<number>({
      every: 4000,
      clock,
      read: async () => results.shift() ?? null,
      onData: (n) => {
        seen.push(n)
        if (n === 2) stop()
      },
    })
    await vi.waitFor(() => expect(seen).toEqual([1, 2]))
    expect(clock.slept.slice(0, 2)).toEqual([3000, 3000]) // 4 s less a quarter, with chance at 0
  })

  it('slows down while it fails, and as the server says', async () => {
    const clock = new FakeClock()
    let n = 0
    const stop = poll<number>({
      every: 1000,
      clock,
      read: async () => {
        n++
        if (n === 3) throw new Problem(503, { retry_after_ms: 30_000 })
        if (n < 5) throw new TypeError('no network')
        return n
      },
      onData: () => stop(),
    })
    await vi.waitFor(() => expect(n).toBe(5))
    expect(clock.slept.slice(0, 4)).toEqual([1000, 1000, 30_000, 4000])
  })

  it('rests while nobody looks', async () => {
    const clock = new FakeClock()
    let read = 0
    let looks = 0
    const stop = poll<number>({
      every: 1000,
      clock,
      visible: () => ++looks > 3,
      read: async () => ++read,
      onData: () => stop(),
    })
    await vi.waitFor(() => expect(read).toBe(1))
    expect(looks).toBe(4)
  })
})

/** A stream that a test feeds. */
class FakeStream extends EventTarget {
  readyState = 1
  closed = false

  close() {
    this.closed = true
  }

  feed(frame: object) {
    const event = new Event('frame')
    Object.assign(event, { data: JSON.stringify(frame) })
    this.dispatchEvent(event)
  }

  refuse() {
    this.readyState = 2
    this.dispatchEvent(new Event('error'))
  }
}

describe('following a campaign', () => {
  function setup(server: FakeServer) {
    const clock = new FakeClock()
    const streams: FakeStream[] = []
    const frames: string[] = []
    const states: string[] = []
    const stop = follow({
      client: new Client({ sessions: memoryStore(), fetch: server.fetch, clock }),
      campaign: 'spring',
      clock,
      onFrame: (f: Frame) => frames.push(f.as_of),
      onState: (s) => states.push(`${s.by} ${s.well}`),
      open: (url) => {
        expect(url).toBe('/api/v1/campaigns/spring/live')
        const s = new FakeStream()
        streams.push(s)
        return s as unknown as EventSource
      },
    })
    return { clock, streams, frames, states, stop }
  }

  it('polls where the stream is refused, and tries it again later', async () => {
    const server = new FakeServer()
    for (let i = 0; i < 40; i++) server.will(json({ as_of: `polled ${i}` }, 200, { ETag: `"${i}"` }))
    const f = setup(server)
    f.streams[0]?.feed({ as_of: 'streamed' })
    f.streams[0]?.refuse()
    await vi.waitFor(() => expect(f.streams.length).toBeGreaterThan(1))
    expect(f.frames.slice(0, 2)).toEqual(['streamed', 'polled 0'])
    expect(f.states).toContain('stream false')
    expect(f.states).toContain('poll true')
    f.stop()
    await vi.waitFor(() => expect(f.streams.every((s) => s.closed)).toBe(true))
  })

  it('looks by itself when the stream is silent, and leaves a dead one', async () => {
    const server = new FakeServer()
    server.will(json({ as_of: '2', n: 1 }), ...Array.from({ length: 9 }, () => json({ as_of: '3', n: 2 })))
    const f = setup(server)
    f.streams[0]?.feed({ as_of: '1', n: 1 })
    // The first look finds the same figures, the second one newer: the stream is dead.
    await vi.waitFor(() => expect(f.streams[0]?.closed).toBe(true))
    expect(f.frames.slice(0, 2)).toEqual(['1', '3'])
    f.stop()
  })
})
