import { defineStore } from 'pinia'
import { shallowRef, watch } from 'vue'
import type { Schema } from '@/shared/api/types'
import { keepDesk, type Ticket } from '@/shared/screenDesk'
import { useDesk } from './desk'

export type View = Schema<'ScreenTicket'>['view']

/** A big screen that lives on the tickets of this page. */
export interface Screen {
  channel: string
  campaign: string
  /** The part of the tree it shows, '' for all, and what that is called. */
  scope: string
  name: string
  view: View
  /** When it got its last ticket; '' before the first. */
  given: string
  err: unknown
}

/** What of a screen outlives a reload. */
type Kept = Pick<Screen, 'channel' | 'campaign' | 'scope' | 'name' | 'view'>

const key = 'qy.screens'

/**
 * Screens gives tickets to the big screens that were opened here, by the rights of
 * whoever is signed in, for as long as they are. The tab keeps which they are: after a
 * reload, or once the same person has signed in again, the screens go on by themselves.
 */
export const useScreens = defineStore('screens', () => {
  const desk = useDesk()
  const all = shallowRef<Screen[]>([])
  const lines = new Map<string, () => void>()

  /** The address of a screen. The channel lies in the fragment, which reaches no server. */
  const address = (s: Screen) => `/screen/${encodeURIComponent(s.campaign)}#desk=${s.channel}`

  function open(of: Omit<Kept, 'channel'>): Screen {
    const screen = { ...of, channel: secret(), given: '', err: null }
    supply([...all.value, screen])
    keep()
    return screen
  }

  function stop(channel: string): void {
    supply(all.value.filter((s) => s.channel !== channel))
    keep()
  }

  /** Answers these screens, and no others. */
  function supply(screens: Screen[]): void {
    const wanted = screens.map((s) => s.channel)
    for (const [channel, leave] of lines) {
      if (wanted.includes(channel)) continue
      leave()
      lines.delete(channel)
    }
    for (const channel of wanted) {
      if (!lines.has(channel)) lines.set(channel, keepDesk(channel, () => give(channel)))
    }
    all.value = screens
  }

  async function give(channel: string): Promise<Ticket | null> {
    const s = all.value.find((one) => one.channel === channel)
    if (s === undefined) return null
    try {
      const body = { view: s.view, ...(s.scope === '' ? {} : { scope: s.scope }) }
      const ticket = await desk.client.post('/api/v1/campaigns/{campaign}/screen-tickets', { path: { campaign: s.campaign }, body })
      change(channel, { given: new Date().toISOString(), err: null })
      return ticket
    } catch (err) {
      change(channel, { err })
      return null
    }
  }

  function change(channel: string, by: Partial<Screen>): void {
    all.value = all.value.map((s) => (s.channel === channel ? { ...s, ...by } : s))
  }

  function keep(): void {
    const screens: Kept[] = all.value.map(({ channel, campaign, scope, name, view }) => ({ channel, campaign, scope, name, view }))
    sessionStorage.setItem(key, JSON.stringify({ operator: desk.operator?.id, screens }))
  }

  // Nobody's rights outlast them: another person opens screens of their own.
  watch(
    () => desk.operator?.id,
    (operator) => {
      supply([])
      if (operator === undefined) return
      const kept = JSON.parse(sessionStorage.getItem(key) ?? 'null') as { operator: string; screens: Kept[] } | null
      if (kept?.operator === operator) supply(kept.screens.map((s) => ({ ...s, given: '', err: null })))
      else sessionStorage.removeItem(key)
    },
    { immediate: true },
  )

  return { all, address, open, stop }
})

/** A name that nobody guesses. */
function secret(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
}
