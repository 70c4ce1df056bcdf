import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Announcement, Place } from './file'

// The rules of a scheduled draw, from their description at the top of prize/draw/draw.go.
// Hashes are of a library and not of the browser, which has none for pages that come
// without TLS, as in the network of a school.

/** Lets the page breathe between two stretches of a long computation. */
export type Pause = () => Promise<void>

/** So many hashes are made in one stretch. */
const stretch = 10_000

/** The hash of a text, or of what stands in hexadecimal. */
export const hashOfText = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)))
export const hashOfHex = (hex: string): string => bytesToHex(sha256(hexToBytes(hex)))

/** The length that a text has in a file. */
export const bytesOf = (text: string): number => utf8ToBytes(text).length

/**
 * The announcement's hash: of its JSON, with the fields in their order and without space.
 */
export function digestOf(a: Announcement): string {
  const { campaign, draw, prizes, reserves, source, secret_sha256 } = a
  const inOrder = { campaign, draw, prizes: prizes.map(({ id, name, count }) => ({ id, name, count })), reserves, source, secret_sha256 }
  return hashOfText(JSON.stringify(inOrder))
}

const leaf = new Uint8Array([0])
const node = new Uint8Array([1])

/** The Merkle tree hash of RFC 6962 §2.1; that of nothing is the hash of nothing. */
export async function rootOf(tickets: readonly string[], pause: Pause = async () => {}): Promise<string> {
  // Whole subtrees from left to right, each smaller than the one before.
  const trees: Uint8Array[] = []
  const join = () => {
    const right = trees.pop() as Uint8Array
    const left = trees.pop() as Uint8Array
    trees.push(sha256(concatBytes(node, left, right)))
  }
  for (let i = 0; i < tickets.length; i++) {
    trees.push(sha256(concatBytes(leaf, utf8ToBytes(tickets[i] as string))))
    for (let n = i + 1; n % 2 === 0; n /= 2) join()
    if (i % stretch === stretch - 1) await pause()
  }
  while (trees.length > 1) join()
  return bytesToHex(trees[0] ?? sha256(new Uint8Array()))
}

/** Mixes what nobody could choose. */
export const seedOf = (root: string, secret: string, value: string): string =>
  bytesToHex(sha256(concatBytes(hexToBytes(root), hexToBytes(secret), utf8ToBytes(value))))

/** How many things there are to win. */
export const winnersOf = (a: Announcement): number => a.prizes.reduce((sum, p) => sum + p.count, 0)

/** What each place wins, the reserves '' behind them. */
function* wonBy(a: Announcement): Generator<string> {
  for (const p of a.prizes) for (let i = 0; i < p.count; i++) yield p.id
  for (let i = 0; i < a.reserves; i++) yield ''
}

/** Draws the places among sorted entrants; where there are too few, the last places are left out. */
export async function choose(seed: string, a: Announcement, entrants: readonly string[], pause: Pause = async () => {}): Promise<Place[]> {
  const key = hexToBytes(seed)
  const left = [...entrants]
  const out: Place[] = []
  for (const prize of wonBy(a)) {
    if (left.length === 0) break
    const k = indexOf(key, out.length, left.length)
    out.push({ place: out.length + 1, prize, ticket: left[k] as string })
    const last = left.pop() as string
    if (k < left.length) left[k] = last
    if (out.length % stretch === 0) await pause()
  }
  return out
}

const word = 2 ** 32

/** A number below n for a place, each as likely as any other. */
function indexOf(key: Uint8Array, place: number, n: number): number {
  for (let t = 0; ; t++) {
    const index = fair(hmac(sha256, key, concatBytes(eight(place), eight(t))), n)
    if (index >= 0) return index
  }
}

/**
 * The number in the first eight bytes, modulo n; -1 where it lies in the last round of n,
 * which is not complete and would make some likelier than others.
 */
export function fair(mac: Uint8Array, n: number): number {
  const x = new DataView(mac.buffer, mac.byteOffset)
  const tail = below([1, 0, 0, 0, 0], n) // 2^64 modulo n
  // How far x is from the greatest number of 64 bits; exact wherever it may be below the tail.
  const gap = (word - 1 - x.getUint32(0)) * word + (word - 1 - x.getUint32(4))
  return gap < tail ? -1 : below([x.getUint16(0), x.getUint16(2), x.getUint16(4), x.getUint16(6)], n)
}

/** A number of 16-bit digits modulo n, which is below 2^37. */
function below(digits: number[], n: number): number {
  return digits.reduce((rest, d) => (rest * 65_536 + d) % n, 0)
}

/** Eight bytes, the first the greatest. */
function eight(n: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint32(0, Math.floor(n / word))
  view.setUint32(4, n % word)
  return new Uint8Array(view.buffer)
}
