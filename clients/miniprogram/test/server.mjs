// The real server, on free ports, with a WeChat that gives out codes.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const root = new URL('../../..', import.meta.url).pathname;

// binary is the program: PROGRAM, or one that is built now.
function binary(dir) {
  if (process.env.PROGRAM) return process.env.PROGRAM;
  const file = path.join(dir, 'qingyuan');
  execFileSync('go', ['build', '-o', file, './cmd/qingyuan'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  return file;
}

// startServer runs the demonstration. config is more of its configuration, in YAML.
export async function startServer(config = '') {
  const dir = mkdtempSync(path.join(tmpdir(), 'qymp'));
  const used = new Set();
  let calls = 0;
  const weChat = http.createServer((req, res) => {
    calls += 1;
    const code = new URL(req.url, 'http://x').searchParams.get('js_code') || '';
    res.setHeader('content-type', 'text/plain'); // as the real one does
    if (!code.startsWith('code-') || used.has(code)) return res.end(JSON.stringify({ errcode: 40029, errmsg: 'invalid code' }));
    used.add(code);
    res.end(JSON.stringify({ openid: `openid-${code.split('-')[1]}`, session_key: 'key' }));
  });
  weChat.listen(0, '127.0.0.1');
  await once(weChat, 'listening');
  const file = path.join(dir, 'config.yaml');
  writeFileSync(
    file,
    `http: {ops_addr: ""}\nlog: {format: json}\nwechat:\n  base_url: http://127.0.0.1:${weChat.address().port}\n  mini_programs: [{appid: wxtest, secret: secret}]\n${config}`,
  );
  const program = spawn(binary(dir), ['serve', '--demo', '--config', file, '--data', path.join(dir, 'data'), '--addr', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  const base = await new Promise((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      readline.createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        const at = /"what":"public".*?"addr":"([^"]+)"/.exec(line);
        if (at) resolve(`http://${at[1]}`);
      });
    }
    program.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${lines.join('\n')}`)));
  });
  for (;;) {
    const answer = await fetch(`${base}/readyz`).catch(() => undefined);
    if (answer?.ok && (await fetch(`${base}/api/v1/campaigns/${(await (await fetch(`${base}/api/v1/campaigns`)).json()).items[0].id}/counts`)).ok) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const campaigns = (await (await fetch(`${base}/api/v1/campaigns`)).json()).items.map((c) => c.id);
  return {
    base,
    campaigns,
    lines,
    get weChatCalls() {
      return calls;
    },
    async stop() {
      program.kill('SIGTERM');
      await once(program, 'exit');
      weChat.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

let people = 0;

// person is somebody with a phone: every code is another, and leads to the same openid.
export function person() {
  people += 1;
  const name = `${Date.now().toString(36)}${people}`;
  let n = 0;
  return () => `code-${name}-${(n += 1)}`;
}
