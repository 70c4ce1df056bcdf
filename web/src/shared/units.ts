/** A unit with what it lies in, unless its name says so itself: every school has a first class. */
export function fullName(name: string, path: readonly string[]): string {
  const above = path[path.length - 1] ?? ''
  return name.startsWith(above) ? name : `${above} ${name}`
}
