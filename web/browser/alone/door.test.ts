import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, serve } from '../server'
import { connect, Visitor } from '../visitor'
import * as walk from '../walk'

const { city } = walk
const campaign = 'jinzhong-2026'
const api = (path: string) => `${server.url}/api/v1${path}`

let server: Server
let browser: Browser
/** Somebody who came while many waited; stands in line while the other tests run. */
let late: Visitor

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve({ QINGYUAN_QUEUE_ADMIT_PER_SECOND: '10' }), connect()])
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** Somebody who looks, and at whose page nothing may go wrong. */
async function visiting(look: (v: Visitor) => Promise<void>): Promise<void> {
  const visitor = await Visitor.arrive(browser, server.url)
  await look(visitor)
  await leave(visitor)
}

async function leave(visitor: Visitor): Promise<void> {
  expect(visitor.surprises).toEqual([])
  expect(visitor.foreign).toEqual([])
  await visitor.leave()
}

describe('the door', () => {
  it('tells who comes late how many stand before them', async () => {
    late = await Visitor.arrive(browser, server.url)
    late.expected = [/status of 429/, /status of 503/] // by which the page learns of the line, and that it is full
    const { page } = late
    await page.goto(`${server.url}${city}/join`)
    let full = true
    const busy = { code: 'service.unavailable', message: '服务繁忙，请稍后重试', retry_after_ms: 25_000, request_id: 'FULLLINE' }
    await page.clock.install()
    await page.route('**/api/v1/queue', (route) => (full ? route.fulfill({ status: 503, contentType: 'application/problem+json', json: busy }) : route.fallback()))
    await page.getByLabel('名称', { exact: true }).fill('来得晚')
    const take = () => fetch(api('/queue'), { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })
    await Promise.all(Array.from({ length: 100 }, take))
    await page.getByRole('button', { name: '登录' }).first().click()
    await page.getByText('暂时排不上队').waitFor()
    expect(await late.barriers()).toEqual([])
    full = false
    await page.clock.fastForward(25_000)
    await page.getByText(/正在排队：前面还有 \d+ 人/).waitFor()
    await late.shot('line-360')
    expect(await late.barriers()).toEqual([])
  })

  it('shows the contract without a network, and searches in it', async () => {
    await visiting(async ({ page, context }) => {
      await page.goto(`${server.url}/docs`)
      await context.setOffline(true)
      await page.getByRole('searchbox').fill('quiz.expired')
      await page.getByRole('status').getByText(/找到 \d+ 项/).waitFor()
      expect(await page.locator('#code-quiz\\.expired').isVisible()).toBe(true)
      expect(await page.locator('#code-quiz\\.submitted').isVisible()).toBe(false)
      await page.getByRole('searchbox').fill('')
      await page.locator('#code-quiz\\.submitted').waitFor()
    })
  })

  it('shows an office its own part, by a token that stands in no address', async () => {
    const token = (await server.run('viewer-token', '--demo', '--campaign', campaign, '--scope', '140702', '--for', '1h')).trim()
    const hall = { deviceScaleFactor: 1, hasTouch: false, isMobile: false }
    const screen = await Visitor.arrive(browser, server.url, { width: 1920, height: 1080 }, hall)
    screen.expected = [/status of 403/] // units are not published there
    const asked: string[] = []
    screen.page.on('request', (r) => asked.push(r.url()))
    await screen.page.goto(`${server.url}/screen/${campaign}#viewer=${token}`)
    await screen.page.getByRole('heading', { level: 1 }).getByText('榆次区').waitFor()
    expect(screen.calls).toContain(`POST /api/v1/campaigns/${campaign}/screen-tickets`)
    expect(asked.filter((url) => !url.includes('#') && url.includes(token))).toEqual([])
    expect(asked.some((url) => /\/live\?ticket=/.test(url))).toBe(true)
    await screen.shot('screen-viewer')
    expect(await screen.barriers()).toEqual([])
    await leave(screen)
  })

  it('lets them in when it is their turn', async () => {
    await late.page.getByRole('radio', { name: '城乡居民', exact: true }).waitFor()
    await leave(late)
  })

  it('lets people in by the roster of their unit, who may sign with keys', async () => {
    const found = (await (await fetch(api(`/campaigns/${campaign}/units?q=${encodeURIComponent('榆次区居民')}`))).json()) as { items: { id: string }[] }
    const dir = await mkdtemp(join(tmpdir(), 'qingyuan-roster-'))
    const file = join(dir, 'roster.csv')
    await writeFile(file, `单位编号,编号,姓名\n${found.items[0]!.id},A001,李强\n`)
    await server.run('roster', 'import', file, '--campaign', campaign, '--json')
    await rm(dir, { recursive: true })
    await visiting(async (v) => {
      const { page } = v
      v.expected = [/status of 401/]
      await page.goto(`${server.url}${city}/join`)
      await page.getByText('名册登录').click()
      await walk.pickUnit(page, '榆次区居民')
      await page.getByLabel('编号').fill('a001')
      await page.getByLabel('姓名').fill('李弱')
      await page.getByRole('button', { name: '登录' }).last().click()
      await page.getByRole('alert').waitFor()
      await v.shot('roster-360')
      expect(await v.barriers()).toEqual([])
      await page.getByLabel('姓名').fill('李强')
      await page.getByRole('button', { name: '登录' }).last().click()
      await page.getByRole('radio', { name: '城乡居民', exact: true }).check()
      await page.getByText('已选择：榆次区居民').waitFor()
      await walk.consent(page)
      await page.getByLabel('键入姓名').check()
      expect(await page.getByLabel('姓名', { exact: true }).inputValue()).toBe('李强')
      const differs = page.getByText('这里的姓名与报名时的姓名（李强）不同，请核对。')
      expect(await differs.count()).toBe(0)
      await page.getByLabel('姓名', { exact: true }).fill('李小强')
      await differs.waitFor()
      await v.shot('pledge-typed-360')
      expect(await v.barriers()).toEqual([])
      await page.getByLabel('姓名', { exact: true }).fill('李 强')
      expect(await differs.count()).toBe(0)
      await page.getByRole('button', { name: '我承诺，并签名' }).click()
      await page.getByText('签署成功').waitFor()
    })
  })
})

