import { readdir } from 'node:fs/promises'
import { effectScope } from 'vue'
import { describe, expect, it } from 'vitest'
import { Client } from '@/shared/api/client'
import { memoryStore } from '@/shared/api/session'
import { Problem } from '@/shared/api/problem'
import { upload } from '@/shared/api/upload'
import { effectOf } from '@/console/approvals'
import { fields, mayChange, patchOf, readForm } from '@/console/campaignFields'
import { type Figure, large, short, suspects } from '@/console/duty'
import { followJob, type Job } from '@/console/followJob'
import { actor, at, atSecond } from '@/console/format'
import { appliedWords, rosterWords } from '@/console/imported'
import { storeName } from '@/console/locale/kept'
import { menuOf } from '@/console/menu'
import { entries } from '@/console/registry'
import { mayAct, type Role, wantsTwoFactor } from '@/console/rights'
import { useIdle } from '@/console/useIdle'
import { useLoad } from '@/console/useLoad'
import { usePages } from '@/console/usePages'
import { FakeClock, FakeServer, json, problem } from './fakes'

const role = (id: string, ...actions: string[]) => ({ id, name: id, exclusive: false, second_person: false, actions: actions.map((a) => ({ id: a, two_factor: a !== 'campaigns.read' })) }) as Role
const roles = [role('campaign_operator', 'campaigns.read', 'campaigns.edit'), role('office_viewer', 'campaigns.read'), role('auditor', 'audit.read')]
const who = (...grants: [string, string, string?][]) => ({ grants: grants.map(([r, campaign, scope]) => ({ role: r, campaign, scope: scope ?? '' })) }) as never

describe('a table that is taken in', () => {
  const roster = { found: 5, written: 2, same: 2, refused: 1, removed: 3, units: 1 }

  it('is told as written only once it is', () => {
    expect(rosterWords(roster, true)).toBe('共 5 人：写入 2，原有相同 2，不对 1，移除 3，涉及 1 个单位')
    expect(rosterWords(roster, false)).toBe('共 5 人：可写入 2，原有相同 2，不对 1，可移除 3，涉及 1 个单位')
  })

  it('is told with its version where it has one', () => {
    expect(appliedWords(true, 7)).toBe('已导入，为版本 7。')
    expect(appliedWords(true)).toBe('已写入名册。')
    expect(appliedWords(false, 7)).toBe('尚未写入任何内容。')
  })
})

describe('rights', () => {
  it('reach as far as a grant does', () => {
    const bound = who(['campaign_operator', 'spring'], ['office_viewer', ''])
    expect(mayAct(bound, roles, 'campaigns.edit', 'spring')).toBe(true)
    expect(mayAct(bound, roles, 'campaigns.edit', 'autumn')).toBe(false)
    expect(mayAct(bound, roles, 'campaigns.edit')).toBe(true)
    expect(mayAct(bound, roles, 'campaigns.read', 'autumn')).toBe(true)
    expect(mayAct(bound, roles, 'audit.read')).toBe(false)
    expect(mayAct(null, roles, 'campaigns.read')).toBe(false)
    expect(mayAct(who(['gone', '']), roles, 'campaigns.read')).toBe(false)
  })

  it('say who lacks a second factor', () => {
    expect(wantsTwoFactor(who(['office_viewer', '']), roles)).toBe(false)
    expect(wantsTwoFactor(who(['campaign_operator', 'spring']), roles)).toBe(true)
  })

  it('make the menu', () => {
    const of = (w: never, id: string, prizes = false) => menuOf((a, c) => mayAct(w, roles, a, c), { id, prizes }).flatMap((p) => p.entries.map((e) => e.name))
    expect(of(who(['auditor', '']), 'spring')).toContain('audit')
    expect(of(who(['auditor', '']), 'spring')).not.toContain('operators')
    expect(of(who(['campaign_operator', 'spring']), 'spring')).toContain('evening')
    expect(of(who(['campaign_operator', 'spring']), 'autumn')).not.toContain('evening')
    expect(of(who(['campaign_operator', 'spring']), '')).not.toContain('campaign')
    expect(of(who(['campaign_operator', 'spring']), 'spring', true)).toContain('prizes')
    expect(of(who(['campaign_operator', 'spring']), 'spring')).not.toContain('prizes')
  })
})

