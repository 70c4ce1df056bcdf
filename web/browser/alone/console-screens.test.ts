import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sit } from '../desk'
import { because, button, pick } from '../hands'
import { call, newcomer, settled, signIn } from '../office'
import { type Server, serve } from '../server'
import { connect, Visitor } from '../visitor'

const campaign = 'jinzhong-2026'
const hall = { width: 1920, height: 1080 }
const quiet = { deviceScaleFactor: 1, hasTouch: false, isMobile: false }

let server: Server
let browser: Browser
beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), connect()])
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

const title = (page: Page) => page.getByRole('heading', { level: 1 })

describe('the screens of an office', () => {
  it('are given a token that is shown once, and opens a screen elsewhere', async () => {
    const clerk = await sit(browser, server.url, await settled(server.url, server.data, 'taoran', '陶然', { role: 'campaign_operator', campaign }))
    const { page } = clerk.visitor
    await clerk.go(`/c/${campaign}/screens`)
    const tokens = page.getByRole('region', { name: '无人值守的大屏' })
    await tokens.getByText('没有。').waitFor()
    await tokens.getByText('只看一个地区或单位').click()
    expect(await tokens.getByRole('button', { name: '签发令牌' }).isDisabled()).toBe(true)
    await tokens.getByRole('row', { name: /榆次区/ }).getByRole('button', { name: '选择' }).click()
    await pick(page, '有效时间', '3 天')
    await tokens.getByRole('button', { name: '签发令牌' }).click()
    await because(page, '区禁毒办大厅')
    const address = await tokens.getByRole('textbox', { name: '大屏的地址' }).inputValue()
    expect(address).toMatch(new RegExp(`^${server.url}/screen/${campaign}#viewer=`))
    await clerk.look('screen-token')
    await button(page, '我已复制').click()
    await tokens.getByRole('row', { name: /榆次区.*区禁毒办大厅.*taoran/ }).waitFor()
    expect(await page.content()).not.toContain(address.split('=')[1])
    await clerk.look('screen-tokens')
    await clerk.leave()

    const screen = await Visitor.arrive(browser, server.url, hall, quiet)
    screen.expected = [/status of 40[13]/] // units are not published there; the second address is refused
    await screen.page.goto(address)
    await title(screen.page).getByText(/晋中市.* · 榆次区/).waitFor()
    await screen.shot('screen-viewer')
    expect(await screen.barriers()).toEqual([])
    await screen.page.goto(`${server.url}/screen/${campaign}#viewer=nobodys`)
    await screen.page.reload() // another fragment alone loads no page
    await title(screen.page).getByText('令牌已失效，请在管理后台另发一个').waitFor()
    await screen.shot('screen-refused')
    expect(screen.surprises).toEqual([])
    await screen.leave()
  })

  it('say that nobody supplies them, and go on when the same person is there again', async () => {
    const person = await newcomer(server.data, 'songyi', '宋怡', { role: 'office_viewer', campaign })
    const first = await signIn(server.url, person)
    await call(server.url, first, 'POST', '/me/password', { old_password: person.password, password: 'Dritte-Huerde-9-Linde' })
    const visitor = await Visitor.arrive(browser, server.url, hall, quiet)
    visitor.expected = [/status of 403/]
    const { page, context } = visitor
    const enter = async () => {
      await page.getByLabel('用户名').fill(person.login)
      await page.getByLabel('密码').fill('Dritte-Huerde-9-Linde')
      await button(page, '登录').click()
      await button(page, '退出').waitFor()
    }
    await page.goto(`${server.url}/console/c/${campaign}/screens`)
    await enter()
    // Who only reads figures lends them to nobody.
    expect(await page.getByRole('region', { name: '无人值守的大屏' }).count()).toBe(0)
    const opening = context.waitForEvent('page')
    await button(page, '打开大屏').click()
    await (await opening).close()
    const again = page.getByRole('link', { name: '没有打开新窗口？点这里打开' })
    const screen = await context.newPage()
    await screen.clock.install()
    await screen.goto(server.url + (await again.getAttribute('href')))
    await title(screen).getByText(/晋中市/).waitFor()

    // A reload of the console is no matter.
    await page.reload()
    await again.waitFor()
    await screen.clock.fastForward(151_000)
    await page.getByText(/最近换票/).waitFor()
    expect(await screen.getByText(/管理后台没有回应/).count()).toBe(0)

    await button(page, '退出').click()
    await button(page, '登录').waitFor()
    await screen.clock.fastForward(151_000)
    const alarm = screen.getByRole('alert').filter({ hasText: '管理后台没有回应' })
    await expect.poll(async () => (await screen.clock.fastForward(16_000), alarm.count())).toBe(1)
    await screen.screenshot({ path: new URL('../../shots/screen-unsupplied.png', import.meta.url).pathname })
    await enter()
    await expect.poll(async () => (await screen.clock.fastForward(11_000), alarm.count())).toBe(0)
    await title(screen).getByText(/晋中市/).waitFor()
    expect(visitor.surprises).toEqual([])
    await visitor.leave()
  })

  it('say so at once where nobody answers at all', async () => {
    const visitor = await Visitor.arrive(browser, server.url, hall, quiet)
    visitor.expected = [/status of 403/]
    await visitor.page.goto(`${server.url}/screen/${campaign}#desk=ab12`)
    await title(visitor.page).getByText('管理后台没有回应，请在那里登录并打开“大屏”页').waitFor({ timeout: 60_000 })
    expect(await visitor.overflows()).toBe(false)
    await visitor.leave()
  })
})
