/** A query without what is empty: fields of forms are '' where nobody filled them in. */
export function given<Q extends Record<string, string | number | undefined>>(query: Q): { [K in keyof Q]?: Exclude<Q[K], '' | undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, v]) => v !== '' && v !== undefined)) as ReturnType<typeof given<Q>>
}

/** The moment that a field of date and time names, in Beijing's time; '' where it is empty. */
export function moment(field: string): string {
  return field === '' ? '' : `${field}:00+08:00`
}

/** The lines of a text that say something, as lists of ids are pasted. */
export function linesOf(text: string): string[] {
  return text.split(/[\s,，;；]+/).filter((line) => line !== '')
}

/** The rows of a text that have so many words, as lists of people are pasted. */
export function rowsOf(text: string, words: number): string[][] {
  return text
    .split('\n')
    .map(linesOf)
    .filter((row) => row.length === words)
}
