import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRequire } from 'node:module';
import { fakeWx } from './fakewx.mjs';
import { person, startServer } from './server.mjs';

const { Client, Problem } = createRequire(import.meta.url)('../dist/index.js');

let server;
let campaign;
before(async () => {
  server = await startServer();
  campaign = server.campaigns[0];
});
after(() => server?.stop());

function phone(options = {}) {
  const wx = fakeWx({ domains: [server.base], codes: person(), ...options });
  const client = new Client({ base: `${server.base}/`, wx, ...options.client });
  return { wx, client };
}

const C = '/api/v1/campaigns/{campaign}';
const at = () => ({ path: { campaign } });

async function unitOf(client) {
  let parent = '';
  for (;;) {
    const { items } = await client.get(`${C}/units`, { ...at(), query: { parent }, public: true });
    const unit = items.find((n) => n.kind === 'unit');
    if (unit) return unit.id;
    parent = items[0].id;
  }
}

async function enrol(client, name = '小明') {
  const detail = await client.get(C, { ...at(), public: true });
  await client.put(`${C}/enrolment`, {
    ...at(),
    body: { unit: await unitOf(client), name, group: detail.groups[0].id, consent: { notice_version: detail.consent_notice.version, publish_name: false } },
  });
}

function firstOptions(paper) {
  return Object.fromEntries(paper.questions.map((q) => [q.id, [q.options[0].id]]));
}

test('a whole way: sign in, enrol, sign, answer, receipt, certificate', async () => {
  const { wx, client } = phone();
  await enrol(client);
  const pledge = await client.get(`${C}/pledge`, { ...at(), public: true });
  const strokes = [[{ x: 1, y: 1, t: 0 }, { x: 90, y: 80, t: 9 }, { x: 10, y: 90, t: 20 }], [{ x: 80, y: 5, t: 40 }, { x: 5, y: 50, t: 60 }]];
  const signed = await client.post(`${C}/signatures`, { ...at(), body: { version: pledge.version, method: 'drawn', name: '小明', strokes } });
  assert.match(signed.serial, /^[A-Z0-9]+-[A-Z0-9]{26}$/);
  const paper = await client.post(`${C}/attempts`, at());
  const receipt = await client.post(`${C}/attempts/{attempt}/submission`, { path: { campaign, attempt: paper.attempt }, body: { answers: firstOptions(paper) } });
  assert.equal(receipt.state, 'submitted');
  const png = new Uint8Array(await client.certificate(campaign));
  assert.deepEqual([...png.slice(1, 4)], [0x50, 0x4e, 0x47]);
  assert.equal(wx.loginCalls, 1);
  const me = await client.get(`${C}/me`, at());
  assert.equal(me.signature.serial, signed.serial);
});

test('many requests at once: one sign-in, one renewal, never more than the platform takes', async () => {
  const { wx, client } = phone();
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, wx.running)), 1);
  const all = await Promise.all(Array.from({ length: 40 }, () => client.get(`${C}/me`, at())));
  clearInterval(watch);
  assert.equal(all.length, 40);
  assert.equal(wx.loginCalls, 1);
  assert.ok(most <= 10, `${most} requests at once`);
  assert.ok(wx.log.every((r) => r.status === 200 || r.status === 404), 'nothing failed on the way');

  // Somebody else's token: all forty are refused, and it is renewed once.
  const kept = wx.getStorageSync('qingyuan.session');
  client.session.kept = { ...kept, access: 'x.y.z' };
  wx.log.length = 0;
  await Promise.all(Array.from({ length: 40 }, () => client.get(`${C}/me`, at())));
  assert.equal(wx.log.filter((r) => r.path.endsWith('/sessions/refresh')).length, 1);
  assert.equal(wx.loginCalls, 1);
});

test('tokens outlive the mini-program, and an ended session signs in anew', async () => {
  const { wx, client } = phone();
  await client.get(`${C}/me`, at());
  const again = new Client({ base: server.base, wx });
  await again.get(`${C}/me`, at());
  assert.equal(wx.loginCalls, 1);
  assert.equal(again.session.participant, client.session.participant);
  wx.setStorageSync('qingyuan.session', { access: 'a.b.c', refresh: 'nobody', participant: 'x', until: 0 });
  const third = new Client({ base: server.base, wx });
  await third.get(`${C}/me`, at());
  assert.equal(wx.loginCalls, 2);
  assert.equal(third.session.participant, client.session.participant);
  await third.signOut();
  assert.equal(third.session.participant, '');
  assert.equal(wx.log.at(-1).status, 204);
});

