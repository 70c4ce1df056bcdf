import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { isProblem, Unreachable } from '@/shared/api/problem'
import type { Schema } from '@/shared/api/types'
import { useVisit } from './visit'

export type Paper = Schema<'Paper'>
export type Receipt = Schema<'Receipt'>
export type Attempt = Schema<'Attempt'>
export type Answers = Record<string, string[]>

/** What is kept on this phone of an attempt, for the moment after a reload. */
interface Kept {
  revision: number
  answers: Answers
}

const attemptPath = '/api/v1/campaigns/{campaign}/attempts/{attempt}' as const
/** How long marks wait until they are sent to the server together. */
export const saveAfter = 20_000
/** What is marked is sent so long before the deadline, as the server hands in what it has. */
export const saveBeforeEnd = 15_000
/** While the clocks stand, the server is asked so often whether they run again. */
export const standingLook = 15_000
/** After so long out of sight a phone's clock may have stood still: the server is asked. */
export const resyncAfter = 20_000

/**
 * Paper is the attempt under way. Marks are kept on the phone at once, and by the server
 * after a while, when the page goes out of sight, and before the deadline: so a reload
 * loses nothing, and another phone goes on from what the server has.
 */
export const usePaper = defineStore('paper', () => {
  const visit = useVisit()
  const paper = ref<Paper | null>(null)
  const answers = ref<Answers>({})
  const revision = ref(0)
  const savedRevision = ref(0)
  const deadline = ref(0)
  /** Now, by the server's clock. */
  const now = ref(0)
  const receipt = ref<Receipt | null>(null)
  /** The attempt that ended last, however it did. */
  const ended = ref<Attempt | null>(null)
  const sending = ref(false)
  /** The office has stopped the clocks: what is left stays as it is. */
  const stands = ref(false)
  let offset = 0
  let saveTimer: ReturnType<typeof setTimeout> | undefined
  let hiddenAt = 0
  let lookedAt = 0

  const answered = computed(() => Object.values(answers.value).filter((chosen) => chosen.length > 0).length)
  const left = computed(() => Math.max(0, deadline.value - now.value))
  const unsaved = computed(() => revision.value > savedRevision.value)

  function tick(): void {
    if (stands.value) {
      if (performance.now() - lookedAt > standingLook) look()
      return
    }
    now.value = performance.now() + offset
    if (left.value === 0 || left.value > saveBeforeEnd) return
    // The last moment to learn that the deadline has moved, and to leave what is marked.
    if (unsaved.value) void save()
    else if (performance.now() - lookedAt > saveBeforeEnd) look()
  }

  /** Asks the server once where the attempt stands. */
  function look(): void {
    lookedAt = performance.now()
    void resync().catch(() => undefined)
  }

  /** Takes over when the attempt ends, as the server said a moment ago. */
  function learnEnd(end: string, standing: boolean | undefined): void {
    now.value = performance.now() + offset
    deadline.value = Date.parse(end)
    stands.value = standing === true
    lookedAt = performance.now()
  }

  /** Starts an attempt, or goes on with the one that is open. */
  async function start(): Promise<Attempt> {
    const attempt = await visit.client.post('/api/v1/campaigns/{campaign}/attempts', { path: visit.path, signed: true, body: {} })
    take(attempt)
    return attempt
  }

  /** Asks anew what the server has of the attempt. */
  async function resync(): Promise<void> {
    if (paper.value === null) return
    take(await visit.client.get(attemptPath, { path: of(paper.value.attempt), signed: true }))
  }

  function of(attempt: string) {
    return { ...visit.path, attempt }
  }

  function take(attempt: Attempt): void {
    if (attempt.state !== 'open') {
      finish(attempt)
      return
    }
    receipt.value = null
    ended.value = null
    paper.value = attempt
    offset = Date.parse(attempt.server_time) - performance.now()
    learnEnd(attempt.deadline, attempt.clocks_stand)
    savedRevision.value = attempt.saved.revision
    const kept = read(attempt.attempt)
    if (kept !== null && kept.revision > attempt.saved.revision) {
      revision.value = kept.revision
      answers.value = onPaper(attempt, kept.answers)
      void save()
    } else {
      revision.value = attempt.saved.revision
      answers.value = onPaper(attempt, attempt.saved.chosen)
    }
    tick()
  }

  /** Answers to questions of this paper, and no others. */
  function onPaper(p: Paper, given: Answers): Answers {
    return Object.fromEntries(p.questions.flatMap((q) => (given[q.id] ? [[q.id, given[q.id] ?? []]] : [])))
  }

  function finish(attempt: Attempt): void {
    clearTimeout(saveTimer)
    saveTimer = undefined
    forget(attempt.attempt)
    paper.value = null
    ended.value = attempt
    if (attempt.state === 'submitted') {
      receipt.value = attempt
      visit.learn(attempt)
    }
  }

  function mark(question: string, chosen: string[]): void {
    if (paper.value === null || sending.value) return
    answers.value = { ...answers.value, [question]: chosen }
    revision.value++
    keep(paper.value.attempt)
    saveTimer ??= setTimeout(() => void save(), saveAfter)
  }

  /** Lets the server keep what is marked. Without a network it is tried again later. */
  async function save(leaving = false): Promise<void> {
    clearTimeout(saveTimer)
    saveTimer = undefined
    if (paper.value === null || !unsaved.value || sending.value) return
    const attempt = paper.value.attempt
    const sent = revision.value
    try {
      const saved = await visit.client.put('/api/v1/campaigns/{campaign}/attempts/{attempt}/answers', {
        path: of(attempt),
        signed: true,
        keepalive: leaving,
        patience: 5_000,
        body: { revision: sent, answers: marked() },
      })
      if (paper.value?.attempt !== attempt) return
      savedRevision.value = Math.max(savedRevision.value, saved.revision)
      learnEnd(saved.deadline, saved.clocks_stand)
    } catch (err) {
      if (isProblem(err, 'quiz.submitted', 'quiz.expired')) await resync().catch(() => undefined)
      else if (paper.value !== null && err instanceof Unreachable) saveTimer ??= setTimeout(() => void save(), saveAfter)
    }
  }

  /** What is marked; unanswered questions are left out. */
  function marked(): Answers {
    return Object.fromEntries(Object.entries(answers.value).filter(([, chosen]) => chosen.length > 0))
  }

  /** Hands in. Safe to repeat: the same answers give the same receipt. */
  async function submit(): Promise<void> {
    const attempt = paper.value?.attempt
    if (attempt === undefined || sending.value) return
    sending.value = true
    clearTimeout(saveTimer)
    saveTimer = undefined
    try {
      finish(
        await visit.client.post('/api/v1/campaigns/{campaign}/attempts/{attempt}/submission', {
          path: of(attempt),
          signed: true,
          body: { answers: marked() },
        }),
      )
    } catch (err) {
      // Handed in before, with other answers or from another phone; or too late.
      if (!isProblem(err, 'quiz.submitted', 'quiz.expired')) throw err
      finish(await visit.client.get(attemptPath, { path: of(attempt), signed: true }))
    } finally {
      sending.value = false
    }
  }

  /** Reads a finished attempt, such as one of before. */
  async function open(attempt: string): Promise<Attempt> {
    const got = await visit.client.get(attemptPath, { path: of(attempt), signed: true })
    if (got.state === 'submitted') receipt.value = got
    return got
  }

  /** Told when the page goes out of sight or comes back. */
  function sight(visible: boolean): void {
    if (paper.value === null) return
    if (!visible) {
      hiddenAt = Date.now()
      void save(true)
    } else if (hiddenAt !== 0 && Date.now() - hiddenAt > resyncAfter) {
      hiddenAt = 0
      void resync().catch(() => undefined)
    }
  }

  function keep(attempt: string): void {
    const kept: Kept = { revision: revision.value, answers: answers.value }
    try {
      localStorage.setItem(keyOf(attempt), JSON.stringify(kept))
    } catch {
      // The server keeps them a little later.
    }
  }

  function read(attempt: string): Kept | null {
    try {
      return JSON.parse(localStorage.getItem(keyOf(attempt)) ?? 'null') as Kept | null
    } catch {
      return null
    }
  }

  function forget(attempt: string): void {
    try {
      localStorage.removeItem(keyOf(attempt))
    } catch {
      // Nothing was kept.
    }
  }

  function keyOf(attempt: string): string {
    return `qy.paper.${visit.id}.${attempt}`
  }

  return {
    paper, answers, revision, savedRevision, deadline, now, receipt, ended, sending, stands, answered, left, unsaved,
    tick, start, resync, mark, save, submit, open, sight,
  }
})
