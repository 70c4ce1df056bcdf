import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ask, takePart, unitOf } from './people'
import { command } from './server'
import { connect, Visitor } from './visitor'
import { city } from './walk'

const url = inject('url')
const { campaign, entrants } = inject('lottery')
const narrow = { width: 360, height: 740 }

let browser: Browser
let folder: string
beforeAll(async () => {
  browser = await connect()
  folder = await mkdtemp(join(tmpdir(), 'qingyuan-proofs-'))
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
})

async function phoneOf(token: string): Promise<Visitor> {
  const v = await Visitor.arrive(browser, url, narrow)
  const session = JSON.stringify({ access: token, refresh: 'x', participant: '', endsAt: Date.now() + 3_600_000 })
  await v.context.addInitScript((s) => localStorage.setItem('qy.session', s), session)
  return v
}

/** Presses the button until the act is in the log, a moment after it, and returns the file's name and text. */
async function saved(v: Visitor): Promise<{ name: string; text: string }> {
  // Before that the page says so, and the browser writes the refusal down.
  v.expected = [/status of 404/]
  const coming = v.page.waitForEvent('download', { timeout: 240_000 })
  const there = v.page.getByText('凭证已生成，请保存好。')
  await expect
    .poll(
      async () => {
        await v.page.getByRole('button', { name: '保存凭证' }).click()
        await there.or(v.page.getByText('还没有存证')).first().waitFor()
        return there.isVisible()
      },
      { timeout: 240_000, interval: 1000 },
    )
    .toBe(true)
  const download = await coming
  const parts: Buffer[] = []
  for await (const part of await download.createReadStream()) parts.push(part as Buffer)
  return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString() }
}

/** What `qingyuan log verify` says of a file, with a key that was got elsewhere. */
async function verified(name: string, text: string, of: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  const { keys } = await ask<{ keys: string[] }>(url, '', 'GET', `/api/v1/campaigns/${of}/log`)
  return command(['log', 'verify', '--key', keys[0] ?? '', file])
}

describe('a proof', () => {
  it('of a signature is saved as the file that the program verifies', async () => {
    const v = await phoneOf(entrants[2]!.token)
    await v.page.goto(`${url}/c/${campaign}/certificate`)
    const { name, text } = await saved(v)
    expect(name).toMatch(/^凭证-LOT.*\.json$/)
    await verified(name, text, campaign)
    await expect(verified(name, text.replace('吴三', '吴四'), campaign)).rejects.toThrow(/ended with 1/)
    await v.shot('proof-360')
    expect(await v.overflows()).toBe(false)
    expect(await v.barriers()).toEqual([])
    // Whoever is shown the certificate learns in words how it stands in the log.
    await v.page.getByRole('link', { name: '打开核验页面' }).click()
    await v.page.getByText('已存证：条目、路径和检查点的签名已核对无误').waitFor()
    expect(v.surprises).toEqual([])
    expect(v.violations).toEqual([])
    await v.leave()
  })

  it('of an attempt stands on its receipt', async () => {
    const guest = await takePart(url, '存证者', await unitOf(url, '榆次区居民'))
    const v = await phoneOf(guest.token)
    await v.page.goto(`${url}${city}/receipt/${guest.attempt}`)
    const { name, text } = await saved(v)
    expect(name).toBe(`凭证-${guest.attempt}.json`)
    await verified(name, text, city.replace('/c/', ''))
    await v.page.reload()
    await v.page.getByText(/已存证：在活动存证日志中的序号为 \d+/).waitFor()
    expect(v.surprises).toEqual([])
    await v.leave()
  })
})
