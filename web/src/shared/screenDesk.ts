import type { Schema } from './api/types'

// A big screen that was opened from the console has no session of its own: it asks the
// console's page for tickets, over a channel whose name it got in its fragment, and the
// page asks the server with the operator's session. So a screen that stands unattended
// can be turned into nothing else.

export type Ticket = Schema<'ScreenTicket'>

/** What goes over the channel: a screen wants a ticket, the desk gives one. */
export type Message = { want: 'ticket' } | { give: Ticket }

/** How long a screen waits for the desk to answer. */
export const answerWithin = 15_000

/** Asks the desk for a ticket; null where nobody answers. */
export function askDesk(channel: string, signal: AbortSignal): Promise<Ticket | null> {
  const line = new BroadcastChannel(channel)
  return new Promise((resolve) => {
    const over = (ticket: Ticket | null) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      line.close()
      resolve(ticket)
    }
    const stop = () => over(null)
    const timer = setTimeout(stop, answerWithin)
    signal.addEventListener('abort', stop, { once: true })
    line.onmessage = (e: MessageEvent<Message>) => {
      if ('give' in e.data) over(e.data.give)
    }
    line.postMessage({ want: 'ticket' } satisfies Message)
  })
}

/** Answers the screens of a channel, until what it returns is called. */
export function keepDesk(channel: string, give: () => Promise<Ticket | null>): () => void {
  const line = new BroadcastChannel(channel)
  line.onmessage = async (e: MessageEvent<Message>) => {
    if (!('want' in e.data)) return
    const ticket = await give()
    if (ticket !== null) line.postMessage({ give: ticket } satisfies Message)
  }
  return () => line.close()
}
