/** How a place has changed: up is positive, 0 is the same, null is not known yet. */
export type Move = number | null

interface Look {
  at: number
  ranks: ReadonlyMap<string, number>
}

/**
 * Remembers where everybody stood, to tell who rises and who falls against a while ago.
 * It keeps one look a minute, and none that is older than it needs.
 */
export class Movement {
  private looks: Look[] = []

  constructor(
    private readonly since = 30 * 60_000,
    private readonly every = 60_000,
  ) {}

  /** Notes the places at an instant, and returns how each has changed. */
  note(at: number, ranks: ReadonlyMap<string, number>): Map<string, Move> {
    const newest = this.looks.at(-1)
    if (!newest || at - newest.at >= this.every) this.looks.push({ at, ranks: new Map(ranks) })
    // The newest of those that are old enough is what we compare with.
    while (this.looks.length > 1 && this.looks[1]!.at <= at - this.since) this.looks.shift()
    const before = this.looks[0]!
    const out = new Map<string, Move>()
    for (const [id, rank] of ranks) {
      const was = before.ranks.get(id)
      out.set(id, was === undefined || before.at === at ? null : was - rank)
    }
    return out
  }

  /** How many looks are kept. */
  get kept(): number {
    return this.looks.length
  }
}
