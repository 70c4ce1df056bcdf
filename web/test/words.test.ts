import { describe, expect, it } from 'vitest'
import { sameName } from '@/participant/words'

describe('two names', () => {
  it.each([
    ['李强', '李强', true],
    ['李 强', '李强', true],
    ['买买提•艾山', '买买提·艾山', true],
    ['Ｌi Lei', 'li lei', true],
    ['李强', '李小强', false],
    ['', '李强', false],
  ])('%j and %j: %s', (a, b, same) => {
    expect(sameName(a, b)).toBe(same)
  })
})
