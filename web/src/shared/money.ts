/** Fen as yuan: 1500 is 15, 1550 is 15.50. */
export function yuanOf(fen: number): string {
  return fen % 100 === 0 ? String(fen / 100) : (fen / 100).toFixed(2)
}
