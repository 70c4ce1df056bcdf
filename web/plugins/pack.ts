import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin } from 'vite'

/** What is worth compressing: pictures and fonts are compressed already. */
const packable = /\.(html|js|css|svg|json)$/

/**
 * Lays compressed forms beside what was built, as small as they get: they are made once
 * and sent by the server as they are.
 */
export function pack(): Plugin {
  let dir = ''
  return {
    name: 'qingyuan-pack',
    apply: 'build',
    configResolved(config) {
      dir = join(config.root, config.build.outDir)
    },
    async closeBundle() {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true })
      const files = entries.filter((e) => e.isFile() && packable.test(e.name)).map((e) => join(e.parentPath, e.name))
      await Promise.all(files.map(packFile))
    },
  }
}

async function packFile(name: string): Promise<void> {
  const plain = await readFile(name)
  const br = await promisify(brotliCompress)(plain, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
  })
  const gz = await promisify(gzip)(plain, { level: 9 })
  await Promise.all([writeFile(name + '.br', br), writeFile(name + '.gz', gz)])
}
