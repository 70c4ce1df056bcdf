import { onScopeDispose, ref, type Ref } from 'vue'

export interface IdleOptions {
  /** After how many milliseconds without anybody touching anything the session is left. */
  after: number
  /** How long before that people are told. */
  warn: number
  /** Whether this page may stand unattended just now. */
  exempt: () => boolean
  onIdle: () => void
  now?: () => number
  target?: Pick<EventTarget, 'addEventListener' | 'removeEventListener'>
  every?: (tick: () => void, ms: number) => () => void
}

const signs = ['pointerdown', 'keydown', 'wheel', 'touchstart']

/**
 * Watches whether somebody is there. Views that ask the server by themselves would keep
 * a session alive for ever, so that the page has to look itself.
 */
export function useIdle(o: IdleOptions): { left: Ref<number | null>; stay: () => void } {
  const now = o.now ?? Date.now
  const target = o.target ?? window
  /** Seconds until the session is left; null while there is time. */
  const left = ref<number | null>(null)
  let seen = now()
  let over = false

  function stay() {
    seen = now()
    left.value = null
    over = false
  }

  function tick() {
    if (o.exempt()) {
      stay()
      return
    }
    const rest = seen + o.after - now()
    left.value = rest <= o.warn ? Math.max(0, Math.ceil(rest / 1000)) : null
    if (rest > 0 || over) return
    over = true
    left.value = null
    o.onIdle()
  }

  for (const s of signs) target.addEventListener(s, stay, { passive: true })
  const stop = (o.every ?? everySoOften)(tick, 1000)
  onScopeDispose(() => {
    stop()
    for (const s of signs) target.removeEventListener(s, stay)
  })
  return { left, stay }
}

function everySoOften(tick: () => void, ms: number): () => void {
  const timer = setInterval(tick, ms)
  return () => clearInterval(timer)
}
