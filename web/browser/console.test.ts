import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import * as hands from './hands'
import { authenticator, call, codeOf, newcomer, type Person, quizCampaign, settled, signIn } from './office'
import { connect, phone, Visitor } from './visitor'

const url = inject('url')
const data = inject('data')
const desk = { viewport: { width: 1440, height: 900 }, deviceScaleFactor: 1, hasTouch: false, isMobile: false }

let browser: Browser
let visitor: Visitor

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})
beforeEach(async () => {
  visitor = await Visitor.arrive(browser, url, desk.viewport, desk)
})
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await visitor.keep('console-failed')
  expect(visitor.surprises).toEqual([])
  expect(visitor.foreign).toEqual([])
  await visitor.leave()
})

const button = (name: string | RegExp) => hands.button(visitor.page, name)
const field = (name: string | RegExp) => visitor.page.getByLabel(name)

/** Signs in with password and code. */
async function enter(person: Person) {
  visitor.expected = [/status of 401/] // by which the page learns that a code is wanted
  await visitor.page.goto(`${url}/console`)
  await field('用户名').fill(person.login)
  await field('密码').fill(person.password)
  await button('登录').click()
  await field('动态口令').fill(codeOf(person))
  await button('登录').click()
  await button('退出').waitFor()
}

const pick = (box: string, option: string | RegExp) => hands.pick(visitor.page, box, option)
const menu = (name: string) => visitor.page.getByRole('navigation', { name: '菜单' }).getByRole('link', { name, exact: true }).click()
const heading = (name: string | RegExp) => visitor.page.getByRole('heading', { level: 1, name }).waitFor()

const because = (reason: string, confirm?: string | RegExp) => hands.because(visitor.page, reason, confirm)

/** A campaign of a pledge alone: it needs no questions that a reviewer has signed. */
const harvest = `
id: harvest-2026
title: 秋收禁毒承诺
opens_at: 2026-01-01 08:00
closes_at: 2030-07-01 00:00
groups: [{id: student, name: 学生}, {id: under14, name: 不满十四周岁的学生, audience: student, guardian: true}]
enrolment_fields: [{field: unit, required: true}]
consent_notice: {version: "1", text: 个人信息处理告知。}
ranking_mode: none
pledge: {prefix: HARV26, versions: [{version: "1", title: 禁毒承诺书, text: 我承诺远离毒品。}]}
tree:
  - code: "140702"
    name: 榆次区
    children: [{id: zx, name: 榆次区第一中学, units: [zx-c1 初一（1）班 48, zx-c2 初二（1）班 45]}]
`

const csv = (...lines: string[]) => ({ name: '名册.csv', mimeType: 'text/csv', buffer: Buffer.from(['单位编号,编号,姓名,人群', ...lines].join('\n')) })

const look = (name: string) => hands.lookAt(visitor, name)

