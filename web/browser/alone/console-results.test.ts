import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { entries } from '@/console/registry'
import { type Clerk, sit, taken } from '../desk'
import * as hands from '../hands'
import { call, settled } from '../office'
import { type Participant, sessionOf, takePart, unitOf } from '../people'
import { phone, Visitor } from '../visitor'
import { city } from '../walk'
import { type Bureau, openBureau } from './bureau'

const campaign = 'jinzhong-2026'
const office = `/campaigns/${campaign}`

// A server of its own: elsewhere papers stay open, and while one with the contested question
// does, nothing is marked again.
let bureau: Bureau
let browser: Browser
let clerk: Clerk
let url: string
let unit: string
let guests: Participant[]
/** What counted for the unit before: others may have been there. */
let before: Counted

beforeAll(async () => {
  bureau = await openBureau()
  ;({ browser, clerk } = bureau)
  ;({ url } = bureau.server)
  unit = await unitOf(url, '太谷区居民')
  before = await counted()
  guests = await Promise.all(['赵一', '钱二', '孙三'].map((name) => takePart(url, name, unit)))
  // Names like entries of a list: a rule finds them after a minute, while other tests run.
  const elsewhere = await unitOf(url, '榆次区居民')
  await Promise.all(['学生甲A', '学生甲B', '学生甲C', '学生甲D'].map((name) => takePart(url, name, elsewhere)))
})
afterAll(() => bureau?.close())

const page = () => bureau.page()
const button = (name: string | RegExp) => page().getByRole('button', { name })
const because = (reason: string) => hands.because(page(), reason)
const agree = () => bureau.agree(campaign)

interface Counted {
  attempts: number
  signatures: number
}

interface Figures {
  items: { id: string; attempts: number; signatures: number }[]
}

/** What counts for the unit of these tests. */
async function counted(): Promise<Counted> {
  const region = unit.slice(0, 6)
  const got = await call<Figures>(url, bureau.second, 'GET', `${office}/progress?parent=${region}`)
  const row = got.items.find((r) => r.id === unit)
  return { attempts: row?.attempts ?? -1, signatures: row?.signatures ?? -1 }
}

/** What counted before, and so many more of each. */
const plus = (n: number): Counted => ({ attempts: before.attempts + n, signatures: before.signatures + n })

