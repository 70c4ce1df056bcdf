/** "2026-06-01T08:00:00.000+08:00" as 2026年6月1日 08:00, in the campaign's own zone. */
export function dateTime(stamp: string): string {
  const m = /^(\d+)-(\d+)-(\d+)T(\d\d:\d\d)/.exec(stamp)
  return m ? `${m[1]}年${Number(m[2])}月${Number(m[3])}日 ${m[4]}` : stamp
}

/** 83250 as 1分23秒. */
export function duration(ms: number): string {
  const s = Math.round(ms / 1000)
  return s < 60 ? `${s}秒` : `${Math.floor(s / 60)}分${s % 60}秒`
}

/** What is left as 09:05. */
export function clockFace(ms: number): string {
  const s = Math.max(0, Math.ceil(ms / 1000))
  return `${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`
}