describe('what people ask the office', () => {
  it('is kept, and shows where it stands', async () => {
    await visiting(async (v) => {
      const { page } = v
      await walk.signIn(page, server.url, '有话要说')
      await walk.enrol(page)
      await page.getByLabel('键入姓名').waitFor()
      await page.goto(`${server.url}${city}/quiz`)
      await walk.quiz(page)

      // A question that is wrong.
      await page.getByText('反馈第 1 题的问题').click()
      await page.getByLabel('内容过时').check()
      await page.getByLabel(/^说明/).fill('条例已修订')
      await v.shot('report-360')
      await page.getByRole('button', { name: '提交', exact: true }).click()
      await page.getByText('已收到，谢谢。').waitFor()

      // A suggestion.
      await page.goto(`${server.url}${city}`)
      await page.getByRole('link', { name: '投诉与建议' }).click()
      await page.getByRole('button', { name: '提交', exact: true }).click()
      await page.getByRole('alert').getByText('请填写内容').waitFor()
      await page.getByLabel('内容', { exact: true }).fill('希望增加听力版本')
      await page.getByRole('button', { name: '提交', exact: true }).click()
      await page.getByText('已收到，答复会显示在下面。').waitFor()
      await page.getByRole('listitem').getByText('希望增加听力版本').waitFor()
      await v.shot('feedback-360')
      expect(await v.overflows()).toBe(false)
      expect(await v.barriers()).toEqual([])

      // Another unit: asked for, and taken back.
      await page.goto(`${server.url}${city}/transfer`)
      await walk.pickUnit(page, '太谷区居民')
      await page.getByLabel(/^说明/).fill('搬家')
      await page.getByRole('button', { name: '提交', exact: true }).click()
      await page.getByText('等待处理').waitFor()
      await v.shot('transfer-360')
      expect(await v.overflows()).toBe(false)
      expect(await v.barriers()).toEqual([])
      await page.getByRole('button', { name: '撤回申请' }).click()
      await page.getByText('已撤回', { exact: true }).waitFor()

      // Nothing of theirs was invalidated.
      await page.goto(`${server.url}${city}/appeal`)
      await page.getByText('您没有被作废的记录，也没有').waitFor()
      expect(await v.barriers()).toEqual([])
    })
  })
})
