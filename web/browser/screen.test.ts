import { spawn } from 'node:child_process'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { program } from './server'
import { connect, Visitor } from './visitor'

const campaign = 'jinzhong-2026'
const hall = { width: 1920, height: 1080 }

const server = { url: inject('url') }
let browser: Browser
let visitor: Visitor

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})
beforeEach(async () => {
  visitor = await Visitor.arrive(browser, server.url, hall, { deviceScaleFactor: 1, hasTouch: false, isMobile: false, reducedMotion: 'no-preference' })
  // Units are not published there: the board of units says so.
  visitor.expected = [/status of 403/]
})
afterEach(async () => {
  expect(visitor.surprises).toEqual([])
  expect(visitor.foreign).toEqual([])
  await visitor.leave()
})

const open = (suffix = campaign) => visitor.page.goto(`${server.url}/screen/${suffix}`)
const figure = (name: string) => visitor.page.locator(`[data-figure="screen.${name}"]`).getAttribute('data-value')

/** People who take part, until all of them have. */
function simulate(people: number): Promise<void> {
  const args = ['simulate', '--target', server.url, '--campaign', campaign, '--participants', String(people), '--rate', '100']
  const child = spawn(program, args, { stdio: 'ignore' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`simulate ended with ${code}`))))
  })
}

