import type { Schema } from '@/shared/api/types'
import { useCampaigns } from './stores/campaigns'
import { useDesk } from './stores/desk'
import { useLoad } from './useLoad'

/** Everything about the campaign of the address, and what takes an act's answer over. */
export function useCampaign() {
  const desk = useDesk()
  const campaigns = useCampaigns()
  const id = campaigns.id
  const path = { campaign: id }
  const load = useLoad(async (signal) => {
    const got = await desk.client.get('/api/v1/admin/campaigns/{campaign}', { path, signal })
    campaigns.learn(lineOf(got))
    return got
  })

  function learn(campaign: Schema<'DeskCampaign'>): void {
    load.put(campaign)
    campaigns.learn(lineOf(campaign))
  }

  return { desk, id, path, load, learn, mayEdit: desk.may('campaigns.edit', id) }
}

function lineOf(c: Schema<'DeskCampaign'>): Schema<'DeskLine'> {
  const { id, title, state, version, opens_at, closes_at, paused, regions, units, roster, prizes } = c
  return { id, title, state, version, opens_at, closes_at, paused, regions, units, roster, prizes }
}
