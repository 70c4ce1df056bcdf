/** A heap's size at a moment of a soak. */
export interface Sample {
  minute: number
  bytes: number
}

export interface Trend {
  first: number
  last: number
  most: number
  /** How fast the fitted line grows, in bytes an hour; negative where it falls. */
  perHour: number
  rises: boolean
}

/** What a page fills at first is no leak: so much of a run is left out. */
const warmUp = 0.2
/** A line that grows by less than this part of the heap over the run is noise. */
const noise = 0.05

/**
 * Fits a line to the sizes after the warm-up and tells whether it rises: whether it grows
 * over the run by more than a twentieth of the heap.
 */
export function trendOf(samples: readonly Sample[]): Trend {
  const steady = samples.slice(Math.floor(samples.length * warmUp))
  if (steady.length < 3) throw new Error(`${samples.length} samples tell nothing`)
  const mean = (of: (s: Sample) => number) => steady.reduce((sum, s) => sum + of(s), 0) / steady.length
  const [x, y] = [mean((s) => s.minute), mean((s) => s.bytes)]
  const slope = mean((s) => (s.minute - x) * (s.bytes - y)) / mean((s) => (s.minute - x) ** 2)
  const minutes = steady[steady.length - 1]!.minute - steady[0]!.minute
  return {
    first: samples[0]!.bytes,
    last: samples[samples.length - 1]!.bytes,
    most: Math.max(...samples.map((s) => s.bytes)),
    perHour: Math.round(slope * 60),
    rises: slope * minutes > noise * y,
  }
}
