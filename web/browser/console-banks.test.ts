import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Clerk, sit, taken } from './desk'
import { settled } from './office'
import { connect } from './visitor'

const url = inject('url')
const data = inject('data')

let browser: Browser
let editor: Clerk
let reviewer: Clerk

beforeAll(async () => {
  browser = await connect()
  editor = await sit(browser, url, await settled(url, data, 'zhenghua', '郑华', { role: 'question_editor' }))
  reviewer = await sit(browser, url, await settled(url, data, 'sunyue', '孙月', { role: 'question_reviewer' }), { width: 414, height: 896 })
})
afterAll(async () => {
  await editor?.leave()
  await reviewer?.leave()
  await browser?.close()
})

// Two good questions, one without a key, and one that contradicts the first.
const file = `题型,题干,选项A,选项B,选项C,选项D,答案,解析,依据
单选题,国际禁毒日是哪一天？,6月1日,6月26日,10月1日,12月1日,B,联合国大会1987年决议确定,《中华人民共和国禁毒法》
判断题,吸食毒品是违法行为。,,,,,正确,法律明令禁止,《中华人民共和国禁毒法》第六十二条
单选题,下列哪一项属于毒品？,茶叶,海洛因,食盐,面粉,,缺少答案的一题,《中华人民共和国禁毒法》第二条
单选题,国际禁毒日是哪一天？,6月1日,6月26日,10月1日,12月1日,C,与第一题矛盾,《中华人民共和国禁毒法》
`

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
    await page.getByLabel('有效期起').fill('2026-01-01')
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
})
