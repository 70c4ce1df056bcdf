import { Problem } from './problem';
import type { Wx, WxRequest, WxResponse } from './platform';

// The platform takes ten requests at once, uploads and downloads among them. Two are left
// to the rest of the mini-program.
const AT_ONCE = 8;
const TIMEOUT_MS = 15_000;

export interface Sent {
  method: WxRequest['method'];
  url: string;
  body?: unknown;
  header?: Record<string, string>;
  binary?: boolean;
}

export interface Received {
  status: number;
  data: unknown;
  header(name: string): string;
}

// A request that the platform broke off, or that never arrived: nobody knows whether the
// server has acted on it. Every write of this API may be sent again.
export class Unanswered extends Problem {
  readonly interrupted: boolean;

  constructor(errMsg: string) {
    super(0, {});
    Object.setPrototypeOf(this, Unanswered.prototype);
    this.name = 'Unanswered';
    this.interrupted = errMsg.indexOf('interrupted') >= 0;
  }
}

// Transport sends requests, a few at a time and in the order they came in. It holds all
// of them back while the mini-program is in the background: five seconds after it went
// there the platform breaks off what is under way and starts nothing new.
export class Transport {
  private running = 0;
  private readonly line: Array<() => void> = [];
  private hidden = false;

  constructor(private readonly wx: Wx) {}

  hide(): void {
    this.hidden = true;
  }

  show(): void {
    this.hidden = false;
    this.next();
  }

  // shown resolves once the mini-program is in the foreground, with room for a request.
  private turn(): Promise<void> {
    return new Promise((resolve) => {
      this.line.push(resolve);
      this.next();
    });
  }

  private next(): void {
    while (!this.hidden && this.running < AT_ONCE) {
      const start = this.line.shift();
      if (!start) return;
      this.running += 1;
      start();
    }
  }

  async send(s: Sent): Promise<Received> {
    await this.turn();
    try {
      return await this.once(s);
    } finally {
      this.running -= 1;
      this.next();
    }
  }

  private once(s: Sent): Promise<Received> {
    return new Promise((resolve, reject) => {
      const header: Record<string, string> = { ...s.header };
      const request: WxRequest = {
        url: s.url,
        method: s.method,
        header,
        timeout: TIMEOUT_MS,
        dataType: s.binary ? 'other' : 'json',
        responseType: s.binary ? 'arraybuffer' : 'text',
        success: (response) => resolve(received(response)),
        fail: (failure) => reject(new Unanswered(failure.errMsg || '')),
      };
      if (s.body !== undefined) {
        request.data = JSON.stringify(s.body);
        header['content-type'] = 'application/json';
      }
      this.wx.request(request);
    });
  }
}

// received reads an answer. Platforms spell the names of headers as they like.
function received(response: WxResponse): Received {
  return {
    status: response.statusCode,
    data: response.data,
    header(name) {
      for (const key of Object.keys(response.header || {})) {
        if (key.toLowerCase() === name.toLowerCase()) return String(response.header[key]);
      }
      return '';
    },
  };
}
