import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { connect } from '../browser/visitor'
import { compare, faultsOf, report, screenOf, simulate } from './stage'
import { keptOf } from './kept'
import { type Sample, trendOf } from './trend'

// The big screen for as long as an office leaves it on, as far as an hour can tell.

const minutes = Number(process.env.MINUTES || 60)
/** People a second: enough that every frame differs from the one before. */
const rate = 1

const url = inject('url')

let browser: Browser

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})

it(`stands for ${minutes} minutes`, async () => {
  const screen = await screenOf(browser, url)
  const cdp = await screen.context.newCDPSession(screen.page)
  await cdp.send('HeapProfiler.enable')
  const weigh = async (minute: number): Promise<Sample & { code: number; nodes: number; listeners: number }> => {
    const chunks: string[] = []
    const take = ({ chunk }: { chunk: string }) => chunks.push(chunk)
    cdp.on('HeapProfiler.addHeapSnapshotChunk', take)
    await cdp.send('HeapProfiler.takeHeapSnapshot', {}) // it collects garbage first
    cdp.off('HeapProfiler.addHeapSnapshotChunk', take)
    const dom = await cdp.send('Memory.getDOMCounters')
    return { minute, ...keptOf(chunks.join('')), nodes: dom.nodes, listeners: dom.jsEventListeners }
  }

  const began = Date.now()
  const crowd = simulate(url, minutes * 60 * rate, '--rate', String(rate))
  let failed: unknown = null
  crowd.catch((err: unknown) => (failed = err))
  const samples = [await weigh(0)]
  for (let minute = 1; minute <= minutes; minute++) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + minute * 60_000 - Date.now())))
    if (failed !== null) throw failed
    samples.push(await weigh(minute))
    const s = samples[samples.length - 1]!
    console.log(`minute ${minute}: ${(s.bytes / 1e6).toFixed(2)} MB and ${(s.code / 1e6).toFixed(2)} MB of code, ${s.nodes} nodes, ${s.listeners} listeners`)
    if (minute % 10 === 0) await screen.keep(`soak/minute-${minute}`)
  }
  const summary = await crowd
  const figures = await compare(screen, url)
  const trend = trendOf(samples)
  await report('soak', { minutes, trend, samples, figures, consoleErrors: screen.surprises, policyViolations: screen.violations, simulation: summary })
  expect(faultsOf(summary, 0)).toEqual([])
  expect({ errors: screen.surprises, violations: screen.violations }).toEqual({ errors: [], violations: [] })
  expect(trend.rises, `the heap grows by ${trend.perHour} bytes an hour`).toBe(false)
  const [early, late] = [samples[Math.floor(samples.length / 5)]!, samples[samples.length - 1]!]
  expect(late.nodes).toBeLessThan(early.nodes * 1.2 + 200)
  expect(late.listeners).toBeLessThan(early.listeners * 1.2 + 20)
})
