import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const program = process.env.QINGYUAN_PROGRAM ?? fileURLToPath(new URL('../../bin/qingyuan', import.meta.url))

/** The environment of the program, which knows all its variables and refuses others. */
export const environment = (): NodeJS.ProcessEnv => {
  const { QINGYUAN_PROGRAM: _, ...rest } = process.env
  return rest
}

export interface Server {
  url: string
  /** The folder of its data, for commands beside it. */
  data: string
  /** Runs a command of the program on its data, and returns what it prints. */
  run(...args: string[]): Promise<string>
  /** Does something while the store answers nothing: what has begun stays under way. */
  frozen(act: () => Promise<void>): Promise<void>
  stop(): Promise<void>
}

/**
 * Runs the real program with the demonstration, on a free port and in a folder of its
 * own; settings are added to its environment. It looks every second what has fallen due,
 * so that nobody waits a minute for its rounds.
 */
export async function serve(settings: Record<string, string> = {}): Promise<Server> {
  const data = await mkdtemp(join(tmpdir(), 'qingyuan-pages-'))
  const child = spawn(program, ['serve', '--demo', '--data', data, '--addr', '127.0.0.1:0', '--ops-addr', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...environment(), QINGYUAN_ROUNDS_EVERY: '1s', ...settings },
  })
  try {
    const addr = await listening(child)
    const url = `http://${addr}`
    await ready(url)
    return {
      url,
      data,
      run: (...args) => command([...args, '--data', data]),
      frozen: async (act) => {
        const redis = await redisOf(child.pid ?? 0)
        process.kill(redis, 'SIGSTOP')
        try {
          await act()
        } finally {
          process.kill(redis, 'SIGCONT')
        }
      },
      stop: async () => {
        await ended(child)
        await rm(data, { recursive: true, force: true })
      },
    }
  } catch (err) {
    await ended(child)
    await rm(data, { recursive: true, force: true })
    throw err
  }
}

/** The redis-server that a program runs for itself. */
async function redisOf(program: number): Promise<number> {
  for (const pid of await readdir('/proc')) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /.exec(stat) ?? []
    if (name?.startsWith('redis-server') && Number(parent) === program) return Number(pid)
  }
  throw new Error(`process ${program} runs no redis-server`)
}

/** Runs the program to its end, with something to read. */
export function command(args: string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment() })
  child.stdin.end(input)
  let out = ''
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`${args.join(' ')} ended with ${code}: ${said}`))))
  })
}

/** Waits for the line of the log that tells the public address. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      for (const line of log.split('\n')) {
        if (!line.includes('"serving"') && !line.includes('msg=serving')) continue
        if (!line.includes('public')) continue
        const addr = /127\.0\.0\.1:\d+/.exec(line)
        if (addr) resolve(addr[0])
      }
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`${program} ended with ${code}:\n${log}`)))
  })
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const res = await fetch(`${url}/readyz`).catch(() => null)
    if (res?.status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
