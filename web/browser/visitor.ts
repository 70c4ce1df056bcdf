import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { expect, inject } from 'vitest'

/** The narrowest phone that the pages are made for. */
export const phone = { width: 360, height: 740 }
export const bigPhone = { width: 414, height: 896 }

const shots = fileURLToPath(new URL('../shots/', import.meta.url))
const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The browser that all tests share, by a connection of one's own. */
export function connect(): Promise<Browser> {
  return chromium.connect(inject('browser'))
}

/** A person's browser, which remembers what it asked for and what went wrong in it. */
export class Visitor {
  /** Calls of the API, as "POST /api/v1/…". */
  readonly calls: string[] = []
  readonly faults: string[] = []
  readonly foreign: string[] = []
  /** What the page's policy has kept it from. */
  violations: string[] = []
  /** Faults that a test has brought about itself. */
  expected: RegExp[] = []

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly origin: string,
  ) {
    page.on('request', (r) => {
      const url = new URL(r.url())
      if (url.protocol === 'data:' || url.protocol === 'blob:') return
      if (url.origin !== this.origin) this.foreign.push(r.url())
      else if (url.pathname.startsWith('/api/')) this.calls.push(`${r.method()} ${url.pathname}`)
    })
    page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning') this.faults.push(m.text())
    })
    page.on('pageerror', (e) => this.faults.push(String(e)))
  }

  /** Opens a browser. Its person wants no motion, unless more says otherwise: what fades in makes every step wait. */
  static async arrive(browser: Browser, origin: string, viewport = phone, more: object = {}): Promise<Visitor> {
    const context = await browser.newContext({ viewport, deviceScaleFactor: 2, hasTouch: true, isMobile: true, locale: 'zh-CN', reducedMotion: 'reduce', ...more })
    // Long, for machines that have much else to do: nothing waits for it when all is well.
    context.setDefaultTimeout(60_000)
    const violations: string[] = []
    await context.exposeFunction('tellViolation', (what: string) => violations.push(what))
    await context.addInitScript(() => {
      const { tellViolation } = window as unknown as { tellViolation(what: string): void }
      document.addEventListener('securitypolicyviolation', (e) => tellViolation(`${e.violatedDirective} ${e.blockedURI}`))
    })
    const visitor = new Visitor(context, await context.newPage(), origin)
    visitor.violations = violations
    return visitor
  }

  /** What went wrong that was not to be expected. */
  get surprises(): string[] {
    return this.faults.filter((f) => !this.expected.some((e) => e.test(f)))
  }

  /** Opens a page of the console, and waits until it is there. */
  async load(url: string): Promise<void> {
    await this.page.goto(url)
    await this.shown()
  }

  /** Turns to a page of the console, within the page that is open where one is, and waits until it is there. */
  async turnTo(url: string): Promise<void> {
    if (this.page.url() === 'about:blank') return this.load(url)
    await this.page.evaluate((to) => {
      document.title = ''
      history.pushState({}, '', to)
      dispatchEvent(new PopStateEvent('popstate', { state: null }))
    }, url)
    await this.shown()
  }

  /** Waits until a page of the console is there, and what it asks for. */
  private async shown(): Promise<void> {
    await expect.poll(() => this.page.title(), { interval: 20 }).not.toBe('')
    await this.page.locator('main h1').first().waitFor()
    await expect.poll(() => this.page.locator('[aria-busy="true"]').count(), { interval: 20 }).toBe(0)
  }

  /** Keeps a picture for people who asked for some by PICTURES=1: painting them takes a tenth of the tests' time. */
  async shot(name: string): Promise<void> {
    if (process.env.PICTURES) await this.keep(name)
  }

  /** Keeps a picture. */
  async keep(name: string): Promise<void> {
    await mkdir(shots, { recursive: true })
    await this.page.screenshot({ path: `${shots}${name}.png`, fullPage: true })
  }

  /** Whether the page is wider than its window: a phone's window.innerWidth grows with what is in it. */
  async overflows(): Promise<boolean> {
    return this.page.evaluate((width) => document.documentElement.scrollWidth > width, this.width)
  }

  private get width(): number {
    return this.page.viewportSize()?.width ?? 0
  }

  /** What reaches over the right edge of the page, once it has found its place: nothing, where all is well. */
  async tooWide(): Promise<string[]> {
    const found = () =>
      this.page.evaluate((width) => {
        if (document.documentElement.scrollWidth <= width) return []
        const reach = (e: Element) => Math.max(e.getBoundingClientRect().right, e.getBoundingClientRect().left + e.scrollWidth)
        const out = [...document.querySelectorAll('body *')].filter((e) => reach(e) > width && e.closest('.scroll, .el-table') === null).reverse()
        return [`the page is ${document.documentElement.scrollWidth} wide`, ...out.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))]
      }, this.width)
    // Tables measure themselves anew a moment after the window has changed.
    const deadline = Date.now() + 10_000
    for (;;) {
      const wide = await found()
      if (wide.length === 0 || Date.now() > deadline) return wide
      await this.page.waitForTimeout(50)
    }
  }

  /** What axe finds wrong with the page as it is, once nothing opens or closes on it any more. */
  async barriers(): Promise<string[]> {
    const moving = this.page.locator('.is-closing, [class*="-leave-active"], [class*="-enter-active"]')
    await expect.poll(() => moving.count(), { interval: 20 }).toBe(0)
    // Through the inspector, which the page's policy does not bind.
    if (!(await this.page.evaluate(() => 'axe' in window))) await this.page.evaluate(await axeSource)
    return this.page.evaluate(async () => {
      interface Axe {
        run(what: object, options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>
      }
      // The rows of a table are alike: a dozen tell of hundreds. What holds is not listed: naming every element that is well
      // takes longer than the looking.
      const result = await (window as unknown as { axe: Axe }).axe.run({ exclude: ['tbody tr:nth-child(n+13)'] }, { resultTypes: ['violations'], selectors: false })
      return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html} ${n.failureSummary}`))
    })
  }

  async leave(): Promise<void> {
    await this.context.close()
  }
}

/** Writes something like a name into the box, stroke by stroke. */
export async function draw(page: Page, strokes = 3): Promise<void> {
  const canvas = page.locator('.pad canvas')
  await canvas.scrollIntoViewIfNeeded()
  const box = await canvas.boundingBox()
  if (box === null) throw new Error('nothing to draw on')
  for (let s = 0; s < strokes; s++) {
    const x = box.x + 40 + s * 70
    await page.mouse.move(x, box.y + 60)
    await page.mouse.down()
    for (let i = 1; i <= 12; i++) {
      await page.mouse.move(x + 30 * Math.sin(i), box.y + 60 + i * 7)
    }
    await page.mouse.up()
  }
}