describe('the big screen', () => {
  it('shows what the API tells, while people take part', async () => {
    await open()
    await visitor.page.getByRole('heading', { level: 1 }).getByText('晋中市').waitFor()
    await simulate(60)
    const counts = (await (await fetch(`${server.url}/api/v1/campaigns/${campaign}/counts`)).json()) as Record<string, number>
    const want = (n: number | undefined) => (n ?? -1).toLocaleString('zh-CN')
    await expect.poll(() => figure('attempts'), { timeout: 20_000 }).toBe(want(counts.attempts))
    await expect.poll(() => figure('participants')).toBe(want(counts.participants))
    await expect.poll(() => figure('signatures')).toBe(want(counts.signatures))
    expect(await figure('pass')).toMatch(/^\d+\.\d+%$/)
    expect(await visitor.page.locator('.actions li').count()).toBeGreaterThan(0)
    const names = await visitor.page.locator('.actions .who').allTextContents()
    expect(names.filter((n) => !n.includes('*') && n !== '匿名')).toEqual([])
    await visitor.shot('screen-1920')
    expect(await visitor.barriers()).toEqual([])
  })

  it('is scaled as a whole', async () => {
    await open()
    await visitor.page.locator('.figure').first().waitFor()
    for (const size of [{ width: 1280, height: 720 }, { width: 3840, height: 2160 }, { width: 1024, height: 768 }]) {
      await visitor.page.setViewportSize(size)
      const stage = visitor.page.locator('.stage')
      const scale = Math.min(size.width / hall.width, size.height / hall.height)
      await expect.poll(async () => Math.round((await stage.boundingBox())?.width ?? 0)).toBe(Math.round(hall.width * scale))
      const box = await stage.boundingBox()
      expect((box?.x ?? 0) * 2 + (box?.width ?? 0)).toBeCloseTo(size.width, 0)
      expect(await visitor.overflows()).toBe(false)
    }
  })

  it('stands hostile names', async () => {
    const hostile = [
      '<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', '\u202e颠倒\u2066', 'Z̷͙̗̻͖̣̹͉̫̬̪̖̤͆ͣ̋a̴l̴g̴o̴'.repeat(9), '长'.repeat(400),
      '𠮷野家', '👨‍👩‍👧‍👦'.repeat(30), 'བསྟན་འཛིན་རྒྱ་མཚོ', '{{constructor.constructor("alert(1)")()}}', ' \u200b\u00ad ',
    ]
    await visitor.page.route('**/live*', (route) => route.fulfill({ status: 503 }))
    visitor.expected.push(/status of 503/)
    await visitor.page.route('**/frame*', async (route) => {
      const frame = (await (await route.fetch()).json()) as { campaign: { title: string }; regions: { name: string }[]; recent: unknown[] }
      frame.campaign.title = hostile.join('')
      frame.regions.forEach((r, i) => (r.name = hostile[i % hostile.length]!))
      frame.recent = hostile.slice(0, 5).map((name, i) => ({ kind: 'signed', name, unit: String(i), unit_name: hostile[9 - i], path: [hostile[i]!], at: '2026-06-02T20:00:00.000+08:00' }))
      await route.fulfill({ json: frame })
    })
    let asked = false
    visitor.page.on('dialog', (d) => {
      asked = true
      void d.dismiss()
    })
    await open()
    await visitor.page.locator('.actions li').nth(4).waitFor({ timeout: 30_000 })
    expect(await visitor.page.locator('.stage img, .stage script').count()).toBe(0)
    expect(asked).toBe(false)
    // Nothing stands outside its card.
    const out = await visitor.page.evaluate(() =>
      [...document.querySelectorAll('.card, .figure, .top')].flatMap((card) => {
        const c = card.getBoundingClientRect()
        return [...card.querySelectorAll('li, h1')].filter((e) => e.getBoundingClientRect().right > c.right + 1).map((e) => e.textContent)
      }),
    )
    expect(out).toEqual([])
    await visitor.shot('screen-hostile')
  })

  it('shows who rises and falls, the best units and what is missed most, and says when its numbers are old', async () => {
    const { page } = visitor
    let away = false
    visitor.expected.push(/status of 503/)
    await page.clock.install()
    await page.route('**/live*', (route) => route.fulfill({ status: 503 }))
    await page.route('**/frame*', async (route) => {
      if (away) return route.fulfill({ status: 503 })
      const frame = (await (await route.fetch()).json()) as { regions: { rank: number; rank_before: number }[]; topics: unknown; recent: unknown[] }
      frame.regions.forEach((r, i) => Object.assign(r, { rank: i + 1, rank_before: i === 0 ? 3 : i === 1 ? 1 : i + 1 }))
      frame.topics = { as_of: '2026-06-02T20:00:00.000+08:00', items: [{ topic: '法律法规', answered: 90, missed_rate: 0.4 }] }
      const school = ['榆次区', '榆次区北田镇中心小学附属实验学校']
      frame.recent = [{ kind: 'submitted', name: '欧阳**', unit: 'c', unit_name: '五年级（12）班', path: school, at: '2026-06-02T20:00:00.000+08:00' }]
      await route.fulfill({ json: frame })
    })
    const unit = (n: number) => ({ rank: n, id: `u${n}`, name: `五年级（${n}）班`, path: ['榆次区', '第一小学'], participants: 100 - n, participation_rate: 1 - n / 100 })
    await page.route('**/boards/units*', (route) => route.fulfill({ json: { items: Array.from({ length: 20 }, (_, i) => unit(i + 1)) } }))
    await open()
    await expect.poll(async () => (await page.clock.fastForward(5000), page.locator('.ranks li').count())).toBeGreaterThan(2)
    const moves = (await page.locator('.ranks li').allInnerTexts()).map((line) => /[▲▼]\d+/.exec(line)?.[0] ?? '')
    expect(moves.slice(0, 3)).toEqual(['▲2', '▼1', ''])
    await page.locator('.topics li', { hasText: '法律法规' }).getByText('40.0%').waitFor()
    await expect.poll(async () => (await page.clock.fastForward(5000), page.locator('.units li:not([aria-hidden=true])').count())).toBe(20)
    await page.locator('.units li', { hasText: '第一小学 五年级（20）班' }).first().waitFor()
    // Of a long name the end is whole: it tells one class from another.
    const own = page.locator('.actions .own').first()
    expect(await own.innerText()).toBe('五年级（12）班')
    expect(await own.evaluate((e) => e.scrollWidth <= e.clientWidth)).toBe(true)
    expect(await page.locator('.actions .above').first().evaluate((e) => e.scrollWidth > e.clientWidth)).toBe(true)
    expect(await page.getByRole('alert').count()).toBe(0)
    await visitor.shot('screen-full')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await page.locator('.units li:visible').count(), 'lines where nothing moves').toBe(20)
    await page.locator('.units .window').focus()
    await page.keyboard.press('End')
    await expect.poll(() => page.locator('.units .window').evaluate((e) => e.scrollTop)).toBeGreaterThan(0)
    await page.emulateMedia({ reducedMotion: 'no-preference' })

    away = true
    const notice = page.getByRole('alert').filter({ hasText: /^连接中断，数字停在 \d\d:\d\d:\d\d$/ })
    await expect.poll(async () => (await page.clock.fastForward(5000), notice.count())).toBe(1)
    await visitor.shot('screen-stale')
    away = false
    await expect.poll(async () => (await page.clock.fastForward(5000), notice.count())).toBe(0)
    await page.unrouteAll({ behavior: 'ignoreErrors' }) // a frame may be on its way
  })

  it('says that there is no such campaign', async () => {
    visitor.expected = [/status of 404/]
    await open('nowhere')
    await visitor.page.getByText('没有这个活动').waitFor()
  })
})
