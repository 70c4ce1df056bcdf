import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { quizCampaign } from './office'
import { ask, sessionOf, sitDown, unitOf } from './people'
import { bigPhone, connect, draw, phone, Visitor } from './visitor'
import * as walk from './walk'

const { city } = walk

const server = { url: inject('url') }
let browser: Browser
let visitor: Visitor
let people = 0

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})
beforeEach(async () => {
  visitor = await Visitor.arrive(browser, server.url)
})
afterEach(async () => {
  expect(visitor.surprises).toEqual([])
  expect(visitor.foreign).toEqual([])
  await visitor.leave()
})

const button = (name: string | RegExp) => visitor.page.getByRole('button', { name })
const link = (name: string | RegExp) => visitor.page.getByRole('link', { name })

const signIn = (campaign = city) => walk.signIn(visitor.page, server.url, `访客 ${++people}`, campaign)
const enrol = () => walk.enrol(visitor.page)

const calls = (like: RegExp) => visitor.calls.filter((c) => like.test(c)).length

describe('a whole visit', () => {
  it('takes six calls, from the first page to the certificate', async () => {
    const { page } = visitor
    const began = Date.now()
    await signIn()
    // A character that few typefaces have: what was written by hand stands for it.
    await walk.enrol(page, '王𬱖')
    await walk.pledge(page)
    await link('去答题').click()
    await walk.quiz(page)
    await expect.poll(() => page.locator('.review article').count()).toBe(20)
    await visitor.shot('receipt-360')
    expect(await visitor.barriers()).toEqual([])
    await link('查看证书').click()
    const certificate = page.locator('img.certificate')
    await certificate.waitFor()
    expect(await certificate.evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalWidth))).toBeGreaterThan(600)
    await visitor.shot('certificate-360')
    // Whoever is slow over the quiz, as a busy machine is, has it saved on the way.
    const saves = calls(/PUT .*answers/)
    expect(saves).toBeLessThanOrEqual((Date.now() - began) / 20_000)
    expect(visitor.calls.length - saves, visitor.calls.join('\n')).toBe(6)
    await link('打开核验页面').click()
    await page.getByText('王*').first().waitFor()
  })
})

describe('the quiz', () => {
  async function under() {
    await signIn()
    await enrol()
    await visitor.page.goto(`${server.url}${city}/quiz`)
    await button('开始答题').click()
    await visitor.page.getByText('第 1 题，共 20 题').waitFor()
  }

  it('goes on after a reload, and on another phone', async () => {
    await under()
    await walk.answer(visitor.page, 3)
    await visitor.page.reload()
    await visitor.page.getByRole('button', { name: '答题卡：已答 3 题，共 20 题' }).waitFor()
    // Going out of sight let the server keep what was marked.
    await visitor.page.getByText('已保存到服务器').waitFor()
    const session = await visitor.page.evaluate(() => localStorage.getItem('qy.session'))
    const other = await Visitor.arrive(browser, server.url, bigPhone)
    await other.context.addInitScript((s) => localStorage.setItem('qy.session', s ?? ''), session)
    await other.page.goto(`${server.url}${city}/quiz`)
    await other.page.getByRole('button', { name: '答题卡：已答 3 题，共 20 题' }).waitFor()
    await other.shot('quiz-414')
    expect(other.surprises).toEqual([])
    await other.leave()
  })

  it('waits for the network with what is marked, and hands in once for a double tap', async () => {
    await under()
    visitor.expected = [/ERR_INTERNET_DISCONNECTED/]
    const { page, context } = visitor
    await context.setOffline(true)
    await walk.answer(visitor.page, 2)
    await page.getByText('网络不通。您的作答保存在本机').waitFor()
    await context.setOffline(false)
    await expect.poll(() => calls(/PUT .*answers/)).toBeGreaterThan(0)
    await page.getByRole('button', { name: /^答题卡/ }).click()
    await page.getByRole('button', { name: '第 20 题，未答' }).click()
    await button('交卷').click()
    await button('确定交卷').dblclick()
    await page.getByRole('heading', { name: '答题回执' }).waitFor()
    expect(calls(/POST .*submission/)).toBe(1)
    await link('我的排名').click()
    await page.getByText('我附近的名次').waitFor()
    await visitor.shot('board-360')
    expect(await visitor.barriers()).toEqual([])
  })

  it('shows pictures, and says what is on those that do not come', async () => {
    const { page } = visitor
    visitor.expected = [/status of 404/]
    const here = await page.goto(server.url).then(() => page.locator('link[rel=icon]').getAttribute('href'))
    const media = [{ url: here, alt: '本站的图' }, { url: '/media/none.png', alt: '一株植物' }, { url: 'https://elsewhere.example/a.png', alt: '别处的图' }]
    await page.route(/\/attempts$/, async (route) => {
      const paper = (await (await route.fetch()).json()) as { questions: { media?: unknown }[] }
      paper.questions[0]!.media = media
      await route.fulfill({ json: paper })
    })
    await under()
    await page.getByText('图上是：一株植物').waitFor()
    await page.getByText('图上是：别处的图').waitFor()
    expect(await page.getByAltText('本站的图').evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalWidth))).toBeGreaterThan(0)
    await visitor.shot('quiz-pictures-360')
    expect(await visitor.barriers()).toEqual([])
    expect(visitor.violations).toEqual([])
  })

  it('can be done with keys alone, in large type and without a running clock', async () => {
    const { page } = visitor
    await signIn()
    await enrol()
    await page.goto(`${server.url}${city}`)
    await page.getByLabel('大字').check()
    await page.getByLabel('不显示倒计时').check()
    await page.goto(`${server.url}${city}/quiz`)
    await button('开始答题').focus()
    await page.keyboard.press('Enter')
    await page.getByText('第 1 题，共 20 题').waitFor()
    expect(await page.getByRole('timer').count()).toBe(0)
    for (let i = 0; i < 30 && !(await page.evaluate(() => document.activeElement instanceof HTMLInputElement)); i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: '答题卡：已答 1 题，共 20 题' }).waitFor()
    await visitor.shot('quiz-large-360')
    expect(await visitor.overflows()).toBe(false)
    expect(await visitor.barriers()).toEqual([])
  })
})

