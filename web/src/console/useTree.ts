import { ref } from 'vue'
import type { Schema } from '@/shared/api/types'
import { useCampaigns } from './stores/campaigns'
import { useDesk } from './stores/desk'
import { usePages } from './usePages'

export type Node = Schema<'DeskNode'>

/** Goes about in the tree of the campaign: into regions, back up, and by searching. */
export function useTree() {
  const desk = useDesk()
  const path = { campaign: useCampaigns().id }
  /** The regions from the top to where we are. */
  const trail = ref<Node[]>([])
  /** What is searched for; '' while going about. */
  const sought = ref('')

  const nodes = usePages<Node>((cursor, signal) => {
    const at = trail.value[trail.value.length - 1]
    const where = sought.value !== '' ? { q: sought.value } : at === undefined ? {} : { parent: at.id }
    return desk.client.get('/api/v1/admin/campaigns/{campaign}/tree', { path, query: { ...where, ...(cursor === '' ? {} : { cursor }) }, signal })
  })
  void nodes.restart()

  function enter(node: Node): Promise<void> {
    sought.value = ''
    trail.value = [...trail.value, node]
    return nodes.restart()
  }

  /** Goes back to so many steps below the top. */
  function back(depth: number): Promise<void> {
    sought.value = ''
    trail.value = trail.value.slice(0, depth)
    return nodes.restart()
  }

  function search(q: string): Promise<void> {
    sought.value = q.trim()
    trail.value = []
    return nodes.restart()
  }

  return { desk, path, nodes, trail, sought, enter, back, search }
}
