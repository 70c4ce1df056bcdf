import { reactive, watch } from 'vue'
import { mainLanguage, speak } from '@/shared/locale'

/** What people set for themselves on this phone. */
export interface Settings {
  large: boolean
  /** No running clock: the time left is told when it is asked for, and near the end. */
  calm: boolean
  /** The language beside Chinese; Chinese for none. */
  language: string
}

const key = 'qy.settings'

export const settings: Settings = reactive(read())

function read(): Settings {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Settings>
    return { large: kept.large === true, calm: kept.calm === true, language: kept.language ?? mainLanguage }
  } catch {
    return { large: false, calm: false, language: mainLanguage }
  }
}

/** Applies the settings to the page, now and whenever they change. */
export function applySettings(): void {
  watch(
    settings,
    (s) => {
      speak(s.language)
      document.documentElement.dataset.large = s.large ? 'yes' : 'no'
      try {
        localStorage.setItem(key, JSON.stringify(s))
      } catch {
        // Private windows refuse: the settings last as long as the page.
      }
    },
    { immediate: true },
  )
}
