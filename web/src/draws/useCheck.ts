import { ref, shallowRef } from 'vue'
import { Client } from '@/shared/api/client'
import { Problem } from '@/shared/api/problem'
import { memoryStore } from '@/shared/api/session'
import type { Schema } from '@/shared/api/types'
import { bytesOf } from '@/shared/files'
import { t } from './texts'
import { type Noted, type StepId, type Verdict, verify } from './verify'

/** Which draw an address names: /draws/{campaign}/{draw}, or none. */
export function addressed(pathname: string): { campaign: string; draw: string } {
  const [, , campaign = '', draw = ''] = pathname.split('/').map(decodeURIComponent)
  return { campaign, draw }
}

/** Reads the file of a draw, from this machine or from the server, and computes it again. */
export function useCheck() {
  const client = new Client({ sessions: memoryStore() })
  const noted = ref<Noted>({ root: '', announcement: '' })
  const working = ref<StepId | null>(null)
  const verdict = shallowRef<Verdict | null>(null)
  /** What the server says of the draw, where it was asked. */
  const published = shallowRef<Schema<'Draw'> | null>(null)
  const failed = ref('')
  let bytes: Uint8Array | null = null
  let latest = 0

  /** Checks the file that was read last. */
  async function check(): Promise<void> {
    if (bytes === null) return
    const own = ++latest
    verdict.value = null
    const got = await verify(bytes, {
      noted: { root: cleaned(noted.value.root), announcement: cleaned(noted.value.announcement) },
      // To the end of the line, so that the page can show where it is.
      pause: () => new Promise((go) => setTimeout(go, 0)),
      onStep: (step) => {
        if (own === latest) working.value = step
      },
    })
    if (own !== latest) return
    working.value = null
    verdict.value = got
  }

  async function take(file: Blob): Promise<void> {
    forget()
    bytes = await bytesOf(file)
    await check()
  }

  async function load(campaign: string, draw: string): Promise<void> {
    forget()
    const path = { campaign: campaign.trim(), draw: draw.trim() }
    if (path.campaign === '' || path.draw === '') {
      failed.value = t('load.missing')
      return
    }
    try {
      published.value = await client.get('/api/v1/campaigns/{campaign}/prizes/draws/{draw}', { path })
      if (published.value.state !== 'drawn') return
      const file = await client.file('/api/v1/campaigns/{campaign}/prizes/draws/{draw}/file', { path })
      bytes = await bytesOf(file)
    } catch (err) {
      failed.value = err instanceof Problem ? err.message || t('load.failed') : t('network')
      return
    }
    await check()
  }

  function forget(): void {
    latest++
    bytes = null
    failed.value = ''
    verdict.value = null
    working.value = null
    published.value = null
  }

  return { noted, working, verdict, published, failed, check, take, load }
}

const cleaned = (hex: string) => hex.trim().toLowerCase()
