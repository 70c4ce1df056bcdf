import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { expect } from 'vitest'
import { environment, program } from '../browser/server'
import { Visitor } from '../browser/visitor'

export const campaign = 'jinzhong-2026'
const hall = { width: 1920, height: 1080 }

/** A big screen in its hall. */
export async function screenOf(browser: Browser, url: string): Promise<Visitor> {
  const screen = await Visitor.arrive(browser, url, hall, { deviceScaleFactor: 1, hasTouch: false, isMobile: false, reducedMotion: 'no-preference' })
  // Units are not published there: the board of units says so.
  screen.expected = [/status of 403/]
  await screen.page.goto(`${url}/screen/${campaign}`)
  await screen.page.locator('.figure').first().waitFor()
  return screen
}

/** What the simulation tells of itself, as far as it is judged here. */
export interface Simulation {
  ok: boolean
  outcomes: { kind: string; moved: number; acknowledged: number; unknown: number }[]
  problem_counts?: Record<string, number>
}

/** People who take part, until all have. */
export function simulate(url: string, people: number, ...more: string[]): Promise<Simulation> {
  const args = ['simulate', '--target', url, '--campaign', campaign, '--participants', String(people), '--json', ...more]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], env: environment() })
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      try {
        resolve(JSON.parse(out) as Simulation)
      } catch {
        reject(new Error(`simulate ended with ${code}: ${out}`))
      }
    })
  })
}

/**
 * What the simulation found wrong, where so many others took part besides: it cannot tell
 * them from a fault, and their number is known here.
 */
export function faultsOf(s: Simulation, others: number): string[] {
  const kinds = Object.keys(s.problem_counts ?? {}).filter((kind) => kind !== 'counts')
  const off = s.outcomes.filter((c) => c.moved < c.acknowledged || c.moved > c.acknowledged + c.unknown + others)
  return [...kinds, ...off.map((c) => `${c.kind} moved by ${c.moved}, acknowledged ${c.acknowledged}, unknown ${c.unknown}`)]
}

/** What the screen shows, beside what the API tells. */
export async function compare(screen: Visitor, url: string): Promise<Record<string, { screen: string | null; api: string }>> {
  const counts = (await (await fetch(`${url}/api/v1/campaigns/${campaign}/counts`)).json()) as Record<string, number>
  const figure = (name: string) => screen.page.locator(`[data-figure="screen.${name}"]`).getAttribute('data-value')
  const names = ['attempts', 'participants', 'signatures']
  const read = async () => Promise.all(names.map(figure))
  const told = names.map((name) => (counts[name] ?? -1).toLocaleString('zh-CN'))
  await expect.poll(read, { timeout: 120_000 }).toEqual(told)
  const shown = await read()
  return Object.fromEntries(names.map((name, i) => [name, { screen: shown[i] ?? null, api: told[i]! }]))
}

/** Keeps the report beside the pictures, and prints it. */
export async function report(folder: string, what: object): Promise<void> {
  const dir = fileURLToPath(new URL(`../shots/${folder}/`, import.meta.url))
  await mkdir(dir, { recursive: true })
  const text = JSON.stringify(what, null, 2)
  await writeFile(`${dir}report.json`, text)
  console.log(text)
}
