import type { Call, Client } from '@/shared/api/client'
import type { PathOf } from '@/shared/api/types'
import { save } from '@/shared/files'

/** Fetches a file with the operator's token and gives it to the browser to keep. */
export async function download<P extends PathOf<'get'>>(client: Pick<Client, 'file'>, path: P, call: Call<'get', P>, name: string): Promise<void> {
  save(await client.file(path, call), name)
}
