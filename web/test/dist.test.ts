import { readdir, readFile } from 'node:fs/promises'
import { type Node, parse } from 'acorn'
import { describe, expect, it } from 'vitest'

// What was built, looked at as a phone gets it. Build it first: make web.

const dist = new URL('../dist/', import.meta.url)
const read = (name: string) => readFile(new URL(name, dist), 'utf8')
const size = async (name: string) => (await readFile(new URL(name, dist))).length

interface Chunk {
  file: string
  imports?: string[]
  dynamicImports?: string[]
  css?: string[]
  assets?: string[]
}

/** The files of a page: those it loads at once, by the manifest, and with later those of its views. */
async function filesOf(page: string, later = false): Promise<string[]> {
  const manifest = JSON.parse(await read('.vite/manifest.json')) as Record<string, Chunk>
  const files = new Set<string>()
  const add = (key: string) => {
    const chunk = manifest[key]
    if (chunk === undefined || files.has(chunk.file)) return
    for (const f of [chunk.file, ...(chunk.css ?? []), ...(chunk.assets ?? [])]) files.add(f)
    chunk.imports?.forEach(add)
    if (later) chunk.dynamicImports?.forEach(add)
  }
  add(page)
  return [page, ...files]
}

function* nodesOf(node: Node): Generator<Node & Record<string, unknown>> {
  yield node as Node & Record<string, unknown>
  for (const value of Object.values(node)) {
    for (const inner of Array.isArray(value) ? value : [value]) {
      if (inner !== null && typeof inner === 'object' && typeof (inner as Node).type === 'string') yield* nodesOf(inner as Node)
    }
  }
}

/** What Safari of iOS 13 cannot read although acorn's year can, and what it lacks. */
function unread(node: Node & Record<string, unknown>): boolean {
  return (
    node.type === 'ChainExpression' ||
    (node.type === 'LogicalExpression' && node.operator === '??') ||
    (node.type === 'Literal' && typeof node.bigint === 'string')
  )
}

const lacking = /\.(at|replaceAll|findLast|findLastIndex|hasOwn|randomUUID)\(|structuredClone\(|AbortSignal\.timeout|new WeakRef/
/** The page of draws brings along what its library asks for: see draws/older.ts. */
const provided = (text: string) => (/defineProperty\(Object,.hasOwn./.test(text) ? text.replace(/\.hasOwn\(/g, '(') : text)
const lackingStyle = /[;{]\s*(gap|inset|aspect-ratio|accent-color-scheme)\s*:|:is\(|:where\(|:has\(|\ddvh/

describe('what was built', () => {
  it('is read by the browsers of WeChat', async () => {
    const scripts = (await readdir(new URL('assets/', dist))).filter((f) => f.endsWith('.js'))
    expect(scripts.length).toBeGreaterThan(2)
    for (const name of scripts) {
      const tree = parse(await read(`assets/${name}`), { ecmaVersion: 2020, sourceType: 'module' })
      expect([...nodesOf(tree)].filter(unread).map((n) => n.type), name).toEqual([])
    }
  }, 60_000)

  it('asks the participant’s phone for nothing that it lacks', async () => {
    for (const name of [...(await filesOf('index.html', true)), ...(await filesOf('draws.html'))]) {
      const text = await read(name)
      if (name.endsWith('.js')) expect(provided(text).match(lacking)?.[0], name).toBeUndefined()
      if (name.endsWith('.css')) {
        expect(text.match(lackingStyle)?.[0], name).toBeUndefined()
        // Long names are broken by the older word where the newer is not known.
        if (/body\{[^}]*overflow-wrap:anywhere/.test(text)) expect(text, name).toMatch(/body\{[^}]*word-break:break-word/)
      }
    }
  })

  it('weighs under 120 KB compressed for the first page in all', async () => {
    const files = await filesOf('index.html')
    expect(files.length).toBeGreaterThan(3)
    const sizes = await Promise.all(files.map((f) => size(`${f}.gz`)))
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(120 * 1024)
  })

  it('keeps the views of prizes for campaigns that have any', async () => {
    const first = await filesOf('index.html')
    const later = (await filesOf('index.html', true)).filter((f) => !first.includes(f))
    expect(later.length).toBeGreaterThan(0)
    const sizes = await Promise.all(later.map((f) => size(`${f}.gz`)))
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(20 * 1024)
  })

  it('carries nothing of the console to the participant, and gives each of its views a file', async () => {
    const first = await filesOf('console.html')
    const all = await filesOf('console.html', true)
    expect(all.length).toBeGreaterThan(first.length + 3)
    const alone = first.filter((f) => f.includes('console-'))
    expect((await filesOf('index.html')).filter((f) => alone.includes(f))).toEqual([])
    for (const name of await filesOf('index.html')) expect(await read(name), name).not.toContain('动态口令')
  })

  it('loads nothing from elsewhere, and has nothing within its pages that runs', async () => {
    const own = /https?:\/\/(www\.w3\.org|vuejs\.org|router\.vuejs\.org|github\.com|pinia\.vuejs\.org|element-plus\.org)/
    for (const name of [...(await filesOf('index.html', true)), ...(await filesOf('draws.html')), ...(await filesOf('screen.html')), ...(await filesOf('console.html', true))]) {
      const text = await read(name)
      for (const address of text.match(/https?:\/\/[\w.-]+/g) ?? []) expect(address, name).toMatch(own)
      if (!name.endsWith('.html')) continue
      for (const script of text.match(/<script[^>]*>/g) ?? []) expect(script).toMatch(/ src="\/assets\/|type="application\/json"/)
      expect(text).not.toMatch(/<style| style=| on\w+=/)
    }
  })

  it('has its compressed forms beside it', async () => {
    for (const name of await filesOf('index.html')) {
      expect(await size(`${name}.br`), name).toBeLessThanOrEqual((await size(`${name}.gz`)) + 64)
    }
  })
})
