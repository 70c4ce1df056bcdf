import { Problem, problemOf } from './problem';
import type { Wx } from './platform';
import { Transport, Unanswered } from './transport';
import type { Clock } from './wait';
import { waitBefore } from './wait';
import type { components } from './schema.gen';

type Pair = components['schemas']['Pair'];
type Place = components['schemas']['QueuePlace'];

interface Kept {
  access: string;
  refresh: string;
  participant: string;
  // When the access token runs out, by this phone's clock.
  until: number;
}

export interface QueueNews {
  // How many stand before.
  position: number;
  // When it is asked again.
  retryAfterMs: number;
}

export interface SessionOptions {
  base: string;
  wx: Wx;
  clock: Clock;
  transport: Transport;
  // Which of several mini-programs of the deployment this is.
  appid?: string | undefined;
  // Where tokens are kept on the phone.
  storageKey: string;
  // Told while the person waits in line to sign in.
  onQueue?: ((news: QueueNews) => void) | undefined;
}

// Tokens are renewed that long before they run out.
const RENEW_BEFORE_MS = 60_000;
const SIGN_IN_TRIES = 6;

// Session keeps the tokens of one person. However many requests find them run out, they
// are renewed once, and all wait for that.
export class Session {
  private kept: Kept | undefined;
  private renewing: Promise<Kept> | undefined;

  constructor(private readonly o: SessionOptions) {
    const stored = o.wx.getStorageSync(o.storageKey) as Kept | '' | undefined;
    if (stored && typeof stored === 'object' && stored.refresh) this.kept = stored;
  }

  // participant is the person's opaque id, '' before the first sign-in.
  get participant(): string {
    return this.kept ? this.kept.participant : '';
  }

  // token returns a good access token, and signs in where there is none.
  async token(): Promise<string> {
    const kept = this.kept;
    if (kept && this.o.clock.now() < kept.until - RENEW_BEFORE_MS) return kept.access;
    return (await this.renew()).access;
  }

  // refused is told of an access token that the server did not take.
  refused(access: string): void {
    if (this.kept && this.kept.access === access) this.kept = { ...this.kept, until: 0 };
  }

  // forget drops the tokens, and returns the access token that was there.
  forget(): string {
    const access = this.kept ? this.kept.access : '';
    this.kept = undefined;
    this.o.wx.removeStorageSync(this.o.storageKey);
    return access;
  }

  private renew(): Promise<Kept> {
    if (!this.renewing) {
      this.renewing = this.obtain().finally(() => {
        this.renewing = undefined;
      });
    }
    return this.renewing;
  }

  private async obtain(): Promise<Kept> {
    const refresh = this.kept && this.kept.refresh;
    if (refresh) {
      try {
        return this.keep(await this.post<Pair>('/api/v1/sessions/refresh', { refresh_token: refresh }));
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        this.forget(); // it ended: the person signs in anew, which costs them nothing
      }
    }
    return this.signIn();
  }

  // signIn asks WeChat for a code and shows it to the server. A code is for one sign-in;
  // where the server asks to stand in line, a new one is taken when it is one's turn, so
  // that none grows old there.
  private async signIn(): Promise<Kept> {
    let ticket: string | undefined;
    let fresh = true;
    for (;;) {
      try {
        const code = await this.code();
        const body = { code, ...(this.o.appid ? { appid: this.o.appid } : {}), ...(ticket ? { ticket } : {}) };
        return this.keep(await this.post<Pair>('/api/v1/sessions/wechat', body));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (error.code === 'queue.required') ticket = await this.stand();
        else if (error.code === 'wechat.code_invalid' && fresh) fresh = false;
        else throw error;
      }
    }
  }

  private code(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.o.wx.login({
        timeout: 10_000,
        success: (result) => (result.code ? resolve(result.code) : reject(new Unanswered('login:fail no code'))),
        fail: (failure) => reject(new Unanswered(failure.errMsg || '')),
      });
    });
  }

  // stand waits in line until it is this person's turn, and returns the ticket.
  private async stand(): Promise<string> {
    let place = await this.post<Place>('/api/v1/queue', {});
    while (!place.admitted) {
      if (this.o.onQueue) this.o.onQueue({ position: place.position, retryAfterMs: place.retry_after_ms });
      await this.o.clock.sleep(place.retry_after_ms * (1 + 0.1 * this.o.clock.random()));
      place = await this.post<Place>('/api/v1/queue', { ticket: place.ticket });
    }
    return place.ticket;
  }

  private keep(pair: Pair): Kept {
    this.kept = {
      access: pair.access_token,
      refresh: pair.refresh_token,
      participant: pair.participant.id,
      until: this.o.clock.now() + pair.expires_in * 1000,
    };
    this.o.wx.setStorageSync(this.o.storageKey, this.kept);
    return this.kept;
  }

  // post sends what needs no token, again where that may help. A code or a refresh token
  // sent twice gives the same session.
  private async post<T>(path: string, body: unknown): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      let problem: Problem;
      try {
        const got = await this.o.transport.send({ method: 'POST', url: this.o.base + path, body });
        if (got.status === 200) return got.data as T;
        problem = problemOf(got.status, got.data);
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        problem = error;
      }
      const again = problem instanceof Unanswered || problem.status === 503 || problem.code === 'rate.limited';
      if (!again || tries >= SIGN_IN_TRIES) throw problem;
      await this.o.clock.sleep(waitBefore(tries, problem.retryAfterMs, this.o.clock));
    }
  }
}
