import { expect, it } from 'vitest'
import { keptOf } from '../film/kept'

const snapshot = (fields: string[], nodes: number[]) =>
  JSON.stringify({ snapshot: { meta: { node_fields: fields, node_types: [['hidden', 'code', 'object'], 'number'] } }, nodes })

it('weighs what a page keeps apart from what its scripts were compiled to', () => {
  const fields = ['type', 'id', 'self_size']
  expect(keptOf(snapshot(fields, [2, 1, 100, 1, 3, 5000, 0, 5, 20, 1, 7, 300, 2, 9, 4]))).toEqual({ bytes: 124, code: 5300 })
})

it('does not take another format for an empty heap', () => {
  expect(() => keptOf(snapshot(['type', 'id'], [2, 1]))).toThrow('type, id')
})
