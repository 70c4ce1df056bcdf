import { problemOf } from './problem';
import type { Wx } from './platform';
import type { QueueNews } from './session';
import { Session } from './session';
import { Transport, Unanswered } from './transport';
import type { Received } from './transport';
import type { Clock } from './wait';
import { LONGEST_WAIT_MS, jittered, realClock, waitBefore } from './wait';
import type { paths } from './schema.gen';

type Methods = 'get' | 'post' | 'put' | 'delete';
// The platform cannot send PATCH, so operators' routes that take it are not for here.
type PathsWith<M extends Methods> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Methods> = paths[P][M];
type Part<O, K extends 'path' | 'query'> = O extends { parameters: { [k in K]?: infer V } } ? V : never;
type BodyOf<O> = O extends { requestBody?: { content: { 'application/json': infer B } } } ? B : never;
type Json<R> = R extends { content: { 'application/json': infer B } } ? B : undefined;
type Success<O> = O extends { responses: infer R } ? { [S in keyof R]: S extends 200 | 201 | 202 | 204 ? Json<R[S]> : never }[keyof R] : never;

export interface Call<O> {
  path?: Part<O, 'path'>;
  query?: Part<O, 'query'>;
  body?: BodyOf<O>;
  // Routes that everybody may read are asked without a token, so that nobody has to sign
  // in to look.
  public?: boolean;
}

export interface ClientOptions {
  // Such as https://jindu.example.gov.cn, as it is registered with WeChat: without a port
  // that is not registered, without a slash at the end.
  base: string;
  wx: Wx;
  appid?: string;
  storageKey?: string;
  onQueue?: (news: QueueNews) => void;
  clock?: Clock;
}

export interface Poll<T> {
  // The least time between two answers; a random part of a quarter is added or taken.
  everyMs?: number;
  onData(data: T): void;
  // Told of failures; polling goes on.
  onProblem?(error: Error): void;
}

const TRIES = 6;
const EVERY_MS = 4_000;
const NOT_MODIFIED = 304;

// Client speaks to one deployment for one person. Tell it when the mini-program is shown
// and hidden (App.onShow, App.onHide).
export class Client {
  readonly session: Session;
  private readonly clock: Clock;
  private readonly transport: Transport;
  private readonly base: string;
  private hidden = false;
  private awaitingShow: Array<() => void> = [];

  constructor(options: ClientOptions) {
    this.base = options.base.replace(/\/+$/, '');
    this.clock = options.clock || realClock;
    this.transport = new Transport(options.wx);
    this.session = new Session({
      base: this.base,
      wx: options.wx,
      clock: this.clock,
      transport: this.transport,
      appid: options.appid,
      storageKey: options.storageKey || 'qingyuan.session',
      onQueue: options.onQueue,
    });
  }

  // onShow lets everything go on that was held back or broken off.
  onShow(): void {
    this.hidden = false;
    this.transport.show();
    const waiting = this.awaitingShow;
    this.awaitingShow = [];
    for (const go of waiting) go();
  }

  onHide(): void {
    this.hidden = true;
    this.transport.hide();
  }

  get<P extends PathsWith<'get'>>(path: P, call: Call<Operation<P, 'get'>> = {}): Promise<Success<Operation<P, 'get'>>> {
    return this.data('GET', path as string, call) as Promise<Success<Operation<P, 'get'>>>;
  }

  post<P extends PathsWith<'post'>>(path: P, call: Call<Operation<P, 'post'>> = {}): Promise<Success<Operation<P, 'post'>>> {
    return this.data('POST', path as string, call) as Promise<Success<Operation<P, 'post'>>>;
  }

  put<P extends PathsWith<'put'>>(path: P, call: Call<Operation<P, 'put'>> = {}): Promise<Success<Operation<P, 'put'>>> {
    return this.data('PUT', path as string, call) as Promise<Success<Operation<P, 'put'>>>;
  }

  delete<P extends PathsWith<'delete'>>(path: P, call: Call<Operation<P, 'delete'>> = {}): Promise<Success<Operation<P, 'delete'>>> {
    return this.data('DELETE', path as string, call) as Promise<Success<Operation<P, 'delete'>>>;
  }

  // certificate fetches the picture of one's own pledge.
  async certificate(campaign: string): Promise<ArrayBuffer> {
    const path = '/api/v1/campaigns/{campaign}/signatures/me/certificate';
    const got = await this.persist('GET', this.address(path, { path: { campaign } }), { binary: true });
    return got.data as ArrayBuffer;
  }

