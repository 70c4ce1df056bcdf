// A `wx` for Node that keeps the limits of the platform: ten requests at once, a list of
// domains, fixed headers, no PATCH, success for any status, five seconds in the background
// and then everything is broken off, ten megabytes of storage. It has no EventSource.
import http from 'node:http';

export const FORBIDDEN_HEADERS = ['referer', 'user-agent', 'content-length', 'host', 'cookie'];

export function fakeWx({ domains, codes, graceMs = 5_000 }) {
  const storage = new Map();
  const running = new Set();
  const log = [];
  let hidden = false;
  let asleep = false;
  let timer;
  let loginCalls = 0;

  const wx = {
    request(options) {
      const { url, method = 'GET', data, header = {}, timeout = 60_000, dataType = 'json', responseType = 'text' } = options;
      const fail = (errMsg) => queueMicrotask(() => options.fail?.({ errMsg: `request:fail ${errMsg}` }));
      const target = new URL(url);
      if (!domains.includes(target.origin)) return fail('url not in domain list'), { abort() {} };
      if (!['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'].includes(method)) return fail('method is invalid'), { abort() {} };
      if (Object.keys(header).some((name) => FORBIDDEN_HEADERS.includes(name.toLowerCase()))) return fail('header is not allowed'), { abort() {} };
      if (method === 'GET' && data !== undefined) return fail('data of a GET became its query'), { abort() {} };
      if (running.size >= 10) return fail('exceed max concurrent'), { abort() {} };
      if (asleep) return fail('interrupted'), { abort() {} };
      const entry = { method, path: target.pathname + target.search, header, status: 0 };
      log.push(entry);
      const job = { done: false };
      const settle = (call, value) => {
        if (job.done) return;
        job.done = true;
        running.delete(job);
        call?.(value);
      };
      const request = http.request(target, { method, headers: { referer: 'https://servicewechat.com/wxtest/1/page-frame.html', ...header }, timeout }, (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('end', () => {
          entry.status = res.statusCode;
          if (wx.hold(entry)) return; // the server acted, the answer is under way until the platform breaks it off
          const body = Buffer.concat(parts);
          const spelt = Object.fromEntries(Object.entries(res.headers).map(([k, v]) => [Math.random() < 0.5 ? k : k.replace(/(^|-)\w/g, (c) => c.toUpperCase()), String(v)]));
          if (wx.loseNext(entry)) return settle(options.fail, { errMsg: 'request:fail timeout' }); // the server acted, the answer was lost
          settle(options.success, { statusCode: res.statusCode, header: spelt, data: dataOf(body, dataType, responseType) });
        });
      });
      request.on('timeout', () => request.destroy(new Error('timeout')));
      request.on('error', (error) => settle(options.fail, { errMsg: `request:fail ${job.interrupted ? 'interrupted' : error.message}` }));
      job.interrupt = () => {
        job.interrupted = true;
        request.destroy();
        settle(options.fail, { errMsg: 'request:fail interrupted' });
      };
      running.add(job);
      request.end(data);
      return { abort: () => request.destroy(new Error('abort')) };
    },
    login(options) {
      loginCalls += 1;
      queueMicrotask(() => {
        const code = codes();
        if (code) options.success({ code, errMsg: 'login:ok' });
        else options.fail({ errMsg: 'login:fail' });
      });
    },
    getStorageSync: (key) => (storage.has(key) ? JSON.parse(storage.get(key)) : ''),
    setStorageSync(key, value) {
      const text = JSON.stringify(value);
      if (text.length > 1 << 20) throw new Error('setStorageSync:fail entry size limit reached');
      storage.set(key, text);
      if ([...storage.values()].join('').length > 10 << 20) throw new Error('setStorageSync:fail exceed storage max size');
    },
    removeStorageSync: (key) => storage.delete(key),
    // Of the test.
    loseNext: () => false,
    hold: () => false,
    hide() {
      hidden = true;
      timer = setTimeout(() => {
        asleep = hidden;
        for (const job of running) job.interrupt();
      }, graceMs);
    },
    show() {
      hidden = asleep = false;
      clearTimeout(timer);
    },
    log,
    storage,
    get running() {
      return running.size;
    },
    get loginCalls() {
      return loginCalls;
    },
  };
  return wx;
}

function dataOf(body, dataType, responseType) {
  if (responseType === 'arraybuffer') return body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength);
  if (dataType !== 'json') return body.toString();
  try {
    return JSON.parse(body.toString());
  } catch {
    return body.toString();
  }
}
