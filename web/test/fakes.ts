import type { Clock } from '@/shared/api/retry'

/** A clock whose sleeps end at once, and move it on. */
export class FakeClock implements Clock {
  at = 1_000_000
  readonly slept: number[] = []

  now(): number {
    return this.at
  }

  random(): number {
    return 0
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(ms)
    this.at += ms
    await new Promise((resolve) => setImmediate(resolve))
    if (signal?.aborted) {
      const err = new Error('given up')
      err.name = 'AbortError'
      throw err
    }
  }
}

export interface Asked {
  method: string
  url: string
  body: string
  token: string
  headers: Headers
}

type Reply = Response | Error | (() => Response | Error | Promise<Response>)

/** A server that answers by a script, and remembers what it was asked. */
export class FakeServer {
  readonly asked: Asked[] = []
  private readonly replies: Reply[] = []

  will(...replies: Reply[]): this {
    this.replies.push(...replies)
    return this
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    this.asked.push({
      method: init?.method ?? 'GET',
      url: String(input),
      body: typeof init?.body === 'string' ? init.body : '',
      token: (headers.get('Authorization') ?? '').replace('Bearer ', ''),
      headers,
    })
    const next = this.replies.shift()
    if (next === undefined) throw new Error(`nobody answers ${String(input)}`)
    const reply = typeof next === 'function' ? await next() : next
    if (reply instanceof Error) throw reply
    return reply
  }
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(status === 304 ? null : JSON.stringify(body), { status, headers })
}

export function problem(status: number, code: string, more: object = {}): Response {
  return json({ code, message: '说明', request_id: 'ABCDEFGHIJKLMNOP', ...more }, status)
}

export function pair(n: number, expires_in = 7200) {
  return { access_token: `access-${n}`, refresh_token: `refresh-${n}`, expires_in, participant: { id: 'p' } }
}
