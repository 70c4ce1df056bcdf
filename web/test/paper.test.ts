import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Entry } from '@/participant/entry'
import { saveAfter, usePaper } from '@/participant/stores/paper'
import { useVisit } from '@/participant/stores/visit'
import { FakeServer, json, pair, problem } from './fakes'

const attempt = '1-abc'
const base = `/api/v1/campaigns/spring/attempts`

/** What the phone keeps. */
class Drawer {
  readonly kept = new Map<string, string>()
  getItem = (key: string) => this.kept.get(key) ?? null
  setItem = (key: string, value: string) => void this.kept.set(key, value)
  removeItem = (key: string) => void this.kept.delete(key)
}

function paperAnswer(more: object = {}) {
  const now = Date.now()
  return {
    attempt, number: 1, state: 'open', started_at: new Date(now).toISOString(), server_time: new Date(now).toISOString(),
    deadline: new Date(now + 600_000).toISOString(), attempts_left_today: 2, saved: { revision: 0, chosen: {} },
    questions: ['q1', 'q2', 'q3'].map((id) => ({ id, kind: 'single', stem: id, options: [{ id: 'a', text: 'A' }, { id: 'b', text: 'B' }] })),
    ...more,
  }
}

const saved = (revision: number) => json({ revision, deadline: new Date(Date.now() + 600_000).toISOString() })
const receiptAnswer = { attempt, state: 'submitted', score: 90, best: { score: 90, used_ms: 1 }, rank: 3, attempts_left_today: 1 }

let server: FakeServer
let drawer: Drawer
let paper: ReturnType<typeof usePaper>
let visit: ReturnType<typeof useVisit>

/** Opens the page anew, on the same phone. */
function reload() {
  setActivePinia(createPinia())
  visit = useVisit()
  visit.entry = { campaigns: [], campaign: { id: 'spring', texts: {} }, doors: [] } as unknown as Entry
  visit.client.adopt(pair(1))
  visit.signedIn = true
  paper = usePaper()
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  server = new FakeServer()
  drawer = new Drawer()
  vi.stubGlobal('fetch', server.fetch)
  vi.stubGlobal('localStorage', drawer)
  reload()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const puts = () => server.asked.filter((a) => a.method === 'PUT').map((a) => JSON.parse(a.body) as object)

describe('a paper', () => {
  it('sends marks together after a while, and what was marked last', async () => {
    server.will(json(paperAnswer(), 201), saved(3))
    await paper.start()
    paper.mark('q1', ['a'])
    paper.mark('q2', ['b'])
    paper.mark('q1', ['b'])
    await vi.advanceTimersByTimeAsync(saveAfter - 1)
    expect(puts()).toEqual([])
    expect(paper.unsaved).toBe(true)
    await vi.advanceTimersByTimeAsync(1)
    expect(puts()).toEqual([{ revision: 3, answers: { q1: ['b'], q2: ['b'] } }])
    expect(paper.unsaved).toBe(false)
    await vi.advanceTimersByTimeAsync(10 * saveAfter)
    expect(puts()).toHaveLength(1)
  })

  it('tries again later where there is no network', async () => {
    server.will(json(paperAnswer(), 201))
    await paper.start()
    paper.mark('q1', ['a'])
    await vi.advanceTimersByTimeAsync(saveAfter + 10_000)
    const tries = puts().length
    expect(tries).toBeGreaterThan(1)
    expect(paper.unsaved).toBe(true)
    server.will(saved(1))
    await vi.advanceTimersByTimeAsync(saveAfter)
    expect(paper.unsaved).toBe(false)
  })

  it('goes on after a reload with what the phone kept, and lets the server have it', async () => {
    server.will(json(paperAnswer(), 201))
    await paper.start()
    paper.mark('q1', ['a'])
    paper.mark('q2', ['b'])
    reload()
    server.will(json(paperAnswer()), saved(2))
    await paper.start()
    expect(paper.answers).toEqual({ q1: ['a'], q2: ['b'] })
    await vi.advanceTimersByTimeAsync(0)
    expect(puts()).toEqual([{ revision: 2, answers: { q1: ['a'], q2: ['b'] } }])
  })

  it('takes what another phone has saved since, and no answers to other questions', async () => {
    server.will(json(paperAnswer(), 201))
    await paper.start()
    paper.mark('q1', ['a'])
    reload()
    server.will(json(paperAnswer({ saved: { revision: 7, chosen: { q3: ['b'], gone: ['x'] } } })))
    await paper.start()
    expect(paper.answers).toEqual({ q3: ['b'] })
    expect(paper.revision).toBe(7)
    expect(puts()).toEqual([])
  })

  it('saves before the deadline, and counts by the server’s clock', async () => {
    const behind = Date.now() - 3_600_000 // this phone goes an hour fast
    server.will(
      json(paperAnswer({ server_time: new Date(behind).toISOString(), deadline: new Date(behind + 20_000).toISOString() }), 201),
      json({ revision: 1, deadline: new Date(behind + 20_000).toISOString() }),
    )
    await paper.start()
    expect(paper.left).toBe(20_000)
    paper.mark('q1', ['a'])
    await vi.advanceTimersByTimeAsync(6_000)
    paper.tick()
    await vi.advanceTimersByTimeAsync(0)
    expect(paper.left).toBe(14_000)
    expect(puts()).toHaveLength(1)
  })

  it('keeps a moved deadline that a saving tells', async () => {
    server.will(json(paperAnswer(), 201), json({ revision: 1, deadline: new Date(Date.now() + 900_000).toISOString() }))
    await paper.start()
    paper.mark('q1', ['a'])
    await paper.save()
    expect(paper.left).toBe(900_000)
  })

  it('leaves unanswered questions out, and forgets the phone’s copy with the receipt', async () => {
    server.will(json(paperAnswer(), 201), json(receiptAnswer))
    await paper.start()
    paper.mark('q1', ['a'])
    paper.mark('q2', ['a'])
    paper.mark('q2', [])
    await Promise.all([paper.submit(), paper.submit()])
    const sent = server.asked.filter((a) => a.url.endsWith('/submission'))
    expect(sent.map((a) => a.body)).toEqual(['{"answers":{"q1":["a"]}}'])
    expect(paper.receipt?.score).toBe(90)
    expect([...drawer.kept.keys()].filter((k) => k.startsWith('qy.paper'))).toEqual([])
    paper.mark('q1', ['b'])
    expect(paper.answers.q1).toEqual(['a'])
  })

  it('shows the receipt that there is when it was handed in elsewhere', async () => {
    server.will(json(paperAnswer(), 201), problem(409, 'quiz.submitted'), json(receiptAnswer))
    await paper.start()
    paper.mark('q1', ['a'])
    await paper.submit()
    expect(server.asked[2]?.url).toBe(`${base}/${attempt}`)
    expect(paper.receipt?.rank).toBe(3)
  })

  it('says that it is over where it expired', async () => {
    server.will(json(paperAnswer(), 201), problem(409, 'quiz.expired'), json({ attempt, state: 'expired' }))
    await paper.start()
    await paper.submit()
    expect(paper.paper).toBeNull()
    expect(paper.receipt).toBeNull()
    expect(paper.ended?.state).toBe('expired')
  })

  it('stays, with everything marked, where handing in finds no network', async () => {
    server.will(json(paperAnswer(), 201))
    await paper.start()
    paper.mark('q1', ['a'])
    const sending = paper.submit().catch((err: unknown) => err)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await sending).toMatchObject({ name: 'Unreachable' })
    expect(paper.answers).toEqual({ q1: ['a'] })
    server.will(json(receiptAnswer))
    await paper.submit()
    expect(paper.receipt?.score).toBe(90)
  })
})

