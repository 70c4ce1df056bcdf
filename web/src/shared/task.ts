import { ref } from 'vue'

/** One act at a time, and what went wrong in the last one. */
export function useTask() {
  const busy = ref(false)
  const err = ref<unknown>(null)

  async function run(act: () => Promise<unknown>): Promise<void> {
    if (busy.value) return
    busy.value = true
    err.value = null
    try {
      await act()
    } catch (e) {
      err.value = e
    } finally {
      busy.value = false
    }
  }
  return { busy, err, run }
}
