import { computed, ref } from 'vue'
import bo from './bo'
import zh from './zh-CN'

/** The languages that the pages speak, by their tags. */
export const languages = { 'zh-CN': zh, bo } as const

export type Language = keyof typeof languages

/** Every text has a key, and every key a Chinese text; others may lack it. */
export type TextKey = keyof typeof zh

export const mainLanguage: Language = 'zh-CN'

const chosen = ref<Language>(mainLanguage)

/** The language that was chosen. */
export const language = computed(() => chosen.value)

export function speak(tag: string): void {
  chosen.value = isLanguage(tag) ? tag : mainLanguage
  if (typeof document !== 'undefined') document.documentElement.lang = chosen.value
}

export function isLanguage(tag: string): tag is Language {
  return Object.prototype.hasOwnProperty.call(languages, tag)
}

/** A text in the chosen language, with {name} filled in. */
export function t(key: TextKey, values: Record<string, string | number> = {}): string {
  return textIn(chosen.value, key, values)
}

/** A text in one language; in Chinese where the language lacks it. */
export function textIn(lang: Language, key: TextKey, values: Record<string, string | number> = {}): string {
  const table: Partial<Record<TextKey, string>> = languages[lang]
  const text = table[key] ?? zh[key]
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}
