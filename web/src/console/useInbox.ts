import { ref, type Ref, watch } from 'vue'
import type { Page } from '@/shared/api/pages'
import { given } from './query'
import { useOpened } from './useOpened'
import { type Pages, usePages } from './usePages'

export interface Inbox<Line, One, State extends string> {
  /** The state that is looked for; '' for all. */
  state: Ref<State | ''>
  pages: Pages<Line>
  /** The one that was opened beside the list. */
  opened: ReturnType<typeof useOpened<One>>
  /** The id of the one that is open, for acts upon it. */
  id: () => string
  /** Reads both anew, as after an act. */
  changed: () => Promise<void>
}

/** A list of what waits for somebody, by its state, and the one of it that is looked at. */
export function useInbox<Line, One extends { id: string }, State extends string>(o: {
  begin: State | ''
  list: (query: { cursor?: string; state?: State }, signal: AbortSignal) => Promise<Page<Line>>
  one: (id: string) => Promise<One>
}): Inbox<Line, One, State> {
  const state = ref(o.begin) as Ref<State | ''>
  const pages = usePages<Line>((cursor, signal) => o.list(given({ cursor, state: state.value }) as { cursor?: string; state?: State }, signal))
  watch(state, () => void pages.restart(), { immediate: true })
  const opened = useOpened(o.one)

  async function changed(): Promise<void> {
    await Promise.all([opened.again(), pages.again()])
  }
  return { state, pages, opened, id: () => opened.data.value?.id ?? '', changed }
}
