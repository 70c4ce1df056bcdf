import { LineChart } from 'echarts/charts'
import { GridComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { describe, expect, it } from 'vitest'
import { figuresOf, headingsOf, hoursOf, ranked, shown, smoothLine } from '@/screen/figures'
import { lineOf } from '@/screen/names'
import { addressed } from '@/screen/useScreen'
import { fullName } from '@/shared/units'

const window = { participants: 0, attempts: 0, signatures: 0 }
const counts = {
  enrolled: 12_000, participants: 9_800, attempts: 15_000, signatures: 9_000, answered: 8_000, passed: 7_999,
  participation_rate: 0.653333, today: window, last_hour: window,
}

describe('the large numbers', () => {
  it('are five, rates in percent', () => {
    expect(figuresOf(counts).map(shown)).toEqual(['15,000', '9,800', '9,000', '65.3%', '99.9%'])
  })
  it('say what is not known instead of a wrong number', () => {
    const none = { ...counts, answered: 0, passed: 0, participation_rate: null }
    expect(figuresOf(none).map(shown).slice(3)).toEqual(['—', '—'])
  })
  it.each([
    [0, '0.00%'],
    [0.000423, '0.04%'],
    [1, '100.0%'],
    [0.9999, '99.9%'],
    [0.07, '7.00%'],
    [0.29, '29.0%'],
  ])('shows %d as %s', (value, text) => {
    expect(shown({ value, percent: true })).toBe(text)
  })
})

describe('the headings of the rows', () => {
  const row = (id: string, kind: 'region' | 'unit') => ({ id, kind, name: id, rank: null }) as never
  const nobody = row('unassigned', 'unit')
  it.each([
    [[row('a', 'region'), row('b', 'region'), nobody], null, 'screen.regions', 'screen.regionList'],
    [[row('a', 'region'), row('u', 'unit')], 'participation', 'screen.regions', 'screen.regionRanks'],
    [[row('a', 'region')], 'signatures', 'screen.regions', 'screen.ranksBySignatures'],
    [[row('u', 'unit'), nobody], null, 'screen.unitTiles', 'screen.unitList'],
    [[row('u', 'unit'), row('v', 'unit')], 'participation', 'screen.unitTiles', 'screen.unitRanks'],
    [[row('u', 'unit')], 'signatures', 'screen.unitTiles', 'screen.unitsBySignatures'],
    [[nobody], null, 'screen.regions', 'screen.regionList'],
    [[], null, 'screen.regions', 'screen.regionList'],
  ] as const)('say what they are: %#', (rows, by, tiles, ranks) => {
    expect(headingsOf([...rows], by as never)).toEqual({ tiles, ranks })
  })
})

describe('the line of the hours', () => {
  it('stays between what was counted, beside a lone peak too', () => {
    echarts.use([LineChart, GridComponent, SVGRenderer])
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 560, height: 350 })
    const data = Array.from({ length: 24 }, (_, i) => (i === 12 ? 500 : i === 13 ? 400 : 0))
    chart.setOption({
      animation: false,
      color: ['#f2b84b'],
      grid: { left: 0, right: 0, top: 0, bottom: 100 },
      xAxis: { type: 'category', show: false, data: data.map(String) },
      yAxis: { type: 'value', show: false, max: 500 },
      series: [{ ...smoothLine, data }],
    })
    const drawn = /<path d="(M[^"]*C[^"]*)"[^>]*stroke="#f2b84b"/.exec(chart.renderToSVGString())?.[1] ?? ''
    chart.dispose()
    const heights = drawn.match(/-?[\d.]+/g)?.filter((_, i) => i % 2 === 1).map(Number) ?? []
    expect(heights.length).toBeGreaterThan(24)
    expect(Math.min(...heights)).toBe(0)
    expect(Math.max(...heights)).toBe(250)
  })
})

describe('the hours', () => {
  const bucket = (start: string, attempts: number) => ({ start, participants: 1, attempts, signatures: 2 * attempts })
  it('are 24 up to now, in the time of the campaign, with the empty ones', () => {
    const hours = hoursOf(
      [bucket('2026-06-01T21:00:00.000+08:00', 3), bucket('2026-06-02T20:00:00.000+08:00', 5)],
      '2026-06-02T20:31:24.000+08:00',
    )
    expect(hours).toHaveLength(24)
    expect(hours[0]).toEqual({ label: '21时', attempts: 3, signatures: 6 })
    expect(hours[23]).toEqual({ label: '20时', attempts: 5, signatures: 10 })
    expect(hours.filter((h) => h.attempts > 0)).toHaveLength(2)
  })
  it('fit zones that are half an hour off', () => {
    const hours = hoursOf([bucket('2026-06-02T20:00:00.000+05:30', 7)], '2026-06-02T20:31:24.000+05:30')
    expect(hours[23]).toEqual({ label: '20时', attempts: 7, signatures: 14 })
  })
})

describe('regions', () => {
  const row = (id: string, rank: number | null) => ({ id, rank }) as Parameters<typeof ranked>[0][number]
  it('come by rank, and those without one last', () => {
    const rows = [row('a', 3), row('b', null), row('c', 1), row('unassigned', null), row('d', 1)]
    expect(ranked(rows).map((r) => r.id)).toEqual(['c', 'd', 'a', 'b'])
  })
  it('stay in the order of the tree where nothing is ranked', () => {
    expect(ranked([row('b', null), row('a', null)]).map((r) => r.id)).toEqual(['b', 'a'])
  })
})

describe('names', () => {
  it.each([
    ['张*三', '张*三'],
    ['  榆次区\n一中 ', '榆次区 一中'],
    ['\u202e反\u200b过\u2066来', '反过来'],
    ['བསྟན་འཛིན', 'བསྟན་འཛིན'.normalize('NFC')],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['', ''],
  ])('%j is shown as %j', (name, line) => {
    expect(lineOf(name)).toBe(line)
  })
  it('say which school a class is of, and nothing twice', () => {
    expect(fullName('初一（1）班', ['榆次区', '榆次区第一中学'])).toBe('榆次区第一中学 初一（1）班')
    expect(fullName('榆次区居民', ['榆次区'])).toBe('榆次区居民')
    expect(fullName('榆次区', [])).toBe('榆次区')
  })
  it('are cut, and piles of marks are levelled', () => {
    expect(Array.from(lineOf('长'.repeat(100)))).toHaveLength(40)
    expect(lineOf('a' + '\u0301'.repeat(50)).length).toBeLessThan(8)
    expect(Array.from(lineOf('😀'.repeat(60))).at(-2)).toBe('😀')
  })
})

describe('the address', () => {
  it('names the campaign, and leaves the token in the fragment', () => {
    expect(addressed({ pathname: '/screen/jinzhong-2026', hash: '#viewer=a.b' })).toEqual({ campaign: 'jinzhong-2026', viewer: 'a.b', desk: '' })
    expect(addressed({ pathname: '/screen/jinzhong-2026', hash: '#desk=ab12' })).toEqual({ campaign: 'jinzhong-2026', viewer: '', desk: 'ab12' })
    expect(addressed({ pathname: '/screen/', hash: '' })).toEqual({ campaign: '', viewer: '', desk: '' })
  })
})
