import { onScopeDispose, watch } from 'vue'
import { type Load, useLoad } from './useLoad'

/** So long after a reading the next follows, while something moves. */
const between = 1500

/** Reads something, and again and again while it moves by itself. */
export function useFollowed<T>(read: (signal: AbortSignal) => Promise<T>, moves: (data: T) => boolean): Load<T> {
  const load = useLoad(read)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch([load.data, load.busy], () => {
    clearTimeout(timer)
    if (load.busy.value || load.data.value === null || !moves(load.data.value)) return
    timer = setTimeout(() => void load.again(), between)
  })
  onScopeDispose(() => clearTimeout(timer))
  return load
}
