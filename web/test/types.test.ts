import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { target, typesOfContract } from '../scripts/types.mjs'

it('has the types of the contract as it is now', async () => {
  expect(await readFile(target, 'utf8')).toBe(await typesOfContract())
}, 60_000)
