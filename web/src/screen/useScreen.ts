import { onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'
import { Client } from '@/shared/api/client'
import { follow, type Frame } from '@/shared/api/live'
import { isProblem } from '@/shared/api/problem'
import { poll } from '@/shared/api/poll'
import { memoryStore } from '@/shared/api/session'
import type { Schema } from '@/shared/api/types'

export type UnitBoard = Schema<'UnitBoard'>
/** One line of a board of regions or units. */
export type BoardRow = UnitBoard['items'][number]

/** After this long without a sign of life the numbers are called old. */
const oldAfter = 20_000
/** A quiet campaign gives no sign for a while although all is well. */
const oldInAnyCase = 90_000
const boardEvery = 10_000
const topUnits = 20

/** What the page is opened for: /screen/{campaign}#ticket=… */
export function addressed(location: Pick<Location, 'pathname' | 'hash'>): { campaign: string; ticket: string } {
  return {
    campaign: decodeURIComponent(location.pathname.split('/')[2] ?? ''),
    // In the fragment, because that part of an address reaches no server and no log.
    ticket: new URLSearchParams(location.hash.slice(1)).get('ticket') ?? '',
  }
}

/** Follows a campaign for as long as the component lives. */
export function useScreen(campaign: string, ticket: string) {
  const client = new Client({ sessions: memoryStore() })
  const frame = shallowRef<Frame | null>(null)
  const regions = shallowRef<BoardRow[] | null>(null)
  const units = shallowRef<BoardRow[] | null>(null)
  const old = ref(false)
  /** There is no such campaign. */
  const missing = ref(false)
  const now = ref(Date.now())
  let ahead = 0 // of the server's clock before ours
  let heard = Date.now()
  let well = true
  const stops: (() => void)[] = []

  const board = (kind: 'regions' | 'units', into: typeof units) => {
    let etag = ''
    return poll<UnitBoard>({
      every: boardEvery,
      read: async (signal) => {
        const path = `/api/v1/campaigns/{campaign}/boards/${kind}` as const
        const got = await client.tagged(path, etag, {
          path: { campaign },
          query: { metric: 'participation', limit: kind === 'units' ? topUnits : 50 } as never,
          patience: 0,
          signal,
        })
        etag = got.etag
        return got.data as UnitBoard | null
      },
      onData: (b) => (into.value = b.items),
      // Where the campaign ranks nothing there is no board to show.
      onReading: (ok, err) => {
        if (!ok && isProblem(err, 'board.not_ranked', 'board.not_published')) into.value = null
        missing.value = !ok && isProblem(err, 'campaign.not_found')
      },
    })
  }

  onMounted(() => {
    stops.push(
      follow({
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
      }),
      board('regions', regions),
      board('units', units),
    )
    const tick = setInterval(() => {
      now.value = Date.now() + ahead
      const age = Date.now() - heard
      old.value = frame.value !== null && age > (well ? oldInAnyCase : oldAfter)
    }, 1000)
    stops.push(() => clearInterval(tick))
  })
  onBeforeUnmount(() => stops.forEach((stop) => stop()))
  return { frame, regions, units, missing, old, now }
}
