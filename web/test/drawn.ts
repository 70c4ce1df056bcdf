import { createHash } from 'node:crypto'
import type { Announcement, DrawFile } from '@/draws/file'
import { choose, digestOf, rootOf, seedOf } from '@/draws/rules'

export const sha = (text: string | Buffer) => createHash('sha256').update(text).digest()
export const hex = (text: string | Buffer) => sha(text).toString('hex')

/** A draw by its number, as prize/draw/page_test.go makes it. */
export async function numbered(i: number): Promise<DrawFile> {
  const sum = (what: string, k = 0) => sha(`${i} ${what} ${k}`)
  const named = (what: string, n: number) => Array.from({ length: n }, (_, k) => sum(what, k).toString('hex').slice(0, 32)).sort()
  const plan = [...sum('plan')]
  const byte = (k: number) => plan[k] as number
  const secret = sum('secret')
  const announcement: Announcement = {
    campaign: 'town-2026',
    draw: `draw-${i}`,
    prizes: Array.from({ length: 1 + (byte(2) % 3) }, (_, k) => ({ id: `p${k}`, name: `奖品 ${k}`, count: 1 + (byte(3 + k) % 9) })),
    reserves: byte(8) % 6,
    source: '双色球\u2028第 "2026\\077" 期\t<&>\u0001\u007f😀',
    secret_sha256: hex(secret),
  }
  const entrants = named('entrant', (byte(0) % 60) + (i % 100 === 0 ? 700 : 0))
  const excluded = named('excluded', byte(1) % 5)
  const two = (k: number) => String(byte(k)).padStart(2, '0')
  return drawn(announcement, entrants, excluded, secret.toString('hex'), `${two(9)} ${two(10)} + ${two(11)}\n`, i % 3)
}

async function drawn(announcement: Announcement, entrants: string[], excluded: string[], secret: string, value: string, redraws: number): Promise<DrawFile> {
  const root = await rootOf(entrants)
  const seed = seedOf(root, secret, value)
  const places = await choose(seed, announcement, entrants)
  const winners = announcement.prizes.reduce((n, p) => n + p.count, 0)
  const reserves = places.slice(winners).slice(0, Math.min(redraws, winners))
  return {
    format: 'qingyuan.draw/1',
    announcement,
    announcement_sha256: digestOf(announcement),
    entrants_count: entrants.length,
    entrants_root: root,
    excluded_count: excluded.length,
    excluded_root: await rootOf(excluded),
    secret,
    value,
    seed,
    places,
    redraws: reserves.map((r, i) => ({ place: i + 1, reserve: r.place, ticket: r.ticket, reason: `逾期 ${i}` })),
    entrants,
    excluded,
  }
}

/** As the program writes it: what is empty of these two is left out. */
export const written = (f: DrawFile) =>
  JSON.stringify(f, (key, value: unknown) => ((key === 'prize' && value === '') || (key === 'redraws' && (value as unknown[]).length === 0) ? undefined : value))
