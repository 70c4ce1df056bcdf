import { beforeEach, describe, expect, it } from 'vitest'
import { address, Client } from '@/shared/api/client'
import { Problem, Unreachable } from '@/shared/api/problem'
import { memoryStore, sessionOf, type SessionStore } from '@/shared/api/session'
import { FakeClock, FakeServer, json, pair, problem } from './fakes'

const home = '/api/v1/campaigns/{campaign}/me' as const
const spring = { path: { campaign: 'spring' }, signed: true }

let clock: FakeClock
let server: FakeServer
let sessions: SessionStore
let signedOut: number
let client: Client

beforeEach(() => {
  clock = new FakeClock()
  server = new FakeServer()
  sessions = memoryStore(sessionOf(pair(1), clock.now()))
  signedOut = 0
  client = new Client({ sessions, fetch: server.fetch, clock, onSignedOut: () => signedOut++ })
})

describe('a call', () => {
  it('carries token, path, query and body', async () => {
    server.will(json({ serial: 's' }, 201))
    await client.post('/api/v1/campaigns/{campaign}/signatures', {
      path: { campaign: 'a b/ü' },
      query: { lang: 'bo' },
      body: { version: '2', method: 'typed', name: '王芳' },
      signed: true,
    })
    expect(server.asked).toHaveLength(1)
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      url: '/api/v1/campaigns/a%20b%2F%C3%BC/signatures?lang=bo',
      token: 'access-1',
      body: '{"version":"2","method":"typed","name":"王芳"}',
    })
    expect(server.asked[0]?.headers.get('Content-Type')).toBe('application/json')
  })

  it('sends no token unless it is asked to', async () => {
    server.will(json({ items: [], next_cursor: null }))
    await client.get('/api/v1/campaigns')
    expect(server.asked[0]?.token).toBe('')
  })

  it('refuses a path that is not filled', () => {
    expect(() => address(home)).toThrow('campaign is not given')
  })

  it('answers undefined to 204', async () => {
    server.will(new Response(null, { status: 204 }))
    await expect(client.delete('/api/v1/sessions/current', { signed: true })).resolves.toBeUndefined()
  })
})

