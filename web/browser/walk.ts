import type { Page } from 'playwright-core'
import { draw } from './visitor'

// The steps of a visit, as people take them on the page of a campaign.

export const city = '/c/jinzhong-2026'

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

/** Opens a campaign and signs in by a name of the demonstration. */
export async function signIn(page: Page, origin: string, name: string, campaign = city): Promise<void> {
  await page.goto(`${origin}${campaign}`)
  await page.getByRole('link', { name: '开始参加' }).click()
  await page.getByLabel('名称', { exact: true }).fill(name)
  await button(page, '登录').first().click()
}

/** Finds a unit by its name and takes it. */
export async function pickUnit(page: Page, unit: string): Promise<void> {
  await page.getByLabel('按名称查找').fill(unit)
  await button(page, new RegExp(unit)).click()
}

export async function enrol(page: Page, name = '王芳'): Promise<void> {
  await page.getByRole('radio', { name: '城乡居民', exact: true }).check()
  await pickUnit(page, '榆次区居民')
  await page.getByLabel(/^姓名/).fill(name)
  await consent(page)
}

/** Agrees to the notice and hands the enrolment in. */
export async function consent(page: Page): Promise<void> {
  await page.getByLabel('我已阅读上面的告知，同意按此处理我的个人信息').check()
  await button(page, '提交报名').click()
}

/** Signs by drawing. */
export async function pledge(page: Page): Promise<void> {
  await draw(page)
  await button(page, '我承诺，并签名').click()
  await page.getByText('签署成功').waitFor()
}

/** Answers so many questions of the paper, from where it stands. */
export async function answer(page: Page, n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    await page.locator('.option').first().click()
    if (i < n - 1) await button(page, '下一题').click()
  }
}

/** Takes the quiz of the demonstration, all of it. */
export async function quiz(page: Page): Promise<void> {
  await button(page, '开始答题').click()
  await answer(page, 20)
  await button(page, '交卷').click()
  await page.getByRole('heading', { name: '答题回执' }).waitFor()
}
