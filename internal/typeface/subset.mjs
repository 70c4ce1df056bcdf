// Makes NotoSansSC-Regular.ttf.gz:
//
//   npm install subset-font@2 @expo-google-fonts/noto-sans-sc@0.4
//   node subset.mjs
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import subsetFont from 'subset-font'

const ranges = [
  [0x20, 0x17f], // Latin
  [0x2010, 0x203f], // dashes, quotation marks, ellipsis
  [0x3000, 0x303f], // Chinese punctuation
  [0x4e00, 0x9fff], // ideographs
  [0xff00, 0xffef], // full-width forms
]
let text = '①②③④⑤⑥⑦⑧⑨⑩√×↑↓→←■□●○▲△℃±%‰￥'
for (const [from, to] of ranges) {
  for (let c = from; c <= to; c++) text += String.fromCodePoint(c)
}
const source = 'node_modules/@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf'
const font = await subsetFont(readFileSync(source), text, { targetFormat: 'truetype' })
writeFileSync('NotoSansSC-Regular.ttf.gz', gzipSync(font, { level: 9 }))
