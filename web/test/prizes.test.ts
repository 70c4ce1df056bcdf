import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Entry } from '@/participant/entry'
import { usePrizes } from '@/participant/prizes/store'
import { leftOf, percent, taxWords, yuan } from '@/participant/prizes/words'
import { useVisit } from '@/participant/stores/visit'
import { FakeServer, json, pair, problem } from './fakes'

const base = '/api/v1/campaigns/spring/prizes'
const prize = (id: string, more: object = {}) => ({
  id, kind: 'voucher', name: `奖品 ${id}`, stock: 10, value_fen: 1500, tax: { percent: 0, paid_by: 'winner', tax_fen: 0, net_fen: 1500 }, granted: 4, ...more,
})
const offer = { rules: { version: '1', text: '规则' }, instant: { prizes: [prize('tea', { odds_per_million: 20_000, released: 6 })] }, draws: [], changes: [] }
const own = (next_number: number, wins: object[] = []) => ({ ticket: 't', qualified: true, next_number, chances_left_today: 3, chances_left: null, next_chance_at: null, wins })
const chance = (number: number, won = false) => ({ number, at: '2026-06-02T20:00:00.000+08:00', won, win: won ? 'tea.1' : null, prize: won ? 'tea' : null, rolled: won ? 'tea' : null, why: null })
const list = (...items: object[]) => ({ items, next_cursor: null })

let server: FakeServer
let prizes: ReturnType<typeof usePrizes>

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
  server = new FakeServer()
  vi.stubGlobal('fetch', server.fetch)
  setActivePinia(createPinia())
  const visit = useVisit()
  visit.entry = { campaigns: [], campaign: { id: 'spring', texts: {} }, doors: [] } as unknown as Entry
  visit.client.adopt(pair(1))
  visit.signedIn = true
  prizes = usePrizes()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const posts = () => server.asked.filter((a) => a.method === 'POST').map((a) => a.body)

/** Lets the clock of repeats run while something is waited for. */
async function through<T>(doing: Promise<T>): Promise<T> {
  doing.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(120_000)
  return doing
}

describe('a chance', () => {
  beforeEach(async () => {
    server.will(json(offer), json(own(3)), json(list(chance(2))))
    await prizes.load()
  })

  it('is spent under its number, and the next tap is the next one', async () => {
    server.will(json(chance(3, true)), json(offer), json(own(4, [{ win: 'tea.1' }])), json(list(chance(3, true), chance(2))))
    await prizes.spend()
    expect(posts()).toEqual(['{"number":3}'])
    expect(prizes.spent.map((c) => c.number)).toEqual([3, 2])
    expect(prizes.own?.wins).toHaveLength(1)
    server.will(json(chance(4)), new TypeError('away'), new TypeError('away'))
    const second = prizes.spend()
    await through(second.catch(() => undefined))
    expect(posts()[1]).toBe('{"number":4}')
    // What followed was not answered: what is known goes on all the same.
    expect(prizes.own?.next_number).toBe(5)
    expect(prizes.spent[0]?.number).toBe(4)
  })

  it('is asked for again by the same number where no answer came', async () => {
    for (let i = 0; i < 30; i++) server.will(new TypeError('away'))
    await expect(through(prizes.spend())).rejects.toThrow()
    expect(prizes.unsure).toBe(true)
    expect(new Set(posts())).toEqual(new Set(['{"number":3}']))
    expect(posts().length).toBeGreaterThan(2)
    expect(prizes.spent.map((c) => c.number)).toEqual([2])
  })

  it('of another phone is learned, and not spent once more', async () => {
    server.will(problem(409, 'prize.number'), json(own(4)), json(list(chance(3, true), chance(2))))
    await expect(through(prizes.spend())).rejects.toMatchObject({ code: 'prize.number' })
    expect(prizes.unsure).toBe(false)
    expect(prizes.own?.next_number).toBe(4)
    expect(prizes.spent[0]).toMatchObject({ number: 3, won: true })
  })
})

describe('prizes', () => {
  it('are shown to strangers without chances', async () => {
    server.will(json(offer), problem(409, 'enrolment.required'), problem(409, 'enrolment.required'))
    await prizes.load()
    expect(prizes.stranger).toBe(true)
    expect(prizes.own).toBeNull()
    expect(prizes.nameOf('tea')).toBe('奖品 tea')
    expect(server.asked.map((a) => a.url)).toContain(base)
  })

  it('are claimed, and the list knows', async () => {
    server.will(json(offer), json(own(2, [{ win: 'tea.1', state: 'won' }, { win: 'tea.9', state: 'won' }])), json(list()))
    await prizes.load()
    server.will(json({ win: 'tea.1', state: 'sent', code: 'ABC' }))
    await prizes.claim('tea.1', { consent: { rules_version: '1' } })
    expect(server.asked.at(-1)).toMatchObject({ method: 'POST', url: `${base}/wins/tea.1/claim` })
    expect(prizes.own?.wins.map((w) => w.state)).toEqual(['sent', 'won'])
  })

  it('are told in words', () => {
    expect([yuan(1500), yuan(1550), yuan(5)]).toEqual(['15 元', '15.50 元', '0.05 元'])
    expect([percent(20_000), percent(1), percent(1_000_000), percent(333_333)]).toEqual(['2%', '0.0001%', '100%', '33.3333%'])
    const p = prizes.prizes[0] ?? (prize('tea', { released: 6 }) as never)
    expect(leftOf(p)).toBe(2)
    expect(taxWords(p)).toBe('')
    expect(taxWords({ ...p, tax: { percent: 20, paid_by: 'winner', tax_fen: 300, net_fen: 1200 } })).toContain('实得 12 元')
    expect(taxWords({ ...p, tax: { percent: 20, paid_by: 'office', tax_fen: 300, net_fen: 1500 } })).toContain('主办单位承担')
  })
})
