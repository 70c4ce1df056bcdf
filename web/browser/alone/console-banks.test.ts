import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clerk, sit, taken } from '../desk'
import { because, setTime } from '../hands'
import { call, quizCampaign, settled } from '../office'
import { type Server, serve } from '../server'
import { connect, Visitor } from '../visitor'
import * as walk from '../walk'

let server: Server
let browser: Browser
let editor: Clerk
let reviewer: Clerk

beforeAll(async () => {
  ;[server, browser] = await Promise.all([serve(), connect()])
  const { url, data } = server
  editor = await sit(browser, url, await settled(url, data, 'zhenghua', '郑华', { role: 'question_editor' }))
  reviewer = await sit(browser, url, await settled(url, data, 'sunyue', '孙月', { role: 'question_reviewer' }), { width: 414, height: 896 })
})
afterAll(async () => {
  await editor?.leave()
  await reviewer?.leave()
  await browser?.close()
  await server?.stop()
})

// Two good questions, one without a key, and one that contradicts the first.
const file = `题型,题干,选项A,选项B,选项C,选项D,答案,解析,依据
单选题,国际禁毒日是哪一天？,6月1日,6月26日,10月1日,12月1日,B,联合国大会1987年决议确定,《中华人民共和国禁毒法》
判断题,吸食毒品是违法行为。,,,,,正确,法律明令禁止,《中华人民共和国禁毒法》第六十二条
单选题,下列哪一项属于毒品？,茶叶,海洛因,食盐,面粉,,缺少答案的一题,《中华人民共和国禁毒法》第二条
单选题,国际禁毒日是哪一天？,6月1日,6月26日,10月1日,12月1日,C,与第一题矛盾,《中华人民共和国禁毒法》
`

/** Fills in an easy question that is good since 2020. */
async function compose(page: Page, q: { stem: string; options: string; key: string; explanation: string; basis: string; topic: string; audience: string }): Promise<void> {
  await page.getByLabel('题干', { exact: true }).fill(q.stem)
  await page.getByLabel('选项，每行一个').fill(q.options)
  await page.getByLabel(/^答案/).fill(q.key)
  await page.getByLabel('解析').fill(q.explanation)
  await page.getByLabel('法律依据或出处').fill(q.basis)
  await page.getByLabel('知识点').last().fill(q.topic)
  await page.getByLabel('适用对象，以逗号分隔').fill(q.audience)
  await setTime(page.getByLabel('有效期起'), '2020-01-01')
  await page.getByRole('combobox', { name: '难度' }).press('Enter')
  await page.getByRole('option', { name: '易' }).click()
}

