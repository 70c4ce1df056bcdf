import { describe, expect, it } from 'vitest'
import { trendOf } from '../film/trend'

const series = (bytes: (minute: number) => number) => Array.from({ length: 61 }, (_, minute) => ({ minute, bytes: bytes(minute) }))
const tooth = (minute: number) => (minute % 7) * 40_000

describe('the trend of a heap', () => {
  it('is flat where a saw goes up and down', () => {
    const t = trendOf(series((m) => 6e6 + tooth(m)))
    expect(t.rises).toBe(false)
    expect(t.most).toBe(6_240_000)
  })

  it('is flat after what a page fills at first', () => {
    expect(trendOf(series((m) => (m < 8 ? 3e6 + m * 4e5 : 6.2e6) + tooth(m))).rises).toBe(false)
  })

  it('rises where a little stays each minute', () => {
    const t = trendOf(series((m) => 6e6 + 12_000 * m + tooth(m)))
    expect(t.rises).toBe(true)
    expect(t.perHour).toBeGreaterThan(600_000)
  })

  it('is not told from too few samples', () => {
    expect(() => trendOf(series(() => 1).slice(0, 2))).toThrow('2 samples')
  })
})
