/** Somebody who takes part, over the API: for tests that are about what comes after. */
export interface Participant {
  token: string
  id: string
  attempt: string
}

const campaign = '/api/v1/campaigns/jinzhong-2026'

export async function ask<T>(url: string, token: string, method: string, path: string, body?: unknown): Promise<T> {
  const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }
  const res = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${await res.text()}`)
  return (await res.json()) as T
}

/** The id of a unit by its name. */
export async function unitOf(url: string, name: string): Promise<string> {
  const found = (await (await fetch(`${url}${campaign}/units?q=${encodeURIComponent(name)}`)).json()) as { items: { id: string; name: string }[] }
  const unit = found.items.find((u) => u.name === name)
  if (unit === undefined) throw new Error(`there is no ${name}`)
  return unit.id
}

/** Signs in, enrols, signs the pledge, and hands in a paper with the first option of each question. */
export async function takePart(url: string, name: string, unit: string): Promise<Participant> {
  const detail = (await (await fetch(url + campaign)).json()) as { consent_notice: { version: string } }
  const { access_token: token, participant } = await ask<{ access_token: string; participant: { id: string } }>(url, '', 'POST', '/api/v1/sessions/sandbox', { name })
  await ask(url, token, 'PUT', `${campaign}/enrolment`, {
    unit, name, group: 'public', consent: { notice_version: detail.consent_notice.version, publish_name: false },
  })
  const pledge = (await (await fetch(`${url}${campaign}/pledge`)).json()) as { version: string }
  await ask(url, token, 'POST', `${campaign}/signatures`, { version: pledge.version, method: 'typed', name })
  const paper = await ask<{ attempt: string; questions: { id: string; options: { id: string }[] }[] }>(url, token, 'POST', `${campaign}/attempts`, {})
  const answers = Object.fromEntries(paper.questions.map((q) => [q.id, [q.options[0]!.id]]))
  await ask(url, token, 'POST', `${campaign}/attempts/${paper.attempt}/submission`, { answers })
  return { token, id: participant.id, attempt: paper.attempt }
}
