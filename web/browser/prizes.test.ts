import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { letDaysGoBy } from './ages'
import { type Clerk, sit, taken } from './desk'
import { call, settled, signIn as open } from './office'
import { known, lotteryFile, publish } from './lottery'
import { ask } from './people'
import { connect, Visitor } from './visitor'
import { consent, pickUnit, signIn } from './walk'

const url = inject('url')
const { campaign, entrants } = inject('lottery')
const home = `/c/${campaign}`
const api = `/api/v1/campaigns/${campaign}`
const office = `/campaigns/${campaign}`
const narrow = { width: 360, height: 740 }

let browser: Browser
let clerk: Clerk
/** The second person, who works over the API here. */
let second: string

beforeAll(async () => {
  browser = await connect()
  const data = inject('data')
  const [one, other] = [await settled(url, data, 'hemei', '何梅', { role: 'campaign_operator' }), await settled(url, data, 'jiangbo', '江波', { role: 'campaign_operator' })]
  second = await open(url, other)
  clerk = await sit(browser, url, one)
})
afterAll(async () => {
  await clerk?.leave()
  await browser?.close()
})

const desk = () => clerk.visitor.page
const button = (name: string | RegExp, page = desk()) => page.getByRole('button', { name })

/** Gives the reason that a dialog asks for. */
async function because(reason: string): Promise<void> {
  const dialog = desk().getByRole('dialog')
  await dialog.getByRole('textbox', { name: /原因/ }).fill(reason)
  await dialog.getByRole('button', { name: '确定' }).click()
}

/** Lets the second person agree to what waits, and waits until it is done. */
async function agree(): Promise<void> {
  interface Open {
    items: { id: string; state: string }[]
  }
  const asked = await call<Open>(url, second, 'GET', `/approvals?campaign=${campaign}&state=asked`)
  expect(asked.items.length).toBe(1)
  const { id } = asked.items[0]!
  await call(url, second, 'POST', `/approvals/${id}/approve`, {})
  await expect.poll(async () => (await call<{ state: string }>(url, second, 'GET', `/approvals/${id}`)).state).toBe('done')
}

async function look(v: Visitor, name: string): Promise<void> {
  await v.shot(name)
  expect(await v.overflows(), name).toBe(false)
  expect(await v.barriers(), name).toEqual([])
}

/** A phone on which somebody is signed in already. */
async function phoneOf(token: string): Promise<Visitor> {
  const v = await Visitor.arrive(browser, url, narrow)
  const session = JSON.stringify({ access: token, refresh: 'x', participant: '', endsAt: Date.now() + 3_600_000 })
  await v.context.addInitScript((s) => localStorage.setItem('qy.session', s), session)
  return v
}

async function clean(v: Visitor): Promise<void> {
  expect(v.surprises).toEqual([])
  expect(v.foreign).toEqual([])
  expect(v.violations).toEqual([])
  await v.leave()
}

const csv = (text: string, name = '兑换码.csv') => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })

