/** A page of a list as the contract has them. */
export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

/** Reads a list to its end, page by page. */
export async function allOf<T>(read: (at: { cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = []
  let at: { cursor?: string } = {}
  for (;;) {
    const page = await read(at)
    all.push(...page.items)
    if (page.next_cursor === null) return all
    at = { cursor: page.next_cursor }
  }
}
