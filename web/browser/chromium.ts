import { type BrowserServer, chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser listens. */
    browser: string
  }
}

/** Starts the browser that all tests of a project share: it takes seconds on a cold machine. */
export async function launch(project: TestProject): Promise<BrowserServer> {
  const browser = await chromium.launchServer({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  })
  project.provide('browser', browser.wsEndpoint())
  return browser
}
