import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { allOf } from '@/shared/api/pages'
import type { Schema } from '@/shared/api/types'
import { useDesk } from './desk'

export type Line = Schema<'DeskLine'>

const kept = 'qy.desk.campaign'

/** The campaigns that the operator may see, and the one they work on. */
export const useCampaigns = defineStore('campaigns', () => {
  const desk = useDesk()
  const all = ref<Line[]>([])
  const loaded = ref(false)
  /** The campaign of the address, or the last one that was. */
  const id = ref(last())

  const current = computed(() => all.value.find((c) => c.id === id.value) ?? null)

  async function load(): Promise<void> {
    const out = await allOf((at) => desk.client.get('/api/v1/admin/campaigns', { query: at }))
    all.value = out
    loaded.value = true
    if (current.value === null && out.length > 0) id.value = (out.find((c) => c.state === 'open') ?? out[0])?.id ?? ''
  }

  function choose(campaign: string): void {
    id.value = campaign
    try {
      sessionStorage.setItem(kept, campaign)
    } catch {
      // Kept as long as the page is.
    }
  }

  /** Takes over what an answer says of a campaign. */
  function learn(line: Line): void {
    const i = all.value.findIndex((c) => c.id === line.id)
    if (i >= 0) all.value[i] = line
    else all.value.push(line)
  }

  function forget(): void {
    all.value = []
    loaded.value = false
  }

  return { all, loaded, id, current, load, choose, learn, forget }
})

function last(): string {
  try {
    return sessionStorage.getItem(kept) ?? ''
  } catch {
    return ''
  }
}
