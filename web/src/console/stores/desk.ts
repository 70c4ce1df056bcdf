import { defineStore } from 'pinia'
import { computed, markRaw, ref, shallowRef } from 'vue'
import { Client } from '@/shared/api/client'
import { isProblem } from '@/shared/api/problem'
import { browserStore, type SessionStore } from '@/shared/api/session'
import type { Schema } from '@/shared/api/types'
import { type Action, mayAct, type Role, scopesOf, wantsTwoFactor } from '../rights'

/** Why nobody is signed in: idle for too long, ended by the server, left, or not yet. */
export type Ended = '' | 'idle' | 'over' | 'left'

/**
 * Desk is who is signed in to the office and what they may do. The token is kept by the
 * tab, so that a reload goes on and a closed tab leaves nothing behind.
 */
export const useDesk = defineStore('desk', () => {
  const self = ref<Schema<'AdminSelf'> | null>(null)
  const roles = shallowRef<Role[]>([])
  const ended = ref<Ended>('')
  const sessions = deskStore()

  const client = markRaw(new Client({
    sessions,
    signed: true,
    // Writes of offices have no key of their own: a lost answer is looked at, not repeated.
    writePatience: 0,
    onSignedOut: () => end('over'),
  }))

  const signedIn = computed(() => self.value !== null)
  const operator = computed(() => self.value?.operator ?? null)
  const twoFactor = computed(() => self.value?.two_factor ?? false)
  const mustChange = computed(() => self.value?.operator.must_change_password ?? false)
  /** Whether this person has rights that wait for a second factor. */
  const lacksTwoFactor = computed(() => !twoFactor.value && wantsTwoFactor(operator.value, roles.value))

  /** Takes up the session that this tab has kept, where it has one. */
  async function begin(): Promise<void> {
    if (client.session !== null) await look()
  }

  /** Signs in. Throws operator.code_required where a code is wanted. */
  async function enter(login: string, password: string, code = ''): Promise<void> {
    const body = code === '' ? { login, password } : { login, password, code }
    const got = await client.post('/api/v1/admin/sessions', { body, signed: false })
    sessions.write({ access: got.token, refresh: '', participant: '', endsAt: Number.MAX_SAFE_INTEGER })
    ended.value = ''
    await look()
  }

  /** Asks the server again who this is and what they may do. */
  async function look(): Promise<void> {
    try {
      const [me, all] = await Promise.all([client.get('/api/v1/admin/me'), client.get('/api/v1/admin/roles')])
      self.value = me
      roles.value = all.items
    } catch (err) {
      if (!isProblem(err) || err.status !== 401) throw err
    }
  }

  async function leave(why: Ended = 'left'): Promise<void> {
    const done = client.delete('/api/v1/admin/sessions/current').catch(() => undefined)
    await done
    end(why)
  }

  function end(why: Ended): void {
    sessions.write(null)
    self.value = null
    roles.value = []
    ended.value = why
  }

  /** Whether any role grants the action in the campaign; anywhere where it is ''. */
  function may(action: Action, campaign = ''): boolean {
    return mayAct(operator.value, roles.value, action, campaign)
  }

  /** The parts of a campaign in which somebody may act: '' alone is all of it. */
  const scopes = (action: Action, campaign: string): string[] => scopesOf(operator.value, roles.value, action, campaign)

  /** Whether somebody may act on a campaign as a whole, and not only on a part of it. */
  const whole = (action: Action, campaign: string): boolean => scopes(action, campaign).includes('')

  const token = () => client.session?.access ?? ''

  return { self, roles, ended, client, signedIn, operator, twoFactor, mustChange, lacksTwoFactor, begin, enter, look, leave, may, scopes, whole, token }
})

function deskStore(): SessionStore {
  return browserStore('qy.desk', () => sessionStorage)
}
