/** The tables of a CSV file as the server writes them: set apart by an empty line, each with its head. */
export interface CsvTable {
  head: string[]
  rows: string[][]
}

/** Splits a CSV text (RFC 4180) into records; an empty line is a record without cells. */
export function recordsOf(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let cell = ''
  let quoted = false
  let empty = true
  const body = text.replace(/^\ufeff/, '')
  for (let i = 0; i < body.length; i++) {
    const sign = body[i]!
    if (quoted) {
      if (sign !== '"') cell += sign
      else if (body[i + 1] === '"') cell += body[++i]!
      else quoted = false
    } else if (sign === '"') {
      quoted = true
      empty = false
    } else if (sign === ',') {
      record.push(cell)
      cell = ''
      empty = false
    } else if (sign === '\n') {
      records.push(empty && cell === '' ? [] : [...record, cell])
      record = []
      cell = ''
      empty = true
    } else if (sign !== '\r') {
      cell += sign
    }
  }
  if (cell !== '' || record.length > 0) records.push([...record, cell])
  return records
}

export function tablesOf(text: string): CsvTable[] {
  const tables: CsvTable[] = []
  let open = false
  for (const record of recordsOf(text)) {
    if (record.length === 0) open = false
    else if (open) tables[tables.length - 1]!.rows.push(record)
    else {
      tables.push({ head: record, rows: [] })
      open = true
    }
  }
  return tables
}