describe('a store of what is kept of people', () => {
  it('is told in words, one of a newer server by its name', () => {
    expect(storeName('proof_links')).toBe('存证日志条目与本人的对应关系')
    expect(storeName('moon_rocks')).toBe('moon_rocks')
  })
})

describe('the registry', () => {
  it('names each view once, below what the server routes', () => {
    expect(new Set(entries.map((e) => e.name)).size).toBe(entries.length)
    const paths = entries.map((e) => (e.of === 'campaign' ? `c/:campaign/${e.path}` : e.path))
    expect(new Set(paths).size).toBe(paths.length)
    for (const path of paths) expect(path.split('/').length, path).toBeLessThanOrEqual(4)
  })

  it('has a text for every key of its tables', async () => {
    const folder = new URL('../src/console/locale/', import.meta.url)
    for (const name of await readdir(folder)) {
      const { t } = (await import(`../src/console/locale/${name.replace('.ts', '')}.ts`)) as { t: { table: Record<string, string> } }
      for (const [key, text] of Object.entries(t.table)) expect(text.trim(), `${name} ${key}`).not.toBe('')
    }
  })
})

const file = `title: {zh-CN: 春季, bo: དཔྱིད}
opens_at: 2026-06-01 08:00 # 北京时间
closes_at: "2026-07-01 00:00"
top_n: 100
quiz: {pass_score: 60, attempts_per_day: 3}
`

describe('the settings of a campaign', () => {
  it('are read from the file, without the parts that it does not have', () => {
    const form = readForm(file)
    expect(form).toMatchObject({ title: '春季', opens_at: '2026-06-01T08:00', closes_at: '2026-07-01T00:00', top_n: '100', 'quiz.pass_score': '60' })
    expect(form['quiz.attempts_in_all']).toBe('')
    expect('pledge.prefix' in form).toBe(false)
  })

  it('become a patch of what was changed alone', () => {
    const before = readForm(file)
    expect(patchOf(before, { ...before }, file)).toBeNull()
    const after = { ...before, title: '春天', closes_at: '2026-07-10T00:00', top_n: '', 'quiz.attempts_per_day': '5' }
    expect(patchOf(before, after, file)).toEqual({
      title: { 'zh-CN': '春天' },
      closes_at: '2026-07-10 00:00',
      top_n: null,
      quiz: { attempts_per_day: 5 },
    })
    expect(patchOf(before, { ...before, title: '春天' }, 'title: 春季')).toEqual({ title: '春天' })
  })

  it('stay as they are once they are fixed', () => {
    const field = (path: string) => fields.find((f) => f.path === path)!
    expect(mayChange(field('quiz.pass_score'), 'scheduled')).toBe(true)
    expect(mayChange(field('quiz.pass_score'), 'open')).toBe(false)
    expect(mayChange(field('quiz.policy'), 'scheduled')).toBe(false)
    expect(mayChange(field('opens_at'), 'paused')).toBe(false)
    expect(mayChange(field('title'), 'closed')).toBe(true)
    expect(mayChange(field('title'), 'archived')).toBe(false)
  })
})

const figure = (id: string, level: Figure['level'] = 'ok', value: number | null = 0): Figure => ({ id, name: id, value, unit: '', level, hint: '' })

describe('the duty page', () => {
  it('puts what is worst first, and what is always looked at behind it', () => {
    const all = [figure('live.watchers'), figure('redis.memory'), figure('queue.wait'), figure('jobs.queued', 'watch'), figure('fold.seconds', 'act')]
    expect(large(all).map((f) => f.id)).toEqual(['fold.seconds', 'jobs.queued', 'queue.wait', 'redis.memory'])
  })

  it('writes numbers that are read across a room', () => {
    expect([short(null), short(0.66), short(99.94), short(1234.5), short(123_456)]).toEqual(['—', '0.7', '99.9', '1,235', '12.3万'])
  })

  it('tells of suspected questions what became of them, and since when', () => {
    const rose = { question: 'law-017', since: '2026-06-26T20:00:00+08:00', facility_before: 0.414, facility_after: 0.93, pace_before_ms: 11_800, pace_after_ms: 4_240 }
    expect(suspects([{ campaign: 'a', title: '甲', questions: [rose] }, { campaign: 'b', title: '乙', questions: [] }])).toEqual([
      { campaign: 'a', title: '甲', question: 'law-017', since: '2026-06-26 20:00', facility: '41% → 93%', pace: '11.8 → 4.2' },
    ])
  })
})

