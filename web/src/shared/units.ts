/** What a unit lies in, '' where its name says so itself: every school has a first class. */
export function aboveOf(name: string, path: readonly string[]): string {
  const above = path[path.length - 1] ?? ''
  return name.startsWith(above) ? '' : above
}

/** A unit with what it lies in. */
export function fullName(name: string, path: readonly string[]): string {
  const above = aboveOf(name, path)
  return above === '' ? name : `${above} ${name}`
}
