import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask } from './people'
import { command } from './server'

/** A campaign with prizes, and people who take part in its draw. */
export interface Lottery {
  campaign: string
  /** Tokens and ids of the entrants: there are more of them than bicycles. */
  entrants: { token: string; id: string }[]
}

/** Every chance wins a voucher, once for each person, as long as there are codes; bicycles are drawn. */
export const lotteryFile = (id: string, prefix: string, entrantsAt: string) => `
id: ${id}
title: {zh-CN: 有奖承诺活动, bo: བྱ་དགའ་ཡོད་པའི་ཁས་ལེན།}
opens_at: 2026-01-01 08:00
closes_at: 2030-07-01 00:00
groups: [{id: public, name: 城乡居民}]
enrolment_fields: [{field: name, required: true}, {field: unit, required: true}]
consent_notice: {version: "1", text: 个人信息处理告知。}
ranking_mode: none
pledge: {prefix: ${prefix}, versions: [{version: "1", title: 禁毒承诺书, text: 我承诺远离毒品。}]}
prizes:
  rules: {version: "1", text: {zh-CN: "签署承诺书后可以抽奖。\\n每人至多中奖一次。", bo: ཁས་ལེན་ཡི་གེར་མིང་རྟགས་བཀོད་རྗེས་བྱ་དགའ་འཐེན་ཆོག}}
  qualify: {signed: true}
  chances: {per_day: 5, in_all: 5, wins: 1}
  claim_days: 30
  instant: [{id: tea, kind: voucher, name: {zh-CN: 茶叶兑换券, bo: ཇ་ལོའི་བརྗེ་འཛིན།}, stock: 20, value_fen: 1550, odds: 1000000, daily: 20}]
  draws:
    - id: final
      name: 自行车抽奖
      entrants_at: ${entrantsAt}
      source: 中国福利彩票双色球第 2026123 期开奖号码，按公告顺序，以空格分开
      reserves: 1
      prizes: [{id: bike, kind: goods, name: 自行车, stock: 2, value_fen: 80000, tax: {percent: 20}}]
tree: [{code: "140702", name: 榆次区, children: [{id: zx, name: 榆次区第一中学, units: [zx-c1 初一（1）班 48]}]}]
`

const people = ['李一', '周二', '吴三']

/**
 * Publishes such a campaign beside the server and lets people into its draw before its
 * entrants are frozen, a minute after the moment of the draw. Where the machine was too slow for
 * that it tries again with more time.
 */
export async function openLottery(url: string, data: string): Promise<Lottery> {
  for (let n = 1; ; n++) {
    const campaign = `lottery-${n}`
    const entrantsAt = new Date(Date.now() + n * 10_000)
    await publish(lotteryFile(campaign, `LOT${n}`, entrantsAt.toISOString()), data)
    await known(`${url}/api/v1/campaigns/${campaign}/prizes`)
    const entrants = await Promise.all(people.map((name) => enter(url, campaign, name)))
    if (Date.now() < entrantsAt.getTime() - 1000) return { campaign, entrants }
  }
}

/** Publishes a campaign beside the server, and waits for nothing. */
export async function publish(text: string, data: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'qingyuan-lottery-'))
  await writeFile(join(folder, 'lottery.yaml'), text)
  await command(['campaign', 'apply', join(folder, 'lottery.yaml'), '--data', data])
  await rm(folder, { recursive: true })
}

/** Waits until the server has heard of something. */
export async function known(url: string): Promise<void> {
  while ((await fetch(url)).status !== 200) await new Promise((resolve) => setTimeout(resolve, 100))
}

/** Lets somebody in who signs. */
export async function enter(url: string, campaign: string, name: string, more: { phone?: string } = {}): Promise<{ token: string; id: string }> {
  const base = `/api/v1/campaigns/${campaign}`
  const { access_token: token, participant } = await ask<{ access_token: string; participant: { id: string } }>(url, '', 'POST', '/api/v1/sessions/sandbox', { name: `抽奖 ${name}` })
  await ask(url, token, 'PUT', `${base}/enrolment`, { unit: 'zx-c1', name, group: 'public', consent: { notice_version: '1', publish_name: true }, ...more })
  await ask(url, token, 'POST', `${base}/signatures`, { version: '1', method: 'typed', name })
  return { token, id: participant.id }
}
