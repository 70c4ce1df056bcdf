import { onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'
import { Client } from '@/shared/api/client'
import { follow, type Frame } from '@/shared/api/live'
import { poll } from '@/shared/api/poll'
import { isProblem } from '@/shared/api/problem'
import { memoryStore } from '@/shared/api/session'
import type { Schema } from '@/shared/api/types'
import { askDesk } from '@/shared/screenDesk'

/** One line of the board of units. */
export type BoardRow = Schema<'UnitBoard'>['items'][number]

/** After this long without a sign of life the numbers are called old. */
const oldAfter = 20_000
/** A quiet campaign gives no sign for a while although all is well. */
const oldInAnyCase = 90_000
const boardEvery = 10_000
const topUnits = 20
/** How long is waited before a ticket is asked for again that was not given. */
const ticketAgain = 10_000

/**
 * Why there is no new ticket: the console's page gives none, which may pass, or the token
 * is no good any more, which stays.
 */
export type Trouble = '' | 'desk' | 'token'

export interface Address {
  campaign: string
  /** The token of an office's screen, '' for none. */
  viewer: string
  /** The channel of the console that has opened the screen, '' for none. */
  desk: string
}

/**
 * What the page is opened for: /screen/{campaign}#viewer=… or #desk=…, which lie in the
 * fragment because that part of an address reaches no server and no log.
 */
export function addressed(location: Pick<Location, 'pathname' | 'hash'>): Address {
  const fragment = new URLSearchParams(location.hash.slice(1))
  return {
    campaign: decodeURIComponent(location.pathname.split('/')[2] ?? ''),
    viewer: fragment.get('viewer') ?? '',
    desk: fragment.get('desk') ?? '',
  }
}

/** Follows a campaign for as long as the component lives. */
export function useScreen({ campaign, viewer, desk }: Address) {
  const client = new Client({ sessions: memoryStore() })
  const frame = shallowRef<Frame | null>(null)
  const units = shallowRef<BoardRow[] | null>(null)
  const old = ref(false)
  const trouble = ref<Trouble>('')
  /** There is no such campaign. */
  const missing = ref(false)
  const now = ref(Date.now())
  let ahead = 0 // of the server's clock before ours
  let heard = Date.now()
  let well = true
  const end = new AbortController()
  let leave = () => {}

  /** Follows, with a ticket where there is one, in place of how it was followed before. */
  const join = (ticket: string) => {
    leave()
    leave = follow({
      client,
      campaign,
      ...(ticket ? { query: () => ({ ticket }) } : {}),
      onFrame: (f) => {
        frame.value = f
        heard = Date.now()
        ahead = Date.parse(f.as_of) - heard
      },
      onState: (s) => {
        well = s.well
        if (s.well) heard = Date.now()
      },
    })
  }

  /** A ticket by the viewer's token; null where there is none just now. */
  const byToken = async () => {
    try {
      return await client.post('/api/v1/campaigns/{campaign}/screen-tickets', {
        path: { campaign },
        body: { view: 'audience' },
        headers: { Authorization: `Bearer ${viewer}` },
        signal: end.signal,
      })
    } catch (err) {
      if (isProblem(err) && (err.status === 401 || err.status === 403)) trouble.value = 'token'
      return null
    }
  }

  /** A ticket by the console's page; null where nobody answers. */
  const byDesk = async () => {
    const given = await askDesk(desk, end.signal)
    trouble.value = given === null ? 'desk' : ''
    return given
  }

  /**
   * Asks for a ticket, follows with it, and again before it ends. A console that is gone
   * may come back; a token that was refused is refused for ever.
   */
  const joinWithTickets = async () => {
    let ends = 0
    while (!end.signal.aborted) {
      const given = trouble.value === 'token' ? null : await (desk ? byDesk() : byToken())
      if (end.signal.aborted) return
      if (given) {
        join(given.ticket)
        ends = Date.now() + 2 * given.renew_after_ms
      } else if (Date.now() >= ends) {
        leave() // with that ticket everything is refused
        well = false
        if (trouble.value === 'token') return
      }
      await rest(given?.renew_after_ms ?? ticketAgain, end.signal)
    }
  }

  const followUnits = () => {
    let etag = ''
    return poll<Schema<'UnitBoard'>>({
      every: boardEvery,
      read: async (signal) => {
        const got = await client.tagged('/api/v1/campaigns/{campaign}/boards/units', etag, {
          path: { campaign },
          query: { metric: 'participation', limit: topUnits },
          patience: 0,
          signal,
        })
        etag = got.etag
        return got.data
      },
      onData: (b) => (units.value = b.items),
      onReading: (ok, err) => {
        missing.value = !ok && isProblem(err, 'campaign.not_found')
        // Where units are not ranked in public there is no board to show.
        if (!ok && isProblem(err, 'board.not_ranked', 'board.not_published')) {
          units.value = null
          leaveUnits()
        }
      },
    })
  }
  let leaveUnits = () => {}

  onMounted(() => {
    if (viewer || desk) void joinWithTickets()
    else join('')
    leaveUnits = followUnits()
    const tick = setInterval(() => {
      now.value = Date.now() + ahead
      const age = Date.now() - heard
      old.value = frame.value !== null && age > (well ? oldInAnyCase : oldAfter)
    }, 1000)
    end.signal.addEventListener('abort', () => clearInterval(tick))
  })
  onBeforeUnmount(() => {
    end.abort()
    leave()
    leaveUnits()
  })
  return { frame, units, missing, old, trouble, now }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
