import type { components } from './schema.gen';

type Body = components['schemas']['Problem'];

export type ProblemCode = Body['code'];

// A refusal of the server. `message` is Chinese and may be shown as it is; `code` never
// changes its meaning.
export class Problem extends Error {
  readonly status: number;
  readonly code: ProblemCode | 'network';
  readonly requestId: string;
  readonly retryAfterMs: number;
  readonly nextAttemptAt: string | undefined;
  readonly fields: ReadonlyArray<{ name: string; reason: string }>;

  constructor(status: number, body: Partial<Body>) {
    super(body.message || '网络不给力，请稍后再试');
    Object.setPrototypeOf(this, Problem.prototype); // also where classes are made ES5
    this.name = 'Problem';
    this.status = status;
    this.code = body.code || 'network';
    this.requestId = body.request_id || '';
    this.retryAfterMs = body.retry_after_ms || 0;
    this.nextAttemptAt = body.next_attempt_at;
    this.fields = (body.fields || []).map((f) => ({ name: f.field, reason: f.reason }));
  }
}

// problemOf makes a Problem of an answer that is no success. What a proxy in front says
// has no body of ours.
export function problemOf(status: number, data: unknown): Problem {
  const known = typeof data === 'object' && data !== null ? (data as Partial<Body>) : {};
  return new Problem(status, known);
}