describe('the pages', () => {
  it('have no barriers and no overflow on two phones, in Chinese and Tibetan', async () => {
    for (const [viewport, size] of [[phone, 360], [bigPhone, 414]] as const) {
      const v = await Visitor.arrive(browser, server.url, viewport)
      const look = async (name: string) => {
        await v.shot(`${name}-${size}`)
        expect(await v.overflows(), `${name} ${size}`).toBe(false)
        expect(await v.barriers(), `${name} ${size}`).toEqual([])
      }
      await v.page.goto(server.url)
      await look('choose')
      await v.page.getByRole('link', { name: /西藏/ }).click()
      await v.page.getByRole('button', { name: 'བོད་ཡིག' }).click()
      await v.page.getByText('བོད་རང་སྐྱོང་ལྗོངས་').first().waitFor()
      await look('home-bo')
      await v.page.getByRole('link', { name: /开始参加/ }).click()
      await look('signin-bo')
      await v.page.getByLabel('名称', { exact: true }).fill(`藏 ${size}`)
      await v.page.getByRole('button', { name: '登录' }).first().click()
      await v.page.getByRole('radio', { name: /不满十四周岁/ }).check()
      await look('enrol-guardian')
      await v.page.getByRole('button', { name: /提交报名/ }).click()
      await v.page.getByText('请选择所在单位').waitFor()
      expect(v.surprises).toEqual([])
      expect(v.foreign).toEqual([])
      await v.leave()
    }
  })

  it('keep a signature when the phone is turned, and undo it', async () => {
    await signIn()
    await enrol()
    const { page } = visitor
    await draw(page)
    await page.getByText('已写 3 笔').waitFor({ state: 'attached' })
    await visitor.shot('pledge-360')
    await page.setViewportSize({ width: phone.height, height: phone.width })
    await page.getByText('已写 3 笔').waitFor({ state: 'attached' })
    await page.setViewportSize(phone)
    await button('撤回一笔').click()
    await page.getByText('已写 2 笔').waitFor({ state: 'attached' })
    expect(await visitor.barriers()).toEqual([])
    await button('全部重写').click()
    await button('我承诺，并签名').click()
    await page.getByText('请先手写签名').waitFor()
    expect(calls(/POST .*signatures/)).toBe(0)
  })

  it('give people what is kept of them, and take it away', async () => {
    const { page } = visitor
    await signIn()
    await enrol()
    await page.getByText('签名方式').waitFor()
    await page.goto(`${server.url}${city}/mine`)
    const download = page.waitForEvent('download')
    await button('下载我的全部信息').click()
    expect((await download).suggestedFilename()).toBe('qingyuan.json')
    await button('撤回在本活动中的同意').click()
    await visitor.shot('mine-360')
    expect(await visitor.barriers()).toEqual([])
    await button('我已了解，确定').click()
    await page.getByText('已撤回同意。').waitFor()
    expect(calls(/POST .*consent\/withdrawal/)).toBe(1)
  })

  it('say why nobody can take part just now, and promise no rank where there is none', async () => {
    const { page } = visitor
    const data = inject('data')
    const until = (opens: string) => (file: string) => file.replace(/^opens_at: .*$/m, `opens_at: ${opens}`)
    const ownScore = (file: string) => until('2026-01-01 08:00')(file).replace(/^ranking_mode: .*$/m, 'ranking_mode: progress_only').replace(/^top_n: .*$/m, '')
    await quizCampaign(data, 'later', '还没有开始的活动', 'LATER', until('2029-01-01 08:00'))
    await quizCampaign(data, 'own-score', '只看自己成绩的活动', 'OWNSC', ownScore)
    await unitOf(server.url, '榆次区居民', 'later')
    for (const way of ['', '/join']) {
      await page.goto(`${server.url}/c/later${way}`)
      await page.getByText('活动还没有开始').waitFor()
      expect(await visitor.barriers()).toEqual([])
    }
    const { token, paper } = await sitDown(server.url, '只看成绩', await unitOf(server.url, '榆次区居民', 'own-score'), 'own-score')
    await ask(server.url, token, 'POST', `/api/v1/campaigns/own-score/attempts/${paper.attempt}/submission`, { answers: {} })
    await visitor.context.addInitScript((s) => localStorage.setItem('qy.session', s), sessionOf(token))
    await page.goto(`${server.url}/c/own-score/receipt/${paper.attempt}`)
    await link('我的成绩').click()
    await page.getByRole('heading', { name: '我的成绩' }).waitFor()
    expect(await page.getByText('我的排名').count()).toBe(0)
  })

  it('say so where a campaign does not exist, and weigh little', async () => {
    const { page } = visitor
    const cdp = await visitor.context.newCDPSession(page)
    await cdp.send('Network.enable')
    let bytes = 0
    cdp.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength))
    await page.goto(`${server.url}/c/nirgendwo`)
    await page.getByText('没有这个活动，请从下面选择。').waitFor()
    await page.goto(`${server.url}${city}`)
    await link('开始参加').waitFor()
    expect(bytes).toBeGreaterThan(20_000)
    expect(bytes).toBeLessThan(120_000)
    expect(visitor.calls).toEqual([])
  })
})
