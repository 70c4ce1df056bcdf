import { isProblem, Problem, Unreachable } from './problem'
import { aborted, type Clock, isAborted, realClock, waitBefore } from './retry'
import { type Pair, type Session, sessionOf, type SessionStore } from './session'
import type { Answer, Body, Method, PathOf, Query } from './types'

export interface ClientOptions {
  sessions: SessionStore
  /** Where the server is; the page's own origin when left out. */
  base?: string
  fetch?: typeof fetch
  clock?: Clock
  /** Whether calls that do not say so send the access token. */
  signed?: boolean
  /** How long a write goes on trying when its call does not say; 0 for an API whose writes may not be repeated. */
  writePatience?: number
  /** Told when a session has ended for good: people have to sign in again. */
  onSignedOut?: () => void
  /** Told whenever a request got an answer, or none. */
  onReach?: (reached: boolean) => void
}

export interface Call<M extends Method, P extends PathOf<M>> {
  /** The values of the path's parameters. */
  path?: Record<string, string>
  query?: Query<M, P>
  body?: Body<M, P>
  /** Send the access token; a page that needs none leaves it out. */
  signed?: boolean
  /** How long to go on trying, in milliseconds; 0 is one try. */
  patience?: number
  signal?: AbortSignal
  /** Let the request outlive the page. It is tried once. */
  keepalive?: boolean
  headers?: Record<string, string>
}

/** Tagged is an answer with the name of its content, or null where it has not changed. */
export interface Tagged<T> {
  etag: string
  data: T | null
}

/** How long a request goes on trying when nobody says otherwise. */
const patience = 20_000
/** How long one try may take. */
const tryTimeout = 15_000
/** A token that ends so soon is renewed before it is used. */
const renewBefore = 30_000

/**
 * Client speaks to the API as the contract wants it: every write is repeated until it is
 * answered, with the same content, so that a lost answer costs nothing; the same write
 * at the same time is one; a token is renewed once for all who wait for it; and who is
 * told to wait waits.
 */
export class Client {
  private readonly sessions: SessionStore
  private readonly base: string
  private readonly fetch: typeof fetch
  private readonly clock: Clock
  private readonly options: ClientOptions
  private renewing: Promise<Session> | null = null
  private readonly writing = new Map<string, Promise<unknown>>()

