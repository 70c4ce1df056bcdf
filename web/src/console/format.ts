import { t as c } from './locale/common'

/** Times as the office reads them: Beijing time, whatever the machine is set to. */
const zone = 'Asia/Shanghai'

const minute = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
const second = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' })

/** 2026-06-26 20:05, or — for none. */
export function at(stamp: string | null | undefined): string {
  return stamp === null || stamp === undefined || stamp === '' ? '—' : minute.format(new Date(stamp))
}

/** 2026-06-26 20:05:09, or — for none. */
export function atSecond(stamp: string | null | undefined): string {
  return stamp === null || stamp === undefined || stamp === '' ? '—' : second.format(new Date(stamp))
}

/** 1,234 in the way of Chinese pages; — for none. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? '—' : n.toLocaleString('zh-CN')
}

/** A JSON value in one line, for lists; '' for none. */
export function brief(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * Who did something, by their login. "console" is nobody of these pages, but whoever runs
 * commands on the server, sometimes with its name behind an @.
 */
export function actor(login: string): string {
  const [name, host] = login.split('@')
  if (name !== 'console') return login
  return host === undefined ? c('console') : `${c('console')}（${host}）`
}