describe('what passes', () => {
  it('is repeated with the same content until there is an answer', async () => {
    server.will(new TypeError('no network'), new TypeError('no network'), json({ revision: 3, deadline: 'd' }))
    const saved = await client.put('/api/v1/campaigns/{campaign}/attempts/{attempt}/answers', {
      path: { campaign: 'spring', attempt: 'a' },
      body: { revision: 3, answers: {} },
      signed: true,
    })
    expect(saved.revision).toBe(3)
    expect(new Set(server.asked.map((a) => a.method + a.url + a.body)).size).toBe(1)
    expect(clock.slept).toEqual([500, 1000])
  })

  it('waits as long as the server says, and never less', async () => {
    server.will(problem(503, 'service.unavailable', { retry_after_ms: 3000 }), problem(429, 'rate.limited', { retry_after_ms: 100 }), json({}))
    await client.get(home, spring)
    expect(clock.slept).toEqual([3000, 1000])
  })

  it('is given up when patience ends', async () => {
    server.will(...Array.from({ length: 9 }, () => new TypeError('no network')))
    await expect(client.get(home, { ...spring, patience: 4000 })).rejects.toBeInstanceOf(Unreachable)
    expect(server.asked).toHaveLength(4)
  })

  it('is tried once where the page may be gone', async () => {
    server.will(new TypeError('no network'))
    await expect(client.get(home, { ...spring, keepalive: true })).rejects.toBeInstanceOf(Unreachable)
    expect(server.asked).toHaveLength(1)
  })

  it('is not what the server means: refusals stand', async () => {
    for (const [status, code] of [[400, 'request.invalid'], [409, 'quiz.submitted'], [429, 'queue.required'], [500, 'internal']] as const) {
      server.will(problem(status, code, { retry_after_ms: 10 }))
      await expect(client.get(home, spring)).rejects.toMatchObject({ status, code })
    }
    expect(clock.slept).toEqual([])
  })

  it('stops when it is aborted', async () => {
    const stop = new AbortController()
    server.will(() => {
      stop.abort()
      return new TypeError('aborted')
    })
    await expect(client.get(home, { ...spring, signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(server.asked).toHaveLength(1)
  })

  it('may be an answer of something on the way', async () => {
    server.will(new Response('<html>bad gateway</html>', { status: 502 }))
    await expect(client.get(home, spring)).rejects.toMatchObject({ status: 502, code: 'internal' })
  })
})

describe('the same write at once', () => {
  const submit = { path: { campaign: 'spring', attempt: 'a' }, body: { answers: { q: ['o'] } }, signed: true }
  const submission = '/api/v1/campaigns/{campaign}/attempts/{attempt}/submission' as const

  it('is one request', async () => {
    server.will(json({ score: 90 }))
    const [a, b] = await Promise.all([client.post(submission, submit), client.post(submission, submit)])
    expect(a).toBe(b)
    expect(server.asked).toHaveLength(1)
  })

  it('is a request again once it was answered, and another where it differs', async () => {
    server.will(json({}), json({}), json({}))
    await client.post(submission, submit)
    await Promise.all([client.post(submission, submit), client.post(submission, { ...submit, body: { answers: {} } })])
    expect(server.asked).toHaveLength(3)
  })
})

describe('a token that ends', () => {
  it('is renewed before it is used', async () => {
    clock.at += 7_180_000
    server.will(json(pair(2)), json({}))
    await client.get(home, spring)
    expect(server.asked.map((a) => a.url)).toEqual(['/api/v1/sessions/refresh', '/api/v1/campaigns/spring/me'])
    expect(server.asked[1]?.token).toBe('access-2')
  })

  it('is renewed once for all who were refused', async () => {
    server.will(...Array.from({ length: 5 }, () => problem(401, 'auth.expired')))
    server.will(() => new Promise((resolve) => setTimeout(() => resolve(json(pair(2))), 5)))
    server.will(...Array.from({ length: 5 }, () => json({})))
    await Promise.all(Array.from({ length: 5 }, () => client.get(home, spring)))
    expect(server.asked.filter((a) => a.url.endsWith('/refresh'))).toHaveLength(1)
    expect(server.asked.slice(-5).every((a) => a.token === 'access-2')).toBe(true)
    expect(client.session?.refresh).toBe('refresh-2')
  })

  it('that another tab has renewed is taken from there', async () => {
    server.will(() => {
      sessions.write(sessionOf(pair(7), clock.now()))
      return problem(401, 'auth.expired')
    }, json({}))
    await client.get(home, spring)
    expect(server.asked.map((a) => a.token)).toEqual(['access-1', 'access-7'])
  })

  it('that cannot be renewed signs out', async () => {
    server.will(problem(401, 'auth.expired'), problem(401, 'auth.reused'))
    await expect(client.get(home, spring)).rejects.toBeInstanceOf(Problem)
    expect(signedOut).toBe(1)
    expect(client.session).toBeNull()
  })

  it('and is refused anew signs out rather than asking for ever', async () => {
    server.will(problem(401, 'auth.invalid'), json(pair(2)), problem(401, 'auth.invalid'))
    await expect(client.get(home, spring)).rejects.toMatchObject({ status: 401 })
    expect(server.asked).toHaveLength(3)
    expect(signedOut).toBe(1)
  })

  it('stays where the network is away', async () => {
    clock.at += 7_190_000
    server.will(...Array.from({ length: 9 }, () => new TypeError('no network')))
    await expect(client.get(home, spring)).rejects.toBeInstanceOf(Unreachable)
    expect(client.session?.refresh).toBe('refresh-1')
    expect(signedOut).toBe(0)
  })
})

describe('what has a tag', () => {
  it('is read once and asked for by its tag', async () => {
    server.will(json({ as_of: 'x' }, 200, { ETag: 'W/"1"' }), json(null, 304, { ETag: 'W/"1"' }))
    const path = '/api/v1/campaigns/{campaign}/counts' as const
    const first = await client.tagged(path, '', { path: { campaign: 'spring' } })
    expect(first).toMatchObject({ etag: 'W/"1"', data: { as_of: 'x' } })
    const again = await client.tagged(path, first.etag, { path: { campaign: 'spring' } })
    expect(again).toEqual({ etag: 'W/"1"', data: null })
    expect(server.asked[1]?.headers.get('If-None-Match')).toBe('W/"1"')
  })
})
