import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Clerk, sit } from './desk'
import { because, beijing, button, pick, setTime } from './hands'
import { call, newcomer, quizCampaign, settled, signIn } from './office'
import { sessionOf, sitDown, unitOf } from './people'
import { connect, phone, Visitor } from './visitor'

const url = inject('url')
const data = inject('data')

let browser: Browser

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})

/** Does something at the console as an account, and looks that nothing went wrong in the page. */
async function working(clerk: Clerk, way: (c: Clerk) => Promise<void>): Promise<void> {
  try {
    await way(clerk)
  } catch (err) {
    await clerk.visitor.shot('console-office-failed')
    throw err
  }
  await clerk.leave()
}

describe('an office', () => {
  it('steers a campaign through its evening to the archive, before the eyes of somebody who takes part', async () => {
    const id = 'way-2026'
    const [person] = await Promise.all([settled(url, data, 'maxiao', '马晓', { role: 'campaign_operator' }), quizCampaign(data, id, '一夜之间', 'WAYS26')])
    const clerk = await sit(browser, url, person)
    const unit = await unitOf(url, '榆次区居民', id)
    const guest = await sitDown(url, '夜来客', unit, id)
    const seat = await Visitor.arrive(browser, url, phone)
    await seat.context.addInitScript((s) => localStorage.setItem('qy.session', s), sessionOf(guest.token))
    await seat.page.goto(`${url}/c/${id}`)
    await seat.page.getByText('一夜之间').first().waitFor()

    await working(clerk, async ({ visitor: { page }, go, look }) => {
      const press = (name: string) => button(page, name).click()
      await go(`/c/${id}/evening`)
      await page.getByLabel(/^公告内容/).fill('系统短时繁忙，请稍候再试。')
      await press('发布公告')
      await because(page, '告知参与者')
      await page.getByText('正在公告：').waitFor()
      await press('停表')
      await because(page, '机房断电', '停表')
      await page.getByText(/^计时已停止/).waitFor()
      // Who takes part reads it about a second later, and that their clock stands.
      await expect
        .poll(async () => {
          await seat.page.reload()
          await seat.page.getByRole('link', { name: '继续答题' }).waitFor()
          return seat.page.getByText('系统短时繁忙，请稍候再试。').count()
        })
        .toBe(1)
      await seat.shot('banner-360')
      expect(await seat.overflows()).toBe(false)
      expect(await seat.barriers()).toEqual([])
      await seat.page.getByRole('link', { name: '继续答题' }).click()
      // Clocks stand three seconds after they were told to.
      await expect
        .poll(async () => {
          await seat.page.reload()
          await seat.page.getByText('第 1 题，共 20 题').waitFor()
          return seat.page.getByText('主办单位已暂停计时').count()
        })
        .toBe(1)
      await seat.shot('clocks-360')

      await press('恢复计时')
      await because(page, '恢复供电', '恢复计时')
      await page.getByText('正在计时。').waitFor()
      await setTime(page.getByLabel('新的结束时间'), '2031-07-01 00:00')
      await press('延长活动')
      await because(page, '停表耽误了时间')

      await setTime(page.getByLabel('从', { exact: true }), beijing(-60))
      await setTime(page.getByLabel('到', { exact: true }), beijing(1))
      await press('查找并预览')
      await because(page, '断电时正在作答')
      await page.getByText(/名单 1 人：未结束 1/).waitFor()
      await look('grant')
      await press('执行补发')
      await because(page, '')
      await page.getByText(/已补 1，/).waitFor()
      await page.getByRole('row', { name: /^已完成.* 1 1 断电时正在作答/ }).waitFor()
      await look('grant-done')

      await go(`/c/${id}/overview`)
      await page.getByText('2031-07-01 00:00').first().waitFor()
      await press('暂停')
      await because(page, '核查数据')
      await page.getByText('已暂停：不接受新的报名').waitFor()
      await press('恢复')
      await because(page, '核查完毕')
      await page.getByText(/^进行中：/).waitFor()
      await press('立即结束')
      await because(page, '提前达到目标')
      await page.getByText(/^已结束：/).waitFor()
      await setTime(page.getByLabel('新的结束时间'), '2032-07-01 00:00')
      await press('重新开放')
      await because(page, '应各单位要求')
      await page.getByText(/^进行中：2032-07-01 00:00/).waitFor()
      await press('立即结束')
      await because(page, '活动结束')
      await page.getByText(/^已结束：/).waitFor()
      await press('归档')
      await because(page, '总结完毕')
      await page.getByText('已归档：只能查看。').waitFor()
      await page.getByRole('row', { name: /归档活动/ }).getByRole('button', { name: '看差别' }).click()
      await page.getByText(/版本 \d+ 与 \d+ 的差别/).waitFor()
      await look('archived')
    })
    expect(seat.surprises).toEqual([])
    await seat.leave()
  })

  it('brings a tree in from a table with faults, and moves, merges, retires and removes in it', async () => {
    const id = 'trees-2026'
    const clerk = await sit(browser, url, await settled(url, data, 'panyun', '潘云', { role: 'campaign_operator' }))
    await call(url, clerk.token, 'POST', '/campaigns', {
      text: `
id: ${id}
title: 组织架构演练
opens_at: 2026-01-01 08:00
closes_at: 2030-07-01 00:00
groups: [{id: public, name: 居民}]
enrolment_fields: [{field: unit, required: true}]
consent_notice: {version: "1", text: 个人信息处理告知。}
ranking_mode: none
pledge: {prefix: TREES26, versions: [{version: "1", title: 禁毒承诺书, text: 我承诺远离毒品。}]}
`,
    })
    await working(clerk, async ({ visitor: { page }, go, look }) => {
      const press = (name: string) => button(page, name).click()
      /** Opens a node by its id. */
      const open = async (node: string) => {
        await page.getByLabel('按名称、代码或编号查找').fill(node)
        await press('查找')
        await page.getByRole('row').filter({ hasText: node }).getByRole('button', { name: '修改' }).click()
        await page.getByRole('heading', { level: 2, name: new RegExp(node) }).waitFor()
      }
      const said = () => page.getByText(/^已保存为版本 \d+/).waitFor()

      await go(`/c/${id}/tree`)
      await page.getByLabel(/^行政区划代码/).fill('140700')
      await press('取用')
      await because(page, '')
      await page.getByText(/^新增 \d+，修改 \d+。/).waitFor()

      const table = ['上级,编号,名称,类型,应参与人数', '140702,u1,第一小学,单位,40', '140702,u2,第二小学,单位,30', '140703,u3,第三小学,单位,20', 'nowhere,u4,没有上级,单位,10', '140702,u5,人数不对,单位,很多']
      await page.getByLabel(/^组织架构表/).setInputFiles({ name: '架构.csv', mimeType: 'text/csv', buffer: Buffer.from(table.join('\n')) })
      await page.getByText('只导入正确的行').click()
      await press('上传')
      await page.getByText(/共 5 行：可新增 3.*不对 2/).waitFor()
      await page.getByText('尚未写入任何内容。').waitFor()
      expect(await page.getByRole('group', { name: '原因' }).getByRole('row').count()).toBe(3)
      await look('tree-checked')
      await press('核对无误，正式导入')
      await page.getByText(/^已导入，为版本/).waitFor()

      await open('u1')
      await page.getByLabel(/^把下列单位并入/).fill('u2')
      await press('合并')
      await because(page, '两校合并')
      await said()
      await page.getByRole('cell', { name: '两校合并' }).waitFor()
      expect(await page.getByLabel('应参与人数').first().inputValue()).toBe('70')
      await press('停用')
      await because(page, '停办')
      await page.getByRole('cell', { name: '停办' }).waitFor()
      await press('恢复使用')
      await because(page, '复办')
      await page.getByRole('cell', { name: '复办' }).waitFor()
      await look('tree-merged')

      await open('u3')
      await page.getByLabel('移到哪个地区之下（编号）').fill('140702')
      await press('移动')
      await because(page, '划归榆次')
      await page.getByRole('cell', { name: '划归榆次' }).waitFor()
      await press('删除')
      await because(page, '重复的学校')
      await page.getByRole('heading', { level: 2, name: /u3/ }).waitFor({ state: 'detached' })

      // A long act is stopped midway: tables of more and more rows, until one is long enough to be caught at it.
      await go(`/c/${id}/rosters`)
      const state = page.locator('.job strong')
      clerk.visitor.expected.push(/status of 409/) // of a cancel that comes when all is done
      for (let rows = 20_000; ; rows *= 2) {
        const people = ['单位编号,编号,姓名', ...Array.from({ length: rows }, (_, i) => `u1,X${i},李明`)]
        await page.getByLabel(/^名册表/).setInputFiles({ name: '名册.csv', mimeType: 'text/csv', buffer: Buffer.from(people.join('\n')) })
        await press('上传')
        await state.waitFor()
        await button(page, '取消任务').click({ timeout: 1000 }).catch(() => undefined) // unless it was over before
        await state.getByText(/^(已取消|已完成)$/).waitFor()
        if ((await state.textContent()) === '已取消') break
        expect(rows).toBeLessThan(640_000)
      }
      await look('job-cancelled')
    })
  })

  it('makes an account, refuses what was asked for it, ends its session, resets and disables it', async () => {
    const [first, second] = await Promise.all([
      settled(url, data, 'gaojie', '高洁', { role: 'system' }),
      settled(url, data, 'luowei', '罗威', { role: 'system' }),
    ])
    const colleague = await newcomer(data, 'dengyu', '邓宇', { role: 'question_editor' })
    await signIn(url, colleague)
    const other = await signIn(url, second)
    const clerk = await sit(browser, url, first)
    await working(clerk, async ({ visitor: { page }, go, look }) => {
      const press = (name: string) => button(page, name).click()
      const { items } = await call<{ items: { id: string; login: string }[] }>(url, clerk.token, 'GET', '/operators?limit=50')
      const about = items.find((o) => o.login === 'dengyu')!.id
      await go(`/operators/${about}`)
      await page.getByRole('row').filter({ hasText: '127.0.0.1' }).getByRole('button', { name: '结束' }).click()
      await page.getByRole('row').filter({ hasText: '127.0.0.1' }).waitFor({ state: 'detached' })

      await pick(page, '角色', '活动运营')
      await press('授予')
      await because(page, '借调到活动组')
      await page.getByText(/已提交申请，等待另一位/).waitFor()
      const asked = await call<{ items: { id: string; asked_login: string }[] }>(url, other, 'GET', '/approvals?state=asked')
      const waiting = asked.items.find((a) => a.asked_login === 'gaojie')!.id

      // The second person, who does not agree.
      const judge = await sit(browser, url, other)
      await working(judge, async ({ visitor: { page: theirs }, go: turn, look: see }) => {
        await turn(`/approvals?show=${waiting}`)
        await button(theirs, '拒绝').click()
        await theirs.getByRole('dialog').getByRole('button', { name: '确定' }).click()
        await theirs.getByText('请填写原因').waitFor()
        await because(theirs, '借调手续没有办')
        await theirs.getByText(/借调手续没有办/).first().waitFor()
        await theirs.getByText('已拒绝', { exact: true }).first().waitFor()
        await see('refused')
      })

      await go(`/operators/${about}`)
      await button(page, '收回').waitFor()
      await press('重置')
      await because(page, '忘记密码')
      await page.getByText(/“dengyu”的初始密码/).waitFor()
      await look('operator-reset')
      await press('我已记下')
      await press('停用')
      await because(page, '调离')
      await page.getByText('已停用').waitFor()
      await press('恢复')
      await because(page, '调回')
      await button(page, '停用').waitFor()
      await press('收回')
      await because(page, '')
      await page.getByText('没有任何权限。').waitFor()
    })
  })
})
