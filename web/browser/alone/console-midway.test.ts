import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { beijing, because, button, setTime } from '../hands'
import { call, quizCampaign } from '../office'
import { sitDown, type Sitting, unitOf } from '../people'
import { type Bureau, openBureau } from './bureau'

// What an office stops midway, or ends for good. The store is frozen while something is to
// stay under way, so that the server is one of its own.
const campaign = 'midway-2026'
const office = `/campaigns/${campaign}`

let bureau: Bureau
let guests: Sitting[]
let unit: string

beforeAll(async () => {
  bureau = await openBureau(async ({ url, data }) => {
    await quizCampaign(data, campaign, '中途停下', 'MIDW26', (file) =>
      file.replace(/^retention: .*$/m, 'retention: {personal: 0, messages: 0, rosters: 0, origins: 0, flags: 0, papers: 0}'),
    )
    unit = await unitOf(url, '太谷区居民', campaign)
    guests = await Promise.all(['赵一', '钱二'].map((name) => sitDown(url, name, unit, campaign)))
  })
})
afterAll(() => bureau?.close())

const page = () => bureau.page()
const press = (name: string) => button(page(), name).click()

describe('what an office has begun', () => {
  it('is stopped midway and goes on: signatures that are taken out', async () => {
    await bureau.clerk.go(`/c/${campaign}/corrections`)
    await page().getByLabel('参与者编号，每行一个').fill(guests[0]!.id)
    await page().getByText('签署', { exact: true }).first().click()
    await press('查找名单')
    await because(page(), '代签')
    await page().getByText(/名单共 1 条/).waitFor()
    await press('提交作废审批')
    await because(page(), '')
    await page().getByText('等待另一位有权限的人批准').waitFor()
    await bureau.server.frozen(async () => {
      await bureau.agree(campaign)
      await page().getByText('正在执行', { exact: true }).waitFor()
      await bureau.clerk.look('correction-running')
      await press('停下')
      await because(page(), '')
      await page().getByText('已停下', { exact: true }).waitFor()
    })
    await bureau.clerk.look('correction-stopped')
    await press('继续')
    await because(page(), '')
    await page().getByText('已执行', { exact: true }).waitFor()
  })

  it('is stopped midway and goes on: attempts that are given back', async () => {
    await bureau.clerk.go(`/c/${campaign}/evening`)
    await setTime(page().getByLabel('从', { exact: true }), beijing(-60))
    await setTime(page().getByLabel('到', { exact: true }), beijing(1))
    await press('查找并预览')
    await because(page(), '断电时正在作答')
    await page().getByText(/名单 2 人：未结束 2/).waitFor()
    await bureau.server.frozen(async () => {
      await press('执行补发')
      await because(page(), '')
      await page().getByRole('status').getByText('正在执行', { exact: true }).waitFor()
      await bureau.clerk.look('grant-running')
      await press('停下')
      await because(page(), '')
      await page().getByRole('status').getByText('已停下', { exact: true }).waitFor()
    })
    await bureau.clerk.look('grant-stopped')
    await press('继续执行')
    await because(page(), '')
    await page().getByText(/已补 2，/).waitFor()
    await page().getByRole('row', { name: /^已完成.* 2 2 断电时正在作答/ }).waitFor()
  })

  it('ends with the names of its people: what is due goes by itself, and what comes later when somebody says so', async () => {
    await bureau.clerk.go(`/c/${campaign}/retention`)
    const left = async (kept: string) => {
      await page().reload()
      const cells = page().getByRole('row', { name: kept }).locator('td:nth-child(2)')
      await cells.first().waitFor()
      return (await cells.allTextContents()).map(Number).reduce((a, b) => a + b, 0)
    }
    const names = '姓名、笔迹、登录标识'
    expect(await left(names)).toBeGreaterThan(0)
    expect(await button(page(), '立即删除已到期的').isDisabled()).toBe(true)

    await call(bureau.server.url, bureau.clerk.token, 'POST', `${office}/close`, { reason: '活动结束' })
    // Once a day the server looks by itself at what was not due before.
    await expect.poll(() => left(names), { timeout: 240_000, interval: 1000 }).toBe(0)
    const dir = await mkdtemp(join(tmpdir(), 'qingyuan-roster-'))
    await writeFile(join(dir, 'r.csv'), `单位编号,编号,姓名\n${unit},A001,李强\n${unit},A002,王敏\n`)
    await bureau.server.run('roster', 'import', join(dir, 'r.csv'), '--campaign', campaign, '--json')
    await rm(dir, { recursive: true })
    await expect.poll(() => left('名册')).toBe(2)
    await page().getByRole('row', { name: '名册' }).getByText('已到期').first().waitFor()
    await press('立即删除已到期的')
    await because(page(), '保存期限已到')
    await page().locator('.job strong').getByText('已完成', { exact: true }).waitFor()
    await bureau.clerk.look('retention-done')
    expect(await left('名册')).toBe(0)
    expect(await button(page(), '立即删除已到期的').isDisabled()).toBe(true)
  })
})
