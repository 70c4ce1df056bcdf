import { computed, onScopeDispose, ref, shallowRef, type Ref } from 'vue'
import type { Page } from '@/shared/api/pages'
import { isAborted } from '@/shared/api/retry'

export interface Pages<Row> {
  rows: Ref<Row[]>
  err: Ref<unknown>
  busy: Ref<boolean>
  /** Counted from 1. */
  number: Ref<number>
  hasNext: Ref<boolean>
  next: () => Promise<void>
  previous: () => Promise<void>
  /** The same page anew. */
  again: () => Promise<void>
  /** From the first page on, as after a change of what is asked for. */
  restart: () => Promise<void>
}

/**
 * Goes through a list of the API, page by page: the server only knows the way forward,
 * so the cursors of the pages before are kept here.
 */
export function usePages<Row>(read: (cursor: string, signal: AbortSignal) => Promise<Page<Row>>): Pages<Row> {
  const rows = shallowRef<Row[]>([])
  const err = shallowRef<unknown>(null)
  const busy = ref(false)
  const cursors = ref<string[]>([''])
  const following = ref<string | null>(null)
  let running: AbortController | null = null

  async function show(stack: string[]): Promise<void> {
    running?.abort()
    const own = (running = new AbortController())
    busy.value = true
    try {
      const page = await read(stack[stack.length - 1] ?? '', own.signal)
      if (running !== own) return
      rows.value = page.items
      following.value = page.next_cursor
      cursors.value = stack
      err.value = null
    } catch (e) {
      if (running === own && !isAborted(e)) err.value = e
    } finally {
      if (running === own) busy.value = false
    }
  }

  onScopeDispose(() => {
    running?.abort()
    running = null
  })

  return {
    rows,
    err,
    busy,
    number: computed(() => cursors.value.length),
    hasNext: computed(() => following.value !== null),
    next: () => (following.value === null ? Promise.resolve() : show([...cursors.value, following.value])),
    previous: () => show(cursors.value.length > 1 ? cursors.value.slice(0, -1) : cursors.value),
    again: () => show(cursors.value),
    restart: () => show(['']),
  }
}
