import { afterEach, describe, expect, it } from 'vitest'
import { isLanguage, languages, speak, t, textIn } from '@/shared/locale'
import zh from '@/shared/locale/zh-CN'

const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort()

describe('the texts', () => {
  afterEach(() => speak('zh-CN'))

  it('have the same places to fill in every language', () => {
    for (const [lang, table] of Object.entries(languages)) {
      for (const [key, text] of Object.entries(table)) {
        expect(Object.keys(zh), `${lang} ${key}`).toContain(key)
        expect(places(text), `${lang} ${key}`).toEqual(places(zh[key as keyof typeof zh]))
        expect(text.trim(), `${lang} ${key}`).not.toBe('')
      }
    }
  })

  it('fall back to Chinese, and fill in what they are given', () => {
    speak('bo')
    expect(t('console.hello', { name: '王芳' })).toContain('王芳')
    expect(textIn('zh-CN', 'console.hello', {})).toContain('{name}')
    speak('fr')
    expect(t('console.enter')).toBe(zh['console.enter'])
  })

  it('know no languages of the prototype', () => {
    expect(isLanguage('constructor')).toBe(false)
  })
})
