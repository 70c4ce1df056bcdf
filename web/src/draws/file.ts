import { Digits, type Json, readJson } from './json'

/** A draw as it is published, with the fields of prize/draw in the source of the program. */
export type DrawFile = ReturnType<typeof whole>
export type Announcement = DrawFile['announcement']
export type Place = DrawFile['places'][number]

type Reader<T> = (value: Json) => T
type Read<S extends Record<string, Reader<unknown>>> = { [K in keyof S]: ReturnType<S[K]> }

/** What the file has in place of something else. */
const not = (what: string) => new SyntaxError(`应为${what}`)

// As in the program, what is null or left out is empty: it is for the checks to notice.

const text: Reader<string> = (v) => {
  if (v === null) return ''
  if (typeof v !== 'string') throw not('文字')
  return v
}

const number: Reader<number> = (v) => {
  if (v === null) return 0
  if (!(v instanceof Digits) || !whole64(v.text)) throw not('整数')
  return Number(v.text)
}

/** Whether somebody wrote a whole number that 64 bits hold. */
function whole64(text: string): boolean {
  const most = text.startsWith('-') ? '9223372036854775808' : '9223372036854775807'
  const digits = text.replace('-', '')
  return /^-?(0|[1-9]\d*)$/.test(text) && (digits.length < most.length || (digits.length === most.length && digits <= most))
}

const hash: Reader<string> = (v) => {
  if (v === null) return '0'.repeat(64)
  if (typeof v !== 'string' || !/^[0-9a-f]{64}$/.test(v)) throw not(' 64 位小写的十六进制数')
  return v
}

const listOf =
  <T>(each: Reader<T>): Reader<T[]> =>
  (v) => {
    if (v === null) return []
    if (!Array.isArray(v)) throw not('列表')
    return v.map((one, i) => within(`第 ${i + 1} 项`, () => each(one)))
  }

const record =
  <S extends Record<string, Reader<unknown>>>(fields: S): Reader<Read<S>> =>
  (v) => {
    if (v !== null && !(v instanceof Map)) throw not('一组字段')
    for (const name of v?.keys() ?? []) {
      if (!Object.prototype.hasOwnProperty.call(fields, name)) throw new SyntaxError(`有不认识的字段“${name}”`)
    }
    const out = Object.entries(fields).map(([name, read]) => [name, within(name, () => read(v?.get(name) ?? null))])
    return Object.fromEntries(out) as Read<S>
  }

/** Says where a fault is. */
function within<T>(where: string, read: () => T): T {
  try {
    return read()
  } catch (err) {
    if (err instanceof SyntaxError) err.message = `${where}：${err.message}`
    throw err
  }
}

const whole = record({
  format: text,
  announcement: record({
    campaign: text,
    draw: text,
    prizes: listOf(record({ id: text, name: text, count: number })),
    reserves: number,
    source: text,
    secret_sha256: hash,
  }),
  announcement_sha256: hash,
  entrants_count: number,
  entrants_root: hash,
  excluded_count: number,
  excluded_root: hash,
  secret: hash,
  value: text,
  seed: hash,
  places: listOf(record({ place: number, prize: text, ticket: text })),
  redraws: listOf(record({ place: number, reserve: number, ticket: text, reason: text })),
  entrants: listOf(text),
  excluded: listOf(text),
})

/** Reads a file, strictly. What is wrong with it is a SyntaxError. */
export function readFile(bytes: Uint8Array): DrawFile {
  let characters: string
  try {
    characters = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SyntaxError('不是 UTF-8 的文字')
  }
  return whole(readJson(characters))
}