test('a lost answer is asked for again, and what was accepted is accepted once', async () => {
  const { wx, client } = phone({ client: { clock: quick() } });
  await enrol(client);
  const paper = await client.post(`${C}/attempts`, at());
  let lost = 0;
  wx.loseNext = (entry) => entry.path.endsWith('/submission') && lost++ < 2;
  const receipt = await client.post(`${C}/attempts/{attempt}/submission`, { path: { campaign, attempt: paper.attempt }, body: { answers: firstOptions(paper) } });
  assert.equal(wx.log.filter((r) => r.path.endsWith('/submission')).length, 3);
  assert.equal(receipt.state, 'submitted');
  const list = await client.get(`${C}/attempts`, at());
  assert.equal(list.items.length, 1);
});

test('five seconds in the background break requests off; they are sent again when the person is back', async () => {
  const { wx, client } = phone({ graceMs: 0, client: { clock: quick() } });
  await enrol(client);
  const paper = await client.post(`${C}/attempts`, at());
  let left = false;
  wx.hold = (entry) => entry.path.endsWith('/submission') && !left;
  const submission = client.post(`${C}/attempts/{attempt}/submission`, { path: { campaign, attempt: paper.attempt }, body: { answers: firstOptions(paper) } });
  await until(() => wx.log.at(-1).path.endsWith('/submission') && wx.log.at(-1).status > 0);
  left = true;
  wx.hide();
  client.onHide();
  let settled = false;
  void submission.then(() => (settled = true));
  const late = client.get(`${C}/me`, at());
  await until(() => wx.running === 0);
  const sent = wx.log.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(wx.log.length, sent, 'nothing is sent from the background');
  assert.equal(settled, false, 'the submission waits for the person');
  wx.show();
  client.onShow();
  assert.equal((await submission).state, 'submitted');
  assert.ok(settled);
  assert.ok(await late);
  assert.equal((await client.get(`${C}/attempts`, at())).items.length, 1);
});

test('failures are told by code, and what cannot be mended is not tried again', async () => {
  const { wx, client } = phone();
  await assert.rejects(client.post(`${C}/attempts`, at()), (e) => e instanceof Problem && e.status === 409 && e.code === 'enrolment.required' && /报名/.test(e.message));
  const sent = wx.log.filter((r) => r.path.endsWith('/attempts')).length;
  assert.equal(sent, 1);
  await assert.rejects(client.get(C, { path: { campaign: 'nowhere' }, public: true }), (e) => e.code === 'campaign.not_found' && e.requestId.length > 0);
  await assert.rejects(client.put(`${C}/enrolment`, { ...at(), body: { nonsense: 1 } }), (e) => e.status === 400 && e.fields.length > 0);
  assert.throws(() => client.address(C, {}), /campaign is missing/);
});

test('503 and 429 wait as long as they ask, and longer each time', async () => {
  const waits = [];
  const clock = { now: () => Date.now(), random: () => 0.5, sleep: async (ms) => void waits.push(ms) };
  let n = 0;
  const wx = { ...fakeWx({ domains: [], codes: () => '' }), request(o) {
    n += 1;
    const busy = { statusCode: n === 1 ? 429 : 503, header: {}, data: { code: n === 1 ? 'rate.limited' : 'service.unavailable', message: '忙', request_id: 'r', retry_after_ms: 3000 } };
    queueMicrotask(() => o.success(n < 4 ? busy : { statusCode: 200, header: {}, data: { items: [] } }));
    return { abort() {} };
  } };
  const client = new Client({ base: 'https://x.example', wx, clock });
  await client.get('/api/v1/campaigns', { public: true });
  assert.equal(waits.length, 3);
  assert.ok(waits.every((ms) => ms >= 3000), `${waits}`);
  n = -100;
  await assert.rejects(client.get('/api/v1/campaigns', { public: true }), (e) => e.code === 'service.unavailable' && e.retryAfterMs === 3000);
});

test('polling takes what is new, rests in the background, and stops', async () => {
  const { wx, client } = phone({ client: { clock: quick() } });
  const seen = [];
  const stop = client.poll(`${C}/counts`, at(), { everyMs: 5, onData: (counts) => seen.push(counts) });
  await until(() => wx.log.filter((r) => r.status === 304).length >= 2);
  assert.ok(seen.length >= 1);
  assert.ok(wx.log.filter((r) => r.status === 200).length <= 1 + seen.length);
  client.onHide();
  await until(() => wx.running === 0);
  const sent = wx.log.length;
  await new Promise((resolve) => setTimeout(resolve, 40));
  assert.ok(wx.log.length <= sent + 1, 'polling goes on in the background');
  client.onShow();
  const before = wx.log.length;
  await until(() => wx.log.length > before);
  stop();
});

// quick is a clock whose pauses are short.
function quick() {
  return { now: () => Date.now(), random: () => Math.random(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 5))) };
}

async function until(ok) {
  const end = Date.now() + 30_000;
  while (!ok()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
