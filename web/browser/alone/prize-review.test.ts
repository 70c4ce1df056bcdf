import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Clerk, sit } from '../desk'
import * as hands from '../hands'
import { enter, known, lotteryFile, publish } from '../lottery'
import { call, settled } from '../office'
import { ask } from '../people'
import { type Server, serve } from '../server'
import { connect } from '../visitor'

const campaign = 'review-2026'
const home = `/c/${campaign}`
const api = `/api/v1/campaigns/${campaign}`
const office = `/campaigns/${campaign}/prizes`

interface Winner {
  token: string
  id: string
  win: string
}

// A server of its own: a rule notices these people after a minute, while other tests run.
let server: Server
let url: string
let browser: Browser
let clerk: Clerk
let winners: Winner[]

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), connect()])
  url = server.url
  const file = lotteryFile(campaign, 'REVIEW', '2029-01-01 08:00').replace('[{field: name,', '[{field: phone}, {field: name,')
  await publish(file, server.data)
  const folder = await mkdtemp(join(tmpdir(), 'qingyuan-codes-'))
  await writeFile(join(folder, 'codes.csv'), 'CODE-1\nCODE-2\nCODE-3\nCODE-4\nCODE-5\n')
  await server.run('prizes', 'codes', join(folder, 'codes.csv'), '--campaign', campaign, '--prize', 'tea')
  await rm(folder, { recursive: true })
  await known(`${url}${api}/prizes`)
  clerk = await sit(browser, url, await settled(url, server.data, 'qinshu', '秦舒', { role: 'campaign_operator' }))
  const stock = async () => (await call<{ items: { id: string; codes: number }[] }>(url, clerk.token, 'GET', office)).items.find((p) => p.id === 'tea')?.codes
  await vi.waitFor(async () => expect(await stock()).toBe(5), { timeout: 60_000, interval: 200 })
  // Names like entries of a list.
  winners = await Promise.all(['学生甲A', '学生甲B', '学生甲C', '学生甲D'].map(async (name) => winner(await enter(url, campaign, name))))
})
afterAll(async () => {
  await clerk?.leave()
  await browser?.close()
  await server?.stop()
})

/** Spends a chance: each wins as long as there are codes. */
async function winner(who: { token: string; id: string }): Promise<Winner> {
  const { win } = await ask<{ win: string }>(url, who.token, 'POST', `${api}/prizes/chances`, { number: 1 })
  return { ...who, win }
}

interface Own {
  state: string
  code: string | null
  under_review: boolean
}

const claim = (w: Winner) => ask<Own>(url, w.token, 'POST', `${api}/prizes/wins/${w.win}/claim`, { consent: { rules_version: '1' } })
const page = () => clerk.visitor.page
const button = (name: string | RegExp) => hands.button(page(), name)
const rowOf = (text: string) => page().getByRole('row', { name: new RegExp(text.replace('.', '\\.')) })

describe('a win that is looked at before it is given', () => {
  it('is released by one who says why, and everybody in the office sees who that was', async () => {
    const [first] = winners as [Winner]
    const flagged = async () => (await call<{ items: unknown[] }>(url, clerk.token, 'GET', `${office}/wins?flagged=true`)).items.length
    await expect.poll(flagged, { timeout: 240_000, interval: 500 }).toBe(4)
    expect(await claim(first)).toMatchObject({ state: 'claimed', code: null, under_review: true })
    await clerk.go(`${home}/prize-review`)
    await rowOf(first.win).getByText('姓名像编号').waitFor()
    await rowOf(first.win).getByRole('button', { name: '打开' }).click()
    await clerk.look('prize-review-open')
    await button('核实完毕，放行').click()
    await hands.because(page(), '电话核实，确系本人')
    await rowOf(`放行 ${first.win}.*电话核实，确系本人.*qinshu`).waitFor()
    await expect.poll(() => page().getByRole('row', { name: /待领取|已领取/ }).count()).toBe(4) // three to look at, and the release
    expect(await claim(first)).toMatchObject({ state: 'sent', code: expect.stringMatching(/^CODE-\d$/), under_review: false })

    await clerk.go(`${home}/wins`)
    await rowOf(first.win).getByText('已放行').waitFor()
    await rowOf(first.win).getByRole('button', { name: '打开' }).click()
    await page().getByText(/^qinshu，.*，原因：电话核实，确系本人$/).waitFor()
    await clerk.look('win-released')
  })

  it('is never given to somebody on the list of insiders, of whom only counts are shown', async () => {
    const insider = winners[1]!
    await clerk.go(`${home}/draws`)
    await page().getByText(/已识别的参与者 0 人，名册中的人 0 项，手机号码 0 项/).waitFor()
    await page().getByLabel('参与者编号，每行一个').fill(insider.id)
    await page().getByLabel('手机号码，每行一个').fill('13800000001\n13800000002')
    await clerk.look('exclude')
    await button('加入排除名单').click()
    await hands.because(page(), '主办单位工作人员')
    await page().getByText('新增 3 项。').waitFor()
    await page().getByText(/已识别的参与者 1 人，名册中的人 0 项，手机号码 2 项/).waitFor()

    await clerk.go(`${home}/prize-review`)
    await rowOf(insider.win).getByText(/在排除名单上/).waitFor()
    await rowOf(insider.win).getByRole('button', { name: '打开' }).click()
    await button('申请不予发放').waitFor()
    expect(await button('核实完毕，放行').count()).toBe(0)
    await expect(call(url, clerk.token, 'POST', `${office}/wins/${insider.win}/clear`, { reason: '没关系' })).rejects.toThrow('prize.insider')
    expect(await claim(insider)).toMatchObject({ state: 'claimed', code: null, under_review: true })
    expect(await ask(url, insider.token, 'GET', `${api}/prizes/me`)).toMatchObject({ qualified: false })
  })
})