describe('an application', () => {
  it('says what it would change, as far as it is known', () => {
    expect(effectOf({ kind: 'operator.grant', params: { operator: 'a', role: 'auditor', campaign: '', scope: '' } })).toEqual({
      kind: 'grant', operator: 'a', role: 'auditor', campaign: '', scope: '',
    })
    expect(effectOf({ kind: 'correction.run', params: { batch: 'b', hash: 'h', items: 7 } })).toEqual({ kind: 'correction', batch: 'b', hash: 'h', items: 7 })
    expect(effectOf({ kind: 'prize.draw', params: null })).toEqual({ kind: 'other' })
    expect(effectOf({ kind: 'prize.draw', params: { draw: 'final', value: '1 2 3' } })).toEqual({ kind: 'draw', draw: 'final', value: '1 2 3' })
    expect(effectOf({ kind: 'prize.redraw', params: { draw: 'final', place: 2 } })).toEqual({ kind: 'redraw', draw: 'final', place: 2 })
    expect(effectOf({ kind: 'prize.refuse', params: { win: 'tea.1', told: '重复' } })).toEqual({ kind: 'refuse', win: 'tea.1', told: '重复' })
    expect(effectOf({ kind: 'prize.reopen', params: { win: 'tea.1' } })).toEqual({ kind: 'reopen', win: 'tea.1' })
  })
})

describe('times', () => {
  it('are Beijing’s', () => {
    expect(at('2026-06-26T12:05:09Z')).toBe('2026-06-26 20:05')
    expect(atSecond('2026-06-26T20:05:09+08:00')).toBe('2026-06-26 20:05:09')
    expect(at(null)).toBe('—')
  })
})

describe('who did something', () => {
  it('is a login, or whoever runs commands on the server', () => {
    expect(actor('lihua')).toBe('lihua')
    expect(actor('console')).toBe('服务器命令行')
    expect(actor('console@db1')).toBe('服务器命令行（db1）')
    expect(actor('console2')).toBe('console2')
  })
})

const job = (state: Job['state'], done = 0) => ({ id: 'j', state, done, total: 10 }) as Job

describe('a job', () => {
  it('is followed until it is over, through failures that pass', async () => {
    const answers: (Job | Error)[] = [job('queued'), new Problem(503, { code: 'service.unavailable' }), job('running', 4), job('done', 10)]
    const seen: string[] = []
    const failed: unknown[] = []
    const over = await followJob({
      clock: new FakeClock(),
      signal: new AbortController().signal,
      read: async () => {
        const next = answers.shift()!
        if (next instanceof Error) throw next
        return next
      },
      onJob: (j) => seen.push(j.state),
      onFailure: (e) => failed.push(e),
    })
    expect(over.done).toBe(10)
    expect(seen).toEqual(['queued', 'running', 'done'])
    expect(failed.length).toBe(1)
  })

  it('is not followed where it may not be seen', async () => {
    const read = () => Promise.reject(new Problem(404, { code: 'job.not_found' }))
    await expect(followJob({ clock: new FakeClock(), signal: new AbortController().signal, read, onJob: () => undefined })).rejects.toMatchObject({ status: 404 })
  })
})

