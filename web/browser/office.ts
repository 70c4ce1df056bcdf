import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Secret, TOTP } from 'otpauth'
import { ask } from './people'
import { command } from './server'

/** Somebody of the office, as a test knows them. */
export interface Person {
  login: string
  password: string
  totp: TOTP | null
  /** The period whose code was used last: a code is taken once. */
  used: number
}

interface Grant {
  role: string
  campaign?: string
  scope?: string
}

/** Makes an account with its first password, as it is handed over. */
export async function newcomer(data: string, login: string, name: string, grant: Grant): Promise<Person> {
  const password = 'Erste-Huerde-7-Linde'
  const where = [...(grant.campaign ? ['--campaign', grant.campaign] : []), ...(grant.scope ? ['--scope', grant.scope] : [])]
  await command(['operator', 'create', '--login', login, '--name', name, '--role', grant.role, ...where, '--password-stdin', '--data', data], `${password}\n`)
  return { login, password, totp: null, used: 0 }
}

/** A newcomer who has chosen a password and set the second factor up, over HTTP. */
export async function settled(url: string, data: string, login: string, name: string, grant: Grant): Promise<Person> {
  const p = await newcomer(data, login, name, grant)
  const first = await signIn(url, p)
  const password = 'Zweite-Huerde-8-Linde'
  await call(url, first, 'POST', '/me/password', { old_password: p.password, password })
  p.password = password
  const { secret } = await call<{ secret: string }>(url, first, 'POST', '/me/totp', { password })
  p.totp = authenticator(secret)
  await call(url, first, 'POST', '/me/totp/confirm', { code: codeOf(p) })
  await call(url, first, 'DELETE', '/sessions/current')
  return p
}

export const authenticator = (secret: string): TOTP => new TOTP({ secret: Secret.fromBase32(secret) })

/**
 * The next code that the server will take. Each is taken once, and the one of the period
 * to come is taken, too: so there are two, and nobody has to wait for the second.
 */
export function codeOf(p: Person): string {
  if (p.totp === null) throw new Error(`${p.login} has no second factor`)
  const period = p.totp.period * 1000
  const now = Math.floor(Date.now() / period)
  p.used = Math.max(now, p.used + 1)
  if (p.used > now + 1) throw new Error(`${p.login} has used both codes of now: let somebody else sign in`)
  return p.totp.generate({ timestamp: p.used * period })
}

/** Opens a session and returns its token. */
export async function signIn(url: string, p: Person): Promise<string> {
  const body = { login: p.login, password: p.password, ...(p.totp ? { code: codeOf(p) } : {}) }
  return (await call<{ token: string }>(url, '', 'POST', '/sessions', body)).token
}

/** Asks the API of operators something; a refusal is an error. */
export const call = <T = unknown>(url: string, token: string, method: string, path: string, body?: unknown): Promise<T> =>
  ask<T>(url, token, method, `/api/v1/admin${path}`, body)

/** Lets a second person agree to everything that waits for one. */
export async function agree(url: string, token: string, campaign: string): Promise<void> {
  const { items } = await call<{ items: { id: string }[] }>(url, token, 'GET', `/approvals?campaign=${campaign}&state=asked`)
  for (const { id } of items) await call(url, token, 'POST', `/approvals/${id}/approve`, {})
}

/** Publishes a campaign with a quiz beside the server, as whoever keeps the machine may without a reviewer; edit changes its file. */
export async function quizCampaign(data: string, id: string, title: string, prefix: string, edit = (file: string) => file) {
  const folder = await mkdtemp(join(tmpdir(), 'qingyuan-campaign-'))
  const demo = fileURLToPath(new URL('../../configs/demo', import.meta.url))
  await cp(demo, folder, { recursive: true })
  const text = await readFile(join(folder, 'jinzhong-citizens.yaml'), 'utf8')
  const own = text
    .replace(/^id: .*$/m, `id: ${id}`)
    .replace(/^title: .*$/m, `title: ${title}`)
    .replace(/^closes_at: .*$/m, 'closes_at: 2030-07-01 00:00')
    .replace('prefix: JZ26', `prefix: ${prefix}`)
  await writeFile(join(folder, 'own.yaml'), edit(own))
  await command(['campaign', 'apply', join(folder, 'own.yaml'), '--unreviewed', '--data', data])
  await rm(folder, { recursive: true })
}
