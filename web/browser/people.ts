import { vi } from 'vitest'

/** Somebody who takes part, over the API: for tests that are about what comes after. */
export interface Participant {
  token: string
  id: string
  attempt: string
}

/** Somebody with a paper before them, over the API. */
export interface Sitting extends Participant {
  paper: { attempt: string; questions: { id: string; options: { id: string }[] }[] }
}

const city = 'jinzhong-2026'
const base = (campaign: string) => `/api/v1/campaigns/${campaign}`

/** Asks the API something; a refusal is an error. */
export async function ask<T = unknown>(url: string, token: string, method: string, path: string, body?: unknown): Promise<T> {
  const asked = { method, headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) } }
  // As the contract has it: who is told to come again does so, with the same content.
  for (const deadline = Date.now() + 60_000; ; ) {
    const res = await fetch(url + path, body === undefined ? asked : { ...asked, body: JSON.stringify(body) })
    const said = await res.text()
    if (res.ok) return (said === '' ? undefined : JSON.parse(said)) as T
    const { retry_after_ms: wait } = JSON.parse(said) as { retry_after_ms?: number }
    if (wait === undefined || Date.now() > deadline) throw new Error(`${method} ${path}: ${res.status} ${said}`)
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/** The id of a unit by its name, once the server has taken its campaign up. */
export async function unitOf(url: string, name: string, campaign = city): Promise<string> {
  const at = `${url}${base(campaign)}/units?q=${encodeURIComponent(name)}`
  const { items } = await vi.waitFor(async () => {
    const res = await fetch(at)
    if (!res.ok) throw new Error(`${at}: ${res.status} ${await res.text()}`)
    return (await res.json()) as { items: { id: string; name: string }[] }
  }, { timeout: 60_000, interval: 200 })
  const unit = items.find((u) => u.name === name)
  if (unit === undefined) throw new Error(`there is no ${name}`)
  return unit.id
}

/** Signs in, enrols, signs the pledge, and begins a paper. */
export async function sitDown(url: string, name: string, unit: string, campaign = city): Promise<Sitting> {
  const at = base(campaign)
  const detail = (await (await fetch(url + at)).json()) as { consent_notice: { version: string } }
  const { access_token: token, participant } = await ask<{ access_token: string; participant: { id: string } }>(url, '', 'POST', '/api/v1/sessions/sandbox', { name })
  await ask(url, token, 'PUT', `${at}/enrolment`, {
    unit, name, group: 'public', consent: { notice_version: detail.consent_notice.version, publish_name: false },
  })
  const pledge = (await (await fetch(`${url}${at}/pledge`)).json()) as { version: string }
  await ask(url, token, 'POST', `${at}/signatures`, { version: pledge.version, method: 'typed', name })
  const paper = await ask<Sitting['paper']>(url, token, 'POST', `${at}/attempts`, {})
  return { token, id: participant.id, attempt: paper.attempt, paper }
}

/** Sits down, and hands in a paper with the first option of each question. */
export async function takePart(url: string, name: string, unit: string): Promise<Participant> {
  const { paper, ...who } = await sitDown(url, name, unit)
  const answers = Object.fromEntries(paper.questions.map((q) => [q.id, [q.options[0]!.id]]))
  await ask(url, who.token, 'POST', `${base(city)}/attempts/${paper.attempt}/submission`, { answers })
  return who
}

/** Puts somebody's session into a browser, before its first page. */
export function sessionOf(token: string): string {
  return JSON.stringify({ access: token, refresh: 'x', participant: '', endsAt: Date.now() + 3_600_000 })
}
