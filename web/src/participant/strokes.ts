/** A pen's point as signature_pad has it. */
export interface PadPoint {
  x: number
  y: number
  time: number
}

export interface PadStroke {
  points: PadPoint[]
}

export interface StrokePoint {
  x: number
  y: number
  t: number
}

/** What the contract allows: bytes on the wire, and points. */
const maxBytes = 32 << 10
const maxPoints = 4000

/**
 * The points of a drawing as the contract wants them: rounded to a tenth of a pixel, times
 * from the first point on. A long drawing is thinned until it fits: ends of strokes stay.
 */
export function strokesOf(drawing: PadStroke[]): StrokePoint[][] {
  const start = drawing[0]?.points[0]?.time ?? 0
  let strokes = drawing.map((s) =>
    s.points.map((p) => ({ x: tenth(p.x), y: tenth(p.y), t: Math.max(0, Math.round(p.time - start)) })),
  )
  while (tooBig(strokes) && strokes.some((s) => s.length > 2)) strokes = strokes.map(thin)
  return strokes
}

function tenth(n: number): number {
  return Math.round(n * 10) / 10
}

function tooBig(strokes: StrokePoint[][]): boolean {
  const points = strokes.reduce((n, s) => n + s.length, 0)
  return points > maxPoints || JSON.stringify(strokes).length > maxBytes
}

function thin(stroke: StrokePoint[]): StrokePoint[] {
  return stroke.filter((_, i) => i % 2 === 0 || i === stroke.length - 1)
}

/** A drawing moved to a canvas of another size, as a turned phone has it: nothing is cut off. */
export function rescale<S extends PadStroke>(drawing: S[], factor: number): S[] {
  return drawing.map((s) => ({ ...s, points: s.points.map((p) => ({ ...p, x: p.x * factor, y: p.y * factor })) }))
}
