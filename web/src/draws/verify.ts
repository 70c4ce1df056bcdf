import { type Announcement, type DrawFile, readFile } from './file'
import { bytesOf, choose, digestOf, hashOfHex, type Pause, rootOf, seedOf, winnersOf } from './rules'

/** The fields of a file, as `qingyuan draw verify` names them. */
export type Part =
  | 'file' | 'format' | 'announcement' | 'announcement_sha256' | 'entrants' | 'excluded' | 'entrants_count' | 'excluded_count'
  | 'entrants_root' | 'excluded_root' | 'secret' | 'value' | 'seed' | 'places' | 'redraws'

/** What is checked: each step has a field of the file that it is about. */
export const steps = [
  { id: 'file', part: 'file' },
  { id: 'format', part: 'format' },
  { id: 'announcement', part: 'announcement' },
  { id: 'announcement_sha256', part: 'announcement_sha256' },
  { id: 'entrants', part: 'entrants' },
  { id: 'excluded', part: 'excluded' },
  { id: 'entrants_count', part: 'entrants_count' },
  { id: 'excluded_count', part: 'excluded_count' },
  { id: 'entrants_root', part: 'entrants_root' },
  { id: 'excluded_root', part: 'excluded_root' },
  { id: 'insiders', part: 'excluded' },
  { id: 'secret', part: 'secret' },
  { id: 'value', part: 'value' },
  { id: 'seed', part: 'seed' },
  { id: 'places', part: 'places' },
  { id: 'redraws', part: 'redraws' },
  { id: 'noted_root', part: 'entrants_root' },
  { id: 'noted_announcement', part: 'announcement_sha256' },
] as const satisfies readonly { id: string; part: Part }[]

export type StepId = (typeof steps)[number]['id']

/** What somebody wrote down before the draw, '' for nothing. */
export interface Noted {
  root: string
  announcement: string
}

/** How a check went: every step up to the first that does not hold. */
export interface Verdict {
  /** Null where the file could not be read. */
  file: DrawFile | null
  held: StepId[]
  /** The first step that does not hold, its field, and what is wrong. */
  fault: { step: StepId; part: Part; why: string } | null
}

export interface Checking {
  noted?: Noted
  pause?: Pause
  /** Told of each step before it is taken. */
  onStep?: (step: StepId) => void
}

const format = 'qingyuan.draw/1'
const maxPlaces = 100_000
const maxText = 1000

/** Computes a draw again from its file alone, and stops at what does not follow from the rest. */
export async function verify(bytes: Uint8Array, o: Checking = {}): Promise<Verdict> {
  const held: StepId[] = []
  let file: DrawFile | null = null
  for (const { id, part } of steps) {
    o.onStep?.(id)
    await o.pause?.()
    let why: string
    if (file === null) {
      try {
        file = readFile(bytes)
        why = ''
      } catch (err) {
        why = err instanceof Error ? err.message : String(err)
      }
    } else {
      why = await checks[id](file, o)
    }
    if (why !== '') return { file, held, fault: { step: id, part, why } }
    held.push(id)
  }
  return { file, held, fault: null }
}

/** Says what is wrong, '' for nothing. */
type Check = (f: DrawFile, o: Checking) => string | Promise<string>

const differs = '与按文件其余内容算出的不一致'
const same = (a: unknown, b: unknown) => (a === b ? '' : `文件中是 ${String(a)}，算出的是 ${String(b)}`)

