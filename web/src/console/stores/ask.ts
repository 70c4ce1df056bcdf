import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'

export interface Question {
  title: string
  /** What will happen, and whether it can be taken back. */
  text?: string
  /** Whether a reason is asked for: it must be given, may be, or is not asked for. */
  reason?: 'required' | 'optional' | 'none'
  /** What the button that goes on says. */
  confirm?: string
  danger?: boolean
}

/**
 * One question at a time, put before an act: are you sure, and why. The dialog lies in
 * the frame; whoever asks waits for the answer.
 */
export const useAsk = defineStore('ask', () => {
  const question = shallowRef<Question | null>(null)
  const reason = ref('')
  let answer: ((reason: string | null) => void) | null = null

  /** The reason that was given, '' for none, or null when somebody changed their mind. */
  function ask(q: Question): Promise<string | null> {
    answer?.(null)
    reason.value = ''
    question.value = q
    return new Promise((resolve) => {
      answer = resolve
    })
  }

  function reply(given: string | null): void {
    question.value = null
    answer?.(given)
    answer = null
  }

  return { question, reason, ask, reply }
})
