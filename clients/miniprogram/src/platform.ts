// What this client asks of the platform: the part of `wx` that it uses. A test gives a
// fake one that keeps the same limits.

export interface WxResponse {
  data: unknown;
  statusCode: number;
  header: Record<string, string>;
}

export interface WxFailure {
  errMsg: string;
}

export interface WxRequest {
  url: string;
  // There is no PATCH on the platform.
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  // Of a GET the platform would make a query: it stays empty there.
  data?: string;
  header: Record<string, string>;
  timeout: number;
  dataType: 'json' | 'other';
  responseType: 'text' | 'arraybuffer';
  // Called for ANY status: 404 and 503 are successes to the platform.
  success(response: WxResponse): void;
  fail(failure: WxFailure): void;
}

export interface Wx {
  request(options: WxRequest): { abort(): void };
  login(options: { timeout?: number; success(result: { code: string }): void; fail(failure: WxFailure): void }): void;
  getStorageSync(key: string): unknown;
  setStorageSync(key: string, value: unknown): void;
  removeStorageSync(key: string): void;
}
