import { onScopeDispose, ref, shallowRef, type Ref } from 'vue'
import { isAborted } from '@/shared/api/retry'

export interface Load<T> {
  data: Ref<T | null>
  err: Ref<unknown>
  busy: Ref<boolean>
  /** Reads anew; what was there stays until there is something newer. */
  again: () => Promise<void>
  /** Puts in what an act answered with. */
  put: (data: T) => void
}

/**
 * Reads something at once, and again when told to. A reading that was overtaken by a
 * later one, or by the end of the view, changes nothing.
 */
export function useLoad<T>(read: (signal: AbortSignal) => Promise<T>): Load<T> {
  const data = shallowRef<T | null>(null)
  const err = shallowRef<unknown>(null)
  const busy = ref(false)
  let running: AbortController | null = null

  async function again(): Promise<void> {
    running?.abort()
    const own = (running = new AbortController())
    busy.value = true
    try {
      const got = await read(own.signal)
      if (running !== own) return
      data.value = got
      err.value = null
    } catch (e) {
      if (running === own && !isAborted(e)) err.value = e
    } finally {
      if (running === own) busy.value = false
    }
  }

  function put(value: T): void {
    running?.abort()
    running = null
    busy.value = false
    data.value = value
    err.value = null
  }

  onScopeDispose(() => {
    running?.abort()
    running = null
  })
  void again()
  return { data, err, busy, again, put }
}