describe('the console', () => {
  it('lets somebody in for the first time, up to the second factor', async () => {
    const { page } = visitor
    const person = await newcomer(data, 'chenling', '陈玲', { role: 'campaign_operator' })
    // A password that has to be changed lets nothing else be asked; the code is asked for by a refusal.
    visitor.expected = [/status of 40[13]/]
    await page.goto(`${url}/console`)
    await look('sign-in')
    await field('用户名').fill(person.login)
    await field('密码').fill('not-the-Password-1')
    await button('登录').click()
    await page.getByText('error.code').or(page.getByText('operator.sign_in_failed')).first().waitFor()
    await field('密码').fill(person.password)
    await button('登录').click()
    await page.getByRole('heading', { name: '请先修改密码' }).waitFor()
    await look('first-password')
    await field('原密码').fill(person.password)
    await field('新密码').first().fill('Ganz-neue-Huerde-3')
    await field('再输一遍新密码').fill('Ganz-neue-Huerde-3')
    await button('修改密码').click()
    await page.getByRole('heading', { name: '活动' }).first().waitFor()
    await page.getByRole('link', { name: '陈玲' }).click()
    await page.getByLabel('密码', { exact: true }).fill('Ganz-neue-Huerde-3')
    await button('启用动态口令').click()
    const secret = await page.locator('code.secret').textContent()
    await page.getByRole('img', { name: '动态口令的二维码' }).waitFor()
    await look('totp')
    const totp = authenticator(secret ?? '')
    Object.assign(person, { password: 'Ganz-neue-Huerde-3', totp })
    await field('输入验证器显示的六位数字').fill(codeOf(person))
    await button('确认启用').click()
    await expect.poll(() => page.locator('.codes li').count()).toBe(10)
    await button('我已抄好').click()
    await page.getByText('本次登录用了动态口令。').waitFor()
    await look('account')
    await button('退出').click()
    await page.getByText('已退出。').waitFor()
    await field('用户名').fill(person.login)
    await field('密码').fill(person.password)
    await button('登录').click()
    await field('动态口令').fill(codeOf(person))
    await button('登录').click()
    await page.getByRole('heading', { name: '我的账号' }).waitFor()
    await page.getByRole('navigation', { name: '菜单' }).getByRole('link', { name: '活动' }).click()
    await page.getByText('晋中市2026年').first().waitFor()
    await look('campaigns')
    await page.reload()
    await page.getByText('晋中市2026年').first().waitFor()
  })

  it('prepares a campaign, opens it, takes a roster in and watches the evening', async () => {
    const { page } = visitor
    const person = await settled(url, data, 'liuying', '刘颖', { role: 'campaign_operator' })
    await enter(person)
    await heading('活动')
    await button('新建活动').click()
    await pick('以哪个为底', /晋中市2026年全民禁毒/)
    await field(/^编号/).fill('copy-2026')
    await field('名称').fill('又一次知识竞答')
    await hands.setTime(field('开始时间'), '2026-01-01 08:00')
    await hands.setTime(field('结束时间'), '2030-07-01 00:00')
    await field(/^承诺书编号前缀/).fill('COPY26')
    await page.getByText('连同组织架构').click()
    await look('new-campaign')
    await button('建立草稿').click()
    await heading(/又一次知识竞答/)
    await button('核对能否发布').click()
    await page.getByText('还不能这样做：题库中有未经本单位审核的题目').waitFor()
    await look('campaign-draft')
    await menu('设置')
    await field('每天次数（0 为不限）').fill('5')
    await button('核对').click()
    await page.getByRole('status').getByText(/核对通过|还不能这样做：题库中有未经本单位审核的题目/).waitFor()
    await button('保存').first().click()
    await because('')
    await page.getByText(/已保存为版本 2/).waitFor()
    await look('settings')
    await menu('预览')
    await page.getByText(/一份随机抽出的试题（20 题/).waitFor()
    expect(await visitor.barriers()).toEqual([])

    await menu('活动')
    await button('新建活动').click()
    await page.getByText('用活动文件').click()
    await field('活动文件（YAML）').fill(harvest)
    await button('建立草稿').click()
    await heading(/秋收禁毒承诺/)
    await button('核对能否发布').click()
    await page.getByText('核对通过。').waitFor()
    await button('发布').click()
    await because('经领导同意')
    await page.getByText(/^进行中：/).waitFor()

    await menu('组织架构')
    await field('按名称、代码或编号查找').fill('榆次区第一中学')
    await button('查找').click()
    await button('榆次区第一中学').click()
    await page.getByText('初一（1）班').waitFor()
    await button('修改').first().click()
    await field('应参与人数').first().fill('49')
    await button('保存').first().click()
    await because('班级报来')
    await page.getByText(/已保存为版本 \d/).waitFor()
    await page.getByRole('cell', { name: '班级报来' }).waitFor()
    await look('tree')

    await menu('名册')
    const people = Array.from({ length: 400 }, (_, i) => `zx-c1,XS${i},李${String.fromCodePoint(0x4e00 + i)},student`)
    await page.getByLabel(/^名册表/).setInputFiles(csv(...people, 'nowhere,1,王芳,student', 'zx-c1,,李华,student'))
    await page.getByText('只导入正确的行').click()
    await button('上传').click()
    await page.getByText('共 402 人：可写入 400').waitFor()
    await look('roster-checked')
    await button('核对无误，正式导入').click()
    await page.getByText('已写入名册。').first().waitFor()
    await page.getByText('共 402 人：写入 400').waitFor()
    await field('按名称、代码或编号查找').fill('zx-c1')
    await button('查找').click()
    await page.getByRole('row', { name: /初一（1）班.*400/ }).waitFor()
    await button('查看名册').click()
    await page.getByRole('cell', { name: 'XS399' }).waitFor()
    await look('roster')

    await quizCampaign(data, 'evening-2026', '值班演练', 'EVEN26')
    await menu('值班')
    await page.waitForURL(/\/console\/duty/)
    await page.reload()
    await page.locator('[data-figure="redis.memory"]').waitFor()
    await pick('当前活动', /值班演练/)
    await page.getByRole('heading', { name: '处置：值班演练' }).waitFor()
    await field(/^公告内容/).fill('系统繁忙，计时已暂停，请稍候。')
    await button('发布公告').click()
    await because('告知参与者')
    await page.getByText('正在公告：').waitFor()
    await button('停表').click()
    await because('机房断电', '停表')
    await page.getByText(/^计时已停止/).waitFor()
    const rose = { question: 'law-017', since: '2026-06-26T20:00:00+08:00', facility_before: 0.41, facility_after: 0.93, pace_before_ms: 11_800, pace_after_ms: 4_200 }
    const leaks = [{ campaign: 'evening-2026', title: '值班演练', questions: [rose] }]
    await page.route('**/api/v1/admin/duty', async (route) => route.fulfill({ json: { ...((await (await route.fetch()).json()) as object), leaks } }))
    await page.getByRole('row', { name: 'law-017 值班演练 2026-06-26 20:00 41% → 93% 11.8 → 4.2' }).waitFor()
    await look('duty')
    await button('恢复计时').click()
    await because('恢复供电', '恢复计时')
    await page.getByText('正在计时。').waitFor()
    await button('撤下公告').click()
    await because('已恢复')
    await page.getByText('没有公告。').waitFor()
    await page.setViewportSize(phone)
    await look('duty-360')
    await page.unrouteAll({ behavior: 'ignoreErrors' }) // an answer may be on its way
    await page.setViewportSize(desk.viewport)
    await button('打开菜单').click()
    await page.getByRole('dialog').getByRole('link', { name: '当晚处置' }).click()
    await heading('当晚处置')
    await hands.setTime(field('从'), '2026-01-01 08:00')
    await hands.setTime(field('到').last(), '2026-01-02 08:00')
    await button('查找并预览').click()
    await because('演练')
    await page.getByText('没有符合条件的答卷').waitFor() // nobody has answered anything
    await look('evening')
  })

  it('gives a right that two persons agree on, and lets the auditor see it', async () => {
    const { page } = visitor
    const [first, second, auditor] = await Promise.all([
      settled(url, data, 'zhaomin', '赵敏', { role: 'system' }),
      settled(url, data, 'sunli', '孙莉', { role: 'system' }),
      settled(url, data, 'heqing', '何清', { role: 'auditor' }),
    ])
    await enter(first)
    await menu('账号与权限')
    await field(/^用户名/).fill('wujing')
    await field('姓名').last().fill('吴静')
    await button('建立账号').click()
    await because('新来的同事')
    await page.getByText(/“wujing”的初始密码/).waitFor()
    await button('我已记下').click()
    await page.getByRole('link', { name: 'wujing' }).click()
    await heading('账号：wujing')
    await pick('角色', '活动运营')
    await field(/^活动（空为/).fill('jinzhong-2026')
    await field(/^限于地区/).fill('140702')
    await button('授予').click()
    await because('负责榆次')
    await page.getByText(/已提交申请，等待另一位/).waitFor()
    await look('operator')
    await page.getByRole('link', { name: '查看审批' }).click()
    await page.getByText('这是您自己提出的').waitFor()

    // The second person, in a window of their own.
    const token = await signIn(url, second)
    await page.evaluate(([t]) => sessionStorage.setItem('qy.desk', JSON.stringify({ access: t, refresh: '', endsAt: Number.MAX_SAFE_INTEGER })), [token])
    await page.reload()
    await page.getByRole('link', { name: '孙莉' }).waitFor()
    await look('approval')
    await button('批准').click()
    await because('同意')
    await page.getByText(/孙莉|sunli/).first().waitFor()
    await page.getByText(/已批准，等待执行|正在执行|已执行/).first().waitFor()
    await page.getByRole('link', { name: '查看' }).click()
    await heading('账号：wujing')

    const watching = await signIn(url, auditor)
    await page.evaluate(([t]) => sessionStorage.setItem('qy.desk', JSON.stringify({ access: t, refresh: '', endsAt: Number.MAX_SAFE_INTEGER })), [watching])
    await page.reload()
    await page.getByText(/没有“账号”的权限/).waitFor()
    await look('forbidden')
    expect(await page.getByRole('navigation', { name: '菜单' }).getByRole('link', { name: '值班' }).count()).toBe(0)
    await menu('审计日志')
    await pick('操作', '新建账号')
    await button('筛选').click()
    await page.getByRole('cell', { name: '新来的同事' }).waitFor()
    await button('核对').click()
    await page.getByText(/^完整：\d+ 条记录/).waitFor()
    const download = page.waitForEvent('download')
    await button('导出 CSV').click()
    expect((await download).suggestedFilename()).toBe('audit.csv')
    await look('audit')
    const entries = await call<{ items: unknown[] }>(url, watching, 'GET', '/audit?action=audit.export')
    expect(entries.items.length).toBeGreaterThan(0)
  })
})