describe('a question bank', () => {
  it('is filled from a file after a look at what is refused, and signed off by another person', async () => {
    const { page } = editor.visitor
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const agree = (p: typeof page) => p.getByRole('dialog').getByRole('button', { name: '确定' }).click()
    await editor.go('/banks')
    await page.getByLabel('编号（小写字母、数字和连字符）').fill('spring')
    await page.getByLabel('名称', { exact: true }).fill('春季题库')
    await button('新建').click()
    await agree(page)
    await page.getByRole('heading', { name: /春季题库/ }).waitFor()

    await button('导入').click()
    await page.getByLabel('题目文件').setInputFiles({ name: '题目.csv', mimeType: 'text/csv', buffer: Buffer.from(file) })
    await page.getByLabel('知识点').fill('law')
    await page.getByLabel('适用对象，以逗号分隔').fill('all')
    await setTime(page.getByLabel('有效期起'), '2026-01-01')
    await page.locator('.field', { hasText: '难度' }).locator('.el-select__wrapper').click()
    await page.getByRole('option', { name: '易' }).click()
    await button('核对（不改动）').click()
    await page.getByText('这是核对结果，题库没有改动。').waitFor()
    await page.getByRole('heading', { name: '拒绝的题' }).waitFor()
    await page.getByText(/第 4 行/).first().waitFor()
    await editor.look('bank-import')
    await button('导入为草稿').click()
    await agree(page)
    await page.getByText('已导入，成为草稿。').waitFor()

    await button('题目').click()
    await page.getByText('吸食毒品是违法行为。').waitFor()
    await button('选择本页全部').click()
    await button('送审').click()
    await agree(page)
    await page.getByText(/已处理 \d+ 题/).waitFor()
    await editor.look('bank-questions')

    const other = reviewer.visitor.page
    await reviewer.go('/banks/spring')
    await other.getByText('吸食毒品是违法行为。').waitFor()
    await other.getByRole('button', { name: '查看' }).first().click()
    await other.getByText('《中华人民共和国禁毒法》').first().waitFor()
    await reviewer.look('bank-414')
    await other.getByRole('button', { name: '选择本页全部' }).click()
    await other.getByRole('button', { name: '审核通过' }).click()
    await agree(other)
    await other.getByText(/已处理 \d+ 题/).waitFor()
    await other.getByRole('button', { name: '发布与导出' }).click()
    await other.getByRole('button', { name: '发布新版本' }).click()
    await agree(other)
    await other.getByText(/第 1 版，共 \d+ 题/).waitFor()
    await other.getByText('bank:spring/1').waitFor()
    const kept = await taken(other, () => other.getByRole('button', { name: '下载' }).click())
    expect(kept.name).toBe('spring.xlsx')
    expect(kept.bytes.subarray(0, 2).toString()).toBe('PK')
  })

  it('takes answers from a second file, and has a question written, sent back, signed and withdrawn', async () => {
    const { page } = editor.visitor
    const other = reviewer.visitor.page
    const press = (p: typeof page, name: string) => p.getByRole('button', { name, exact: true }).click()
    await editor.go('/banks')
    await page.getByLabel('编号（小写字母、数字和连字符）').fill('autumn')
    await page.getByLabel('名称', { exact: true }).fill('秋季题库')
    await press(page, '新建')
    await because(page, '')
    await page.getByRole('heading', { name: /秋季题库/ }).waitFor()
    await press(page, '导入')
    const text = (name: string, lines: string[]) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(lines.join('\n')) })
    await page.getByLabel('题目文件').setInputFiles(text('禁毒.txt', ['1. 国际禁毒日是哪一天？', 'A. 6月26日', 'B. 6月27日', '', '2. 下列属于毒品的是？', 'A. 食盐', 'B. 冰毒', '']))
    await page.getByLabel('答案在另一个文件里时，选择答案文件').setInputFiles(text('答案.txt', ['1.A 2.B']))
    await press(page, '核对（不改动）')
    await page.getByText('这是核对结果，题库没有改动。').waitFor()
    await page.getByRole('row', { name: /下列属于毒品的是.*B/ }).waitFor()
    await press(page, '导入为草稿')
    await because(page, '')
    await page.getByText('已导入，成为草稿。').waitFor()

    await press(page, '题目')
    await press(page, '新增一题')
    await compose(page, {
      stem: '拨打哪个电话举报涉毒线索？', options: '119\n110\n120', key: 'b', explanation: '发现涉毒线索及时报警。',
      basis: '《中华人民共和国禁毒法》第九条', topic: '求助', audience: 'all',
    })
    await editor.look('question-editor')
    await press(page, '存为草稿')
    await because(page, '')
    await page.getByRole('heading', { level: 2, name: /第 1 版 · 草稿/ }).waitFor()

    /** Chooses the question by its text, and sends it on its way. */
    const send = async (p: typeof page, act: string, reason = '') => {
      await p.getByRole('row').filter({ hasText: '拨打哪个电话' }).locator('.el-checkbox').click()
      await press(p, act)
      await because(p, reason)
      await p.getByText('已处理 1 题').waitFor()
    }
    await send(page, '送审')
    await reviewer.go('/banks/autumn')
    await other.getByText('拨打哪个电话').waitFor()
    await send(other, '退回', '依据应写到条款')
    await editor.go('/banks/autumn')
    await page.getByRole('row').filter({ hasText: '拨打哪个电话' }).getByRole('button', { name: '查看' }).click()
    await page.getByText('依据应写到条款').waitFor()
    await press(page, '修改')
    await page.getByLabel('法律依据或出处').fill('《中华人民共和国禁毒法》第九条第一款')
    await press(page, '存为新版本的草稿')
    await because(page, '')
    await page.getByRole('heading', { level: 2, name: /第 2 版 · 草稿/ }).waitFor()
    await page.getByText('第 1 版到第 2 版的改动').waitFor()
    await editor.look('question-versions')
    await send(page, '送审')
    await reviewer.go('/banks/autumn')
    await send(other, '审核通过')
    await other.getByRole('row').filter({ hasText: '拨打哪个电话' }).getByText('已审核').waitFor()
    await send(other, '撤下', '表述有争议')
    await other.getByRole('row').filter({ hasText: '拨打哪个电话' }).getByText('已撤下').waitFor()
    await reviewer.look('bank-withdrawn-414')
  })

  it('shows a picture that was chosen at the console to whoever is asked', async () => {
    const { page } = editor.visitor
    const other = reviewer.visitor.page
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const drawn = (img: HTMLImageElement) => img.decode().then(() => img.naturalWidth)
    await call(server.url, editor.token, 'POST', '/banks', { id: 'pictures', name: '看图题库' })
    await editor.go('/banks/pictures')
    await press('新增一题')
    await compose(page, {
      stem: '图中的标志表示什么？', options: '禁毒\n禁烟', key: 'a', explanation: '这是禁毒标志。',
      basis: '《中华人民共和国禁毒法》第一条', topic: '识别毒品', audience: 'public,driver,courier,student',
    })
    await page.getByLabel('配图文件').setInputFiles({ name: '说明.png', mimeType: 'image/png', buffer: Buffer.from('这不是图片') })
    editor.visitor.expected = [/status of 400/]
    await page.getByText('图片无法读取').waitFor()
    const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 48 } })
    await page.getByLabel('配图文件').setInputFiles({ name: '标志.png', mimeType: 'image/png', buffer: picture })
    await page.getByLabel(/^第 1 张配图的文字说明/).fill('一个圆形标志')
    await editor.look('question-picture')
    await press('存为草稿')
    await because(page, '')
    expect(await page.getByAltText('一个圆形标志').evaluate(drawn)).toBe(64)

    const { items } = await call<{ items: { id: string; version: number }[] }>(server.url, editor.token, 'GET', '/banks/pictures/questions')
    const questions = items.map(({ id, version }) => ({ id, version }))
    await call(server.url, editor.token, 'POST', '/banks/pictures/submissions', { questions })
    await reviewer.go('/banks/pictures')
    await other.getByRole('button', { name: '查看' }).click()
    expect(await other.getByAltText('一个圆形标志').evaluate(drawn)).toBe(64)
    await call(server.url, reviewer.token, 'POST', '/banks/pictures/reviews', { decision: 'sign_off', questions })
    const { ref } = await call<{ ref: string }>(server.url, reviewer.token, 'POST', '/banks/pictures/publications', {})
    await quizCampaign(server.data, 'pictures-2026', '看图答题', 'PICT26', (text) =>
      text.replace(/quiz:[^]*? {2}time_limit/, `quiz:\n  bank: ${ref}\n  strata:\n    - {count: 1, points: 100}\n  time_limit`),
    )

    const phone = await Visitor.arrive(browser, server.url)
    // Its counts are there once anybody can take part.
    await expect.poll(async () => (await fetch(`${server.url}/api/v1/campaigns/pictures-2026/counts`)).status).toBe(200)
    await walk.signIn(phone.page, server.url, '看图的访客', '/c/pictures-2026')
    await walk.enrol(phone.page)
    await phone.page.goto(`${server.url}/c/pictures-2026/quiz`)
    await phone.page.getByRole('button', { name: '开始答题' }).click()
    expect(await phone.page.getByAltText('一个圆形标志').evaluate(drawn)).toBe(64)
    await phone.shot('quiz-picture-360')
    expect(await phone.barriers()).toEqual([])
    expect(phone.surprises).toEqual([])
    expect(phone.violations).toEqual([])
    await phone.leave()
  })
})
