import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { authenticator, codeOf, newcomer } from './office'
import { connect, Visitor } from './visitor'

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
afterEach(async () => {
  expect(visitor.surprises).toEqual([])
  expect(visitor.foreign).toEqual([])
  await visitor.leave()
})

const button = (name: string | RegExp) => visitor.page.getByRole('button', { name })
const field = (name: string | RegExp) => visitor.page.getByLabel(name)

/** Looks at the page as it is: a picture, nothing outside it, no barriers. */
async function look(name: string) {
  await visitor.shot(`console-${name}`)
  expect(await visitor.overflows(), name).toBe(false)
  expect(await visitor.barriers(), name).toEqual([])
}

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
})