  // signOut ends the session here and on the server. It does not sign in to do so.
  async signOut(): Promise<void> {
    const access = this.session.forget();
    if (!access) return;
    await this.transport
      .send({ method: 'DELETE', url: `${this.base}/api/v1/sessions/current`, header: { authorization: `Bearer ${access}` } })
      .catch((error: unknown) => {
        if (!(error instanceof Unanswered)) throw error;
      });
  }

  // poll asks for something public again and again, and calls onData with what is new:
  // with the tag of what is there, an answer without news is a few bytes. It rests while
  // the mini-program is in the background. The function returned ends it.
  poll<P extends PathsWith<'get'>>(path: P, call: Call<Operation<P, 'get'>>, p: Poll<Success<Operation<P, 'get'>>>): () => void {
    let stopped = false;
    const run = async () => {
      let tag = '';
      for (let failures = 0; !stopped; ) {
        await this.shown();
        if (stopped) return;
        let wait = jittered(p.everyMs || EVERY_MS, this.clock);
        try {
          const header: Record<string, string> = tag ? { 'if-none-match': tag } : {};
          const got = await this.transport.send({ method: 'GET', url: this.address(path as string, call), header });
          if (stopped) return;
          if (got.status !== NOT_MODIFIED) {
            if (got.status !== 200) throw problemOf(got.status, got.data);
            tag = got.header('etag');
            p.onData(got.data as Success<Operation<P, 'get'>>);
          }
          failures = 0;
        } catch (error) {
          if (stopped) return;
          failures += 1;
          const problem = problemFrom(error);
          wait = Math.max(wait, Math.min(waitBefore(failures, problem.retryAfterMs, this.clock), LONGEST_WAIT_MS));
          if (p.onProblem) p.onProblem(problem);
        }
        await this.clock.sleep(wait);
      }
    };
    void run();
    return () => {
      stopped = true;
    };
  }

  private async data(method: Sending['method'], path: string, call: Call<unknown>): Promise<unknown> {
    const got = await this.persist(method, this.address(path, call), { body: call.body, anonymous: call.public === true });
    return got.status === 204 ? undefined : got.data;
  }

  // persist sends until there is an answer that another try would not change. The same
  // request sent again is accepted once, so that a repeat is always safe.
  private async persist(method: Sending['method'], url: string, s: Sending['rest']): Promise<Received> {
    let renewed = false;
    for (let tries = 1; ; tries += 1) {
      await this.shown();
      const access = s.anonymous ? '' : await this.session.token();
      let problem;
      try {
        const header: Record<string, string> = access ? { authorization: `Bearer ${access}` } : {};
        const got = await this.transport.send({ method, url, header, body: s.body, binary: s.binary === true });
        if (got.status >= 200 && got.status < 300) return got;
        problem = problemOf(got.status, s.binary ? jsonIn(got.data) : got.data);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        if (error.interrupted) {
          tries -= 1; // the person left, nothing went wrong: again when they are back
          this.hiddenByPlatform();
          continue;
        }
        problem = error;
      }
      if (problem.status === 401 && access && !renewed) {
        renewed = true;
        this.session.refused(access);
        continue;
      }
      const again = problem instanceof Unanswered || problem.status === 503 || problem.code === 'rate.limited';
      if (!again || tries >= TRIES) throw problem;
      await this.clock.sleep(waitBefore(tries, problem.retryAfterMs, this.clock));
    }
  }

  // hiddenByPlatform takes note that the platform has broken a request off. App.onHide
  // tells so too, unless nobody passes it on; then a pause has to do.
  private hiddenByPlatform(): void {
    if (this.hidden) return;
    this.hidden = true;
    void this.clock.sleep(1_000).then(() => this.onShow());
  }

  private shown(): Promise<void> {
    if (!this.hidden) return Promise.resolve();
    return new Promise((resolve) => this.awaitingShow.push(resolve));
  }

  // address fills a path's parameters in and adds the query. The platform has no URL.
  private address(path: string, call: { path?: unknown; query?: unknown }): string {
    const values = (call.path || {}) as Record<string, string>;
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined || value === '') throw new Error(`${path}: ${name} is missing`);
      return encodeURIComponent(value);
    });
    const query = Object.entries((call.query || {}) as Record<string, unknown>)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
    return this.base + filled + (query.length ? `?${query.join('&')}` : '');
  }
}

interface Sending {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  rest: { body?: unknown; anonymous?: boolean; binary?: boolean };
}

function problemFrom(error: unknown) {
  return error instanceof Error && 'retryAfterMs' in error ? (error as ReturnType<typeof problemOf>) : problemOf(0, {});
}

// jsonIn reads a failure where a picture was asked for.
function jsonIn(data: unknown): unknown {
  if (!(data instanceof ArrayBuffer)) return data;
  let text = '';
  for (const byte of new Uint8Array(data)) text += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return JSON.parse(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}
