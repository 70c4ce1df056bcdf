import type { Schema } from '@/shared/api/types'
import type { Language } from '@/shared/locale'

export type Campaign = Omit<Schema<'Campaign'>, 'server_time'>
export type Unit = Schema<'UnitList'>['items'][number]

/** What a campaign says in one language. */
export interface EntryTexts {
  campaign: Campaign
  pledge: Schema<'Pledge'> | null
  /** The tree by parent, '' at the top, as far as it came with the page. */
  units: Record<string, Unit[]>
}

/** What the server lays into the page, so that it need not ask before it shows anything. */
export interface Entry {
  campaigns: Schema<'CampaignLine'>[]
  /** Null where people have to choose, and for a campaign that does not exist. */
  campaign: { id: string; texts: Partial<Record<Language, EntryTexts>> & { 'zh-CN': EntryTexts } } | null
  /** The ways to sign in. */
  doors: string[]
}

/** Reads what came with the page. */
export function readEntry(doc: Document = document): Entry {
  const block = doc.getElementById('entry')
  const data = JSON.parse(block?.textContent ?? 'null') as Entry | null
  return data ?? { campaigns: [], campaign: null, doors: [] }
}
