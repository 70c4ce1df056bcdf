import { shallowRef } from 'vue'

/** One of a list that was opened beside it. */
export function useOpened<T>(read: (id: string) => Promise<T>) {
  const data = shallowRef<T | null>(null)
  const err = shallowRef<unknown>(null)
  let wanted = ''

  async function open(id: string): Promise<void> {
    wanted = id
    err.value = null
    try {
      const got = await read(id)
      if (wanted === id) data.value = got
    } catch (e) {
      if (wanted === id) err.value = e
    }
  }

  const again = () => open(wanted)

  function shut(): void {
    wanted = ''
    data.value = null
    err.value = null
  }
  return { data, err, open, again, shut }
}