describe('a list', () => {
  it('goes forward and back by the cursors it was given', async () => {
    const asked: string[] = []
    const scope = effectScope()
    const pages = scope.run(() =>
      usePages<number>(async (cursor) => {
        asked.push(cursor)
        return cursor === '' ? { items: [1, 2], next_cursor: 'a' } : { items: [3], next_cursor: null }
      }),
    )!
    await pages.restart()
    expect([pages.rows.value, pages.hasNext.value, pages.number.value]).toEqual([[1, 2], true, 1])
    await pages.next()
    expect([pages.rows.value, pages.hasNext.value, pages.number.value]).toEqual([[3], false, 2])
    await pages.next()
    await pages.previous()
    await pages.previous()
    expect(pages.number.value).toBe(1)
    expect(asked).toEqual(['', 'a', '', ''])
    scope.stop()
  })

  it('keeps what it has where a page is refused, and forgets what was overtaken', async () => {
    const scope = effectScope()
    let answer: (data: string) => void = () => undefined
    const load = scope.run(() => useLoad<string>(() => new Promise((resolve) => (answer = resolve))))!
    const first = answer
    const later = load.again()
    first('old')
    answer('new')
    await later
    expect([load.data.value, load.busy.value]).toEqual(['new', false])
    scope.stop()
  })
})

describe('an unattended page', () => {
  it('is left after a while without a hand on it, unless it may stand', () => {
    let now = 0
    let exempt = false
    let left = 0
    let tick = () => undefined as void
    const hands: Record<string, () => void> = {}
    const target = { addEventListener: (n: string, f: () => void) => (hands[n] = f), removeEventListener: () => undefined }
    const scope = effectScope()
    const idle = scope.run(() =>
      useIdle({
        after: 100_000, warn: 20_000, exempt: () => exempt, onIdle: () => left++, now: () => now, target: target as never,
        every: (f) => {
          tick = f
          return () => undefined
        },
      }),
    )!
    now = 85_000
    tick()
    expect(idle.left.value).toBe(15)
    hands.keydown!()
    expect(idle.left.value).toBeNull()
    now = 180_000
    exempt = true
    tick()
    exempt = false
    now = 279_000
    tick()
    expect([left, idle.left.value]).toEqual([0, 1])
    now = 281_000
    tick()
    tick()
    expect(left).toBe(1)
    scope.stop()
  })
})

describe('the client of the office', () => {
  const desk = (server: FakeServer) =>
    new Client({ sessions: memoryStore({ access: 'desk', refresh: '', participant: '', endsAt: Number.MAX_SAFE_INTEGER }), signed: true, writePatience: 0, fetch: server.fetch, clock: new FakeClock() })

  it('sends its token by itself, and a write once', async () => {
    const server = new FakeServer().will(json({ items: [], next_cursor: null }), problem(503, 'service.unavailable', { retry_after_ms: 1 }))
    const client = desk(server)
    await client.get('/api/v1/admin/campaigns')
    await expect(client.post('/api/v1/admin/operators', { body: { login: 'abc', name: '王' } })).rejects.toMatchObject({ status: 503 })
    expect(server.asked.map((a) => a.token)).toEqual(['desk', 'desk'])
    await expect(client.post('/api/v1/admin/sessions', { body: { login: 'a', password: 'b' }, signed: false })).rejects.toThrow()
    expect(server.asked[2]?.token).toBe('')
  })

  it('sends a file with its progress, and tells why it was refused', async () => {
    const sent: number[] = []
    class Request {
      upload: { onprogress?: (e: object) => void } = {}
      status = 0
      responseText = ''
      onload = () => undefined as void
      headers: Record<string, string> = {}
      url = ''
      open = (_method: string, to: string) => (this.url = to)
      setRequestHeader = (k: string, v: string) => (this.headers[k] = v)
      send = () => {
        this.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 2 })
        this.status = this.url.includes('dry_run=true') ? 202 : 413
        this.responseText = this.status === 202 ? '{"job":"j1"}' : '{"code":"file.too_large","message":"文件过大","request_id":"R"}'
        this.onload()
      }
    }
    const request = new Request()
    const o = { path: '/x/{campaign}', values: { campaign: 'a b' }, file: new Blob(['x']), token: 'desk', onSent: (p: number) => sent.push(p) }
    await expect(upload({ ...o, query: { dry_run: 'true' }, request: () => request as never })).resolves.toEqual({ job: 'j1' })
    expect([sent, request.url, request.headers.Authorization]).toEqual([[0.5], '/x/a%20b?dry_run=true', 'Bearer desk'])
    await expect(upload({ ...o, request: () => new Request() as never })).rejects.toMatchObject({ status: 413, code: 'file.too_large' })
  })
})
