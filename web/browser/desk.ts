import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'
import { lookAt } from './hands'
import { type Person, signIn } from './office'
import { Visitor } from './visitor'

const desk = { deviceScaleFactor: 1, hasTouch: false, isMobile: false }

/** Somebody who sits at the console, signed in. */
export interface Clerk {
  visitor: Visitor
  token: string
  /** Turns to a part of the console, such as /c/spring/progress; one that is open already is loaded anew. */
  go(path: string): Promise<void>
  /** Keeps a picture, and fails where something reaches outside the page or bars somebody. */
  look(name: string): Promise<void>
  leave(): Promise<void>
}

/** Opens the console for an account, or with the token of a session that is there. What it must answer for itself is tested elsewhere: signing in. */
export async function sit(browser: Browser, url: string, person: Person | string, viewport = { width: 1440, height: 900 }): Promise<Clerk> {
  const visitor = await Visitor.arrive(browser, url, viewport, desk)
  const token = typeof person === 'string' ? person : await signIn(url, person)
  const session = JSON.stringify({ access: token, refresh: '', participant: '', endsAt: Number.MAX_SAFE_INTEGER })
  await visitor.context.addInitScript((s) => sessionStorage.setItem('qy.desk', s), session)
  return {
    visitor,
    token,
    go: (path) => {
      const to = `${url}/console${path}`
      return visitor.page.url() === to ? visitor.load(to) : visitor.turnTo(to)
    },
    look: (name) => lookAt(visitor, name),
    leave: async () => {
      expect(visitor.surprises).toEqual([])
      expect(visitor.foreign).toEqual([])
      expect(visitor.violations).toEqual([])
      await visitor.leave()
    },
  }
}

/** The file that an act gives the browser to keep: its name and what is in it. */
export async function taken(page: Page, act: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const waiting = page.waitForEvent('download')
  await act()
  const download = await waiting
  const parts: Buffer[] = []
  for await (const part of await download.createReadStream()) parts.push(part as Buffer)
  return { name: download.suggestedFilename(), bytes: Buffer.concat(parts) }
}