describe('the holder of an account', () => {
  it('is named as unknown beside the draws until the account says by what they are known', async () => {
    await clerk.go(`${home}/draws`)
    const warning = page().getByRole('alert').filter({ hasText: '个管理账号没有登记本人' })
    await warning.getByText(/秦舒（qinshu）/).waitFor()
    await clerk.look('draws-unknown')

    const keeper = await sit(browser, url, await settled(url, server.data, 'lurong', '陆蓉', { role: 'system' }))
    const desk = keeper.visitor.page
    await keeper.go('/operators')
    await desk.getByRole('link', { name: 'qinshu' }).click()
    await desk.getByText('已登记：手机号码 0 个，名册中的人 0 项。').waitFor()
    await desk.getByLabel('手机号码，每行一个').fill('13900000009')
    await keeper.look('operator-marks')
    await hands.button(desk, '登记').click()
    await hands.because(desk, '')
    await desk.getByText('已登记：手机号码 1 个，名册中的人 0 项。').waitFor()
    expect(await desk.content()).not.toContain('13900000009')

    await keeper.go('/operators')
    await desk.getByLabel(/^用户名/).fill('heqing')
    await desk.getByLabel('姓名', { exact: true }).fill('何清')
    await desk.getByLabel(/^本人的手机号码/).fill('0351')
    keeper.visitor.expected = [/status of 400/]
    await hands.button(desk, '建立账号').click()
    await hands.because(desk, '')
    await desk.getByText(/应为 11 位手机号码/).waitFor()
    await desk.getByLabel(/^本人的手机号码/).fill('13900000010')
    await hands.button(desk, '建立账号').click()
    await hands.because(desk, '')
    await desk.getByRole('link', { name: 'heqing' }).click()
    await desk.getByText('已登记：手机号码 1 个，名册中的人 0 项。').waitFor()
    await keeper.leave()

    await clerk.go(`${home}/draws`)
    await warning.getByText('陆蓉（lurong）').waitFor()
    expect(await warning.textContent()).not.toMatch(/秦舒|何清/)
    // With the number of the account: they have their own prize, and are found by it.
    const holder = await enter(url, campaign, '秦舒', { phone: '13900000009' })
    const own = await winner(holder)
    expect(await claim(own)).toMatchObject({ state: 'claimed', code: null, under_review: true })
    await clerk.go(`${home}/prize-review`)
    await rowOf(own.win).getByText('在排除名单上').waitFor()
  })
})

describe('somebody with fewer rights', () => {
  it('reads who has won what, and is offered nothing that they may not do', async () => {
    const viewer = await sit(browser, url, await settled(url, server.data, 'yuanjing', '袁静', { role: 'office_viewer' }))
    const desk = viewer.visitor.page
    await viewer.go(`${home}/wins`)
    await desk.getByRole('row', { name: new RegExp(winners[2]!.win.replace('.', '\\.')) }).getByRole('button', { name: '打开' }).click()
    await desk.getByText('姓名像编号').last().waitFor()
    for (const act of ['核实完毕，放行', '申请不予发放', '申请恢复发放', '导出发放清单', '上传']) expect(await hands.button(desk, act).count(), act).toBe(0)
    await viewer.look('wins-viewer')
    await viewer.go(`${home}/draws`)
    await desk.getByText('公开来源').first().waitFor()
    for (const act of ['加入排除名单', '提交开奖审批', '递补']) expect(await hands.button(desk, act).count(), act).toBe(0)
    await viewer.go(`${home}/prizes`)
    await desk.getByRole('row', { name: /茶叶兑换券/ }).waitFor()
    expect(await desk.getByLabel('兑换码文件').count()).toBe(0)
    await viewer.leave()
    for (const [method, path, body] of [
      ['GET', '/excluded', undefined],
      ['POST', '/excluded', { participants: ['p'], reason: '无' }],
      ['POST', `/wins/${winners[2]!.win}/clear`, { reason: '无' }],
      ['POST', `/wins/${winners[2]!.win}/refuse`, { told: '无', reason: '无' }],
      ['POST', '/exports', { format: 'csv' }],
    ] as const) {
      await expect(call(url, viewer.token, method, `${office}${path}`, body), path).rejects.toThrow('operator.forbidden')
    }
  })
})
