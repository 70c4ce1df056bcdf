/** A number as it stands in a file: what it may be is for its reader to say. */
export class Digits {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | string | Digits | Json[] | Map<string, Json>

/** Half of a pair: no text, although JavaScript takes it for some. */
const torn = /[\ud800-\udbff](?![\udc00-\udfff])|(?:[^\ud800-\udbff]|^)[\udc00-\udfff]/

/**
 * Reads JSON and keeps what JSON.parse passes over: a name that stands twice is where a
 * second result would hide, and is refused; numbers stay as they were written.
 */
export function readJson(text: string): Json {
  wellFormed(text) // so that the rest need not look
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}]|[^\s,:"[\]{}]+/g) ?? []
  let at = 0

  function value(): Json {
    const token = tokens[at++] ?? ''
    switch (token[0]) {
      case '{':
        return object()
      case '[':
        return list()
      case '"':
        return textOf(token)
      case 't':
      case 'f':
        return token === 'true'
      case 'n':
        return null
      default:
        return new Digits(token)
    }
  }

  function object(): Map<string, Json> {
    const out = new Map<string, Json>()
    for (; tokens[at] !== '}'; ) {
      const name = textOf(tokens[at++] ?? '')
      if (out.has(name)) throw new SyntaxError(`“${name}”出现了两次`)
      out.set(name, value())
    }
    at++
    return out
  }

  function list(): Json[] {
    const out: Json[] = []
    while (tokens[at] !== ']') out.push(value())
    at++
    return out
  }

  return value()
}

function wellFormed(text: string): void {
  try {
    JSON.parse(text)
  } catch {
    throw new SyntaxError('不是完整的 JSON')
  }
}

function textOf(token: string): string {
  const text = JSON.parse(token) as string
  if (token.includes('\\u') && torn.test(text)) throw new SyntaxError('文字中有不完整的字符')
  return text
}
