import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'
import { type Lottery, openLottery } from './lottery'
import { serve } from './server'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the program serves, and its folder. */
    url: string
    data: string
    /** Where the browser listens. */
    browser: string
    /** A campaign with prizes, whose draw is frozen by the time that its tests are run. */
    lottery: Lottery
  }
}

/** One server and one browser for all tests: each takes seconds to start on a cold machine. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, browser] = await Promise.all([
    // Sealed at once: nobody waits a minute for a proof.
    serve({ QINGYUAN_PROOFS_EVERY: '1s' }),
    chromium.launchServer({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    }),
  ])
  project.provide('url', server.url)
  project.provide('data', server.data)
  project.provide('browser', browser.wsEndpoint())
  project.provide('lottery', await openLottery(server.url, server.data))
  return async () => {
    await Promise.all([browser.close(), server.stop()])
  }
}
