// Writes the types of the API from openapi.yaml. They are made before each build and
// check, and never committed: so they cannot grow old.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import openapi, { astToString } from 'openapi-typescript'

export const contract = new URL('../../internal/httpapi/openapi.yaml', import.meta.url)
export const target = new URL('../src/shared/api/schema.gen.ts', import.meta.url)

/** The types as text. */
export async function typesOfContract() {
  return '// Made from internal/httpapi/openapi.yaml by scripts/types.mjs.\n\n' + astToString(await openapi(contract))
}

async function write() {
  const text = await typesOfContract()
  const before = await readFile(target, 'utf8').catch(() => '')
  if (text === before) return
  await mkdir(new URL('.', target), { recursive: true })
  await writeFile(target, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write()
