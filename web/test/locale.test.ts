import { afterEach, describe, expect, it } from 'vitest'
import { beside, isLanguage, languages, speak, t } from '@/shared/locale'
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

  it('stand beside Chinese, as far as there are any', () => {
    expect(t('home.who', { name: '王芳' })).toContain('王芳')
    expect(t('home.who')).toContain('{name}')
    expect(beside('join.name')).toBe('')
    speak('bo')
    expect(t('join.name')).toBe(zh['join.name'])
    expect(beside('join.name')).toBe(languages.bo['join.name'])
    expect(beside('home.who')).toBe('')
    speak('fr')
    expect(beside('join.name')).toBe('')
  })

  it('know no languages of the prototype', () => {
    expect(isLanguage('constructor')).toBe(false)
  })
})
