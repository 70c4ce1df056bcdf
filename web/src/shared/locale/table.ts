export type Values = Record<string, string | number>

/** Fills the {places} of a text; a place without a value stays as it is. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

/**
 * A function that says the texts of one table, by key. Pages whose views are loaded one
 * by one give each view a table of its own, which comes along with it.
 */
export function tableOf<T extends Record<string, string>>(table: T): ((key: keyof T, values?: Values) => string) & { table: T } {
  return Object.assign((key: keyof T, values: Values = {}) => fill(table[key] as string, values), { table })
}
