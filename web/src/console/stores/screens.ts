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

/**
 * Screens gives tickets to the big screens that were opened here, by the rights of
 * whoever is signed in, for as long as they are.
 */
export const useScreens = defineStore('screens', () => {
  const desk = useDesk()
  const all = shallowRef<Screen[]>([])
  const lines = new Map<string, () => void>()

  /** The address of a screen. The channel lies in the fragment, which reaches no server. */
  const address = (s: Screen) => `/screen/${encodeURIComponent(s.campaign)}#desk=${s.channel}`

  function open(of: Pick<Screen, 'campaign' | 'scope' | 'name' | 'view'>): Screen {
    const screen: Screen = { ...of, channel: secret(), given: '', err: null }
    all.value = [...all.value, screen]
    lines.set(screen.channel, keepDesk(screen.channel, () => give(screen.channel)))
    return screen
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

  function stop(channel: string): void {
    lines.get(channel)?.()
    lines.delete(channel)
    all.value = all.value.filter((s) => s.channel !== channel)
  }

  // Nobody's rights outlast them: another person opens screens of their own.
  watch(
    () => desk.operator?.id,
    () => all.value.forEach((s) => stop(s.channel)),
  )

  return { all, address, open, stop }
})

/** A name that nobody guesses. */
function secret(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('')
}
