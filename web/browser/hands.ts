import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { phone, type Visitor } from './visitor'

// What people do at the console with their hands and eyes.

export const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name, exact: typeof name === 'string' })

/** Answers the question before an act. Calendars are dialogs as well, until they have faded. */
export async function because(page: Page, reason: string, confirm: string | RegExp = '确定'): Promise<void> {
  const dialog = page.getByRole('dialog').filter({ has: page.locator('#ask') })
  if (reason !== '') await dialog.getByLabel(/^原因/).fill(reason)
  await dialog.getByRole('button', { name: confirm }).click()
  await dialog.waitFor({ state: 'hidden' })
}

/** Takes an option of a box, with keys: its arrow lies above it. */
export async function pick(page: Page, box: string, option: string | RegExp): Promise<void> {
  await page.getByRole('combobox', { name: box }).press('Enter')
  await page.getByRole('option', { name: option }).click()
}

/** Types a moment such as 2026-01-01 08:00, or a day, into its field. */
export async function setTime(field: Locator, moment: string): Promise<void> {
  await field.fill(moment)
  await field.press('Enter')
  // Its calendar has closed.
  await expect.poll(() => field.page().locator('.el-picker__popper:visible').count(), { interval: 20 }).toBe(0)
}

/** A moment as Beijing's clocks say it, so many minutes from now. */
export const beijing = (minutes: number): string => new Date(Date.now() + (8 * 60 + minutes) * 60_000).toISOString().slice(0, 16).replace('T', ' ')

/** Keeps a picture, and fails where something reaches outside the page, on a phone too, or bars somebody. */
export async function lookAt(visitor: Visitor, name: string): Promise<void> {
  const { page } = visitor
  await visitor.shot(`console-${name}`)
  expect(await visitor.overflows(), name).toBe(false)
  expect(await visitor.barriers(), name).toEqual([])
  const viewport = page.viewportSize()
  if (viewport === null || viewport.width <= phone.width) return
  await page.setViewportSize(phone)
  expect(await visitor.tooWide(), `${name} on a phone`).toEqual([])
  await page.setViewportSize(viewport)
}