const checks: Record<StepId, Check> = {
  file: () => '',
  format: (f) => (f.format === format ? '' : `应为 ${format}`),
  announcement: (f) => faultOf(f.announcement),
  announcement_sha256: (f) => same(f.announcement_sha256, digestOf(f.announcement)),
  entrants: (f) => ticketFault(f.entrants),
  excluded: (f) => ticketFault(f.excluded),
  entrants_count: (f) => same(f.entrants_count, f.entrants.length),
  excluded_count: (f) => same(f.excluded_count, f.excluded.length),
  entrants_root: async (f, o) => same(f.entrants_root, await rootOf(f.entrants, o.pause)),
  excluded_root: async (f, o) => same(f.excluded_root, await rootOf(f.excluded, o.pause)),
  insiders: (f) => {
    const barred = new Set(f.excluded)
    const at = f.entrants.findIndex((t) => barred.has(t))
    return at < 0 ? '' : `参与名单第 ${at + 1} 个在排除名单中`
  },
  secret: (f) => same(hashOfHex(f.secret), f.announcement.secret_sha256),
  value: (f) => (blank(f.value) || bytesOf(f.value) > maxText ? '没有填写，或者过长' : ''),
  seed: (f) => same(f.seed, seedOf(f.entrants_root, f.secret, f.value)),
  places: async (f, o) => placeFault(f, await choose(f.seed, f.announcement, f.entrants, o.pause)),
  redraws: redrawFault,
  noted_root: (f, o) => notedFault(f.entrants_root, o.noted?.root),
  noted_announcement: (f, o) => notedFault(f.announcement_sha256, o.noted?.announcement),
}

const notedFault = (is: string, noted = '') => (noted === '' || noted === is ? '' : `文件中是 ${is}，开奖前记下的是 ${noted}`)

/** White space as the program knows it, which is not quite what scripts trim. */
const blank = (text: string) => /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$/.test(text)

const sized = (text: string) => text !== '' && bytesOf(text) <= maxText

function faultOf(a: Announcement): string {
  if (![a.campaign, a.draw, a.source].every(sized)) return '活动、抽奖编号或公开来源没有填写，或者过长'
  if (a.reserves < 0) return '候补人数小于零'
  if (a.prizes.length === 0) return '没有奖品'
  const ids = new Set(a.prizes.map((p) => p.id))
  if (ids.size < a.prizes.length || !a.prizes.every((p) => sized(p.id) && sized(p.name))) return '奖品没有各自的编号和名称'
  if (!a.prizes.every((p) => p.count >= 1 && p.count <= maxPlaces)) return '奖品数量不对'
  return winnersOf(a) + a.reserves > maxPlaces ? `中奖和候补合计超过 ${maxPlaces}` : ''
}

/** Tickets are opaque, each there once, and sorted. */
function ticketFault(tickets: string[]): string {
  for (const [i, ticket] of tickets.entries()) {
    if (!/^[0-9A-Za-z]{16,64}$/.test(ticket)) return `第 ${i + 1} 个不是抽奖号`
    if (i > 0 && ticket <= (tickets[i - 1] as string)) return `第 ${i + 1} 个没有排在前一个之后`
  }
  return ''
}

function placeFault(f: DrawFile, want: DrawFile['places']): string {
  if (f.places.length !== want.length) return `文件中有 ${f.places.length} 个名次，算出的是 ${want.length} 个`
  const at = want.findIndex((w, i) => {
    const is = f.places[i] as (typeof want)[number]
    return is.place !== w.place || is.prize !== w.prize || is.ticket !== w.ticket
  })
  return at < 0 ? '' : `第 ${at + 1} 名${differs}`
}

/** Each redraw gives a place that has won to the next reserve in the published order. */
function redrawFault(f: DrawFile): string {
  const winners = winnersOf(f.announcement)
  for (const [i, r] of f.redraws.entries()) {
    const next = f.places[winners + i]
    if (blank(r.reason)) return `第 ${i + 1} 次递补没有原因`
    if (r.place < 1 || r.place > Math.min(winners, f.places.length)) return `第 ${i + 1} 次递补的名次没有奖品`
    if (next === undefined) return `第 ${i + 1} 次递补时候补已经用完`
    if (r.reserve !== next.place || r.ticket !== next.ticket) return `第 ${i + 1} 次递补${differs}`
  }
  return ''
}
