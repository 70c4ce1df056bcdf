/** What a page's heap is made of, in bytes. */
export interface Kept {
  /** What the page keeps: objects, texts, elements and what hangs on them. */
  bytes: number
  /**
   * What its scripts were compiled to. It grows for an hour or so, as the engine learns what
   * is run often, and is bounded by the scripts, so that it says nothing of a leak.
   */
  code: number
}

interface Snapshot {
  snapshot: { meta: { node_fields: string[]; node_types: (string[] | string)[] } }
  nodes: number[]
}

/** Adds up a heap snapshot, as Chromium writes it. */
export function keptOf(text: string): Kept {
  const { snapshot, nodes } = JSON.parse(text) as Snapshot
  const fields = snapshot.meta.node_fields
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')]
  const code = snapshot.meta.node_types[type]!.indexOf('code')
  if (type < 0 || size < 0 || code < 0) throw new Error(`a heap snapshot of ${fields.join(', ')}`)
  const sum = { bytes: 0, code: 0 }
  for (let at = 0; at < nodes.length; at += fields.length) {
    sum[nodes[at + type] === code ? 'code' : 'bytes'] += nodes[at + size]!
  }
  return sum
}
