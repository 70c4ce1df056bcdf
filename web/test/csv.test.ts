import { describe, expect, it } from 'vitest'
import { tablesOf } from '@/console/csv'

describe('a file of tables', () => {
  it('is read with its quotes, lines within cells, and parts', () => {
    const text = '\ufeff编号,题干\r\nq1,"他说""不"",\n就走了"\r\nq2,\r\n\r\n知识点\r\n法律\r\n\r\n说明一\r\n'
    expect(tablesOf(text)).toEqual([
      { head: ['编号', '题干'], rows: [['q1', '他说"不",\n就走了'], ['q2', '']] },
      { head: ['知识点'], rows: [['法律']] },
      { head: ['说明一'], rows: [] },
    ])
  })

  it('is empty where there is nothing', () => {
    expect(tablesOf('\ufeff')).toEqual([])
    expect(tablesOf('a,b')).toEqual([{ head: ['a', 'b'], rows: [] }])
  })
})
