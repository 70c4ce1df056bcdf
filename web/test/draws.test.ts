import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readJson } from '@/draws/json'
import { fair } from '@/draws/rules'
import { addressed } from '@/draws/useCheck'
import { verify } from '@/draws/verify'
import { hex, numbered, sha, written } from './drawn'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('draws', () => {
  it('are those of the program, byte by byte', async () => {
    const all = createHash('sha256')
    for (let i = 0; i < 1000; i++) all.update(written(await numbered(i)))
    const go = await readFile(new URL('../../prize/draw/page_test.go', import.meta.url), 'utf8')
    expect(all.digest('hex')).toBe(/pageDigest = "(\w+)"/.exec(go)?.[1])
  }, 60_000)

  it('are verified from what was written, with what was noted before', async () => {
    for (const i of [0, 1, 2, 7, 100]) {
      const f = await numbered(i)
      const file = bytes(written(f))
      expect((await verify(file)).fault).toBeNull()
      const noted = { root: f.entrants_root, announcement: f.announcement_sha256 }
      expect((await verify(file, { noted })).fault).toBeNull()
      const other = hex('other')
      expect((await verify(file, { noted: { ...noted, root: other } })).fault).toMatchObject({ step: 'noted_root', part: 'entrants_root' })
      expect((await verify(file, { noted: { ...noted, announcement: other } })).fault).toMatchObject({ part: 'announcement_sha256' })
    }
  })

  it('throw away the round that is not complete, exactly', () => {
    const whole = 2n ** 64n
    for (let i = 0; i < 2000; i++) {
      const n = BigInt(Math.max(1, sha(`n ${i}`).readUIntBE(0, 5) % 2 ** (1 + (i % 37))))
      const edge = (whole / n) * n // the first number of the last round
      for (const x of [0n, edge - 1n, edge, edge + 1n, whole - 1n, sha(`x ${i}`).readBigUInt64BE(0)].filter((x) => x >= 0n && x < whole)) {
        const mac = Buffer.alloc(32)
        mac.writeBigUInt64BE(x)
        expect(fair(mac, Number(n)), `${x} of ${n}`).toBe(x >= edge ? -1 : Number(x % n))
      }
    }
  })
})

describe('the address of the page', () => {
  it('may name a draw', () => {
    expect(addressed('/draws')).toEqual({ campaign: '', draw: '' })
    expect(addressed('/draws/town-2026/final')).toEqual({ campaign: 'town-2026', draw: 'final' })
  })
})

describe('reading strictly', () => {
  it('keeps numbers and names as they are written', () => {
    expect(readJson('{"a":[1,"\\u4e2d",true,null,{}]}')).toBeInstanceOf(Map)
    for (const bad of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '["\\ud800"]', '["\\udc00\\ud800"]', '{"a":1}{"a":1}', '[1,]', '', '\ufeff[]']) {
      expect(() => readJson(bad), bad).toThrow(SyntaxError)
    }
    expect(readJson('["\\ud83d\\ude00"]')).toEqual(['😀'])
  })
})
