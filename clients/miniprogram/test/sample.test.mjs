import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import path from 'node:path';
import { JSDOM } from 'jsdom';
import { fakeWx } from './fakewx.mjs';
import { person, startServer } from './server.mjs';

const require = createRequire(import.meta.url);
const { Client } = require('../dist/index.js');

let server;
before(async () => {
  server = await startServer();
});
after(() => server?.stop());

test('the sample page shows the counts, signs in on a tap, and leaves quietly', async () => {
  const dom = new JSDOM('<!DOCTYPE html><body></body>', { pretendToBeVisual: true });
  for (const name of ['window', 'document', 'Event', 'CustomEvent', 'HTMLElement', 'Node', 'MutationObserver']) {
    globalThis[name] = name === 'window' ? dom.window : dom.window[name];
  }
  const simulate = require('miniprogram-simulate');
  const wx = fakeWx({ domains: [server.base], codes: person() });
  const client = new Client({ base: server.base, wx });
  globalThis.getApp = () => ({ client });
  const root = new URL('../sample', import.meta.url).pathname;
  const id = simulate.load(path.join(root, 'pages/home/index'), 'home', { compiler: 'simulate', rootPath: root });
  const page = simulate.render(id, { campaign: server.campaigns[0] });
  page.attach(document.body);
  const text = () => page.dom.textContent;
  await until(() => /人已参与/.test(text()) && page.data.title);
  assert.equal(wx.loginCalls, 0, 'looking needs no sign-in');
  assert.match(text(), new RegExp(page.data.title));
  page.querySelector('.enter').dispatchEvent('tap');
  page.querySelector('.enter').dispatchEvent('tap');
  await until(() => /您还没有报名/.test(text()));
  assert.equal(wx.loginCalls, 1);
  assert.equal(wx.log.filter((r) => r.path.endsWith('/me')).length, 1, 'two taps are one');
  page.detach();
  await until(() => wx.running === 0);
});

async function until(ok) {
  const end = Date.now() + 30_000;
  while (!ok()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${document.body.textContent}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
