import type { Schema } from './types'

/** Problem is a refusal of the server: its code is stable, its message can be shown. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly requestId: string
  /** How long to wait before the same request is worth another try; undefined for never. */
  readonly retryAfterMs: number | undefined
  readonly nextAttemptAt: string | undefined
  readonly fields: ReadonlyArray<{ field: string; reason: string }>

  constructor(status: number, body: Partial<Schema<'Problem'>>) {
    super(body.message ?? '')
    this.status = status
    this.code = body.code ?? 'internal'
    this.requestId = body.request_id ?? ''
    this.retryAfterMs = body.retry_after_ms
    this.nextAttemptAt = body.next_attempt_at
    this.fields = body.fields ?? []
  }

  /** The same request may go well later: the server is busy, or we ask too often. */
  get passing(): boolean {
    return this.status === 503 || (this.status === 429 && this.code === 'rate.limited')
  }
}

/** Unreachable is no answer at all: what was asked may or may not have been done. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

/** isProblem tells whether an error is a refusal with one of these codes. */
export function isProblem(err: unknown, ...codes: string[]): err is Problem {
  return err instanceof Problem && (codes.length === 0 || codes.includes(err.code))
}
