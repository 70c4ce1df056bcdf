import type { TestProject } from 'vitest/node'
import { launch } from './chromium'
import { type Lottery, openLottery } from './lottery'
import { serve } from './server'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the program serves, and its folder. */
    url: string
    data: string
    /** A campaign with prizes, whose draw is frozen by the time that its tests are run. */
    lottery: Lottery
  }
}

/** One server and one browser for all tests: each takes seconds to start on a cold machine. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [server, browser] = await Promise.all([
    // Sealed at once: nobody waits a minute for a proof.
    serve({ QINGYUAN_PROOFS_EVERY: '1s' }),
    launch(project),
  ])
  project.provide('url', server.url)
  project.provide('data', server.data)
  project.provide('lottery', await openLottery(server.url, server.data))
  return async () => {
    await Promise.all([browser.close(), server.stop()])
  }
}
