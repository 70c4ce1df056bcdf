import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { DrawFile } from '@/draws/file'
import { verify } from '@/draws/verify'
import { numbered, written } from '../test/drawn'
import { environment, program } from './server'
import { connect, Visitor } from './visitor'

// What the page says of a file, and what the program says: the same, also where it is wrong.

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qingyuan-draws-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** The part that the program finds wrong, '' for none. */
async function byProgram(name: string, text: string): Promise<string> {
  const file = join(folder, `${name.replace(/\W/g, '-')}.json`)
  await writeFile(file, text)
  const child = spawn(program, ['draw', 'verify', '--json', file], { stdio: ['ignore', 'pipe', 'inherit'], env: environment() })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  return (JSON.parse(out) as { part?: string }).part ?? ''
}

async function byPage(text: string): Promise<string> {
  return (await verify(new TextEncoder().encode(text))).fault?.part ?? ''
}

/** A draw with something in every field. */
async function rich(): Promise<DrawFile> {
  for (let i = 0; ; i++) {
    const file = await numbered(i)
    if (file.redraws.length > 1 && file.excluded.length > 0 && file.places.length > 6) return file
  }
}

describe('an altered file', () => {
  it('is found out by the page as by the program, in the same field', async () => {
    const file = await rich()
    const whole = written(file)
    const other = '0'.repeat(64)
    const set = (path: string, value: unknown) => {
      const copy = JSON.parse(whole) as Record<string, unknown>
      const keys = path.split('.')
      const last = keys.pop() as string
      let at = copy
      for (const k of keys) at = at[k] as Record<string, unknown>
      at[last] = value
      return JSON.stringify(copy)
    }
    const swap = <T>(all: readonly T[], i: number, k: number) => all.map((x, n) => (n === i ? all[k] : n === k ? all[i] : x))
    const { entrants, excluded, places, redraws, announcement } = file
    const cases: Record<string, string> = {
      'as it is': whole,
      format: set('format', 'qingyuan.draw/2'),
      campaign: set('announcement.campaign', 'other'),
      'no campaign': set('announcement.campaign', ''),
      draw: set('announcement.draw', 'second'),
      source: set('announcement.source', `${announcement.source}一`),
      'a long source': set('announcement.source', '长'.repeat(400)),
      count: set('announcement.prizes.0.count', 99),
      'an endless count': set('announcement.prizes.0.count', 100_001),
      'no prizes': set('announcement.prizes', []),
      'a prize twice': set('announcement.prizes', [announcement.prizes[0], announcement.prizes[0]]),
      reserves: set('announcement.reserves', 6),
      'less than none': set('announcement.reserves', -1),
      'hash of the secret': set('announcement.secret_sha256', other),
      'hash of the announcement': set('announcement_sha256', other),
      'another entrant': set('entrants.3', `${entrants[3]?.slice(0, -1)}z`),
      order: set('entrants', swap(entrants, 3, 4)),
      'an entrant twice': set('entrants.3', entrants[4]),
      'an entrant less': set('entrants', entrants.slice(1)),
      'a name as a ticket': set('entrants.3', '张三张三张三张三'),
      'a count of entrants': set('entrants_count', entrants.length + 1),
      root: set('entrants_root', other),
      'an insider less': set('excluded', excluded.slice(1)),
      'another insider': set('excluded.0', `${excluded[0]?.slice(0, -1)}z`),
      'a count of insiders': set('excluded_count', 99),
      'root of insiders': set('excluded_root', other),
      secret: set('secret', other),
      value: set('value', `${file.value} `),
      'no value': set('value', ' \u3000\t'),
      'a value that scripts take for none': set('value', '\ufeff'),
      seed: set('seed', other),
      'another winner': set('places.0.ticket', places[5]?.ticket),
      'another prize': set('places.0.prize', 'p9'),
      'winners changed': set('places', swap(places, 0, 1)),
      'a winner less': set('places', places.slice(1)),
      'a place': set('places.0.place', 2),
      'redraws changed': set('redraws', swap(redraws, 0, 1)),
      'a redraw to a friend': set('redraws.0.ticket', entrants[0]),
      'a redraw of nothing': set('redraws.0.place', 999),
      'a redraw without a word': set('redraws.0.reason', ' '),
      'a redraw too many': set('redraws', [...redraws, ...redraws]),
      'all null': JSON.stringify(Object.fromEntries(Object.keys(file).map((k) => [k, null]))),
      empty: '{}',
      'a field twice': whole.replace('"value":', '"value":"x","value":'),
      'a field twice in other letters': whole.replace('"value":', '"val\\u0075e":"x","value":'),
      'an unknown field': whole.replace('"value":', '"winner":"x","value":'),
      'another case': whole.replace('"value":', '"Value":'),
      'something after': `${whole}{}`,
      'a short hash': set('seed', 'ab'),
      'capital hex': set('seed', file.seed.toUpperCase()),
      half: whole.slice(0, whole.length / 2),
      nothing: '',
      'a list': '[]',
      'a number with a point': whole.replace(/"entrants_count":(\d+)/, '"entrants_count":$1.0'),
      'a number beyond all': set('entrants_count', 0).replace('"entrants_count":0', '"entrants_count":9223372036854775808'),
      'the greatest number of all': set('entrants_count', 0).replace('"entrants_count":0', '"entrants_count":9223372036854775807'),
      'a text for a number': set('entrants_count', '7'),
      'half a sign': whole.replace('"value":"', '"value":"\\ud83d'),
    }
    const names = Object.keys(cases)
    const want: string[] = []
    // A few at a time: each is a process.
    for (let i = 0; i < names.length; i += 4) want.push(...(await Promise.all(names.slice(i, i + 4).map((n) => byProgram(n, cases[n] as string)))))
    const got = await Promise.all(names.map((n) => byPage(cases[n] as string)))
    expect(Object.fromEntries(names.map((n, i) => [n, got[i]]))).toEqual(Object.fromEntries(names.map((n, i) => [n, want[i]])))
    expect(want.filter((part) => part === '')).toHaveLength(1)
    expect(new Set(want).size).toBeGreaterThan(13)
  })
})

describe('the page', () => {
  it('computes a file in a browser that lacks what is newer than WeChat’s', async () => {
    const browser = await connect()
    const v = await Visitor.arrive(browser, inject('url'))
    await v.context.addInitScript(() => {
      Reflect.deleteProperty(Object, 'hasOwn')
      Reflect.deleteProperty(globalThis, 'BigInt')
    })
    await v.page.goto(`${inject('url')}/draws`)
    await v.page.getByText('还没有选择').waitFor()
    expect(await v.overflows()).toBe(false)
    const file = await rich()
    const choose = (text: string) =>
      v.page.locator('input[type=file]').setInputFiles({ name: 'draw.json', mimeType: 'application/json', buffer: Buffer.from(text) })
    await choose(written(file))
    await v.page.getByText('核对一致').waitFor()
    await v.page.getByLabel('我的抽奖号').last().fill(file.places[0]?.ticket ?? '')
    await v.page.getByText('这个抽奖号是第 1 名').waitFor()
    await choose('{}')
    await v.page.getByText('核对不一致：format 有问题').waitFor()
    await choose('[')
    await v.page.getByText('这不是一份抽奖结果文件').waitFor()
    expect(v.surprises).toEqual([])
    expect(v.violations).toEqual([])
    await v.leave()
    await browser.close()
  })
})