  constructor(options: ClientOptions) {
    this.options = options
    this.sessions = options.sessions
    this.base = options.base ?? ''
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init))
    this.clock = options.clock ?? realClock
  }

  /** The session, or null for nobody. */
  get session(): Session | null {
    return this.sessions.read()
  }

  /** Takes the pair that a sign-in gave. */
  adopt(pair: Pair): Session {
    const session = sessionOf(pair, this.clock.now())
    this.sessions.write(session)
    return session
  }

  /** Forgets the session on this side only. */
  forget(): void {
    this.sessions.write(null)
  }

  get<P extends PathOf<'get'>>(path: P, call: Call<'get', P> = {}): Promise<Answer<'get', P>> {
    return this.ask('get', path, call)
  }

  put<P extends PathOf<'put'>>(path: P, call: Call<'put', P> = {}): Promise<Answer<'put', P>> {
    return this.once('put', path, call)
  }

  post<P extends PathOf<'post'>>(path: P, call: Call<'post', P> = {}): Promise<Answer<'post', P>> {
    return this.once('post', path, call)
  }

  patch<P extends PathOf<'patch'>>(path: P, call: Call<'patch', P> = {}): Promise<Answer<'patch', P>> {
    return this.once('patch', path, call)
  }

  delete<P extends PathOf<'delete'>>(path: P, call: Call<'delete', P> = {}): Promise<Answer<'delete', P>> {
    return this.once('delete', path, call)
  }

  /** Reads something unless it is still what etag names. */
  async tagged<P extends PathOf<'get'>>(path: P, etag: string, call: Call<'get', P> = {}): Promise<Tagged<Answer<'get', P>>> {
    const headers = etag === '' ? {} : { 'If-None-Match': etag }
    const res = await this.perform('get', path, { ...call, headers: { ...call.headers, ...headers } })
    const name = res.headers.get('ETag') ?? etag
    if (res.status === 304) return { etag: name, data: null }
    return { etag: name, data: (await res.json()) as Answer<'get', P> }
  }

  /** Reads a file, such as a certificate. */
  async file<P extends PathOf<'get'>>(path: P, call: Call<'get', P> = {}): Promise<Blob> {
    const res = await this.perform('get', path, call)
    return res.blob()
  }

  /** Sends a write; whoever sends the same while it is under way gets the same answer. */
  private once<M extends Method, P extends PathOf<M>>(method: M, path: P, call: Call<M, P>): Promise<Answer<M, P>> {
    const key = JSON.stringify([method, path, call.path, call.query, call.body])
    const running = this.writing.get(key) as Promise<Answer<M, P>> | undefined
    if (running) return running
    const calm = this.options.writePatience === undefined ? call : { patience: this.options.writePatience, ...call }
    const done = this.ask(method, path, calm).finally(() => this.writing.delete(key))
    this.writing.set(key, done)
    return done
  }

  private async ask<M extends Method, P extends PathOf<M>>(method: M, path: P, call: Call<M, P>): Promise<Answer<M, P>> {
    const res = await this.perform(method, path, call)
    if (res.status === 204) return undefined as Answer<M, P>
    return (await res.json()) as Answer<M, P>
  }

  /** Tries until there is an answer that stands, and throws refusals. */
  private async perform<M extends Method, P extends PathOf<M>>(method: M, path: P, call: Call<M, P>): Promise<Response> {
    const began = this.clock.now()
    const end = began + (call.keepalive ? 0 : (call.patience ?? patience))
    let renewed = false
    for (let n = 1; ; n++) {
      const session = (call.signed ?? this.options.signed) === true ? await this.fresh(call.signal) : null
      const failure = await this.attempt(method, path, call, session)
      if (failure instanceof Response) return failure
      if (session !== null && !renewed && isProblem(failure, 'auth.expired', 'auth.invalid')) {
        renewed = true
        await this.renew(session)
        continue
      }
      if (failure instanceof Problem && failure.status === 401 && session !== null) this.signedOut()
      if (failure instanceof Problem && !failure.passing) throw failure
      const wait = waitBefore(n, failure instanceof Problem ? failure.retryAfterMs : undefined, this.clock.random)
      if (this.clock.now() + wait > end) throw failure
      await this.clock.sleep(wait, call.signal)
    }
  }

  /** One try: a good answer, or what went wrong. */
  private async attempt<M extends Method, P extends PathOf<M>>(
    method: M,
    path: P,
    call: Call<M, P>,
    session: Session | null,
  ): Promise<Response | Problem | Unreachable> {
    const headers: Record<string, string> = { Accept: 'application/json', ...call.headers }
    if (call.body !== undefined) headers['Content-Type'] = 'application/json'
    if (session !== null) headers.Authorization = `Bearer ${session.access}`
    const stop = new AbortController()
    const giveUp = () => stop.abort()
    const timer = setTimeout(giveUp, tryTimeout)
    call.signal?.addEventListener('abort', giveUp, { once: true })
    try {
      const init: RequestInit = { method: method.toUpperCase(), headers, signal: stop.signal, cache: 'no-store' }
      if (call.body !== undefined) init.body = JSON.stringify(call.body)
      if (call.keepalive === true) init.keepalive = true
      if (call.signal?.aborted) throw aborted()
      const res = await this.fetch(this.base + address(path, call.path, call.query as object | undefined), init)
      this.options.onReach?.(true)
      return res.ok || res.status === 304 ? res : await problemOf(res)
    } catch (err) {
      if (call.signal?.aborted) throw aborted()
      this.options.onReach?.(false)
      return new Unreachable(err instanceof Error ? err.message : String(err))
    } finally {
      clearTimeout(timer)
      call.signal?.removeEventListener('abort', giveUp)
    }
  }

  /** The session, renewed first where it is about to end. */
  private async fresh(signal?: AbortSignal): Promise<Session> {
    const session = this.sessions.read()
    if (session === null) throw new Problem(401, { code: 'auth.missing' })
    if (session.endsAt - this.clock.now() > renewBefore) return session
    if (signal?.aborted) throw aborted()
    return this.renew(session)
  }

  /** Renews a session once for all who ask. Another tab may have done so already. */
  private renew(old: Session): Promise<Session> {
    const kept = this.sessions.read()
    if (kept !== null && kept.access !== old.access) return Promise.resolve(kept)
    this.renewing ??= this.exchange(old.refresh).finally(() => {
      this.renewing = null
    })
    return this.renewing
  }

  private async exchange(refresh: string): Promise<Session> {
    try {
      const pair = await this.ask('post', '/api/v1/sessions/refresh', { body: { refresh_token: refresh } })
      return this.adopt(pair)
    } catch (err) {
      if (isProblem(err) && err.status === 401) {
        // Another tab renewed it a moment ago, with the same token.
        const kept = this.sessions.read()
        if (kept !== null && kept.refresh !== refresh) return kept
        this.signedOut()
      }
      throw err
    }
  }

  private signedOut(): void {
    this.sessions.write(null)
    this.options.onSignedOut?.()
  }
}

async function problemOf(res: Response): Promise<Problem> {
  try {
    return new Problem(res.status, (await res.json()) as object)
  } catch (err) {
    if (isAborted(err)) throw err
    return new Problem(res.status, {}) // something on the way answered
  }
}

/** Fills a path of the contract and appends the query. */
export function address(path: string, values: Record<string, string> = {}, query?: object): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path}: ${name} is not given`)
    return encodeURIComponent(value)
  })
  const pairs = Object.entries(query ?? {}).filter(([, v]) => v !== undefined && v !== null && v !== '')
  if (pairs.length === 0) return filled
  return filled + '?' + pairs.map(([k, v]) => `${encodeURIComponent(k)}=${encodeURIComponent(String(v))}`).join('&')
}
