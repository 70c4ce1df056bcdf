import { ref } from 'vue'
import type { Schema } from '@/shared/api/types'
import { save } from '@/shared/files'
import { t } from './locale/reports'
import { useDesk } from './stores/desk'

export type Order = Schema<'ExportOrder'>

/** Orders an export of a campaign and fetches what was made. */
export function useExport(campaign: string) {
  const desk = useDesk()
  const job = ref('')
  const ordered = ref<Order | null>(null)

  async function order(wanted: Order): Promise<void> {
    job.value = ''
    const started = await desk.client.post('/api/v1/admin/campaigns/{campaign}/exports', { path: { campaign }, body: wanted })
    ordered.value = wanted
    job.value = started.job
  }

  const file = (of: string): Promise<Blob> => desk.client.file('/api/v1/admin/campaigns/{campaign}/exports/{job}/file', { path: { campaign, job: of } })

  /** Gives the browser the file that was made last. */
  async function take(): Promise<void> {
    const o = ordered.value
    if (o === null) return
    const ending = o.what === 'pdf' ? 'pdf' : o.what === 'workbook' ? 'xlsx' : (o.format ?? 'xlsx')
    save(await file(job.value), t('file.name', { campaign, what: t(`what.${o.what}`).replace(/（.*）/, ''), ending }))
  }
  return { job, ordered, order, file, take }
}
