import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { isProblem, Unreachable } from '@/shared/api/problem'
import type { Body, Schema } from '@/shared/api/types'
import { language, mainLanguage } from '@/shared/locale'
import { useVisit } from '../stores/visit'

export type Offer = Schema<'Prizes'>
export type Prize = Schema<'Prize'>
export type Win = Schema<'OwnWin'>
export type Chance = Schema<'Chance'>
export type ClaimBody = Body<'post', '/api/v1/campaigns/{campaign}/prizes/wins/{win}/claim'>

const base = '/api/v1/campaigns/{campaign}/prizes' as const

/**
 * Prizes is what can be won, and what one person has tried and won. A chance is spent
 * under its number, so that whatever becomes of the answer it is spent once: the same
 * number gives the same result, on this phone or another.
 */
export const usePrizes = defineStore('prizes', () => {
  const visit = useVisit()
  const offer = shallowRef<Offer | null>(null)
  /** The same in the language beside Chinese, where the campaign has it. */
  const other = shallowRef<Offer | null>(null)
  const own = shallowRef<Schema<'OwnPrizes'> | null>(null)
  /** Chances that were spent, newest first, as far as they were asked for. */
  const spent = shallowRef<Chance[]>([])
  /** Nobody is enrolled yet: there are no chances to speak of. */
  const stranger = ref(false)
  /** A chance was sent and not answered: it may be spent, and is asked for again by its number. */
  const unsure = ref(false)

  const prizes = computed<Prize[]>(() => (offer.value === null ? [] : prizesOf(offer.value)))

  function nameOf(id: string): string {
    return prizes.value.find((p) => p.id === id)?.name ?? id
  }

  /** The name in the language beside Chinese. */
  function otherNameOf(id: string): string | undefined {
    return other.value === null ? undefined : prizesOf(other.value).find((p) => p.id === id)?.name
  }

  async function load(): Promise<void> {
    await Promise.all([loadOffer(), loadOwn()])
  }

  async function loadOffer(): Promise<void> {
    const asked = language.value
    const beside = asked === mainLanguage || visit.tibetan === null ? null : visit.client.get(base, { path: visit.path, query: { lang: asked } })
    offer.value = await visit.client.get(base, { path: visit.path })
    other.value = beside === null ? null : await beside
  }

  async function loadOwn(): Promise<void> {
    if (!visit.signedIn) return
    try {
      const [mine, list] = await Promise.all([
        visit.client.get(`${base}/me`, { path: visit.path, signed: true }),
        visit.client.get(`${base}/chances`, { path: visit.path, signed: true }),
      ])
      own.value = mine
      spent.value = list.items
      stranger.value = false
      unsure.value = false
    } catch (err) {
      if (!isProblem(err, 'enrolment.required')) throw err
      stranger.value = true
    }
  }

  /** Spends the next chance, or learns what became of the one that was not answered. */
  async function spend(): Promise<void> {
    const number = own.value?.next_number ?? 1
    let chance: Chance
    try {
      chance = await visit.client.post(`${base}/chances`, { path: visit.path, signed: true, body: { number } })
    } catch (err) {
      unsure.value = err instanceof Unreachable || (isProblem(err) && err.passing)
      // Another phone was quicker, or the day is over: what is left is asked anew.
      if (isProblem(err, 'prize.number', 'prize.limit_reached', 'prize.not_qualified')) await loadOwn().catch(() => undefined)
      throw err
    }
    unsure.value = false
    spent.value = [chance, ...spent.value.filter((c) => c.number !== chance.number)]
    // So that the next tap spends the next chance, even where what follows is not answered.
    if (own.value !== null) own.value = { ...own.value, next_number: Math.max(own.value.next_number, number + 1) }
    await Promise.all([loadOwn(), chance.won ? loadOffer() : null]).catch(() => undefined)
  }

  async function claim(win: string, body: ClaimBody): Promise<Win> {
    const got = await visit.client.post(`${base}/wins/{win}/claim`, { path: { ...visit.path, win }, signed: true, body })
    if (own.value !== null) own.value = { ...own.value, wins: own.value.wins.map((w) => (w.win === win ? got : w)) }
    return got
  }

  return { offer, other, own, spent, stranger, unsure, prizes, nameOf, otherNameOf, load, loadOffer, loadOwn, spend, claim }
})

/** All prizes of a plan: those of chances, and those of draws. */
function prizesOf(o: Offer): Prize[] {
  return [...(o.instant?.prizes ?? []), ...o.draws.flatMap((d) => d.prizes)]
}