describe('prizes', () => {
  it('get their codes: looked at first, then for good', async () => {
    await clerk.go(`${home}/prizes`)
    await desk().getByRole('row', { name: /茶叶兑换券.*不足/ }).waitFor()
    await desk().getByLabel('兑换码文件').setInputFiles(csv('兑换码\nTEA-1111\nTEA-2222\nTEA-1111\n'))
    await button('上传').click()
    await desk().getByText('检查通过：共 3 个，新增 2 个，已有或重复 1 个。').waitFor()
    await clerk.look('prizes')
    const stock = async () => (await call<{ items: { id: string; codes: number }[] }>(url, second, 'GET', `${office}/prizes`)).items.find((p) => p.id === 'tea')?.codes
    expect(await stock()).toBe(0)
    await button('确定上传').click()
    await desk().getByText('新增 2 个，现在共有 2 个。').waitFor()
    await expect.poll(stock).toBe(2)
  })

  it('are won once for a double tap and a lost answer, shown again after a reload, and handed to their winner alone', async () => {
    const v = await Visitor.arrive(browser, url, narrow)
    const { page } = v
    await page.goto(`${url}${home}`)
    await page.getByRole('link', { name: '奖品与抽奖' }).click()
    await page.getByText('登录并报名后，可以看到自己的抽奖机会。').waitFor()
    await page.getByText('每次机会的中奖概率 100%（百万分之 1000000）。').waitFor()
    await look(v, 'prizes-360')

    await signIn(page, url, '抽奖者', home)
    await page.getByRole('radio', { name: '城乡居民' }).check()
    await pickUnit(page, '初一（1）班')
    await page.getByLabel(/^姓名/).fill('郑小红')
    await consent(page)
    await page.getByText('签名方式').waitFor()
    await page.goto(`${url}${home}/prizes`)
    await page.getByText('还不符合抽奖条件').waitFor()
    await page.goto(`${url}${home}/pledge`)
    await page.getByRole('radio', { name: '键入姓名' }).check()
    await page.getByLabel('姓名', { exact: true }).fill('郑小红')
    await page.getByRole('button', { name: '我承诺，并签名' }).click()
    await page.getByText('签署成功').waitFor()

    await page.goto(`${url}${home}/prizes`)
    const spent: string[] = []
    let lost = 0
    await page.route('**/prizes/chances', async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      spent.push(route.request().postData() ?? '')
      if (lost++ > 0) return route.continue()
      await route.fetch() // the server has it, and its answer is lost
      await route.abort()
    })
    v.expected = [/ERR_FAILED/]
    await page.getByRole('button', { name: '抽奖', exact: true }).dblclick()
    await page.getByText('中奖：茶叶兑换券').waitFor()
    expect(spent).toEqual(['{"number":1}', '{"number":1}'])
    await page.getByText('今天还有 4 次机会').waitFor() // also where a day has begun since
    await look(v, 'prizes-won-360')
    await page.reload()
    await page.getByText('第 1 次抽奖（').waitFor()
    await page.getByText('中奖：茶叶兑换券').waitFor()
    await page.getByRole('button', { name: '抽奖', exact: true }).click()
    await page.getByText('抽到了茶叶兑换券，但中奖次数已达上限，没有中奖').first().waitFor()

    await page.getByRole('link', { name: '去领取' }).click()
    await page.getByRole('button', { name: '确认领取' }).click()
    await page.getByText('请阅读活动规则并勾选同意').waitFor()
    await page.getByLabel('我已阅读并同意上面的活动规则').check()
    await look(v, 'claim-voucher-360')
    await page.getByRole('button', { name: '确认领取' }).click()
    await page.locator('.voucher').getByText(/^TEA-(1111|2222)$/).waitFor()
    await look(v, 'claim-code-360')
    await page.goto(`${url}${home}/winners`)
    await page.getByRole('row', { name: /郑\*+.*茶叶兑换券.*已发放/ }).waitFor()
    expect(await page.content()).not.toMatch(/TEA-|郑小红/)
    await look(v, 'winners-360')
    await clean(v)
  })

  it('stand in large type and in Tibetan, and are read with keys alone', async () => {
    const v = await phoneOf(entrants[0]!.token)
    const { page } = v
    await v.context.addInitScript(() => localStorage.setItem('qy.settings', JSON.stringify({ large: true, calm: false, language: 'bo' })))
    await page.goto(`${url}${home}/prizes`)
    await page.getByText('ཇ་ལོའི་བརྗེ་འཛིན།').first().waitFor()
    await look(v, 'prizes-large-bo-360')
    const spend = page.getByRole('button', { name: /^抽奖/ })
    await spend.waitFor()
    for (let i = 0; i < 30 && !(await spend.evaluate((b) => b === document.activeElement)); i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('中奖：茶叶兑换券').waitFor()
    await clean(v)
  })

  it('are told after the end as what they were, and lead nobody to a chance', async () => {
    const over = 'lottery-over'
    const ended = lotteryFile(over, 'LOTOVER', '').replace(/^closes_at: .*$/m, 'closes_at: 2026-02-01 00:00').replace(/^ {2}draws:.*(?=^tree:)/ms, '')
    await publish(ended, inject('data'))
    await known(`${url}/api/v1/campaigns/${over}/prizes`)
    const v = await Visitor.arrive(browser, url, narrow)
    await v.page.goto(`${url}/c/${over}/`) // as people write it
    await v.page.getByRole('link', { name: '奖品与抽奖' }).click()
    await v.page.getByText('活动已结束，不能再抽奖').waitFor()
    await v.page.getByRole('heading', { name: '活动期间获得机会的条件' }).waitFor()
    await v.page.getByRole('link', { name: '登录，查看自己的抽奖和中奖' }).waitFor()
    expect(await v.page.getByText(/现在还有|今天还有|开始参加/).count()).toBe(0)
    await look(v, 'prizes-over-360')
    await clean(v)
    const stranger = await phoneOf(entrants[0]!.token)
    stranger.expected = [/status of 409/] // by which the page learns that they never enrolled
    await stranger.page.goto(`${url}/c/${over}/prizes`)
    await stranger.page.getByText('您没有报名参加本次活动').waitFor()
    expect(await stranger.page.getByRole('button', { name: '抽奖', exact: true }).count()).toBe(0)
    await clean(stranger)
  })

  it('are refused by two persons, who say why, and given after all', async () => {
    await clerk.go(`${home}/wins`)
    const row = desk().getByRole('row', { name: /tea\.2/ })
    await row.getByRole('button', { name: '打开' }).click()
    await desk().getByLabel(/告知中奖者的原因/).fill('经核实，同一设备重复参与')
    await clerk.look('wins')
    await button('申请不予发放').click()
    await because('三个账号来自同一设备')
    await desk().getByText('等待另一位有权限的人批准').waitFor()
    await desk().getByRole('link', { name: '查看审批' }).click()
    await desk().getByText('中奖 tea.2 不予发放，并告知中奖者：经核实，同一设备重复参与').waitFor()
    await agree()

    const v = await phoneOf(entrants[0]!.token)
    await v.page.goto(`${url}${home}/prizes`)
    await v.page.getByText('不予发放的原因：经核实，同一设备重复参与').waitFor()
    expect(await v.page.getByRole('link', { name: '去领取' }).count()).toBe(0)
    await look(v, 'prizes-refused-360')
    await v.page.getByRole('link', { name: '有异议，提出申诉' }).click()
    await v.page.getByLabel('申诉理由').fill('本人只有一个账号，请核实')
    await v.page.getByRole('button', { name: '提出申诉' }).click()
    await v.page.getByText('已收到').waitFor()
    await look(v, 'prizes-appeal-360')
    await clean(v)

    await clerk.go(`${home}/prize-review`)
    await desk().getByRole('row', { name: /不予发放 tea\.2.*三个账号来自同一设备.*jiangbo/ }).waitFor()
    await clerk.look('prize-review')
    await clerk.go(`${home}/appeals`)
    await desk().getByRole('row', { name: /奖品 tea\.2/ }).getByRole('button', { name: '打开' }).click()
    await desk().getByLabel('写给参与者的答复，或不予答复的原因').fill('经核实，予以发放')
    await clerk.look('appeal-prize')
    await button('申诉成立，提交审批').click()
    await desk().getByRole('dialog').getByRole('button', { name: '确定' }).click()
    await desk().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await clerk.go(`${home}/wins`)
    await row.getByText('待领取').waitFor()
  })
})