describe('a visit', () => {
  it('stands in the line where there is one, and signs in with its ticket', async () => {
    server.will(
      problem(429, 'queue.required'),
      json({ ticket: 't1', admitted: false, position: 8, retry_after_ms: 4000 }),
      json({ ticket: 't2', admitted: true, position: 0, retry_after_ms: 0 }),
      json({ ...pair(2), home: { enrolment: null } }),
    )
    const done = visit.signIn({ way: 'sandbox', name: '安妮' })
    await vi.advanceTimersByTimeAsync(0)
    expect(visit.position).toBe(8)
    await vi.advanceTimersByTimeAsync(4000)
    await done
    expect(visit.position).toBe(0)
    expect(server.asked.map((a) => a.url + a.body)).toEqual([
      '/api/v1/sessions/sandbox?campaign=spring{"name":"安妮"}',
      '/api/v1/queue{}',
      '/api/v1/queue{"ticket":"t1"}',
      '/api/v1/sessions/sandbox?campaign=spring{"name":"安妮","ticket":"t2"}',
    ])
    expect(visit.home).toEqual({ enrolment: null })
  })

  it('asks for the home where the sign-in brought none', async () => {
    server.will(json(pair(2)), json({ enrolment: null }))
    await visit.signIn({ way: 'wechat' })
    expect(server.asked[1]?.url).toBe('/api/v1/campaigns/spring/me')
  })
})

describe('clocks that stand', () => {
  it('leave what is left as it is, until the server says that they run', async () => {
    server.will(json(paperAnswer({ clocks_stand: true }), 201))
    await paper.start()
    await vi.advanceTimersByTimeAsync(10_000)
    paper.tick()
    expect(paper.left).toBe(600_000)
    const end = Date.now() + 700_000
    server.will(() => json(paperAnswer({ deadline: new Date(end).toISOString() })))
    await vi.advanceTimersByTimeAsync(10_000)
    paper.tick()
    await vi.advanceTimersByTimeAsync(0)
    expect(paper.stands).toBe(false)
    await vi.advanceTimersByTimeAsync(30_000)
    paper.tick()
    expect(paper.left).toBe(end - Date.now())
  })

  it('are asked for once before the end, by who has nothing to save', async () => {
    server.will(json(paperAnswer(), 201))
    await paper.start()
    await vi.advanceTimersByTimeAsync(590_000)
    server.will(json(paperAnswer({ deadline: new Date(Date.now() + 60_000).toISOString() })))
    paper.tick()
    paper.tick()
    await vi.advanceTimersByTimeAsync(0)
    expect(server.asked).toHaveLength(2)
    expect(paper.left).toBe(60_000)
  })
})
