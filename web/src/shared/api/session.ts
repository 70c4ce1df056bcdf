import type { Schema } from './types'

export type Pair = Schema<'Pair'>

/** Session is a pair of tokens and when the first of them ends, in milliseconds of the clock. */
export interface Session {
  access: string
  refresh: string
  participant: string
  endsAt: number
}

/** SessionStore keeps the session between visits. */
export interface SessionStore {
  read(): Session | null
  write(session: Session | null): void
}

export function sessionOf(pair: Pair, now: number): Session {
  return {
    access: pair.access_token,
    refresh: pair.refresh_token,
    participant: pair.participant.id,
    endsAt: now + pair.expires_in * 1000,
  }
}

/** A store for one page only, for tests and for browsers that keep nothing. */
export function memoryStore(session: Session | null = null): SessionStore {
  return {
    read: () => session,
    write: (s) => {
      session = s
    },
  }
}

/**
 * A store in the browser, shared by its tabs. Where the browser refuses to keep
 * anything, it lasts as long as the page.
 */
export function browserStore(key: string, storage: () => Storage = () => localStorage): SessionStore {
  const own = memoryStore()
  return {
    read() {
      try {
        const raw = storage().getItem(key)
        return raw === null ? null : parseSession(raw)
      } catch {
        return own.read()
      }
    },
    write(session) {
      own.write(session)
      try {
        if (session === null) storage().removeItem(key)
        else storage().setItem(key, JSON.stringify(session))
      } catch {
        // Private windows refuse: the session lives on in memory.
      }
    },
  }
}

function parseSession(raw: string): Session | null {
  const s = JSON.parse(raw) as Partial<Session>
  if (typeof s.access !== 'string' || typeof s.refresh !== 'string') return null
  return { access: s.access, refresh: s.refresh, participant: s.participant ?? '', endsAt: s.endsAt ?? 0 }
}