describe('a draw', () => {
  it('is frozen, drawn by two persons, computed again by anybody, and its winner claims', async () => {
    await clerk.go(`${home}/draws`)
    await expect
      .poll(async () => (await (await fetch(`${url}${api}/prizes/draws/final`)).json() as { state: string }).state, { timeout: 240_000, interval: 500 })
      .toBe('frozen')
    await button('刷新').click()
    await desk().getByText('名单的根').waitFor()
    await desk().getByLabel('公开来源的结果').fill('03 07 11 19 26 31 + 09')
    await clerk.look('draws')
    await button('提交开奖审批').click()
    await because('开奖公告已核对')
    await desk().getByText('等待另一位有权限的人批准').waitFor()
    await desk().getByRole('link', { name: '查看审批' }).click()
    await desk().getByText(/以公开结果“03 07 11 19 26 31 \+ 09”为抽奖 final 开奖/).waitFor()
    await agree()
    await clerk.go(`${home}/draws`)
    await button('递补').first().click()
    await because('逾期')
    clerk.visitor.expected = [/status of 409/]
    await desk().getByText('只有逾期未领的奖品可以递补', { exact: true }).waitFor()
    await clerk.look('draws-drawn')
    const file = await taken(desk(), () => button('下载结果文件').click())
    expect(file.name).toBe(`${campaign}-final.json`)

    // Anybody, with no account.
    const v = await Visitor.arrive(browser, url, narrow)
    await v.page.goto(`${url}/draws/${campaign}/final`)
    await v.page.getByText('核对一致').waitFor()
    await look(v, 'draw-check-360')
    const altered = file.bytes.toString().replace('03 07', '03 08')
    await v.page.locator('input[type=file]').setInputFiles({ name: 'draw.json', mimeType: 'application/json', buffer: Buffer.from(altered) })
    await v.page.getByText('核对不一致：seed 有问题').waitFor()
    await look(v, 'draw-check-altered-360')
    expect(await v.page.locator('li.fault').getAttribute('data-part')).toBe('seed')
    await v.page.setViewportSize({ width: 1280, height: 900 })
    await v.page.locator('input[type=file]').setInputFiles({ name: 'draw.json', mimeType: 'application/json', buffer: file.bytes })
    await v.page.getByText('核对一致').waitFor()
    await look(v, 'draw-check-desktop')
    await clean(v)

    interface Own {
      wins: { win: string; prize: string; needs: string[] }[]
    }
    const owns = await Promise.all(entrants.map((e) => ask<Own>(url, e.token, 'GET', `${api}/prizes/me`)))
    const at = owns.findIndex((o) => o.wins.some((w) => w.prize === 'bike'))
    const winner = await phoneOf(entrants[at]!.token)
    const { page } = winner
    const won = owns[at]!.wins.find((w) => w.prize === 'bike')!
    await page.goto(`${url}${home}/claim/${won.win}`)
    await page.getByLabel('姓名').fill('李一')
    await page.getByLabel('手机号码').fill('138')
    await page.getByLabel('收货地址').fill('榆次区迎宾街 1 号')
    await page.getByLabel(/居民身份证号码/).fill('11010519491231002x')
    await page.getByLabel('我已阅读并同意上面的活动规则').check()
    await page.getByLabel(/我单独同意/).check()
    winner.expected = [/status of 400/]
    await page.getByRole('button', { name: '确认领取' }).click()
    await page.locator('.bad').getByText('应为 11 位手机号码').waitFor()
    await look(winner, 'claim-goods-360')
    await page.getByLabel('手机号码').fill('13800000000')
    await page.getByRole('button', { name: '确认领取' }).click()
    await page.getByText('已领取，等待发放。').waitFor()
    await clean(winner)

    // Out as a list, back as one.
    await clerk.go(`${home}/wins`)
    await desk().locator('.field', { hasText: /^格式/ }).locator('.el-select__wrapper').click()
    await desk().getByRole('option', { name: 'CSV' }).click()
    await button('导出发放清单').click()
    await desk().getByText('已生成。').waitFor()
    const list = await taken(desk(), () => button('下载').click())
    const lines = list.bytes.toString().trim().split(/\r?\n/)
    expect(lines.find((l) => l.startsWith(won.win))).toContain('榆次区迎宾街')
    await desk().getByLabel('填好凭据的清单').setInputFiles(csv(`中奖编号,发放凭据\n${won.win},SF10000000001\n`, '发放.csv'))
    await button('上传').click()
    await desk().getByText('共 1 行：新记为已发放 1 行').waitFor()
    await clerk.look('wins-sent')
    await clerk.go(`${home}/winners`)
    await desk().getByRole('row', { name: new RegExp(`${won.win}.*已发放`) }).waitFor()
    await clerk.look('winners')
  })

  it('goes on to the next in the published order where nobody claims, by two persons and with the reason', async () => {
    interface Drawn {
      places: { place: number; ticket: string; prize?: string }[]
      redraws?: { place: number; ticket: string; reason: string }[]
    }
    const published = async () => (await (await fetch(`${url}${api}/prizes/draws/final/file`)).json()) as Drawn
    const before = await published()
    const { items } = await call<{ items: { win: string; state: string }[] }>(url, second, 'GET', `${office}/prizes/wins`)
    const open = items.find((w) => w.win.startsWith('bike.') && w.state === 'won')!
    await letDaysGoBy(inject('data'), campaign, open.win)
    const stateOf = async () => (await call<{ items: { win: string; state: string }[] }>(url, second, 'GET', `${office}/prizes/wins`)).items.find((w) => w.win === open.win)?.state
    await expect.poll(stateOf, { timeout: 240_000, interval: 500 }).toBe('expired')
    const { place } = before.places.filter((p) => p.prize === 'bike')[Number(open.win.slice('bike.'.length)) - 1]!
    const reserve = before.places.find((p) => p.prize === undefined)!

    await clerk.go(`${home}/draws`)
    const row = desk().getByRole('row', { name: new RegExp(`^${place} 自行车`) })
    await row.getByRole('button', { name: '递补' }).click()
    await because('逾期三十日未领')
    await row.getByText('等待另一位有权限的人批准').waitFor()
    expect((await published()).redraws ?? []).toEqual([])
    await row.getByRole('link', { name: '查看审批' }).click()
    await desk().getByText(new RegExp(`final.*第 ${place} 名`)).first().waitFor()
    await agree()
    await clerk.go(`${home}/draws`)
    await row.getByText('已递补：逾期三十日未领').waitFor()
    await row.getByText(reserve.ticket).waitFor()
    await clerk.look('draws-redrawn')
    expect((await published()).redraws).toEqual([expect.objectContaining({ place, ticket: reserve.ticket, reason: '逾期三十日未领' })])
    await clerk.go(`${home}/wins`)
    await desk().getByRole('row', { name: /^bike\.3 待领取/ }).waitFor()
    const v = await Visitor.arrive(browser, url, narrow)
    await v.page.goto(`${url}/draws/${campaign}/final`)
    await v.page.getByText('核对一致').waitFor()
    await clean(v)
  })
})

describe('big screens', () => {
  it('are opened by the operator’s own rights, for a part of the tree', async () => {
    await clerk.go(`${home}/screens`)
    await desk().getByRole('region', { name: '打开大屏' }).getByText('只看一个地区或单位').click()
    await desk().getByRole('row', { name: /榆次区/ }).getByRole('button', { name: '选择' }).click()
    await clerk.look('screens')
    const opening = clerk.visitor.context.waitForEvent('page')
    await button('打开大屏').click()
    const screen: Page = await opening
    await screen.getByRole('heading', { level: 1 }).getByText('有奖承诺活动 · 榆次区').waitFor()
    await desk().getByText(/最近换票/).waitFor()
    await clerk.look('screens-open')
    await button('停止供给').click()
    await desk().getByText('还没有。').waitFor()
    await screen.close()
  })
})
