import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import { fakeWx } from './fakewx.mjs';
import { person, startServer } from './server.mjs';

const { Client } = createRequire(import.meta.url)('../dist/index.js');

let server;
before(async () => {
  server = await startServer('queue: {admit_per_second: 2, burst: 2}\nlimits: {allow: ["127.0.0.0/8"]}\n');
});
after(() => server?.stop());

test('eight people at a door for two a second: all come in, in line, each with a fresh code', async () => {
  const told = [];
  const people = Array.from({ length: 8 }, () => {
    const wx = fakeWx({ domains: [server.base], codes: person() });
    return { wx, client: new Client({ base: server.base, wx, onQueue: (news) => told.push(news) }) };
  });
  const path = { campaign: server.campaigns[0] };
  await Promise.all(people.map(({ client }) => client.get('/api/v1/campaigns/{campaign}/me', { path })));
  assert.equal(new Set(people.map(({ client }) => client.session.participant)).size, 8);
  assert.ok(told.length > 0, 'nobody had to wait');
  assert.ok(told.every((news) => news.position >= 0 && news.retryAfterMs > 0));
  for (const { wx } of people) {
    const signIns = wx.log.filter((r) => r.path.endsWith('/sessions/wechat'));
    assert.equal(signIns.filter((r) => r.status === 200).length, 1);
    assert.equal(wx.loginCalls, signIns.length, 'each try shows a code of its own');
  }
  assert.equal(server.weChatCalls, 8, 'whoever waits in line costs WeChat nothing');
});
