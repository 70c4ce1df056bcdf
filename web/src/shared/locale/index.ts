import { computed, ref } from 'vue'
import bo from './bo'
import { fill, type Values } from './table'
import zh from './zh-CN'

export type { Values }

/** The languages that the pages speak, by their tags. */
export const languages = { 'zh-CN': zh, bo } as const

export type Language = keyof typeof languages

/** Every text has a key, and every key a Chinese text; others may lack it. */
export type TextKey = keyof typeof zh

export const mainLanguage: Language = 'zh-CN'

const chosen = ref<Language>(mainLanguage)

/** The language that stands beside Chinese; Chinese itself for none. */
export const language = computed(() => chosen.value)

export function speak(tag: string): void {
  chosen.value = isLanguage(tag) ? tag : mainLanguage
}

export function isLanguage(tag: string): tag is Language {
  return Object.prototype.hasOwnProperty.call(languages, tag)
}

/** A text in Chinese, with {name} filled in. */
export function t(key: TextKey, values: Values = {}): string {
  return fill(zh[key], values)
}

/** The same in the language beside Chinese; '' where there is none, or it lacks the text. */
export function beside(key: TextKey, values: Values = {}): string {
  if (chosen.value === mainLanguage) return ''
  const table: Partial<Record<TextKey, string>> = languages[chosen.value]
  return fill(table[key] ?? '', values)
}
