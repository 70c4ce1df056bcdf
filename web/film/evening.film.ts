import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { connect, phone, Visitor } from '../browser/visitor'
import * as walk from '../browser/walk'
import { compare, faultsOf, report, screenOf, simulate } from './stage'

// A newcomer's way on a phone, and the big screen, while thousands take part.

const people = Number(process.env.PARTICIPANTS || 20_000)
const everyMs = 30_000

const url = inject('url')

let browser: Browser

beforeAll(async () => {
  browser = await connect()
})
afterAll(async () => {
  await browser?.close()
})

interface Step {
  name: string
  ms: number
  overflows: boolean
  barriers: string[]
}

/** Goes the whole way of a newcomer, and looks at each page on it. */
async function visit(guest: Visitor): Promise<Step[]> {
  const { page } = guest
  const steps: Step[] = []
  const step = async (name: string, act: () => Promise<unknown>) => {
    const began = Date.now()
    await act()
    const ms = Date.now() - began
    await guest.keep(`film/phone-${String(steps.length + 1).padStart(2, '0')}-${name}`)
    steps.push({ name, ms, overflows: await guest.overflows(), barriers: await guest.barriers() })
  }
  await step('choose', () => page.goto(url))
  await step('home', () => page.goto(`${url}${walk.city}`))
  await step('sign-in', () => walk.signIn(page, url, '新来的人'))
  await step('enrol', () => walk.enrol(page))
  await step('pledge', () => walk.pledge(page))
  await step('rules', () => page.getByRole('link', { name: '去答题' }).click())
  await step('question', async () => {
    await page.getByRole('button', { name: '开始答题' }).click()
    await page.getByText('第 1 题，共 20 题').waitFor()
  })
  await step('last-question', () => walk.answer(page, 20))
  await step('receipt', async () => {
    await page.getByRole('button', { name: '交卷' }).click()
    await page.getByRole('heading', { name: '答题回执' }).waitFor()
  })
  await step('board', async () => {
    await page.getByRole('link', { name: '我的排名' }).click()
    await page.getByText('我附近的名次').waitFor()
  })
  await step('certificate', async () => {
    await page.goto(`${url}${walk.city}/certificate`)
    await page.locator('img.certificate').waitFor()
  })
  return steps
}

it(`an evening of ${people} participants`, async () => {
  const screen = await screenOf(browser, url)
  const guest = await Visitor.arrive(browser, url, phone)
  const cdp = await guest.context.newCDPSession(guest.page)
  await cdp.send('Network.enable')
  let firstPage = 0
  cdp.on('Network.loadingFinished', (e) => (firstPage += e.encodedDataLength))

  const began = Date.now()
  let over = false
  const crowd = simulate(url, people).finally(() => (over = true))
  crowd.catch(() => undefined) // told below, where it is waited for
  const way = visit(guest)
  way.catch(() => undefined)

  let pictures = 0
  for (let next = began; !over; next += everyMs) {
    await screen.keep(`film/screen-${String(++pictures).padStart(3, '0')}`)
    while (!over && Date.now() < next + everyMs) await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const [summary, steps] = await Promise.all([crowd, way])
  const figures = await compare(screen, url)
  await screen.keep('film/screen-end')
  const screenBarriers = await screen.barriers()

  const barriers = [...screenBarriers, ...steps.flatMap((s) => s.barriers)]
  const errors = [...screen.surprises, ...guest.surprises]
  const violations = [...screen.violations, ...guest.violations]
  const foreign = [...screen.foreign, ...guest.foreign]
  await report('film', {
    participants: people,
    seconds: Math.round((Date.now() - began) / 1000),
    figures,
    pictures: pictures + 1 + steps.length,
    phone: { calls: guest.calls.length, bytes: firstPage, steps: steps.map(({ name, ms }) => ({ name, ms })) },
    consoleErrors: errors,
    policyViolations: violations,
    foreignRequests: foreign,
    axeFindings: barriers,
    simulation: summary,
  })
  expect(faultsOf(summary, 1)).toEqual([])
  expect({ errors, violations, foreign, barriers }).toEqual({ errors: [], violations: [], foreign: [], barriers: [] })
  expect(steps.filter((s) => s.overflows).map((s) => s.name)).toEqual([])
})
