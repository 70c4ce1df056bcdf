import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { Client } from '@/shared/api/client'
import { isProblem } from '@/shared/api/problem'
import { realClock } from '@/shared/api/retry'
import { browserStore } from '@/shared/api/session'
import type { Body, Schema } from '@/shared/api/types'
import { type Entry, type EntryTexts, readEntry } from '../entry'

export type Home = Schema<'Home'>
export type RosterPerson = Omit<Schema<'RosterSignIn'>, 'ticket'>

/** How somebody signs in. */
export type Way = { way: 'sandbox'; name: string } | { way: 'roster'; person: RosterPerson } | { way: 'wechat' }

/**
 * Visit is one person in one campaign: what came with the page, who they are, and what
 * the server said of them last. Answers to their own acts are put in as they come, so
 * that nothing is asked twice.
 */
export const useVisit = defineStore('visit', () => {
  const entry = shallowRef<Entry>({ campaigns: [], campaign: null, doors: [] })
  const home = ref<Home | null>(null)
  const signedIn = ref(false)
  const reached = ref(true)
  /** The address named a campaign that does not exist. */
  const missing = ref(false)
  /** The place in the line before the sign-in, 0 for none. */
  const position = ref(0)
  /** The line itself is full just now; the page goes on asking for a place in it. */
  const turnedAway = ref(false)
  /** The name that was given when signing in by a roster or enrolling, for the pledge; kept nowhere else. */
  const givenName = ref('')

  const client = new Client({
    sessions: browserStore('qy.session'),
    onReach: (well) => (reached.value = well),
    onSignedOut: () => {
      signedIn.value = false
      home.value = null
    },
  })

  const id = computed(() => entry.value.campaign?.id ?? '')
  const path = computed(() => ({ campaign: id.value }))
  const texts = computed<EntryTexts | null>(() => entry.value.campaign?.texts['zh-CN'] ?? null)
  const tibetan = computed<EntryTexts | null>(() => entry.value.campaign?.texts.bo ?? null)
  const campaign = computed(() => texts.value?.campaign ?? null)

  /** Nothing can be done any more. A campaign that is yet to open, or pauses, may go on while its page stands. */
  const over = computed(() => campaign.value?.state === 'closed')

  /** What the office tells everybody just now. */
  const banner = computed(() => (home.value === null ? campaign.value?.banner : home.value.banner) ?? null)

  function begin(): void {
    entry.value = readEntry()
    signedIn.value = client.session !== null
    missing.value = entry.value.campaign === null && location.pathname.startsWith('/c/')
  }

  /** Asks what the server knows of this person, where somebody is signed in. */
  async function load(): Promise<void> {
    if (!signedIn.value || id.value === '') return
    home.value = await client.get('/api/v1/campaigns/{campaign}/me', { path: path.value, signed: true })
  }

  async function signIn(by: Way): Promise<void> {
    const pair = await throughTheLine((ticket) => knock(by, ticket))
    client.adopt(pair)
    signedIn.value = true
    if (by.way === 'roster') givenName.value = by.person.name
    if (pair.home !== undefined) home.value = pair.home
    else await load()
  }

  function knock(by: Way, ticket: string | undefined) {
    const query = { campaign: id.value }
    const line = ticket === undefined ? {} : { ticket }
    switch (by.way) {
      case 'sandbox':
        return client.post('/api/v1/sessions/sandbox', { query, body: { name: by.name, ...line } })
      case 'roster':
        return client.post('/api/v1/sessions/roster', { query, body: { ...by.person, ...line } })
      case 'wechat':
        return client.post('/api/v1/sessions/wechat-web/redeem', { query, body: line })
    }
  }

  /** Signs in, and stands in the line first where the server asks for it. */
  async function throughTheLine<T>(enter: (ticket?: string) => Promise<T>): Promise<T> {
    try {
      return await enter()
    } catch (err) {
      if (!isProblem(err, 'queue.required')) throw err
    }
    let ticket = ''
    try {
      for (;;) {
        const place = await placeInLine(ticket)
        ticket = place.ticket
        if (place.admitted) return await enter(ticket)
        position.value = place.position
        await realClock.sleep(place.retry_after_ms)
      }
    } finally {
      position.value = 0
      turnedAway.value = false
    }
  }

  /** Takes a place, or asks again with the ticket of one; where the line is full, until somebody has gone in. */
  async function placeInLine(ticket: string) {
    for (;;) {
      try {
        const place = await client.post('/api/v1/queue', { body: ticket === '' ? {} : { ticket } })
        turnedAway.value = false
        return place
      } catch (err) {
        if (!isProblem(err, 'service.unavailable')) throw err
        turnedAway.value = true
        await realClock.sleep(err.retryAfterMs ?? 60_000)
      }
    }
  }

  async function signOut(): Promise<void> {
    await client.delete('/api/v1/sessions/current', { signed: true, patience: 0 }).catch(() => undefined)
    client.forget()
    signedIn.value = false
    home.value = null
  }

  async function enrol(body: Body<'put', '/api/v1/campaigns/{campaign}/enrolment'>): Promise<void> {
    const enrolment = await client.put('/api/v1/campaigns/{campaign}/enrolment', { path: path.value, signed: true, body })
    givenName.value = body.name ?? ''
    if (home.value === null) await load()
    else home.value = { ...home.value, enrolment }
  }

  async function sign(body: Body<'post', '/api/v1/campaigns/{campaign}/signatures'>): Promise<void> {
    const signature = await client.post('/api/v1/campaigns/{campaign}/signatures', { path: path.value, signed: true, body })
    if (home.value !== null) home.value = { ...home.value, signature }
  }

  /** Takes over what a receipt says of the person. */
  function learn(receipt: Schema<'Receipt'>): void {
    if (home.value === null) return
    const left = { ...home.value.attempts_left, today: receipt.attempts_left_today }
    home.value = { ...home.value, open_attempt: null, best: receipt.best, rank: receipt.rank, attempts_left: left }
  }

  return {
    entry, home, signedIn, reached, missing, position, turnedAway, givenName, client, id, path, texts, tibetan, campaign, over, banner,
    begin, load, signIn, signOut, enrol, sign, learn,
  }
})
