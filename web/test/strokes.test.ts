import { describe, expect, it } from 'vitest'
import { rescale, strokesOf } from '@/participant/strokes'

const stroke = (n: number, from = 0) => ({
  points: Array.from({ length: n }, (_, i) => ({ x: i * 1.23456, y: 100 - i * 0.5, time: 1_700_000_000_000 + from + i * 8 })),
})

describe('the points of a drawing', () => {
  it('are rounded, and timed from the first one', () => {
    expect(strokesOf([stroke(2), stroke(1, 500)])).toEqual([
      [{ x: 0, y: 100, t: 0 }, { x: 1.2, y: 99.5, t: 8 }],
      [{ x: 0, y: 100, t: 500 }],
    ])
  })

  it('are nothing for nothing', () => {
    expect(strokesOf([])).toEqual([])
  })

  it('are thinned until they fit, and keep the ends of strokes', () => {
    const drawn = [stroke(3000), stroke(3000, 60_000)]
    const sent = strokesOf(drawn)
    expect(JSON.stringify(sent).length).toBeLessThanOrEqual(32 << 10)
    expect(sent.flat().length).toBeLessThanOrEqual(4000)
    expect(sent).toHaveLength(2)
    expect(sent[0]?.[0]?.t).toBe(0)
    expect(sent[1]?.[sent[1].length - 1]?.t).toBe(60_000 + 2999 * 8)
  })

  it('fit another canvas with their shape', () => {
    const turned = rescale([{ points: [{ x: 100, y: 50, time: 1 }] }], 0.5)
    expect(turned).toEqual([{ points: [{ x: 50, y: 25, time: 1 }] }])
  })
})
