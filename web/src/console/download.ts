import type { Call, Client } from '@/shared/api/client'
import type { PathOf } from '@/shared/api/types'

/** Fetches a file with the operator's token and gives it to the browser to keep. */
export async function download<P extends PathOf<'get'>>(client: Pick<Client, 'file'>, path: P, call: Call<'get', P>, name: string): Promise<void> {
  save(await client.file(path, call), name)
}

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // Not at once: some browsers read it a moment later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
