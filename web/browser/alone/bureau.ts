import type { Browser, Page } from 'playwright-core'
import { type Clerk, sit } from '../desk'
import { agree, settled, signIn } from '../office'
import { type Server, serve } from '../server'
import { connect } from '../visitor'

/** A server of one's own, somebody who sits at its console, and the second person, who works over the API. */
export interface Bureau {
  server: Server
  browser: Browser
  clerk: Clerk
  /** The token of the second person. */
  second: string
  page(): Page
  /** Lets the second person agree to what the clerk has asked for. */
  agree(campaign: string): Promise<void>
  close(): Promise<void>
}

/** Opens a bureau; prepare does what must be there before anybody sits down. */
export async function openBureau(prepare: (server: Server) => Promise<void> = async () => {}): Promise<Bureau> {
  const [server, browser] = await Promise.all([serve(), connect()])
  const { url, data } = server
  try {
    await prepare(server)
    const second = await signIn(url, await settled(url, data, 'wuping', '吴平', { role: 'campaign_operator' }))
    const clerk = await sit(browser, url, await settled(url, data, 'zhoulan', '周兰', { role: 'campaign_operator' }))
    return {
      server,
      browser,
      clerk,
      second,
      page: () => clerk.visitor.page,
      agree: (campaign) => agree(url, second, campaign),
      close: async () => {
        await clerk.leave()
        await browser.close()
        await server.stop()
      },
    }
  } catch (err) {
    await browser.close()
    await server.stop()
    throw err
  }
}
