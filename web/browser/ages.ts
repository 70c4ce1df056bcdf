import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'vitest'

/** Tells the private Redis of a server one command, and returns the text of its answer. */
async function tell(data: string, ...words: string[]): Promise<string> {
  const { addr } = JSON.parse(await readFile(join(data, 'redis', 'node.json'), 'utf8')) as { addr: string }
  const text = `*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(addr, () => socket.write(text))
    socket.once('data', (said) => {
      resolve(said.toString())
      socket.destroy()
    })
    socket.once('error', reject)
  })
  return answer.split('\r\n')[answer.startsWith('$') ? 1 : 0] ?? ''
}

/**
 * Lets the days go by in which a prize may be claimed: no test waits for them, and a server
 * has the one clock. What was won a moment ago was won forty days before.
 */
export async function letDaysGoBy(data: string, campaign: string, win: string): Promise<void> {
  const wins = `qy:{${campaign}:0}:wins`
  const was = (await tell(data, 'HGET', wins, win)).split('|')
  const since = was.length - 1
  expect(was[since - 1]).toBe('won')
  was[since] = String(Number(was[since]) - 40 * 86_400_000)
  expect(await tell(data, 'HSET', wins, win, was.join('|'))).toBe(':0')
}