describe('results', () => {
  it('are invalidated by two persons after a look, and come back as they were', async () => {
    await expect.poll(counted).toEqual(plus(3))
    await clerk.go(`/c/${campaign}/corrections`)
    await page().getByLabel('参与者编号，每行一个').fill(guests.map((g) => g.id).join('\n'))
    await page().getByText('签署', { exact: true }).first().click()
    await clerk.look('corrections')
    await button('查找名单').click()
    await because('经核实为批量刷分')
    await page().getByText(/名单共 6 条：答卷 3，签署 3，涉及 3 人/).waitFor()
    await page().getByText('赵*').first().waitFor()
    await clerk.look('correction-ready')
    expect(await counted()).toEqual(plus(3))

    await button('提交作废审批').click()
    await because('')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await page().getByText('已执行', { exact: true }).waitFor()
    await expect.poll(counted).toEqual(plus(0))
    await clerk.look('correction-done')

    // Who was hit learns why, and says so.
    const guest = await Visitor.arrive(browser, url, phone)
    await guest.context.addInitScript((s) => localStorage.setItem('qy.session', s), sessionOf(guests[0]!.token))
    await guest.page.goto(`${url}${city}`)
    await guest.page.getByRole('link', { name: '作废与申诉' }).first().click()
    await guest.page.getByText('作废原因：经核实为批量刷分').first().waitFor()
    await guest.page.getByLabel('申诉理由').first().fill('本人亲自签署，请核实')
    await guest.page.getByRole('button', { name: '提出申诉' }).first().click()
    await guest.page.getByText('已收到').waitFor()
    await guest.shot('appeal-360')
    expect(await guest.overflows()).toBe(false)
    expect(await guest.barriers()).toEqual([])
    expect(guest.surprises).toEqual([])
    await guest.leave()

    await button('整批撤销').click()
    await because('复核后恢复')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await page().getByText('已撤销', { exact: true }).waitFor()
    await expect.poll(counted).toEqual(plus(3))
  })

  it('are exported, told to the public as of a moment, and looked at question by question', async () => {
    await clerk.go(`/c/${campaign}/exports`)
    await button('开始导出').click()
    await page().getByText('已生成。').waitFor()
    await clerk.look('exports')
    const table = await taken(page(), () => button('下载').click())
    expect(table.name).toBe(`${campaign}-上报统计表.xlsx`)
    expect(table.bytes.subarray(0, 2).toString()).toBe('PK')
    await page().locator('.field', { hasText: '内容' }).locator('.el-select__wrapper').click()
    await page().getByRole('option', { name: '活动报告（PDF）' }).click()
    await button('开始导出').click()
    await page().getByText('已生成。').waitFor()
    const paper = await taken(page(), () => button('下载').click())
    expect(paper.name).toBe(`${campaign}-活动报告.pdf`)
    expect(paper.bytes.subarray(0, 5).toString()).toBe('%PDF-')

    await clerk.go(`/c/${campaign}/items`)
    await button('计算题目统计').click()
    await page().getByRole('heading', { name: '泄题警报' }).waitFor()
    await page().getByText('没有发现答对率突然上升').waitFor()
    expect(await page().getByRole('row').count()).toBeGreaterThan(5)
    await clerk.look('items')

    await clerk.go(`/c/${campaign}/announcements`)
    await hands.setTime(page().getByLabel('截至时刻'), hands.beijing(-2))
    await button('生成简报').click()
    await expect.poll(() => page().getByRole('textbox', { name: '发群用的简报' }).inputValue()).toContain('参与')
    await clerk.look('announcements')
    await page().getByRole('button', { name: '封存', exact: true }).click()
    await because('')
    await page().getByText('与封存时相同。').waitFor()
    await clerk.look('announcement')

    // What corrections change of it later stands beside what was told.
    const changed = { node: '', name: '', figure: 'participants', announced: 1200, now: 1197 }
    await page().route('**/api/**/announcements/*', async (route) => route.fulfill({ json: { ...((await (await route.fetch()).json()) as object), corrected: [changed] } }))
    await page().reload()
    await page().getByRole('row', { name: '合计 参与 1,200 1,197' }).waitFor()
    await clerk.look('announcement-corrected')
    await page().unrouteAll({ behavior: 'ignoreErrors' })
  })

  it('are marked again where a question is ruled to be wrong, after a look at the places', async () => {
    const detail = (await (await fetch(`${url}/api/v1${office}/attempts/${guests[2]!.attempt}`, { headers: { Authorization: `Bearer ${guests[2]!.token}` } })).json()) as {
      review: { id: string; points: number }[]
    }
    const wrong = detail.review.find((q) => q.points === 0)!
    const reported = await fetch(`${url}/api/v1${office}/attempts/${guests[2]!.attempt}/reports`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${guests[2]!.token}` },
      body: JSON.stringify({ question: wrong.id, kind: 'outdated', text: '条例已修订' }),
    })
    expect(reported.status).toBe(201)
    await clerk.go(`/c/${campaign}/challenges`)
    const row = page().getByRole('row', { name: /内容过时 1/ }).first()
    await row.waitFor()
    await clerk.look('challenges')
    await row.getByRole('button', { name: '受理' }).click()
    await because('条例已修订，参与者反馈')
    await page().getByRole('heading', { name: /待裁定/ }).waitFor()
    await button('裁定').click()
    await because('条例修订，抽到的都得分')
    await page().getByText('得分提高的答卷').waitFor()
    await button('查看名次变化').click()
    await page().getByRole('row').filter({ hasText: '太谷区居民' }).first().waitFor()
    await clerk.look('challenge')
    await button('提交重新评分审批').click()
    await because('')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await page().getByText('已执行', { exact: true }).waitFor()
    await button('撤销重新评分').click()
    await because('经核对，原答案无误')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await page().getByText('已撤销', { exact: true }).waitFor()
  })

  it('stand on the public board but for whom the office hides, who come back where they were', async () => {
    const names = async () => {
      const board = await call<{ items: { name: string; unit_name: string }[] }>(url, bureau.second, 'GET', `${office}/boards/participants?scope=${unit}`)
      return board.items.map((i) => i.name)
    }
    const shown = async () => {
      const board = (await (await fetch(`${url}/api/v1${office}/boards/participants?scope=${unit}`)).json()) as { items: { name: string }[] }
      return board.items.map((i) => i.name)
    }
    const all = await shown()
    expect(all).toContain('赵*')
    await clerk.go(`/c/${campaign}/boards`)
    const line = page().getByRole('row', { name: /赵\*.*太谷区居民/ }).first()
    await line.waitFor()
    await clerk.look('boards')
    await line.getByRole('button', { name: '隐藏', exact: true }).click()
    await because('成绩正在核查')
    await page().getByRole('row', { name: /赵\*.*成绩正在核查/ }).waitFor()
    await expect.poll(shown).toEqual(all.filter((n) => n !== '赵*'))
    await expect.poll(names).toEqual(all)
    await clerk.look('boards-hidden')

    const guest = await Visitor.arrive(browser, url, phone)
    await guest.context.addInitScript((s) => localStorage.setItem('qy.session', s), sessionOf(guests[0]!.token))
    await guest.page.goto(`${url}${city}/board`)
    await guest.page.getByText('主办单位暂未公布您的名次').waitFor()
    await guest.shot('board-hidden-360')
    expect(guest.surprises).toEqual([])
    await guest.leave()

    await page().getByRole('row', { name: /赵\*.*成绩正在核查/ }).getByRole('button', { name: '恢复公开' }).click()
    await because('核查无误')
    await page().getByText('没有隐藏任何人。').waitFor()
    await expect.poll(shown).toEqual(all)
  })

  it('are followed down the tree, and what people write is answered', async () => {
    await clerk.go(`/c/${campaign}/flags`)
    await clerk.look('flags')
    await clerk.go(`/c/${campaign}/retention`)
    await page().getByText('姓名、笔迹、登录标识').first().waitFor()
    await clerk.look('retention')
    await clerk.go(`/c/${campaign}/progress`)
    await page().getByRole('button', { name: '太谷区', exact: true }).click()
    await page().getByRole('row', { name: /太谷区居民/ }).getByText(String(plus(3).attempts), { exact: true }).first().waitFor()
    await clerk.look('progress')

    await clerk.go(`/c/${campaign}/appeals`)
    await button('打开').first().click()
    await page().getByText('本人亲自签署，请核实').waitFor()
    await page().getByLabel('写给参与者的答复，或不予答复的原因').fill('已恢复计入')
    await clerk.look('appeal')
    await button('维持作废并答复').click()
    await because('')
    await page().getByRole('heading', { name: /不成立/ }).waitFor()

    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${guests[1]!.token}` }
    const say = (path: string, body: object) => fetch(`${url}/api/v1${office}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect((await say('/feedback', { kind: 'question', text: '证书在哪里打印' })).status).toBe(201)
    expect((await say('/transfers', { unit: await unitOf(url, '榆次区居民'), reason: '搬家' })).status).toBe(201)
    await clerk.go(`/c/${campaign}/feedback`)
    await button('打开').first().click()
    await page().getByText('证书在哪里打印').waitFor()
    await page().getByLabel('写给参与者的答复，或不予答复的原因').fill('在首页“查看证书”')
    await page().getByRole('button', { name: '答复', exact: true }).click()
    await because('')
    await page().getByRole('heading', { name: /已答复/ }).waitFor()
    await clerk.look('feedback')

    await clerk.go(`/c/${campaign}/transfers`)
    await button('打开').first().click()
    await page().getByText('搬家').waitFor()
    await clerk.look('transfer')
    await button('不同意').click()
    await because('名册中没有此人')
    await page().getByRole('heading', { name: /未同意/ }).waitFor()
  })

  it('are given back where an appeal is upheld, and move with who is let into another unit', async () => {
    await clerk.go(`/c/${campaign}/corrections`)
    await page().getByLabel('参与者编号，每行一个').fill(guests[1]!.id)
    await button('查找名单').click()
    await because('疑似代答')
    await page().getByText(/名单共 1 条/).waitFor()
    await button('提交作废审批').click()
    await because('')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await page().getByText('已执行', { exact: true }).waitFor()
    await expect.poll(counted).toEqual({ attempts: before.attempts + 2, signatures: before.signatures + 3 })

    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${guests[1]!.token}` }
    const say = (path: string, body: object) => fetch(`${url}/api/v1${office}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const appealed = await say('/appeals', { object: `attempt:${guests[1]!.attempt}`, text: '本人作答，有同事作证' })
    expect(appealed.status, await appealed.text()).toBe(201)
    await clerk.go(`/c/${campaign}/appeals`)
    await page().getByRole('row').filter({ hasText: '已收到' }).getByRole('button', { name: '打开' }).click()
    await page().getByText('本人作答，有同事作证').waitFor()
    await button('开始核查').click()
    await because('')
    await page().getByRole('heading', { name: /核查中/ }).waitFor()
    await page().getByLabel('写给参与者的答复，或不予答复的原因').fill('经核实为本人作答')
    await button('申诉成立，提交审批').click()
    await because('')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await agree()
    await expect.poll(counted).toEqual(plus(3))
    await clerk.go(`/c/${campaign}/appeals`)
    await page().getByRole('row').filter({ hasText: '成立，已恢复' }).getByRole('button', { name: '打开' }).click()
    await page().getByText('答复：经核实为本人作答').waitFor()
    await clerk.look('appeal-upheld')

    expect((await say('/transfers', { unit: await unitOf(url, '榆次区居民'), reason: '调动工作' })).status).toBe(201)
    await clerk.go(`/c/${campaign}/transfers`)
    await button('打开').first().click()
    await page().getByText('调动工作').waitFor()
    await button('同意转入').click()
    await because('')
    await page().getByRole('heading', { name: /已转入/ }).waitFor()
    await expect.poll(counted).toEqual(plus(2))
  })

  it('are told of who has not come yet, to the office of the unit alone', async () => {
    const yuci = await unitOf(url, '榆次区居民')
    const dir = await mkdtemp(join(tmpdir(), 'qingyuan-roster-'))
    await writeFile(join(dir, 'r.csv'), `单位编号,编号,姓名\n${yuci},B001,李强\n${yuci},B002,王敏\n`)
    await bureau.server.run('roster', 'import', join(dir, 'r.csv'), '--campaign', campaign, '--json')
    await rm(dir, { recursive: true })
    const local = await sit(browser, url, await settled(url, bureau.server.data, 'fangyun', '方云', { role: 'campaign_operator', campaign, scope: yuci }))
    const theirs = local.visitor.page
    await local.go(`/c/${campaign}/progress`)
    await theirs.getByRole('row', { name: /榆次区居民/ }).getByRole('button', { name: '未参加名单' }).click()
    await theirs.getByRole('cell', { name: '王敏' }).waitFor()
    expect(await theirs.getByRole('textbox', { name: '提醒文字' }).inputValue()).toMatch(/李强、王敏|王敏、李强/)
    await local.look('not-yet')
    await local.leave()
  })

  it('are looked into where a rule has found something, and lose their names where somebody wants it', async () => {
    await clerk.go(`/c/${campaign}/flags`)
    await expect
      .poll(async () => {
        await button('刷新').click()
        return page().getByRole('row', { name: /姓名像编号/ }).count()
      }, { timeout: 120_000, interval: 1000 })
      .toBeGreaterThan(0)
    await page().getByRole('row', { name: /姓名像编号/ }).first().getByRole('button', { name: '打开' }).click()
    await button('确认').click()
    await because('名单式姓名，疑似代填')
    await page().getByRole('heading', { name: /姓名像编号 · 已确认/ }).waitFor()
    await clerk.look('flag')
    await page().getByRole('link', { name: '以此查找要作废的记录' }).click()
    await expect.poll(() => page().getByLabel('已确认的提示编号，每行一个').inputValue()).not.toBe('')
    await page().getByText('签署', { exact: true }).first().click()
    await button('查找名单').click()
    await because('名单式姓名')
    await page().getByText(/名单共 \d+ 条：答卷 \d+，签署 4，涉及 4 人/).waitFor()
    await button('放弃这份名单').click()
    await because('')
    await page().getByText('已放弃', { exact: true }).waitFor()

    const guest = await Visitor.arrive(browser, url, phone)
    await guest.context.addInitScript((s) => localStorage.getItem('erased') ?? localStorage.setItem('qy.session', s), sessionOf(guests[0]!.token))
    await guest.page.goto(`${url}${city}/mine`)
    await guest.page.getByRole('button', { name: '注销，删除我的全部信息' }).click()
    await guest.page.getByRole('button', { name: '我已了解，确定' }).click()
    await guest.page.getByText('正在删除，您已退出登录。').waitFor()
    await guest.shot('erased-360')
    expect(guest.surprises).toEqual([])
    await guest.leave()
    // Their sign-in is gone, and nobody is counted less for it.
    await expect.poll(async () => (await fetch(`${url}/api/v1${office}/appeals`, { headers: { Authorization: `Bearer ${guests[0]!.token}` } })).status).toBe(401)
    expect(await counted()).toEqual(plus(2))
  })
})

describe('every page of the console', () => {
  it('holds on a desk and on a phone, without barriers and without faults', async () => {
    const [system, auditor, editor] = await Promise.all([
      settled(url, bureau.server.data, 'pageone', '页一', { role: 'system' }),
      settled(url, bureau.server.data, 'pagetwo', '页二', { role: 'auditor' }),
      settled(url, bureau.server.data, 'pagethree', '页三', { role: 'question_editor' }),
    ])
    const people: Record<string, Clerk> = {
      system: await sit(browser, url, system, phone),
      auditor: await sit(browser, url, auditor, phone),
      editor: await sit(browser, url, editor, phone),
      operator: await sit(browser, url, clerk.token, phone),
    }
    const first = async (path: string) => (await call<{ items: { id: string }[] }>(url, clerk.token, 'GET', path)).items[0]!.id
    await call(url, people.editor!.token, 'POST', '/banks', { id: 'pages', name: '题库' })
    const ids: Record<string, string> = {
      campaign,
      operator: (await call<{ items: { id: string }[] }>(url, people.system!.token, 'GET', '/operators')).items[0]!.id,
      bank: 'pages',
      correction: await first(`${office}/corrections`),
      announcement: await first(`${office}/announcements`),
      challenge: await first(`${office}/challenges`),
    }
    const wide: string[] = []
    for (const entry of entries) {
      const needs = entry.needs ?? []
      const who = needs.includes('operators.manage') ? 'system' : needs.includes('audit.read') ? 'auditor' : needs.includes('banks.read') ? 'editor' : 'operator'
      const { visitor } = people[who]!
      const path = `/console/${entry.of === 'campaign' ? `c/${campaign}/` : ''}${entry.path}`.replace(/:(\w+)/g, (_, name: string) => ids[name]!)
      await visitor.turnTo(url + path)
      expect(await visitor.page.getByRole('heading', { level: 1 }).count(), path).toBe(1)
      await visitor.shot(`page-${entry.name}-360`)
      expect(await visitor.barriers(), path).toEqual([])
      for (const width of [360, 390, 1440]) {
        await visitor.page.setViewportSize({ width, height: 800 })
        wide.push(...(await visitor.tooWide()).map((what) => `${path} at ${width}: ${what}`))
      }
      if (entry.name === 'audit') {
        const codes = await visitor.page.locator('td').filter({ hasText: /^[a-z_]+\.[a-z_.]+$/ }).allTextContents()
        expect(codes).toEqual([])
      }
      await visitor.page.setViewportSize(phone)
    }
    expect(wide).toEqual([])
    for (const one of Object.values(people)) await one.leave()
  })
})
